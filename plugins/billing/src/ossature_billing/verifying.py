"""Is what was issued still as it was issued? Read from the database alone, the bytes of every document included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from ossature.api import current, record_type, session
from ossature_billing.freezing import START, UnreadableDocument, chained, thaw
from ossature_billing.ledger import issued, next_position
from ossature_billing.numbers import Reset, Template, parse

Kind = Literal["altered", "chain", "gap", "other", "missing"]
WORDS: dict[Kind, str] = {
    "altered": "the bytes of {number} are not those that were issued",
    "chain": "{number} does not follow the document before it",
    "gap": "before {number} a document is missing",
    "other": "{number} is not what its document says, or not what its series gives",
    "missing": "the last document was {number}, and is not here",
}
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was issued."""

    kind: Kind
    series: str
    number: str

    def __str__(self) -> str:
        return f"series {self.series}: {WORDS[self.kind].format(number=self.number)}"


def faults() -> Iterator[Fault]:
    """What of the bound tenant's documents is not as it was issued; a series after the other, each from its beginning."""
    rt = record_type("billing.number_series")
    names = ("id", "name", "template", "restarts", "first", "last_number")
    rows = session().execute(
        sa.select(*(rt.c[name] for name in names)).where(rt.c.tenant_id == current().tenant_id).order_by(rt.c.name_fold)
    )
    for series in rows.all():
        yield from _faults(series)


def count() -> int:
    """How many documents the bound tenant has issued."""
    here = sa.select(sa.func.count()).select_from(issued).where(issued.c.tenant_id == current().tenant_id)
    return int(session().scalar(here) or 0)


def _faults(series: Any) -> Iterator[Fault]:
    template = parse(series.template, Reset(series.restarts))
    link, hash_, before, number = 0, START, None, None
    for row in _issued(series.id):
        expected = next_position(series.first, before, row.period)
        if row.link != link + 1 or row.position != expected:
            yield Fault("gap", series.name, row.number)
        elif row.previous != hash_:
            yield Fault("chain", series.name, row.number)
        if chained(row.previous, row.document) != row.hash:
            yield Fault("altered", series.name, row.number)
        elif not _is_said(template, row):
            yield Fault("other", series.name, row.number)
        link, hash_, before, number = row.link, row.hash, (row.period, row.position), row.number
    if series.last_number != number:
        yield Fault("missing", series.name, series.last_number or number or "")


def _issued(series_id: Any) -> Iterator[Any]:
    columns = (issued.c[name] for name in ("link", "period", "position", "number", "issued_on", "document", "previous", "hash"))  # fmt: skip
    return iter(
        session().execute(
            sa.select(*columns)
            .where(issued.c.tenant_id == current().tenant_id, issued.c.series_id == series_id)
            .order_by(issued.c.link)
            .execution_options(yield_per=AT_ONCE)
        )
    )


def _is_said(template: Template, row: Any) -> bool:
    """Whether number, day and period are those of the document and of the series."""
    try:
        document = thaw(row.document)
    except UnreadableDocument:
        return False
    said = document.number, document.issue_date
    given = template.render(row.issued_on, row.position), template.reset.period(row.issued_on)
    return said == (row.number, row.issued_on) and given == (row.number, row.period)
