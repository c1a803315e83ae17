"""Filters in words: "Status is Customer", "Created this month or Owner is me"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.records.fields import Field, Kind
from ossature.records.filters import BARE, Filter, Group, filterable
from ossature.records.periods import period_words
from ossature.records.query import Label
from ossature.records.types import RecordType
from ossature.web import formats

_, _l, _n = translator("ossature")


def filter_words(rt: RecordType, node: Filter, labels: Mapping[UUID, Label]) -> str:
    """A question in words: "Status is Customer", "Created this month or Owner is me"."""
    if isinstance(node, Group):
        words = [filter_words(rt, item, labels) for item in node.items]
        if node.join == "none":
            return _("none of: %(questions)s", questions="; ".join(words))
        return (_(" and ") if node.join == "all" else _(" or ")).join(words)
    item = filterable(rt)[node.field][0]
    values = [] if node.op in BARE else [_value_words(item, node.op, value, labels) for value in node.values]
    said = values[0] if len(values) == 1 else (_(" and ") if node.op in ("between", "all") else _(" or ")).join(values)
    questions = TAG_QUESTIONS if item.kind is Kind.TAGS else QUESTIONS
    return str(questions[node.op]) % {"field": item.label, "value": said}


QUESTIONS = {
    "is": _l("%(field)s is %(value)s"), "not": _l("%(field)s is not %(value)s"), "in": _l("%(field)s is %(value)s"),
    "starts": _l("%(field)s begins with %(value)s"), "empty": _l("%(field)s is empty"),
    "filled": _l("%(field)s is filled"), "below": _l("%(field)s is below %(value)s"),
    "at_most": _l("%(field)s is at most %(value)s"), "above": _l("%(field)s is above %(value)s"),
    "at_least": _l("%(field)s is at least %(value)s"), "between": _l("%(field)s is between %(value)s"),
    "before": _l("%(field)s is before %(value)s"), "until": _l("%(field)s is until %(value)s"),
    "after": _l("%(field)s is after %(value)s"), "since": _l("%(field)s is since %(value)s"),
    "in_period": _l("%(field)s: %(value)s"), "me": _l("%(field)s is me"), "my_team": _l("%(field)s is in my team"),
}  # fmt: skip
"""How each operator is said in a chip."""


TAG_QUESTIONS = {
    "is": _l("Tagged %(value)s"), "in": _l("Tagged %(value)s"), "all": _l("Tagged %(value)s"),
    "not": _l("Not tagged %(value)s"), "empty": _l("Without tags"), "filled": _l("With tags"),
}  # fmt: skip


def _value_words(item: Field, op: str, value: Any, labels: Mapping[UUID, Label]) -> str:
    if item.kind is Kind.CHOICE:
        return str(item.choices.get(value, value))
    if item.kind is Kind.BOOLEAN:
        return _("Yes") if value in ("true", True) else _("No")
    if item.kind is Kind.REFERENCE:
        id = as_id(value)
        label = labels.get(id) if id else None
        return label.title if label and not label.hidden else _("Restricted")
    if op == "in_period":
        return period_words(str(value))
    if item.kind in (Kind.DATE, Kind.DATETIME) and value is not None:
        return formats.as_date(date.fromisoformat(str(value)))
    return "" if value is None else str(value)
