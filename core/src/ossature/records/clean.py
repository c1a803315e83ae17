"""Checking input against a declaration: the one place where a field's constraints are enforced.

Pages, API, import and jobs all hand their values to `clean()`; it returns what is stored or all faults at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol
from uuid import UUID

from ossature.db.types import Money, currency_decimals
from ossature.errors import Detail
from ossature.i18n.texts import translator
from ossature.records.fields import LONGEST_TAG, MOST_TAGS, Field, Kind
from ossature.records.rules import folded

_, _l, _n = translator("ossature")

CURRENCIES = frozenset(
    [
        "AED",
        "AFN",
        "ALL",
        "AMD",
        "ANG",
        "AOA",
        "ARS",
        "AUD",
        "AWG",
        "AZN",
        "BAM",
        "BBD",
        "BDT",
        "BGN",
        "BHD",
        "BIF",
        "BMD",
        "BND",
        "BOB",
        "BRL",
        "BSD",
        "BTN",
        "BWP",
        "BYN",
        "BZD",
        "CAD",
        "CDF",
        "CHF",
        "CLP",
        "CNY",
        "COP",
        "CRC",
        "CUP",
        "CVE",
        "CZK",
        "DJF",
        "DKK",
        "DOP",
        "DZD",
        "EGP",
        "ERN",
        "ETB",
        "EUR",
        "FJD",
        "FKP",
        "GBP",
        "GEL",
        "GHS",
        "GIP",
        "GMD",
        "GNF",
        "GTQ",
        "GYD",
        "HKD",
        "HNL",
        "HTG",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "IQD",
        "IRR",
        "ISK",
        "JMD",
        "JOD",
        "JPY",
        "KES",
        "KGS",
        "KHR",
        "KMF",
        "KPW",
        "KRW",
        "KWD",
        "KYD",
        "KZT",
        "LAK",
        "LBP",
        "LKR",
        "LRD",
        "LSL",
        "LYD",
        "MAD",
        "MDL",
        "MGA",
        "MKD",
        "MMK",
        "MNT",
        "MOP",
        "MRU",
        "MUR",
        "MVR",
        "MWK",
        "MXN",
        "MYR",
        "MZN",
        "NAD",
        "NGN",
        "NIO",
        "NOK",
        "NPR",
        "NZD",
        "OMR",
        "PAB",
        "PEN",
        "PGK",
        "PHP",
        "PKR",
        "PLN",
        "PYG",
        "QAR",
        "RON",
        "RSD",
        "RUB",
        "RWF",
        "SAR",
        "SBD",
        "SCR",
        "SDG",
        "SEK",
        "SGD",
        "SHP",
        "SLE",
        "SOS",
        "SRD",
        "SSP",
        "STN",
        "SYP",
        "SZL",
        "THB",
        "TJS",
        "TMT",
        "TND",
        "TOP",
        "TRY",
        "TTD",
        "TWD",
        "TZS",
        "UAH",
        "UGX",
        "USD",
        "UYU",
        "UZS",
        "VED",
        "VES",
        "VND",
        "VUV",
        "WST",
        "XAF",
        "XCD",
        "XCG",
        "XOF",
        "XPF",
        "YER",
        "ZAR",
        "ZMW",
        "ZWG",
    ]
)

_BAD = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_BAD_IN_LINES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Wrong(ValueError):
    """A value that does not suit its field: a stable code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Cleaner(Protocol):
    """How the values of a row are looked at: see `clean` and `accept`."""

    def __call__(
        self, fields: Mapping[str, Field], values: Mapping[str, Any], *, partial: bool, prefix: str = ""
    ) -> tuple[dict[str, Any], list[Detail]]: ...


def clean(
    fields: Mapping[str, Field], values: Mapping[str, Any], *, partial: bool, prefix: str = ""
) -> tuple[dict[str, Any], list[Detail]]:
    """Values as they are stored, and every fault. `partial` leaves absent fields alone; otherwise they get their
    default, and a required one without is a fault."""
    cleaned: dict[str, Any] = {}
    faults: list[Detail] = []
    for name in values:
        if name not in fields or not fields[name].writable:
            faults.append(
                Detail(prefix + plain(name), "unknown_field", _("There is no such field, or it is read-only."))
            )
    for name, item in fields.items():
        if not item.writable:
            continue
        if name not in values:
            if partial:
                continue
            value = item.default
        else:
            value = values[name]
        try:
            cleaned[name] = clean_value(item, value)
        except Wrong as wrong:
            faults.append(Detail(prefix + name, wrong.code, str(wrong)))
    return cleaned, faults


