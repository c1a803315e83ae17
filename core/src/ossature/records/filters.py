"""Filters of lists: what may be asked of each kind of field, read from an address, checked, and compiled to SQL.

A filter is a tree of groups (`all`, `any`, `none`) and tests (field, operator, value). Addresses hold one test each
(`filter[status]=lead`, `filter[created_at.since]=2026-01-01`) or a whole tree as JSON in `where`:

    {"any": [{"field": "status", "op": "in", "value": ["lead", "customer"]}, {"all": [...]}]}

Screens, API, views and counts all come through `condition()`; a field that the reader may not see does not exist here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import InvalidOperation
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import sqlalchemy as sa
from sqlalchemy import ColumnElement, and_, func, not_, or_, select

from ossature.context import Reach, current
from ossature.errors import BadRequest, Detail, Invalid
from ossature.i18n.texts import translator
from ossature.rbac.predicate import visible_fields
from ossature.records.amounts import compare_amounts, read_amount
from ossature.records.fields import Field, Kind
from ossature.records.filter_values import READERS, Unsuitable, beginning, day, pair, several, stored, text_of
from ossature.records.periods import Period, period
from ossature.records.questions import NOTHING as NOTHING
from ossature.records.questions import Filter as Filter
from ossature.records.questions import Group as Group
from ossature.records.questions import Join as Join
from ossature.records.questions import Question as Question
from ossature.records.questions import tests_of as tests_of
from ossature.records.questions import write as write
from ossature.records.tagged import tagged
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

MOST_TESTS = 100
DEEPEST = 5
LONGEST = 20_000

_TEXT = ("is", "not", "in", "starts", "empty", "filled")
_NUMBER = ("is", "not", "in", "below", "at_most", "above", "at_least", "between", "empty", "filled")
_TIME = ("is", "before", "until", "after", "since", "between", "in_period", "empty", "filled")
_REFERENCE = ("is", "not", "in", "empty", "filled")

OPERATORS: dict[Kind, tuple[str, ...]] = {
    Kind.TEXT: _TEXT, Kind.EMAIL: _TEXT, Kind.PHONE: _TEXT, Kind.URL: _TEXT, Kind.LONG_TEXT: ("empty", "filled"),
    Kind.INTEGER: _NUMBER, Kind.DECIMAL: _NUMBER, Kind.MONEY: _NUMBER,
    Kind.BOOLEAN: ("is",), Kind.CHOICE: _REFERENCE, Kind.REFERENCE: _REFERENCE,
    Kind.DATE: _TIME, Kind.DATETIME: _TIME, Kind.SECRET: ("empty", "filled"),
    Kind.TAGS: ("is", "in", "all", "not", "empty", "filled"),
}  # fmt: skip
"""What may be asked of each kind of field, in the order in which screens offer it."""

OWNER_OPERATORS = (*_REFERENCE, "me", "my_team")

BARE = frozenset({"empty", "filled", "me", "my_team"})
"""Operators that take no value; what is given with them is left out on reading."""


def filterable(rt: RecordType) -> dict[str, tuple[Field, tuple[str, ...]]]:
    """What the reader may filter by: name -> the field and its operators; base columns beside declared ones."""
    found = {
        name: (item, OPERATORS[item.kind])
        for name, item in visible_fields(rt).items()
        if not item.parent and all(column in rt.c for column in item.columns)
    }
    if rt.owned:
        found["owner_id"] = (
            Field(Kind.REFERENCE, _l("Owner"), name="owner_id", target="ossature.actor"),
            OWNER_OPERATORS,
        )
    for name, item in rt.collected.items():
        found[name] = (item, _REFERENCE)
    for name, label in (("created_at", _l("Created")), ("updated_at", _l("Last changed"))):
        found[name] = (Field(Kind.DATETIME, label, name=name), OPERATORS[Kind.DATETIME])
    return found


def read_arguments(arguments: Mapping[str, str]) -> Group:
    """The filter of a query string: its `filter[...]` parameters and its `where`, all of which must be true.

    Raises `BadRequest` for what cannot be read; fields and values are looked at by `condition`.
    """
    tests: list[Filter] = []
    for name, value in arguments.items():
        if name.startswith("filter[") and name.endswith("]"):
            field, _dot, op = name[7:-1].partition(".")
            op = op or "is"
            tests.append(_question(field, op, value.split(",") if op in ("in", "all", "between") else value))
    if where := arguments.get("where"):
        tests.append(read_json(where))
    _not_too_large(Group("all", tuple(tests)))
    return Group("all", tuple(tests))


def read_json(text: str) -> Filter:
    """A filter written as JSON. Raises `BadRequest` saying what is wrong and where."""
    if len(text) > LONGEST:
        raise _unreadable("where", _("A filter has at most %(n)d characters.", n=LONGEST))
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _unreadable("where", _("It is not valid JSON: %(reason)s.", reason=str(error))) from None
    return read_document(document)


def read_document(document: Any) -> Filter:
    """A filter as JSON that was read already. Raises `BadRequest` saying what is wrong and where."""
    found = _read(document, "where", 1)
    _not_too_large(found)
    return found


def _read(it: Any, where: str, depth: int) -> Filter:
    if depth > DEEPEST:
        raise _unreadable(where, _("Groups lie at most %(n)d deep.", n=DEEPEST))
    if not isinstance(it, dict):
        raise _unreadable(where, _('Write a group such as {"all": [...]} or a test such as {"field": ..., "op": ...}.'))
    if len(it) == 1 and (join := next(iter(it))) in ("all", "any", "none"):
        items = it[join]
        if not isinstance(items, list):
            raise _unreadable(f"{where}.{join}", _("A group holds a list."))
        return Group(join, tuple(_read(one, f"{where}.{join}.{n}", depth + 1) for n, one in enumerate(items)))
    unknown = it.keys() - {"field", "op", "value"}
    if unknown or not isinstance(it.get("field"), str) or not isinstance(it.get("op", "is"), str):
        raise _unreadable(where, _("A test has a field, an operator (op) and a value."))
    return _question(it["field"], it.get("op", "is"), it.get("value"))


def _question(field: str, op: str, value: Any) -> Question:
    """Spelled as an address spells it, so that a filter is the same wherever it was written."""
    if op in BARE:
        return Question(field, op)
    return Question(field, op, [_spelled(one) for one in value] if isinstance(value, list) else _spelled(value))


def _spelled(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict) and value.keys() == {"amount", "currency"}:
        return f"{value['amount']} {value['currency']}"
    return value


def to_arguments(node: Filter) -> dict[str, str]:
    """The filter as parameters of an address; what they cannot say goes into `where`."""
    made: dict[str, str] = {}
    rest: list[Filter] = []
    for item in outermost(node):
        name = f"filter[{item.field}{'' if item.op == 'is' else '.' + item.op}]" if isinstance(item, Question) else ""
        if isinstance(item, Question) and name not in made and not _holds_comma(item.value):
            value = item.value
            made[name] = ",".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
        else:
            rest.append(item)
    if rest:
        made["where"] = orjson.dumps(write(rest[0] if len(rest) == 1 else Group("all", tuple(rest)))).decode()
    return made


def _holds_comma(value: Any) -> bool:
    """Whether a list of values cannot be written with commas between them."""
    return isinstance(value, list) and any("," in str(one) for one in value)


def outermost(node: Filter) -> tuple[Filter, ...]:
    """What must be true of every row, each on its own: the chips over a list."""
    return node.items if isinstance(node, Group) and node.join == "all" else (node,)


def without(node: Filter, position: int) -> Filter:
    """The filter without one of its outermost questions."""
    items = outermost(node)
    return Group("all", items[:position] + items[position + 1 :])


def equalities(node: Filter) -> dict[str, str]:
    """The fields of which the filter demands one value."""
    return {one.field: str(one.value) for one in outermost(node) if isinstance(one, Question) and one.op == "is"}


def beginnings(node: Filter) -> dict[str, str]:
    """What a new record of this list begins with: what the filter demands, else the first of its alternatives."""
    first = [one.items[0] for one in outermost(node) if isinstance(one, Group) and one.join == "any" and one.items]
    return {**equalities(Group("all", tuple(first))), **equalities(node)}


def _not_too_large(node: Filter) -> None:
    if sum(1 for _test in tests_of(node)) > MOST_TESTS:
        raise _unreadable("where", _("A filter asks at most %(n)d questions.", n=MOST_TESTS))


# -- to SQL ------------------------------------------------------------------------------------------------------------


def condition(rt: RecordType, node: Filter, *, now: datetime | None = None) -> ColumnElement[bool]:
    """The filter as SQL, for the bound reader: relative dates are those of their day.

    Raises `BadRequest` for a field or operator that there is not, `Invalid` for a value that does not suit.
    """
    return _Compiler(rt, now or datetime.now(UTC)).compile(node, "filter")


class _Compiler:
    def __init__(self, rt: RecordType, now: datetime) -> None:
        self.rt = rt
        self.fields = filterable(rt)
        self.zone = ZoneInfo(current().time_zone)
        self.today = now.astimezone(self.zone).date()

    def compile(self, node: Filter, where: str) -> ColumnElement[bool]:
        if isinstance(node, Question):
            return self.test(node, where)
        parts = [self.compile(item, f"{where}.{node.join}.{n}") for n, item in enumerate(node.items)]
        if not parts:
            return sa.true()
        if node.join == "all":
            return and_(*parts)
        # What is unknown counts as no, so that "none of these" finds rows that have no value; elsewhere rows are left
        # out either way, and bare alternatives are read along their indexes.
        return not_(func.coalesce(or_(*parts), sa.false())) if node.join == "none" else or_(*parts)

    def test(self, test: Question, where: str) -> ColumnElement[bool]:
        found = self.fields.get(test.field)
        if found is None:
            raise BadRequest(
                _("The list cannot be filtered by %(field)s.", field=test.field[:80]),
                [
                    Detail(
                        self._at(test),
                        "unknown_filter",
                        _("Filter by one of: %(names)s.", names=", ".join(self.fields)),
                    )
                ],
            )
        item, operators = found
        if test.op not in operators:
            raise BadRequest(
                _("%(field)s cannot be asked %(op)s.", field=str(item.label), op=test.op[:80]),
                [Detail(self._at(test), "unknown_operator", _("Use one of: %(names)s.", names=", ".join(operators)))],
            )
        if test.field in self.rt.collected and test.op in ("empty", "filled"):
            return self._has(test.field) if test.op == "filled" else not_(self._has(test.field))
        if test.op in ("empty", "filled") and item.kind is not Kind.TAGS:
            missing = and_(*(self.rt.c[column].is_(None) for column in item.columns))
            if item.name == "owner_id" and current().access.reach(self.rt.permission("view")) is not Reach.ALL:
                # Whose reach has bounds sees no row without an owner; asked, PostgreSQL would look at every row.
                missing = sa.false()
            return missing if test.op == "empty" else not_(missing)
        if test.op in ("me", "my_team"):
            access, actor = current().access, current().actor
            selves = access.selves or ({actor.id} if actor else set())
            owner: ColumnElement[UUID] = self.rt.c[item.name]
            return owner.in_(sorted(selves if test.op == "me" else access.owners))
        try:
            return self._compare(item, test)
        except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation, OverflowError) as error:
            said = str(error) if isinstance(error, Unsuitable) else _("This value does not suit the field.")
            raise Invalid(_("A filter has a wrong value."), [Detail(self._at(test), "invalid", said)]) from None

    def _at(self, test: Question) -> str:
        return f"filter[{test.field[:80]}]"

    def _compare(self, item: Field, test: Question) -> ColumnElement[bool]:
        if item.kind in (Kind.DATE, Kind.DATETIME):
            return self._compare_time(item, test)
        if item.textual:
            return self._compare_text(item, test)
        if item.kind is Kind.TAGS:
            return tagged(self.rt, test.op, test.value)
        if item.kind is Kind.MONEY:
            return self._compare_money(item, test)
        if item.name in self.rt.collected:
            ids = [READERS[item.kind](item, one) for one in (several(test.value) if test.op == "in" else [test.value])]
            return not_(self._has(item.name, ids)) if test.op == "not" else self._has(item.name, ids)
        read = READERS[item.kind]
        column: ColumnElement[Any] = self.rt.c[item.columns[0]]
        if item.kind is Kind.INTEGER:  # what is asked may be larger than what the column can hold
            column = sa.type_coerce(column, sa.BigInteger)
        if test.op in ("in", "between"):
            values = [read(item, one) for one in several(test.value)]
            if test.op == "in":
                return column.in_(values)
            low, high = pair(values)
            return column.between(low, high)
        value = read(item, test.value)
        compare: dict[str, Callable[[], ColumnElement[bool]]] = {
            "is": lambda: column == value, "not": lambda: column.is_distinct_from(value),
            "below": lambda: column < value, "at_most": lambda: column <= value,
            "above": lambda: column > value, "at_least": lambda: column >= value,
        }  # fmt: skip
        return compare[test.op]()

    def _has(self, collection: str, ids: Sequence[Any] = ()) -> ColumnElement[bool]:
        """The rows with an entry in a collection, or with one that refers to one of these. Found first and named, so
        that PostgreSQL joins it with other alternatives along their indexes."""
        part = self.rt.parts[collection]
        (reference,) = part.references()
        of = part.c[str(part.parent_column)]
        found = select(of).where(part.c.tenant_id == current().tenant_id, part.c.deleted_at.is_(None))
        if not ids:
            there: ColumnElement[bool] = self.rt.c.id.in_(found)
        else:
            named = found.where(part.c[reference.name].in_(ids))
            there = self.rt.c.id == sa.any_(func.array(named.scalar_subquery()))
        return there

    def _compare_money(self, item: Field, test: Question) -> ColumnElement[bool]:
        minor, currency = (self.rt.c[column] for column in item.columns)
        written = several(test.value) if test.op in ("in", "between") else [test.value]
        try:
            amounts = [read_amount(one) for one in written]
        except ValueError:
            raise Unsuitable(_("Give an amount such as 10.50, or 10.50 EUR.")) from None
        return compare_amounts(test.op, minor, currency, pair(amounts) if test.op == "between" else amounts)

    def _compare_text(self, item: Field, test: Question) -> ColumnElement[bool]:
        """Blind to case and accents, as it is shown or as it is sorted: both "Anna Martin" and "Martin Anna"."""
        shown: ColumnElement[str] = (
            self.rt.c[item.shown_column] if item.shown_column in self.rt.c else func.ossature.fold(self.rt.c[item.name])
        )
        columns = [shown] if item.shown_column == item.sort_column else [shown, self.rt.c[item.sort_column]]
        if test.op == "starts":
            begins = beginning(item, test.value)
            return or_(*(func.starts_with(column, begins) for column in columns))
        asked = several(test.value) if test.op == "in" else [test.value]
        values = sorted(set[str]().union(*(stored(item, one) for one in asked)))
        if test.op == "not":
            return and_(*(column.is_distinct_from(value) for column in columns for value in values))
        return or_(*(column == values[0] if len(values) == 1 else column.in_(values) for column in columns))

    def _compare_time(self, item: Field, test: Question) -> ColumnElement[bool]:
        column: ColumnElement[Any] = self.rt.c[item.name]
        if test.op == "in_period":
            days = period(text_of(test.value), self.today)
        elif test.op == "between":
            days = Period(*pair([day(one) for one in several(test.value)]))
        else:
            days = Period(day(test.value), day(test.value))
        begins: Any = days.first
        if item.kind is Kind.DATE:
            until, after = column <= days.last, column > days.last
        else:
            # In the reader's time zone; no moment lies on the last day that there is.
            begins = datetime.combine(begins, time(), self.zone)
            ends = datetime.combine(days.last + min(timedelta(days=1), date.max - days.last), time(), self.zone)
            until, after = column < ends, column >= ends
        compare: dict[str, Callable[[], ColumnElement[bool]]] = {
            "before": lambda: column < begins, "until": lambda: until,
            "after": lambda: after, "since": lambda: column >= begins,
        }  # fmt: skip
        return compare[test.op]() if test.op in compare else and_(column >= begins, until)


def _unreadable(where: str, message: str) -> BadRequest:
    return BadRequest(_("The filter cannot be read."), [Detail(where, "bad_filter", message)])
