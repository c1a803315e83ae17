"""Conditions: which fields of a record are shown, required or locked depending on others.

    __when__ = (
        when("status").is_("lost").shows("lost_reason").requires("lost_reason"),
        (when("status").is_("won") & when("signed_on").filled()).locks("amount"),
        when("stage_id.kind").is_("lost").requires("lost_reason"),
    )

A choice, or a yes or no, of what a reference points to is asked as `reference.field`. Declared once, as questions that lists know as well: the service asks them of what is about to be written, the page of
what is typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NamedTuple

from ossature.db.types import Money
from ossature.errors import Detail
from ossature.i18n.texts import translator
from ossature.records.fields import Field, Kind
from ossature.records.questions import Filter, Group, Question, tests_of, write
from ossature.records.rules import folded

if TYPE_CHECKING:
    from ossature.hooks.types import RecordChange
    from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

_EQUAL = ("is", "not", "in", "empty", "filled")
_NUMBER = (*_EQUAL, "below", "at_most", "above", "at_least")
OPERATORS: dict[Kind, tuple[str, ...]] = {
    Kind.TEXT: _EQUAL, Kind.EMAIL: _EQUAL, Kind.PHONE: _EQUAL, Kind.URL: _EQUAL, Kind.LONG_TEXT: ("empty", "filled"),
    Kind.INTEGER: _NUMBER, Kind.DECIMAL: _NUMBER, Kind.MONEY: _NUMBER, Kind.BOOLEAN: ("is",),
    Kind.CHOICE: _EQUAL, Kind.REFERENCE: _EQUAL, Kind.DATETIME: ("empty", "filled"),
    Kind.DATE: ("is", "before", "until", "after", "since", "empty", "filled"),
}  # fmt: skip
"""What a condition may ask of each kind of field. An amount of money is compared whatever its currency."""


class When:
    """A field that is asked something: `when("status").is_("lost")`."""

    __slots__ = ("_field",)

    def __init__(self, field: str) -> None:
        self._field = field

    def _ask(self, op: str, value: Any = None) -> Condition:
        return Condition(Question(self._field, op, value))

    def is_(self, value: object) -> Condition:
        return self._ask("is", _spelled(value))

    def is_not(self, value: object) -> Condition:
        """Another value, or none."""
        return self._ask("not", _spelled(value))

    def in_(self, *values: object) -> Condition:
        return self._ask("in", [_spelled(value) for value in values])

    def empty(self) -> Condition:
        return self._ask("empty")

    def filled(self) -> Condition:
        return self._ask("filled")

    def below(self, number: int | Decimal) -> Condition:
        return self._ask("below", _spelled(number))

    def at_most(self, number: int | Decimal) -> Condition:
        return self._ask("at_most", _spelled(number))

    def above(self, number: int | Decimal) -> Condition:
        return self._ask("above", _spelled(number))

    def at_least(self, number: int | Decimal) -> Condition:
        return self._ask("at_least", _spelled(number))

    def before(self, day: date) -> Condition:
        return self._ask("before", day.isoformat())

    def until(self, day: date) -> Condition:
        return self._ask("until", day.isoformat())

    def after(self, day: date) -> Condition:
        return self._ask("after", day.isoformat())

    def since(self, day: date) -> Condition:
        return self._ask("since", day.isoformat())


when = When


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be true of a record, and the fields that are shown, required or locked then.

    Joined by `&`, `|` and `~`. A field that some condition shows is not shown while none of these holds; one that is
    required is shown as well. A field is locked while the condition holds before and after a change: a write that
    ends it may change the field.
    """

    filter: Filter
    shown: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()

    def __and__(self, other: Condition) -> Condition:
        return Condition(Group("all", (self.filter, other.filter)))

    def __or__(self, other: Condition) -> Condition:
        return Condition(Group("any", (self.filter, other.filter)))

    def __invert__(self) -> Condition:
        return Condition(Group("none", (self.filter,)))

    def shows(self, *fields: str) -> Condition:
        """Show fields or collections in forms only then; what is stored in one that is not shown stays."""
        return replace(self, shown=(*self.shown, *fields))

    def requires(self, *fields: str) -> Condition:
        """Demand a value of fields, or an entry of collections."""
        return replace(self, required=(*self.required, *fields))

    def locks(self, *fields: str) -> Condition:
        """Refuse that fields or collections are changed."""
        return replace(self, locked=(*self.locked, *fields))

    @property
    def named(self) -> tuple[str, ...]:
        return (*self.shown, *self.required, *self.locked)