def accept(
    fields: Mapping[str, Field], values: Mapping[str, Any], *, partial: bool, prefix: str = ""
) -> tuple[dict[str, Any], list[Detail]]:
    """As `clean`, for values that `clean_value` returned: only their names are looked at, and what is missing."""
    missing = {} if partial else {name: item for name, item in fields.items() if name not in values}
    given = {name: value for name, value in values.items() if name in fields and fields[name].writable}
    if not missing and len(given) == len(values):
        return given, []
    unknown = {name: None for name in values if name not in given}
    cleaned, faults = clean(missing, unknown, partial=False, prefix=prefix)
    return {**cleaned, **given}, faults


def clean_value(item: Field, value: Any) -> Any:
    """One value as it is stored. Raises `Wrong`."""
    if isinstance(value, str):
        value = clean_text(value, lines=item.kind is Kind.LONG_TEXT)
    if value is None or value == "":
        if item.kind is Kind.TAGS:
            return []
        if item.required or item.default is not None or item.kind is Kind.BOOLEAN:
            if item.kind is Kind.BOOLEAN and value == "":
                return False
            raise Wrong("required", _("Fill this in."))
        return None
    return CLEANERS[item.kind](item, value)


def clean_text(value: str, *, lines: bool = False) -> str:
    """Trim; refuse what no column can hold: NUL and other control characters, lone surrogates."""
    value = value.strip()
    if bad := (_BAD_IN_LINES if lines else _BAD).search(value):
        if bad[0] < " ":
            raise Wrong("bad_character", _("Remove the control characters from this text."))
        raise Wrong("bad_character", _("Remove the characters that are not text."))
    return value


def plain(name: object) -> str:
    """A name from the outside that is safe to repeat in an answer: short, printable."""
    return "".join(ch for ch in str(name)[:80] if ch.isprintable() and not "\ud800" <= ch <= "\udfff")


MOST_WHOLE, MOST_BIG = 2**31 - 1, 2**63 - 1
"""What an integer and a bigint column take."""


def whole_number(text: str, most: int = MOST_WHOLE) -> int | None:
    """The number that a request spells by digits alone; None for anything else and for more than `most`, which is what a
    column of the database takes. `int()` itself raises for thousands of digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        return None
    number = int(text)
    return number if number <= most else None


def _text(item: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong("wrong_type", _("Give a text."))
    if item.max_length and len(value) > item.max_length:
        raise Wrong("too_long", _("Shorten this to at most %(n)s characters.", n=item.max_length))
    if item.rule is not None:
        try:
            value = str(item.rule(value))
        except ValueError as error:
            raise Wrong("invalid", str(error)) from None
        if item.max_length and len(value) > item.max_length:
            raise Wrong("too_long", _("Shorten this to at most %(n)s characters.", n=item.max_length))
    return str(value)


def _integer(item: Field, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal | float):
        raise Wrong("wrong_type", _("Give a whole number."))
    try:
        number = int(value) if not isinstance(value, float) or value.is_integer() else None
    except (ValueError, OverflowError):
        number = None
    if number is None:
        raise Wrong("invalid", _("Give a whole number."))
    _within(item, number)
    return number


def _decimal(item: Field, value: Any) -> Decimal:
    number = exact(value)
    if -number.as_tuple().exponent > item.places:  # type: ignore[operator]
        raise Wrong("too_precise", _("Give at most %(n)s decimals.", n=item.places))
    if number.adjusted() > 14:
        raise Wrong("too_large", _("This number is too large."))
    _within(item, number)
    return number


def exact(value: Any) -> Decimal:
    """A finite decimal from a number or its spelling. Raises `Wrong`."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal | float):
        raise Wrong("wrong_type", _("Give a number."))
    try:
        number = Decimal(str(value).strip()) if len(str(value)) <= 40 else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise Wrong("invalid", _("Give a number, such as 1234.50."))
    return number


