"""What people call the terms that rules speak of."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal

from ossature.api import current, translator

_, _l, _n = translator("billing")

NAMES = {
    "BT-1": _l("number of the document"),
    "BT-2": _l("day of issue"),
    "BT-3": _l("type of document"),
    "BT-5": _l("currency"),
    "BT-6": _l("accounting currency"),
    "BT-7": _l("day on which tax falls due"),
    "BT-8": _l("what tax falls due on"),
    "BT-9": _l("day on which payment is due"),
    "BT-12": _l("contract"),
    "BT-18": _l("what is billed"),
    "BT-20": _l("payment terms"),
    "BT-21": _l("subject of a note"),
    "BT-22": _l("text of a note"),
    "BT-23": _l("frame of billing"),
    "BT-24": _l("specification"),
    "BT-25": _l("number of the earlier document"),
    "BT-26": _l("day of the earlier document"),
    "BT-27": _l("name of the seller"),
    "BT-29": _l("identifier of the seller"),
    "BT-30": _l("registration of the seller"),
    "BT-31": _l("VAT number of the seller"),
    "BT-34": _l("electronic address of the seller"),
    "BT-40": _l("country of the seller"),
    "BT-44": _l("name of the buyer"),
    "BT-46": _l("identifier of the buyer"),
    "BT-47": _l("registration of the buyer"),
    "BT-48": _l("VAT number of the buyer"),
    "BT-49": _l("electronic address of the buyer"),
    "BT-55": _l("country of the buyer"),
    "BT-59": _l("name of the payee"),
    "BT-60": _l("identifier of the payee"),
    "BT-61": _l("registration of the payee"),
    "BT-62": _l("name of the tax representative"),
    "BT-63": _l("VAT number of the tax representative"),
    "BT-69": _l("country of the tax representative"),
    "BT-71": _l("place of delivery"),
    "BT-72": _l("day of delivery"),
    "BT-73": _l("first day of the period"),
    "BT-74": _l("last day of the period"),
    "BT-80": _l("country of delivery"),
    "BT-81": _l("means of payment"),
    "BT-84": _l("account to pay to"),
    "BT-92": _l("amount of the allowance"),
    "BT-93": _l("base of the allowance"),
    "BT-95": _l("VAT category of the allowance"),
    "BT-96": _l("VAT rate of the allowance"),
    "BT-97": _l("reason of the allowance"),
    "BT-98": _l("reason code of the allowance"),
    "BT-99": _l("amount of the charge"),
    "BT-100": _l("base of the charge"),
    "BT-102": _l("VAT category of the charge"),
    "BT-103": _l("VAT rate of the charge"),
    "BT-104": _l("reason of the charge"),
    "BT-105": _l("reason code of the charge"),
    "BT-106": _l("sum of the lines"),
    "BT-107": _l("sum of the allowances"),
    "BT-108": _l("sum of the charges"),
    "BT-109": _l("total without tax"),
    "BT-110": _l("total tax"),
    "BT-111": _l("total tax in the accounting currency"),
    "BT-112": _l("total with tax"),
    "BT-113": _l("amount prepaid"),
    "BT-114": _l("amount of rounding"),
    "BT-115": _l("amount due"),
    "BT-116": _l("taxable amount"),
    "BT-117": _l("tax on the taxable amount"),
    "BT-118": _l("VAT category"),
    "BT-119": _l("VAT rate"),
    "BT-120": _l("reason of exemption"),
    "BT-121": _l("code of the exemption"),
    "BT-122": _l("reference of the attachment"),
    "BT-123": _l("description of the attachment"),
    "BT-125": _l("kind of file of the attachment"),
    "BT-126": _l("identifier of the line"),
    "BT-128": _l("what the line bills"),
    "BT-129": _l("quantity"),
    "BT-130": _l("unit of the quantity"),
    "BT-131": _l("net amount of the line"),
    "BT-134": _l("first day of the period"),
    "BT-135": _l("last day of the period"),
    "BT-136": _l("amount of the allowance"),
    "BT-137": _l("base of the allowance"),
    "BT-139": _l("reason of the allowance"),
    "BT-140": _l("reason code of the allowance"),
    "BT-141": _l("amount of the charge"),
    "BT-142": _l("base of the charge"),
    "BT-144": _l("reason of the charge"),
    "BT-145": _l("reason code of the charge"),
    "BT-146": _l("net price"),
    "BT-147": _l("discount on the price"),
    "BT-148": _l("gross price"),
    "BT-149": _l("number of units that the price is for"),
    "BT-150": _l("unit of the price"),
    "BT-151": _l("VAT category of the line"),
    "BT-152": _l("VAT rate of the line"),
    "BT-153": _l("name of the item"),
    "BT-157": _l("standard identifier of the item"),
    "BT-159": _l("country of origin"),
    "BT-160": _l("name of the property"),
    "BT-161": _l("value of the property"),
    "BG-5": _l("address of the seller"),
    "BG-8": _l("address of the buyer"),
    "BG-12": _l("address of the tax representative"),
    "BG-14": _l("period"),
    "BG-23": _l("tax breakdown"),
    "BG-25": _l("line"),
}
_SCHEME = _l("kind of identifier")


def name_of(term: str) -> str:
    """What a term is called, in the reader's language; `BT-29-1` is the kind of what `BT-29` identifies."""
    if term.count("-") == 2:
        return f"{NAMES[term.rpartition('-')[0]]} ({_SCHEME})"
    return str(NAMES[term])


def heading_of(term: str) -> str:
    """What a term is called where a sentence begins."""
    name = name_of(term)
    return name[:1].upper() + name[1:]


def written(number: Decimal, language: str | None = None) -> str:
    """A number in a language, or as its reader writes it, in English where nobody reads yet: `1,234.5`, `1 234,5`."""
    return format_decimal(number, format="#,##0.###", locale=_locale(language), decimal_quantization=False)


def day_in_words(day: date, language: str | None = None) -> str:
    """A day in a language, or as its reader writes it: `December 31, 2013`, `31 décembre 2013`."""
    return format_date(day, format="long", locale=_locale(language))


def _locale(language: str | None) -> str:
    if language is None:
        try:
            language = current().locale
        except RuntimeError:
            language = "en"
    return language.replace("-", "_")
