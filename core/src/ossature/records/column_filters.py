"""The small inputs below the headers of a list: what each shows of the filter, and what is typed there as a filter."""

from __future__ import annotations

import re
from collections.abc import Mapping

from babel.numbers import get_group_symbol

from ossature.context import current
from ossature.i18n.texts import translator
from ossature.records.fields import Field, Kind
from ossature.records.filters import Filter, Group, Question, filterable, outermost
from ossature.records.list_address import ListAddress
from ossature.records.periods import PERIODS
from ossature.records.saved import Look
from ossature.records.types import RecordType
from ossature.web import formats
from ossature.web.list_models import ColumnFilter
from ossature.web.models import Choice

_, _l, _n = translator("ossature")

PREFIX = "row["
_STARTS = (Kind.TEXT, Kind.EMAIL, Kind.PHONE, Kind.URL)
_NUMBERS = (Kind.INTEGER, Kind.DECIMAL, Kind.MONEY)
_SIGNS = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<", "is": ""}
_WRITTEN = r"(-?\d[\d\s]*(?:[.,]\d+)*)"
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(,\d{3})+")
_NUMBER = re.compile(rf"(>=|<=|>|<)?\s*{_WRITTEN}\s*(?:\.\.\s*{_WRITTEN})?\s*([A-Za-z]{{3}})?")


def column_filter(rt: RecordType, look: Look, name: str, to: ListAddress) -> ColumnFilter | None:
    """The input below a header with what it asks now; None where the column cannot be filtered by."""
    found = filterable(rt).get(name)
    if found is None:
        return None
    item, operators = found
    asked = next((one for one in _questions(look, name) if _shown(item, one) is not None), None)
    value = (_shown(item, asked) or "") if asked else ""
    choices = _choices(item, operators)
    if choices:
        return ColumnFilter("choices", value, choices)
    if item.kind in _STARTS:
        return ColumnFilter("text", value, hint=_("begins with"))
    if item.kind in _NUMBERS:
        return ColumnFilter("text", value, hint=_("such as >10"))
    if item.kind is Kind.REFERENCE:
        return ColumnFilter("more", url=to([("part", "filter"), ("field", name)]))
    return None


def read_column_filters(rt: RecordType, look: Look, arguments: Mapping[str, str]) -> Filter:
    """The filter of a list with what was typed below its headers; what cannot be read asks for that very text."""
    items = list(outermost(look.definition.filter))
    known = filterable(rt)
    for argument, text in arguments.items():
        name = argument[len(PREFIX) : -1]
        if not argument.startswith(PREFIX) or name not in known:
            continue
        item = known[name][0]
        place = next((n for n, one in enumerate(items) if isinstance(one, Question) and one.field == name and _shown(item, one) is not None), None)  # fmt: skip
        wanted = _read(item, text.strip()[:200])
        if place is not None:
            items[place : place + 1] = [wanted] if wanted else []
        elif wanted:
            items.append(wanted)
    return Group("all", tuple(items))


def _questions(look: Look, name: str) -> list[Question]:
    return [one for one in outermost(look.definition.filter) if isinstance(one, Question) and one.field == name]


def _choices(item: Field, operators: tuple[str, ...]) -> tuple[Choice, ...]:
    if item.kind is Kind.CHOICE:
        return tuple(Choice(key, str(label)) for key, label in item.choices.items())
    if item.kind is Kind.BOOLEAN:
        return Choice("true", _("Yes")), Choice("false", _("No"))
    if item.kind in (Kind.DATE, Kind.DATETIME):
        return tuple(Choice(key, str(label)) for key, label in PERIODS.items())
    if "me" in operators:
        return Choice("me", _("me")), Choice("my_team", _("my team"))
    return ()


def _shown(item: Field, asked: Question) -> str | None:
    """What the input says for a question; None for one that it has no words for."""
    if asked.op in ("me", "my_team"):
        return asked.op
    if isinstance(asked.value, list):
        return "..".join(map(str, asked.value)) if item.kind in _NUMBERS and asked.op == "between" else None
    value = str(asked.value)
    if item.kind in _STARTS:
        return value if asked.op == "starts" else None
    if item.kind in _NUMBERS:
        return f"{_SIGNS[asked.op]}{value}" if asked.op in _SIGNS else None
    if item.kind in (Kind.DATE, Kind.DATETIME):
        return value if asked.op == "in_period" and value in PERIODS else None
    return value if asked.op == "is" and item.kind in (Kind.CHOICE, Kind.BOOLEAN) else None


def _read(item: Field, text: str) -> Question | None:
    if not text:
        return None
    if text in ("me", "my_team") and item.kind is Kind.REFERENCE:
        return Question(item.name, text)
    if item.kind in _STARTS:
        return Question(item.name, "starts", text)
    if item.kind in (Kind.DATE, Kind.DATETIME):
        return Question(item.name, "in_period", text)
    if item.kind in _NUMBERS:
        return _read_number(item, text)
    return Question(item.name, "is", text)


def _read_number(item: Field, text: str) -> Question:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return Question(item.name, "is", text)
    sign, low, high, currency = match.groups()
    tail = f" {currency.upper()}" if currency and item.kind is Kind.MONEY else ""
    if high:
        return Question(item.name, "between", [plain_number(low) + tail, plain_number(high) + tail])
    op = next((name for name, spelled in _SIGNS.items() if spelled == (sign or "")), "is")
    return Question(item.name, op, plain_number(low) + tail)


def plain_number(text: str) -> str:
    """A number as the reader may type it (`1 234,5`, `1,234.5`) as the filters take it.

    The last of two kinds of separators is the decimal one. A comma alone is the thousands' where the reader's language
    writes them so; a point alone never is, for that is how the filters themselves write decimals.
    """
    text = "".join(text.split())
    if "," in text and "." in text:
        return text.replace(",", "") if text.rindex(".") > text.rindex(",") else text.replace(".", "").replace(",", ".")
    if _THOUSANDS.fullmatch(text) and get_group_symbol(formats.babel_locale(current().locale)) == ",":
        return text.replace(",", "")
    return text.replace(",", ".")