def _within(item: Field, number: Any) -> None:
    if item.minimum is not None and number < item.minimum:
        raise Wrong("too_small", _("Give %(n)s or more.", n=item.minimum))
    if item.maximum is not None and number > item.maximum:
        raise Wrong("too_large", _("Give %(n)s or less.", n=item.maximum))


def _money(item: Field, value: Any) -> Money:
    if isinstance(value, Money):
        return value
    if not isinstance(value, Mapping) or set(value) - {"amount", "currency"}:
        raise Wrong("wrong_type", _("Give an amount and a currency."))
    currency = value.get("currency")
    if not isinstance(currency, str) or currency not in CURRENCIES:
        raise Wrong("unknown_currency", _("Choose a currency, such as EUR."))
    amount = exact(value.get("amount"))
    if -amount.as_tuple().exponent > currency_decimals(currency):  # type: ignore[operator]
        raise Wrong(
            "too_precise", _("%(currency)s has %(n)s decimals.", currency=currency, n=currency_decimals(currency))
        )
    if amount.adjusted() > 14:
        raise Wrong("too_large", _("This amount is too large."))
    money = Money.of(amount, currency)
    if item.minimum is not None and money.minor < item.minimum:  # type: ignore[operator]
        raise Wrong("too_small", _("Give a larger amount."))
    return money


def _boolean(item: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong("wrong_type", _("Answer yes or no."))
    return value


def _day(item: Field, value: Any) -> date:
    if isinstance(value, datetime):
        raise Wrong("wrong_type", _("Give a date without a time, such as 2026-11-20."))
    if not isinstance(value, date):
        try:
            value = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
        except ValueError:
            value = None
    if not isinstance(value, date):
        raise Wrong("invalid", _("Give a date, such as 2026-11-20."))
    return value


def _moment(item: Field, value: Any) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise Wrong("invalid", _("Give a date and time with its offset, such as 2026-11-20T09:30:00+01:00."))
    if not 1 < value.year < 9999:  # so that it can be shown in every time zone
        raise Wrong("invalid", _("This date is out of range."))
    return value.astimezone(UTC)


def _choice(item: Field, value: Any) -> str:
    if not isinstance(value, str) or value not in item.choices:
        raise Wrong("unknown_choice", _("Choose one of: %(values)s.", values=", ".join(item.choices)))
    return str(value)


def _reference(item: Field, value: Any) -> UUID:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise Wrong("invalid", _("Choose an existing record.")) from None


def _tags(item: Field, value: Any) -> list[str]:
    """As they were typed, each once: case and accents do not tell tags apart."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise Wrong("wrong_type", _("Give a list of tags."))
    if len(value) > 4 * MOST_TAGS:
        raise Wrong("too_many", _("Give at most %(n)s tags.", n=MOST_TAGS))
    found: dict[str, str] = {}
    for one in value:
        name = " ".join(clean_text(one).split())
        if "," in name:
            raise Wrong("invalid", _("A tag has no comma in it."))
        if len(name) > LONGEST_TAG:
            raise Wrong("too_long", _("Shorten this to at most %(n)s characters.", n=LONGEST_TAG))
        if name and not (key := folded(name).strip()):
            raise Wrong("invalid", _("Give a text with at least one letter or sign."))
        if name:
            found.setdefault(key, name)
    if len(found) > MOST_TAGS:
        raise Wrong("too_many", _("Give at most %(n)s tags.", n=MOST_TAGS))
    return list(found.values())


CLEANERS: dict[Kind, Callable[[Field, Any], Any]] = {
    Kind.TEXT: _text,
    Kind.LONG_TEXT: _text,
    Kind.EMAIL: _text,
    Kind.PHONE: _text,
    Kind.URL: _text,
    Kind.SECRET: _text,
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.MONEY: _money,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _day,
    Kind.DATETIME: _moment,
    Kind.CHOICE: _choice,
    Kind.REFERENCE: _reference,
    Kind.TAGS: _tags,
}
