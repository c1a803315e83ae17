"""Codes, numbers and days as the customer reads them: in the document's language, whoever makes it."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from babel.units import format_unit

from ossature.api import translator

_, _l, _n = translator("billing")

KINDS = {
    "380": _l("Invoice"), "386": _l("Deposit invoice"), "384": _l("Corrective invoice"), "381": _l("Credit note"),
    "503": _l("Credit note of a deposit"), "389": _l("Invoice"), "393": _l("Invoice"), "396": _l("Credit note"),
    "261": _l("Credit note"), "262": _l("Credit note"), "471": _l("Corrective invoice"),
    "472": _l("Corrective invoice"), "473": _l("Corrective invoice"), "500": _l("Deposit invoice"),
    "501": _l("Invoice"), "502": _l("Credit note"),
}  # fmt: skip
"""By type code (BT-3)."""
CREDITS = frozenset({"261", "262", "381", "396", "502", "503"})
SELF_BILLED = frozenset({"261", "389", "471", "473", "500", "501", "502"})
"""The buyer makes them: CGI annex II, art. 242 nonies A, I, 13°."""
OPERATIONS = {"B": _l("Goods"), "S": _l("Services"), "M": _l("Goods and services")}
"""By the letter of the frame (BT-23): decree 2022-1299."""
MEANS = {
    "10": _l("In cash"), "20": _l("By cheque"), "30": _l("By transfer"), "31": _l("By transfer"),
    "42": _l("By transfer"), "48": _l("By card"), "49": _l("By direct debit"), "54": _l("By card"),
    "55": _l("By card"), "57": _l("As agreed"), "58": _l("By SEPA transfer"), "59": _l("By SEPA direct debit"),
    "68": _l("Online"), "97": _l("By set-off"),
}  # fmt: skip
"""By code of UNTDID 4461 (BT-81)."""
MEASURES = {
    "MIN": "duration-minute", "HUR": "duration-hour", "DAY": "duration-day", "WEE": "duration-week",
    "MON": "duration-month", "ANN": "duration-year", "MMT": "length-millimeter", "CMT": "length-centimeter",
    "MTR": "length-meter", "KMT": "length-kilometer", "MTK": "area-square-meter", "MTQ": "volume-cubic-meter",
    "LTR": "volume-liter", "GRM": "mass-gram", "KGM": "mass-kilogram", "TNE": "mass-tonne",
    "KWH": "energy-kilowatt-hour",
}  # fmt: skip
"""Units (UN/ECE Recommendation 20) that CLDR has names for."""
PIECES = {
    "C62": (_l("unit"), _l("units")), "EA": (_l("unit"), _l("units")), "H87": (_l("piece"), _l("pieces")),
    "LS": (_l("lump sum"), _l("lump sums")), "E48": (_l("service"), _l("services")), "SET": (_l("set"), _l("sets")),
    "NMP": (_l("pack"), _l("packs")), "PR": (_l("pair"), _l("pairs")), "XBX": (_l("box"), _l("boxes")),
    "XPX": (_l("pallet"), _l("pallets")), "IE": (_l("person"), _l("persons")),
}  # fmt: skip
"""Other units: one of them, more of them."""

_NO_BREAK, _NARROW, _MINUS = "\u00a0", "\u202f", "\u2212"


class Words:
    """What is written in one language: `fr`, `en` or another that Babel knows, whose words are English then."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._locale = Locale.parse("en_GB" if language == "en" else language.replace("-", "_"))

    def say(self, message: str, /, **values: Any) -> str:
        """A text of the catalogue."""
        return _l(message, **values).in_locale(self.language)

    def money(self, amount: Decimal | None, currency: str | None) -> str:
        """`1 234,50 €`, `€1,234.50`: with the decimals of its currency at least, and all that are stated."""
        if amount is None:
            return ""
        if currency is None:
            return self.number(amount)
        return self._signed(format_currency(amount, currency, locale=self._locale, decimal_quantization=False))

    def number(self, number: Decimal | None) -> str:
        if number is None:
            return ""
        return self._signed(
            format_decimal(number, format="#,##0.###", locale=self._locale, decimal_quantization=False)
        )  # fmt: skip

    def percent(self, number: Decimal | None) -> str:
        """`5,5 %`, `5.5%` of 5.5."""
        written = self.number(number)
        gap = _NARROW if self.language.startswith("fr") else ""
        return f"{written}{gap}%" if written else ""

    def day(self, day: date | None) -> str:
        """`20 novembre 2026`, `20 November 2026`."""
        return "" if day is None else str(format_date(day, "long", locale=self._locale))

    def short_day(self, day: date | None) -> str:
        """`20/11/2026`, `20 Nov 2026`."""
        length = "short" if self.language.startswith("fr") else "medium"
        return "" if day is None else str(format_date(day, length, locale=self._locale))

    def quantity(self, quantity: Decimal | None, unit: str | None) -> str:
        """`12,5 mètres`, `2 units`; a unit without a name here is written as its code."""
        if quantity is None:
            return ""
        if unit in MEASURES:
            named = format_unit(quantity, MEASURES[unit], locale=self._locale, format="#,##0.####")
            return self._signed(named.replace(" ", _NO_BREAK))
        if unit in PIECES:
            one, more = PIECES[unit]
            name = (one if self._locale.plural_form(abs(quantity)) == "one" else more).in_locale(self.language)
        else:
            name = unit or ""
        return f"{self.number(quantity)}{_NO_BREAK}{name}".rstrip()

    def country(self, code: str | None) -> str:
        return str(self._locale.territories.get(code or "", code or ""))

    def kind(self, type_code: str | None) -> str:
        return KINDS.get(type_code or "", KINDS["380"]).in_locale(self.language)

    def operation(self, frame: str | None) -> str:
        named = OPERATIONS.get((frame or "")[:1])
        return named.in_locale(self.language) if named else ""

    def means(self, code: str | None) -> str:
        named = MEANS.get(code or "")
        return named.in_locale(self.language) if named else ""

    def _signed(self, text: str) -> str:
        """With a minus that is as wide as a plus."""
        return text.replace("-", _MINUS)


def grouped(account: str | None) -> str:
    """An IBAN in groups of four; what is none as it is."""
    bare = re.sub(r"\s", "", account or "")
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", bare):
        return account or ""
    return " ".join(bare[at : at + 4] for at in range(0, len(bare), 4))


def registered(number: str) -> str:
    """A SIREN or a SIRET as it is read: in three groups of three, then five."""
    if not re.fullmatch(r"\d{9}(\d{5})?", number):
        return number
    return _NO_BREAK.join(filter(None, (number[:3], number[3:6], number[6:9], number[9:])))
