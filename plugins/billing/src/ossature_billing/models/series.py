"""Series: who gives which numbers, and how they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from ossature.api import (
    Detail,
    Mapped,
    Record,
    RecordChange,
    choice,
    day,
    integer,
    reference,
    text,
    translator,
)
from ossature_billing.numbers import LONGEST, Reset, parse

_, _l, ngettext = translator("billing")


def template(text: str) -> str:
    """A template of numbers, as it was written. Raises `ValueError` naming the place where it is none."""
    return parse(text, Reset.NEVER).text


class Series(Record):
    """Numbers of one legal entity without a gap. Once it has given one, only its name and its owner change."""

    __key__ = "billing.number_series"
    __label__ = _l("Series")
    __plural__ = _l("Series of numbers")
    __new_label__ = _l("New series")
    __slug__ = "number-series"
    __icon__ = "list-numbers"

    name: Mapped[str] = text(_l("Name"), max_length=80, unique=True, sort=True, search=True)
    legal_entity_id: Mapped[UUID | None] = reference(
        "ossature.legal_entity", _l("Legal entity"), on_delete="restrict", help=_l("The first one unless you choose.")
    )
    template: Mapped[str] = text(
        _l("Numbers"), max_length=60, rule=template, default="F{year}-{number:05}",
        help=_l("Letters, digits, + - _ / and {year}, {yy}, {month}, {number:05}: five digits at least."),
    )  # fmt: skip
    restarts: Mapped[str] = choice(
        _l("Begins anew"),
        {"yearly": _l("Every year"), "monthly": _l("Every month"), "never": _l("Never")},
        default="yearly",
    )
    first: Mapped[int] = integer(
        _l("First number"), minimum=1, maximum=999_999_999, default=1,
        help=_l("The one after the last of a former system."),
    )  # fmt: skip
    last_number: Mapped[str | None] = text(_l("Last number"), max_length=LONGEST, read_only=True, tracked=False)
    last_issued_on: Mapped[date | None] = day(_l("Last issued on"), read_only=True, tracked=False)

    @classmethod
    def complete(cls, change: RecordChange) -> Mapping[str, Any]:
        from ossature_billing import series

        return series.complete(change)

    @classmethod
    def check(cls, change: RecordChange) -> Iterable[Detail]:
        from ossature_billing import series

        return series.refuse(change)
