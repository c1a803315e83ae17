"""What a cell means for a field, as `clean_value` takes it: numbers, dates and words in the notation of the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from ossature.context import current
from ossature.i18n.texts import translator
from ossature.imports.cells import Cell, is_empty
from ossature.imports.dates import day_of, moment_of
from ossature.imports.notation import Notation
from ossature.imports.words import ANSWERS, choice_of, plain_words
from ossature.records.clean import CURRENCIES, Wrong
from ossature.records.fields import Field, Kind

_, _l, _n = translator("ossature")

_SPACES = str.maketrans("", "", " \t\u00a0\u202f\u2009'’")
_SYMBOLS = {
    "€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "us$": "USD", "$us": "USD", "ca$": "CAD", "$ca": "CAD", "chf": "CHF",
    "fr": "EUR", "eur.": "EUR", "euro": "EUR", "euros": "EUR",
}  # fmt: skip
_LONGEST_FIGURE = 60
_FIGURE = re.compile(
    r"(?P<before>[^\d\s.,+()-]{0,5}) ?(?P<open>\(?)(?P<sign>[+-]?) ?(?P<middle>[^\d\s.,+()-]{0,5}) ?(?P<digits>[\d.,][\d., '’]*)(?P<close>\)?)(?P<minus>-?) ?(?P<after>[^\d\s.,+()-]{0,5}\.?)"
)
"""Of a text without two spaces side by side: parts that may both be spaces take ages to tell apart."""
_EXPONENT = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+")
_SCALES = range(-30, 21)
"""Powers of ten that numbers begin at. Others are in no field, and take ages to spell out."""


def value_of(field: Field, cell: Cell, notation: Notation, currency: str = "") -> Any:
    """What a cell says of a field; None where it is empty. `currency` is that of amounts that name none.

    References and e-mails come as their texts: who they are is found out elsewhere. Raises `Wrong`.
    """
    if is_empty(cell):
        return None
    return READERS[field.kind](field, cell, notation, currency)


def text_of(cell: Cell) -> str:
    """A cell as a text: numbers without a needless fraction, days as 2026-11-20."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return f"{Decimal(repr(cell)):f}".removesuffix(".0")
    return cell.isoformat(" ") if isinstance(cell, datetime) else str(cell)


def figure_of(text: str, notation: Notation) -> tuple[Decimal, str]:
    """A number and the sign or word beside it: `1 234,56 €` is 1234.56 and `€`. Raises `Wrong`."""
    text = " ".join(text.split())
    match = _FIGURE.fullmatch(text) if len(text) <= _LONGEST_FIGURE else None
    if match is None:
        if len(text) <= _LONGEST_FIGURE and _EXPONENT.fullmatch(text):
            return _bounded(text.replace(",", ".")), ""
        raise Wrong("invalid", _("Give a number, such as %(number)s.", number=_example(notation)))
    digits = match["digits"].translate(_SPACES)
    group = "." if notation.decimal == "," else ","
    whole, mark, fraction = digits.partition(notation.decimal)
    if (
        group in fraction
        or notation.decimal in fraction
        or not _grouped(whole, group)
        or (mark and not fraction and not whole)
    ):
        raise Wrong("invalid", _("Give a number, such as %(number)s.", number=_example(notation)))
    number = _bounded(
        f"{whole.replace(group, '') or '0'}.{fraction or '0'}" if fraction else whole.replace(group, "") or "0"
    )
    negative = match["sign"] == "-" or bool(match["minus"]) or bool(match["open"] and match["close"])
    beside = {one for one in (match["before"], match["middle"], match["after"]) if one}
    if len(beside) > 1:
        raise Wrong("invalid", _("Give a number, such as %(number)s.", number=_example(notation)))
    return -number if negative else number, beside.pop() if beside else ""


