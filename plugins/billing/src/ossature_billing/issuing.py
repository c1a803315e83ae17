"""Issue: a draft becomes a document with a number, for good.

One transaction checks the draft against the rules, takes the next number of its series, freezes what it says and chains
it to the document before. The row of the series is locked from the number to the commit, so that numbers have no gap
whatever is rolled back or killed, and come in the order of the days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from babel.dates import format_date
from sqlalchemy.dialects.postgresql import insert

from ossature.api import Conflict, Detail, Invalid, current, record_type, session, translator
from ossature_billing.calculation import NotCalculable, calculate
from ossature_billing.documents import Document
from ossature_billing.freezing import START, chained, freeze
from ossature_billing.ledger import issued, next_position
from ossature_billing.numbers import NumberRefused, Reset, Template, parse
from ossature_billing.rules import check

_, _l, ngettext = translator("billing")


@dataclass(frozen=True, slots=True)
class Issued:
    """What was issued: its number and day are in the document; `link` is its place in the chain of its series."""

    id: UUID
    document: Document
    link: int
    hash: str

    @property
    def number(self) -> str:
        return self.document.number or ""


def issue(id: UUID, draft: Document, series_id: UUID, day: date | None = None) -> Issued:
    """Give a draft the next number of a series, on a day (today, as the legal entity has it), and keep it as it is.

    `id` is that of the draft, which is issued once. The whole runs in the transaction that is open: call it last, since
    others of the series wait for the commit.

    Raises `Invalid` naming each field that keeps it from being issued, `Conflict` when it was issued already.
    """
    series = _series(series_id)
    today = datetime.now(ZoneInfo(series.time_zone)).date()
    day = day or today
    if day > today:
        raise _refused(
            "issue_date", "future", _("Today is %(today)s: nothing is issued for a day to come.", today=_said(today))
        )
    template = parse(series.template, Reset(series.restarts))
    document = _checked(draft, _number(template, day, series.first), day)

    series = _series(series_id, locked=True)  # as it is now: somebody may have changed it while we waited
    template = parse(series.template, Reset(series.restarts))
    last = _last(series_id)
    if last and last.issued_on > day:
        message = _(
            "The last document of this series is of %(last)s, so this one cannot be of %(day)s: numbers follow the days. "
            "Choose a later day, or mend the clock of the server.", last=_said(last.issued_on), day=_said(day),
        )  # fmt: skip
        raise _refused("issue_date", "before_last", message)
    period = template.reset.period(day)
    position = next_position(series.first, last and (last.period, last.position), period)
    document = replace(document, number=_number(template, day, position))
    link, data = (last.link if last else 0) + 1, freeze(document)
    previous = last.hash if last else START
    found = Issued(id, document, link, chained(previous, data))
    row = {
        "id": id, "series_id": series_id, "legal_entity_id": series.legal_entity_id, "link": link, "period": period,
        "position": position, "number": document.number, "issued_on": day, "document": data, "previous": previous,
        "hash": found.hash,
    }  # fmt: skip
    if session().scalar(insert(issued).values(row).on_conflict_do_nothing().returning(issued.c.id)) is None:
        raise _taken(id, found.number)
    rt = record_type("billing.number_series")
    session().execute(
        sa.update(rt.table)
        .where(rt.c.tenant_id == current().tenant_id, rt.c.id == series_id)
        .values(last_number=document.number, last_issued_on=day)
    )
    return found


def _series(id: UUID, *, locked: bool = False) -> Any:
    """The series with the time zone of its legal entity; `locked` until the commit."""
    rt, entity = record_type("billing.number_series"), record_type("ossature.legal_entity")
    here = (
        sa.select(*(rt.c[name] for name in ("legal_entity_id", "template", "restarts", "first")), entity.c.time_zone)
        .join(entity.table, sa.and_(entity.c.tenant_id == rt.c.tenant_id, entity.c.id == rt.c.legal_entity_id))
        .where(rt.c.tenant_id == current().tenant_id, rt.c.id == id, rt.c.deleted_at.is_(None))
    )
    found = session().execute(here.with_for_update(of=rt.table) if locked else here).first()
    if found is None:
        raise _refused("series_id", "unknown", _("Choose a series; this one is not here any more."))
    return found


def _number(template: Template, day: date, position: int) -> str:
    try:
        return template.render(day, position)
    except NumberRefused as refused:
        raise _refused("series_id", "no_number", str(refused)) from None


def _checked(draft: Document, trial: str, day: date) -> Document:
    """The draft with its day and amounts, as it is going to be but for its number, which is one like it."""
    try:
        document = calculate(replace(draft, number=trial, issue_date=day))
    except NotCalculable as fault:
        raise _refused(fault.path, "missing", _("Fill this in; no amount can be worked out without it.")) from None
    if failures := check(document):
        raise Invalid(
            _("This cannot be issued yet."), [Detail(one.path, one.rule, one.words) for one in failures]
        )  # fmt: skip
    return document


def _last(series_id: UUID) -> Any:
    return (
        session()
        .execute(
            sa.select(issued.c.link, issued.c.period, issued.c.position, issued.c.issued_on, issued.c.hash)
            .where(issued.c.tenant_id == current().tenant_id, issued.c.series_id == series_id)
            .order_by(issued.c.link.desc())
            .limit(1)
        )
        .first()
    )


def _taken(id: UUID, number: str) -> Conflict | Invalid:
    here = sa.select(issued.c.number).where(issued.c.tenant_id == current().tenant_id, issued.c.id == id)
    if already := session().scalar(here):
        return Conflict(_("This was issued already, as %(number)s.", number=already), code="issued")
    message = _(
        "Another series of the same legal entity gave the number %(number)s. Give one of them other numbers.",
        number=number,
    )
    return _refused("series_id", "number_taken", message)


def _said(day: date) -> str:
    return format_date(day, "long", locale=current().locale)


def _refused(field: str, code: str, message: str) -> Invalid:
    return Invalid(message, [Detail(field, code, message)])
