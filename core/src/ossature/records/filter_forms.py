"""The form that makes or changes one filter of a list: read from its inputs, shown again, turned into questions.

A form holds rows, one question each, joined by all, any or none of them. Its inputs are numbered: `f0` the field, `o0` the
operator, `v0` the values, `n0` a number of days, `k0` a group that lies deeper, which is kept as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson
from werkzeug.datastructures import MultiDict

from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.records.column_filters import plain_number
from ossature.records.fields import Field, Kind
from ossature.records.filter_words import filter_words
from ossature.records.filters import BARE, Filter, Group, Join, Question, condition, filterable, read_json, write
from ossature.records.input_views import options_url
from ossature.records.periods import PERIODS
from ossature.records.query import ACTOR, Label
from ossature.records.types import RecordType
from ossature.web.filter_models import Control, FilterRow
from ossature.web.models import Choice

_, _l, _n = translator("ossature")

MOST_ROWS = 20
_LISTED = (Kind.CHOICE, Kind.REFERENCE)
_COUNTED = {"last": _l("the last … days"), "next": _l("the next … days")}

OPERATOR_WORDS = {
    "is": _l("is"), "not": _l("is not"), "in": _l("is one of"), "starts": _l("begins with"), "empty": _l("is empty"),
    "filled": _l("is filled"), "below": _l("is below"), "at_most": _l("is at most"), "above": _l("is above"),
    "at_least": _l("is at least"), "between": _l("is between"), "before": _l("is before"), "until": _l("is until"),
    "after": _l("is after"), "since": _l("is since"), "in_period": _l("is in the period"), "me": _l("is me"),
    "my_team": _l("is in my team"),
}  # fmt: skip
TAG_OPERATOR_WORDS = {
    "is": _l("contain"), "in": _l("contain one of"), "all": _l("contain all of"), "not": _l("do not contain"),
    "empty": _l("are empty"), "filled": _l("are filled"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """One row as it was filled in, or a `kept` group."""

    field: str = ""
    op: str = ""
    values: tuple[str, ...] = ()
    days: str = ""
    kept: Filter | None = None


def drafts_of(node: Filter) -> tuple[Join, tuple[Draft, ...]]:
    """The rows that show a filter."""
    if isinstance(node, Group):
        return node.join, tuple(_draft(item) for item in node.items)
    return "all", (_draft(node),)


def _draft(node: Filter) -> Draft:
    if isinstance(node, Group):
        return Draft(kept=node)
    values = tuple(
        str(one) for one in (node.value if isinstance(node.value, list) else [node.value]) if one is not None
    )
    which, _line, rest = values[0].partition("_") if values else ("", "", "")
    if node.op == "in_period" and which in _COUNTED and rest.endswith("_days"):
        return Draft(node.field, node.op, (which,), rest.removesuffix("_days"))
    return Draft(node.field, node.op, values)


def read_drafts(rt: RecordType, arguments: MultiDict[str, str]) -> tuple[Join, tuple[Draft, ...]]:
    """The rows as they were sent. Raises `BadRequest` or `Invalid` for a kept group that cannot be asked."""
    found = []
    for number in range(MOST_ROWS):
        if kept := arguments.get(f"k{number}"):
            group = read_json(kept)
            condition(rt, group)
            found.append(Draft(kept=group))
        elif field := arguments.get(f"f{number}"):
            values = tuple(one.strip()[:2000] for one in arguments.getlist(f"v{number}") if one.strip())
            found.append(Draft(field, arguments.get(f"o{number}", ""), values, arguments.get(f"n{number}", "").strip()))
    join: Join = "any" if arguments.get("join") == "any" else "none" if arguments.get("join") == "none" else "all"
    return join, tuple(found)


def operators_of(rt: RecordType, name: str) -> tuple[str, ...]:
    """What a form offers to ask of a field: "is" takes one value or several where values are picked from a list."""
    item, operators = filterable(rt)[name]
    found = tuple(op for op in operators if not (op == "in" and item.kind in _LISTED))
    if "me" in found:
        return ("me", "my_team", *(op for op in found if op not in ("me", "my_team")))
    if "in_period" in found:
        return ("in_period", *(op for op in found if op != "in_period"))
    return ("starts", *(op for op in found if op != "starts")) if "starts" in found else found


def complete(rt: RecordType, draft: Draft) -> Draft:
    """With an operator that its field has, and without values of another kind of question."""
    if draft.kept is not None or draft.field not in filterable(rt):
        return draft
    item = filterable(rt)[draft.field][0]
    op = "is" if draft.op == "in" and item.kind in _LISTED else draft.op
    operators = operators_of(rt, draft.field)
    if op not in operators:
        op = operators[0]
    return replace(draft, op=op, values=() if op in BARE else draft.values)


def to_filter(rt: RecordType, join: Join, drafts: Sequence[Draft]) -> Filter | None:
    """What the form asks; None when it asks nothing. Values are looked at by `filters.condition`."""
    asked = [draft.kept or _question(rt, complete(rt, draft)) for draft in drafts]
    if not asked:
        return None
    if len(asked) == 1 and join != "none":
        return asked[0]
    return Group(join, tuple(asked))


def _question(rt: RecordType, draft: Draft) -> Question:
    item = filterable(rt)[draft.field][0] if draft.field in filterable(rt) else Field(Kind.TEXT, "")
    values: list[Any] = list(draft.values)
    if draft.op in BARE:
        return Question(draft.field, draft.op)
    if draft.op == "in_period":
        which = values[0] if values else ""
        return Question(draft.field, draft.op, f"{which}_{draft.days}_days" if which in _COUNTED else which)
    if item.kind in (Kind.INTEGER, Kind.DECIMAL):
        values = [plain_number(one) for one in values]
    elif item.kind is Kind.MONEY:
        values = [_amount(one) for one in values]
    if draft.op == "is" and item.kind in _LISTED and len(values) > 1:
        return Question(draft.field, "in", values)
    if draft.op in ("in", "all"):
        together = [one.replace(",", ";") if item.kind is Kind.TAGS else one for one in values]
        return Question(
            draft.field, draft.op, [part.strip() for one in together for part in one.split(";") if part.strip()]
        )
    if draft.op == "between":
        return Question(draft.field, "between", values)
    return Question(draft.field, draft.op, values[0] if values else "")


def _amount(text: str) -> str:
    currency = text[-3:].upper() if text[-3:].isalpha() else ""
    number = plain_number(text[:-3] if currency else text)
    return f"{number} {currency}".strip()


def rows_of_form(
    rt: RecordType, drafts: Sequence[Draft], labels: Callable[[Sequence[Draft]], Mapping[UUID, Label]]
) -> tuple[FilterRow, ...]:
    """The rows as the form shows them."""
    drafts = [complete(rt, draft) for draft in drafts]
    known = labels(drafts)
    return tuple(_row(rt, number, draft, known) for number, draft in enumerate(drafts))


def _row(rt: RecordType, number: int, draft: Draft, labels: Mapping[UUID, Label]) -> FilterRow:
    if draft.kept is not None:
        written = orjson.dumps(write(draft.kept)).decode()
        return FilterRow(number, words=filter_words(rt, draft.kept, labels), kept=written)
    if draft.field not in filterable(rt):
        return FilterRow(number, draft.field)
    item = filterable(rt)[draft.field][0]
    control = control_of(item, draft.op)
    words = TAG_OPERATOR_WORDS if item.kind is Kind.TAGS else OPERATOR_WORDS
    values = ("; ".join(draft.values),) if draft.op in ("in", "all") else draft.values
    return FilterRow(
        number, draft.field, draft.op,
        operators=tuple(Choice(op, str(words[op])) for op in operators_of(rt, draft.field)),
        control=control, values=values, choices=_choices(item, control, draft.values, labels),
        options_url=(options_url(item) or "") if item.kind is Kind.REFERENCE else "", days=draft.days or "30",
        two=draft.op == "between", step="1" if item.kind is Kind.INTEGER else "any",
        hint=_("10.50 or 10.50 EUR") if item.kind is Kind.MONEY else _("one; another") if draft.op in ("in", "all") else "",
    )  # fmt: skip


def control_of(item: Field, op: str) -> Control:
    """The input that a value of this question is written into."""
    if op in BARE:
        return "none"
    if op == "in_period":
        return "period"
    match item.kind:
        case Kind.CHOICE:
            return "checks" if op == "is" else "select"
        case Kind.REFERENCE:
            return "people" if item.target == ACTOR and op == "is" else "reference"
        case Kind.BOOLEAN:
            return "select"
        case Kind.DATE | Kind.DATETIME:
            return "date"
        case Kind.MONEY:
            return "amount"
        case Kind.INTEGER | Kind.DECIMAL:
            return "number" if op != "in" else "text"
    return "text"


def _choices(item: Field, control: Control, values: Sequence[str], labels: Mapping[UUID, Label]) -> tuple[Choice, ...]:
    if item.kind is Kind.CHOICE:
        return tuple(Choice(key, str(label)) for key, label in item.choices.items())
    if item.kind is Kind.BOOLEAN:
        return Choice("true", _("Yes")), Choice("false", _("No"))
    if control == "period":
        counted = tuple(Choice(key, str(words)) for key, words in _COUNTED.items())
        return (*(Choice(key, str(words)) for key, words in PERIODS.items()), *counted)
    if control in ("reference", "people"):
        named = [(value, labels.get(id)) for value in values if (id := as_id(value))]
        return tuple(
            Choice(value, label.title if label and not label.hidden else _("Restricted")) for value, label in named
        )
    return ()