def _bounded(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:  # its exponent is more than any number's
        raise Wrong("too_large", _("This number is too large.")) from None
    if number.adjusted() not in _SCALES:
        raise Wrong("too_large", _("This number is too large."))
    return number


def _grouped(whole: str, group: str) -> bool:
    """Whether signs between thousands stand where they belong."""
    parts = whole.split(group)
    return len(parts) == 1 or (1 <= len(parts[0]) <= 3 and all(len(part) == 3 for part in parts[1:]))


def _example(notation: Notation) -> str:
    return "1234,50" if notation.decimal == "," else "1234.50"


def _as_text(field: Field, cell: Cell, notation: Notation, currency: str) -> str:
    return text_of(cell)


def _whole(field: Field, cell: Cell, notation: Notation, currency: str) -> Any:
    number = _number(field, cell, notation, currency)
    return int(number) if isinstance(number, Decimal) and number == number.to_integral_value() else number


def _number(field: Field, cell: Cell, notation: Notation, currency: str) -> Any:
    if isinstance(cell, bool | date):
        raise Wrong("wrong_type", _("Give a number."))
    if isinstance(cell, int | float):
        return Decimal(repr(cell))
    number, beside = figure_of(str(cell), notation)
    if beside and beside != "%" and plain_words(beside) != plain_words(field.unit):
        raise Wrong("invalid", _("Give a number without %(text)s.", text=beside))
    return number


def _money(field: Field, cell: Cell, notation: Notation, currency: str) -> dict[str, Any]:
    if isinstance(cell, bool | date):
        raise Wrong("wrong_type", _("Give an amount and a currency."))
    number, beside = (Decimal(repr(cell)), "") if isinstance(cell, int | float) else figure_of(str(cell), notation)
    code = currency_of(beside) if beside else currency
    if not code:
        raise Wrong("unknown_currency", _("Say which currency this column is in, or give it with the amount."))
    return {"amount": number, "currency": code}


def currency_of(text: str) -> str:
    """The code of a currency from its code or sign. Raises `Wrong`."""
    found = text.strip().upper()
    if found not in CURRENCIES:
        found = _SYMBOLS.get(text.strip().lower(), "")
    if not found:
        raise Wrong("unknown_currency", _("Choose a currency, such as EUR."))
    return found


def _answer(field: Field, cell: Cell, notation: Notation, currency: str) -> bool:
    if isinstance(cell, bool):
        return cell
    found = ANSWERS.get(plain_words(text_of(cell)) or text_of(cell))
    if found is None:
        raise Wrong("wrong_type", _("Answer yes or no."))
    return found


def _day(field: Field, cell: Cell, notation: Notation, currency: str) -> date:
    return day_of(cell, notation.dates)


def _moment(field: Field, cell: Cell, notation: Notation, currency: str) -> datetime:
    found = moment_of(cell, notation.dates)
    if found.tzinfo is None:
        found = found.replace(tzinfo=_zone(current().time_zone))
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise Wrong("invalid", _("This date is out of range.")) from None


def _choice(field: Field, cell: Cell, notation: Notation, currency: str) -> str:
    found = choice_of(field, text_of(cell))
    if found is None:
        words = ", ".join(str(word) for word in list(field.choices.values())[:12])
        raise Wrong(
            "unknown_choice", _("Choose one of: %(values)s.", values=words + (" …" if len(field.choices) > 12 else ""))
        )
    return found


def _tags(field: Field, cell: Cell, notation: Notation, currency: str) -> list[str]:
    return [one for part in re.split("[,;\n]", text_of(cell)) if (one := part.strip())]


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


READERS: Mapping[Kind, Callable[[Field, Cell, Notation, str], Any]] = {
    **dict.fromkeys(Kind, _as_text),
    Kind.INTEGER: _whole,
    Kind.DECIMAL: _number,
    Kind.MONEY: _money,
    Kind.BOOLEAN: _answer,
    Kind.DATE: _day,
    Kind.DATETIME: _moment,
    Kind.CHOICE: _choice,
    Kind.TAGS: _tags,
}