class FieldState(NamedTuple):
    """How conditions leave a field, for one record as it is."""

    shown: bool = True
    required: bool = False
    locked: bool = False


def states(rt: RecordType, row: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, FieldState]:
    """The state of every field and collection that a condition names; `before` is empty for a new record."""
    found: dict[str, FieldState] = {}
    waiting: set[str] = set()
    shown: set[str] = set()
    for condition in rt.conditions:
        true = holds(condition.filter, row, rt.asked)
        waiting.update(condition.shown)
        if true:
            shown.update((*condition.shown, *condition.required))
        locked = bool(condition.locked and before and true and holds(condition.filter, before, rt.asked))
        for name in condition.named:
            state = found.get(name, FieldState())
            found[name] = FieldState(
                True, state.required or (true and name in condition.required),
                state.locked or (locked and name in condition.locked),
            )  # fmt: skip
    return {name: state._replace(shown=name not in waiting or name in shown) for name, state in found.items()}


def faults(rt: RecordType, change: RecordChange) -> Iterator[Detail]:
    """What a change lacks or may not touch, the entries of collections that it writes included."""
    yield from _faults_of_row(rt, change.after, change.before, "")
    for collection, part in rt.parts.items():
        if not part.conditions or collection not in change.after:
            continue
        known = {row["id"]: row for row in change.before.get(collection) or ()}
        for number, row in enumerate(change.after[collection]):
            yield from _faults_of_row(part, row, known.get(row.get("id"), {}), f"{collection}.{number}.")


def _faults_of_row(
    rt: RecordType, after: Mapping[str, Any], before: Mapping[str, Any], prefix: str
) -> Iterator[Detail]:
    for name, state in states(rt, after, before).items() if rt.conditions else ():
        if name in rt.parts and name not in after and before:
            continue  # not part of this write
        if state.required and _empty(after.get(name)):
            yield Detail(prefix + name, "required", _("Fill this in."))
        elif state.locked and _differs(rt, name, before, after):
            yield Detail(prefix + name, "locked", _("This can no longer be changed; leave it as it was."))


def _differs(rt: RecordType, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    part = rt.parts.get(name)
    if part is None:
        return bool(after.get(name) != before.get(name))
    names = ["id", *(name for name, item in part.fields.items() if item.writable)]

    def said(rows: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
        return [[row.get(one) for one in names] for row in rows]

    return said(after[name]) != said(before.get(name) or ())


def holds(node: Filter, row: Mapping[str, Any], fields: Mapping[str, Field]) -> bool:
    """Whether it is true of a row of Python values."""
    if isinstance(node, Question):
        return _true(node, row.get(node.field), fields[node.field].kind)
    found = (holds(item, row, fields) for item in node.items)
    return all(found) if node.join == "all" else any(found) if node.join == "any" else not any(found)


def _true(question: Question, value: Any, kind: Kind) -> bool:
    if question.op in ("empty", "filled"):
        return _empty(value) == (question.op == "empty")
    if kind is Kind.BOOLEAN:
        return bool(value) == (str(question.value) == "true")
    if _empty(value):
        return question.op == "not"
    found, asked = _comparable(value, kind), [_comparable(one, kind) for one in question.values]
    match question.op:
        case "is" | "in":
            return found in asked
        case "not":
            return found not in asked
        case "below" | "before":
            return bool(found < asked[0])
        case "at_most" | "until":
            return bool(found <= asked[0])
        case "above" | "after":
            return bool(found > asked[0])
    return bool(found >= asked[0])


def _comparable(value: Any, kind: Kind) -> Any:
    if kind in (Kind.INTEGER, Kind.DECIMAL, Kind.MONEY):
        return value.amount if isinstance(value, Money) else Decimal(str(value))
    if kind is Kind.DATE:
        return value.isoformat() if isinstance(value, date) else str(value)
    return folded(str(value)) if kind not in (Kind.CHOICE, Kind.REFERENCE) else str(value)


def _empty(value: Any) -> bool:
    return value is None or value == "" or value == []


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# -- declaration -------------------------------------------------------------------------------------------------------


def problems(rt: RecordType) -> Iterator[str]:
    """What is wrong with the conditions of a record, in words for its author."""
    for condition in rt.conditions:
        if not condition.named:
            yield "a condition shows, requires or locks nothing; say which fields"
        for question in tests_of(condition.filter):
            item = rt.asked.get(question.field)
            reference = rt.fields.get(question.field.partition(".")[0])
            if item is None or reference is None or not reference.writable:
                yield f"a condition asks {question.field!r}, which is no field that a form holds"
            elif item is not reference and (rt.parent or reference.view):
                yield f"a condition asks {question.field!r}; only a record asks what it refers to, and what everybody sees"
            elif item is not reference and item.kind not in (Kind.CHOICE, Kind.BOOLEAN):
                yield f"a condition asks {question.field!r}; of what is referred to, choices and yes or no are asked"
            elif item.view:
                yield f"a condition asks {question.field!r}, which not everybody may see; what it does would reveal it"
            elif question.op not in OPERATORS.get(item.kind, ()):
                yield f"a condition cannot ask {question.field!r} {question.op!r}"
            elif item.kind is Kind.CHOICE and (unknown := _unknown(item, question)):
                yield f"a condition asks whether {question.field!r} is {unknown!r}, which it never is"
            elif item.kind in (Kind.INTEGER, Kind.DECIMAL, Kind.MONEY) and not all(map(_number, question.values)):
                yield f"a condition compares {question.field!r} with what is no number"
        for name in condition.named:
            item = rt.fields.get(name)
            if name not in rt.parts and (item is None or not item.writable):
                yield f"a condition names {name!r}, which is no field that a form holds"
            elif item is not None and item.view and name in condition.required:
                yield f"a condition requires {name!r}, which not everybody may fill in"
            elif item is not None and item.secret and name in condition.locked:
                yield f"a condition locks {name!r}, which is never read back; it could not tell a change"
            elif item is not None and item.kind is Kind.BOOLEAN and name in condition.required:
                yield f"a condition requires {name!r}, which is always yes or no"


def _unknown(item: Field, question: Question) -> str | None:
    if question.op not in ("is", "not", "in"):
        return None
    return next((value for value in question.values if value not in item.choices), None)


def _number(value: Any) -> bool:
    try:
        return value is None or Decimal(value).is_finite()
    except InvalidOperation:
        return False


# -- outside -----------------------------------------------------------------------------------------------------------


def documented(rt: RecordType, name: str) -> dict[str, Any]:
    """The conditions of a field as OpenAPI says them, each a filter: `x-required-when` and the like."""
    found: dict[str, Any] = {}
    for what, field in (("x-shown-when", "shown"), ("x-required-when", "required"), ("x-locked-when", "locked")):
        asked = [write(one.filter) for one in rt.conditions if name in getattr(one, field)]
        if asked:
            found[what] = asked[0] if len(asked) == 1 else {"any": asked}
    return found


def for_page(rt: RecordType, before: Mapping[str, Any], *, stored: bool) -> list[dict[str, Any]]:
    """The conditions as the page asks them of what is typed. Locks that the stored record is not under are left out,
    since they begin with the next change; of part rows, which the page tells apart, all are kept."""
    made = []
    for condition in rt.conditions:
        locking = not stored or bool(before and holds(condition.filter, before, rt.asked))
        made.append(
            {
                "when": _for_page(condition.filter, rt.asked), "shows": condition.shown,
                "requires": condition.required, "locks": condition.locked if locking else (),
            }
        )  # fmt: skip
    return made


_AS: dict[Kind, str] = {
    Kind.INTEGER: "number", Kind.DECIMAL: "number", Kind.MONEY: "number", Kind.BOOLEAN: "flag", Kind.CHOICE: "exact",
    Kind.REFERENCE: "exact", Kind.DATE: "exact",
}  # fmt: skip


def _for_page(node: Filter, fields: Mapping[str, Field]) -> dict[str, Any]:
    if isinstance(node, Group):
        return {node.join: [_for_page(item, fields) for item in node.items]}
    return {"field": node.field, "op": node.op, "values": node.values, "as": _AS.get(fields[node.field].kind, "text")}
