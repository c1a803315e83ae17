"""What France adds (BR-FR): XP Z12-012 of July 2026, mandatory for sending since 1 September 2026."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from ossature.api import translator
from ossature_billing.documents import Document, Identifier, Party, Totals, plain
from ossature_billing.rules.categories import uses
from ossature_billing.rules.codes import codes_of
from ossature_billing.rules.failures import Failure, Failures, adjustments, blank, missing, too_fine, unknown
from ossature_billing.rules.terms import heading_of, name_of, written

_, _l, _n = translator("billing")

DEPOSITS = ("386", "500", "503")
CORRECTIVES = ("384", "471", "472", "473")
CREDIT_NOTES = ("261", "381", "396", "502", "503")
GLOBAL_REBATE = "262"
SELF_BILLED = ("389", "501", "500", "471", "473", "261", "502")
PAID, FINAL, BOTH_WAYS = ("B2", "S2", "M2"), ("B4", "S4", "M4"), ("B9", "S9", "M9")
MENTIONS = ("PMT", "PMD", "AAB")
ONCE = (*MENTIONS, "TXD")
TREATMENTS = ("B2B", "B2BINT", "B2C", "B2CINT", "OUTOFSCOPE", "ARCHIVEONLY")
CATEGORIES = ("S", "E", "AE", "K", "G", "O", "Z")
SIREN, SIRET, ADDRESS, GROUP_MEMBER = "0002", "0009", "0225", "0231"
"""Schemes of identifiers; the last one names a member of a single VAT group."""
LONGEST_NUMBER, LONGEST_ADDRESS, LONGEST_IDENTIFIER = 35, 125, 100

_NUMBER = re.compile(r"[A-Za-z0-9+\-_/]+")
_IDENTIFIER = re.compile(r"[A-Za-z0-9+\-_.]+")
_NINE = re.compile(r"[0-9]{9}")
_FOURTEEN = re.compile(r"[0-9]{14}")


def check(document: Document) -> Failures:
    yield from _numbers_and_days(document)
    yield from _head(document)
    yield from _notes(document)
    for path, party, terms in (
        ("seller", document.seller, ("BT-29", "BT-30", "BT-34")),
        ("buyer", document.buyer, ("BT-46", "BT-47", "BT-49")),
        ("payee", document.payee, ("BT-60", "BT-61", "")),
    ):
        yield from _party(party or Party(), path, terms)
    yield from _who(document)
    yield from _earlier(document)
    yield from _paid(document, document.totals or Totals())
    yield from _taxes(document)
    yield from _attachments(document)
    yield from _attributes(document)
    yield from _amounts(document)
    yield from _quantities_and_prices(document)


def _numbers_and_days(document: Document) -> Failures:
    """BR-FR-01, 02, 03."""
    numbers = [("BT-1", "number", document.number)]
    numbers += [("BT-25", f"preceding.{at}.number", one.number) for at, one in enumerate(document.preceding)]
    for term, path, number in numbers:
        if number is not None and len(number) > LONGEST_NUMBER:
            words = _("%(name)s has more than %(most)s characters.", name=heading_of(term), most=LONGEST_NUMBER)
            yield Failure("BR-FR-01", term, path, words)
        if number is not None and not _NUMBER.fullmatch(number):
            words = _("%(name)s: letters, digits and + - _ / only.", name=heading_of(term))
            yield Failure("BR-FR-02", term, path, words)
    days: list[tuple[str, str, date | None]] = [
        ("BT-2", "issue_date", document.issue_date),
        ("BT-7", "tax_point_date", document.tax_point_date),
        ("BT-9", "due_date", document.due_date),
        *(("BT-26", f"preceding.{at}.issue_date", one.issue_date) for at, one in enumerate(document.preceding)),
        ("BT-72", "delivery.day", document.delivery.day if document.delivery else None),
    ]
    periods = [("BT-73", "BT-74", "period", document.period)]
    periods += [("BT-134", "BT-135", f"lines.{at}.period", line.period) for at, line in enumerate(document.lines)]
    for first, last, path, period in periods:
        if period is not None:
            days += [(first, f"{path}.start", period.start), (last, f"{path}.end", period.end)]
    for term, path, day in days:
        if day is not None and not 2000 <= day.year <= 2099:
            words = _("%(name)s is not in the years 2000 to 2099.", name=heading_of(term))
            yield Failure("BR-FR-03", term, path, words)


def _head(document: Document) -> Failures:
    """BR-FR-04, 08; BR-FR-CO-03, 08, 12."""
    yield from unknown("BR-FR-04", "BT-3", "type_code", document.type_code, codes_of("french_types"))
    yield from missing("BR-FR-08", "BT-23", "frame", document.frame)
    yield from unknown("BR-FR-08", "BT-23", "frame", document.frame, codes_of("french_frames"))
    if document.type_code == GLOBAL_REBATE:
        yield from missing("BR-FR-CO-03", "BT-12", "contract", document.contract)
        for term, name in (("BT-73", "start"), ("BT-74", "end")):
            yield from missing("BR-FR-CO-03", term, f"period.{name}", getattr(document.period, name, None))
    if document.frame in FINAL and document.type_code in DEPOSITS:
        words = _("A document that asks for a deposit is not the final one after deposits.")
        yield Failure("BR-FR-CO-08", "BT-23", "frame", words)
    if document.currency not in (None, "EUR"):
        if document.tax_currency != "EUR":
            words = _("A document in another currency has EUR as its accounting currency.")
            yield Failure("BR-FR-CO-12", "BT-6", "tax_currency", words)
        in_euros = document.totals.tax_accounting if document.totals else None
        yield from missing("BR-FR-CO-12", "BT-111", "totals.tax_accounting", in_euros)


def _notes(document: Document) -> Failures:
    """BR-FR-05, 06, 20, 31."""
    said: dict[str, list[tuple[int, str | None]]] = {}
    for at, note in enumerate(document.notes):
        said.setdefault(note.subject or "", []).append((at, note.text))
    names = {
        "PMT": _("the fixed indemnity for recovery costs"),
        "PMD": _("the penalties for late payment"),
        "AAB": _("the discount for early payment, or that there is none"),
    }
    for subject in MENTIONS:
        if all(blank(text) for _at, text in said.get(subject, ())):
            words = _("Missing among the notes: %(mention)s (%(subject)s).", mention=names[subject], subject=subject)
            yield Failure("BR-FR-05", "BT-22", "notes", words)
    for subject in ONCE:
        for at, _text in said.get(subject, ())[1:]:
            words = _("The notes have the subject %(subject)s more than once.", subject=subject)
            yield Failure("BR-FR-06", "BT-21", f"notes.{at}.subject", words)
    for at, text in said.get("BAR", ()):
        yield from unknown("BR-FR-20", "BT-22", f"notes.{at}.text", text or "", TREATMENTS)
    for at, _text in said.get("BAR", ())[1:]:
        words = _("The notes have the subject %(subject)s more than once.", subject="BAR")
        yield Failure("BR-FR-31", "BT-21", f"notes.{at}.subject", words)


def _party(party: Party, path: str, terms: tuple[str, str, str]) -> Failures:
    """BR-FR-09, 23 to 26, 32; BR-FR-CO-10."""
    of_identifier, of_legal, of_address = terms
    siren = party.legal_id.value if party.legal_id else None
    if party.legal_id is not None and party.legal_id.scheme == SIREN and not _NINE.fullmatch(party.legal_id.value):
        words = _("%(name)s: a SIREN has 9 digits.", name=heading_of(of_legal))
        yield Failure("BR-FR-32", of_legal, f"{path}.legal_id", words)
    seen: set[str] = set()
    for at, one in enumerate(party.identifiers):
        where = f"{path}.identifiers.{at}"
        if one.scheme in seen:
            words = _("%(name)s: the same kind is stated twice.", name=heading_of(of_identifier))
            yield Failure("BR-FR-CO-10", f"{of_identifier}-1", f"{where}.scheme", words)
        yield from missing("BR-FR-CO-10", f"{of_identifier}-1", f"{where}.scheme", one.scheme)
        seen.add(one.scheme or "")
        yield from _identifier(one, siren, of_identifier, where)
    if (address := party.electronic_address) is not None and of_address:
        where = f"{path}.electronic_address"
        yield from _spelling("BR-FR-23", "BR-FR-25", of_address, where, address.value, LONGEST_ADDRESS)


def _identifier(one: Identifier, siren: str | None, term: str, path: str) -> Failures:
    if one.scheme == SIRET and not (_FOURTEEN.fullmatch(one.value) and one.value[:9] == siren):
        words = _("%(name)s: a SIRET has 14 digits and begins with the SIREN.", name=heading_of(term))
        yield Failure("BR-FR-09", term, path, words)
    if one.scheme in (SIREN, GROUP_MEMBER) and not _NINE.fullmatch(one.value):
        words = _("%(name)s: a SIREN has 9 digits.", name=heading_of(term))
        yield Failure("BR-FR-32", term, path, words)
    yield from _spelling("BR-FR-24", "BR-FR-26", term, path, one.value, LONGEST_IDENTIFIER)


def _spelling(letters: str, length: str, term: str, path: str, value: str, most: int) -> Failures:
    if not _IDENTIFIER.fullmatch(value):
        words = _("%(name)s: letters, digits and + - _ . only.", name=heading_of(term))
        yield Failure(letters, term, path, words)
    if len(value) > most:
        words = _("%(name)s has more than %(most)s characters.", name=heading_of(term), most=most)
        yield Failure(length, term, path, words)


def _who(document: Document) -> Failures:
    """BR-FR-10 to 13, 21, 22; BR-FR-CO-14, 15."""
    seller, buyer = document.seller or Party(), document.buyer or Party()
    siren, of_buyer = (party.legal_id.value if party.legal_id else "" for party in (seller, buyer))
    between_firms = any(note.subject == "BAR" and note.text == "B2B" for note in document.notes)
    if not _NINE.fullmatch(siren):
        words = _("Missing: %(name)s, a SIREN of 9 digits.", name=name_of("BT-30"))
        yield Failure("BR-FR-10", "BT-30", "seller.legal_id", words)
    if between_firms and not _NINE.fullmatch(of_buyer):
        words = _("Missing: %(name)s, a SIREN of 9 digits.", name=name_of("BT-47"))
        yield Failure("BR-FR-11", "BT-47", "buyer.legal_id", words)
    for rule, term, path, party in (("BR-FR-12", "BT-49", "buyer", buyer), ("BR-FR-13", "BT-34", "seller", seller)):
        address = party.electronic_address
        yield from missing(rule, term, f"{path}.electronic_address", address.value if address else None)
    self_billed = document.type_code in SELF_BILLED
    rule, term, path, party, begins = (
        ("BR-FR-22", "BT-34", "seller", seller, siren)
        if self_billed
        else ("BR-FR-21", "BT-49", "buyer", buyer, of_buyer)
    )
    address = party.electronic_address or Identifier(value="")
    if between_firms and not (address.scheme == ADDRESS and address.value.startswith(begins)):
        words = _("%(name)s: between firms it is of kind 0225 and begins with the SIREN.", name=heading_of(term))
        yield Failure(rule, term, f"{path}.electronic_address", words)
    if any(one.scheme == GROUP_MEMBER for one in seller.identifiers):
        if not any(note.subject == "TXD" and note.text == "MEMBRE_ASSUJETTI_UNIQUE" for note in document.notes):
            words = _("A member of a single VAT group says so in a note: TXD, MEMBRE_ASSUJETTI_UNIQUE.")
            yield Failure("BR-FR-CO-14", "BT-22", "notes", words)
        agent = document.tax_representative or Party()
        yield from missing("BR-FR-CO-15", "BT-63", "tax_representative.vat_id", agent.vat_id)


def _earlier(document: Document) -> Failures:
    """BR-FR-CO-04, 05: which document is corrected or credited, and of what day it is."""
    dated = [one for one in document.preceding if not blank(one.number) and one.issue_date is not None]
    if document.type_code in CORRECTIVES and len(dated) != 1:
        words = _("A corrective invoice names exactly one earlier document with its day.")
        yield Failure("BR-FR-CO-04", "BT-25", "preceding", words)
    if document.type_code in CREDIT_NOTES and not dated:
        words = _("A credit note names at least one earlier document with its day.")
        yield Failure("BR-FR-CO-05", "BT-25", "preceding", words)


def _paid(document: Document, totals: Totals) -> Failures:
    """BR-FR-CO-07, 09: when payment is due, and what is paid already."""
    early = document.type_code in DEPOSITS or document.frame in PAID
    issued, due = document.issue_date, document.due_date
    if issued is not None and due is not None and due < issued and not early:
        yield Failure("BR-FR-CO-07", "BT-9", "due_date", _("Payment is due before the document is issued."))
    if document.frame not in PAID:
        return
    if totals.with_tax is not None and (totals.prepaid or 0) != totals.with_tax:
        words = _("The frame says that all is paid, but the amount prepaid is not the total with tax.")
        yield Failure("BR-FR-CO-09", "BT-113", "totals.prepaid", words)
    if totals.due:
        words = _("The frame says that all is paid, but an amount is due.")
        yield Failure("BR-FR-CO-09", "BT-115", "totals.due", words)
    if due is None:
        words = _("The frame says that all is paid: state the day of payment as the day on which it is due.")
        yield Failure("BR-FR-CO-09", "BT-9", "due_date", words)


def _taxes(document: Document) -> Failures:
    """BR-FR-15, 16; BR-FR-DEC-04."""
    groups = [
        (("BT-118", "BT-119"), f"breakdown.{at}", one.category, one.rate) for at, one in enumerate(document.breakdown)
    ]
    used = [(use.terms, use.path, use.category, use.rate) for use in uses(document)]
    for (of_category, of_rate), path, category, rate in (*groups, *used):
        yield from unknown("BR-FR-15", of_category, f"{path}.category", category, CATEGORIES)
        if rate is not None and plain(rate) not in codes_of("french_rates"):
            words = _(
                "%(name)s: %(value)s is not a rate that France has.", name=heading_of(of_rate), value=written(rate)
            )
            yield Failure("BR-FR-16", of_rate, f"{path}.rate", words)
        yield from too_fine("BR-FR-DEC-04", of_rate, f"{path}.rate", rate, most=2, digits=4)


def _attachments(document: Document) -> Failures:
    """BR-FR-17, 18."""
    for at, attached in enumerate(document.attachments):
        yield from unknown(
            "BR-FR-17", "BT-123", f"attachments.{at}.description", attached.description, codes_of("french_attachments")
        )
    readable = [at for at, one in enumerate(document.attachments) if one.description == "LISIBLE"]
    for at in readable[1:]:
        words = _("Only one attachment is the readable copy (LISIBLE).")
        yield Failure("BR-FR-18", "BT-123", f"attachments.{at}.description", words)


def _attributes(document: Document) -> Failures:
    """BR-FR-27, 28: the properties of an item have a name and a value."""
    for number, line in enumerate(document.lines):
        for at, one in enumerate(line.attributes):
            yield from missing("BR-FR-27", "BT-160", f"lines.{number}.attributes.{at}.name", one.name)
            yield from missing("BR-FR-28", "BT-161", f"lines.{number}.attributes.{at}.value", one.value)


def _amounts(document: Document) -> Failures:
    """BR-FR-DEC-01: decimals are counted by BR-DEC of EN 16931 already, here are the digits."""
    totals = document.totals or Totals()
    stated: list[tuple[str, str, Decimal | None]] = [
        (term, f"totals.{name}", getattr(totals, name))
        for term, name in (
            ("BT-106", "lines"), ("BT-107", "allowances"), ("BT-108", "charges"), ("BT-109", "without_tax"),
            ("BT-110", "tax"), ("BT-111", "tax_accounting"), ("BT-112", "with_tax"), ("BT-113", "prepaid"),
            ("BT-114", "rounding"), ("BT-115", "due"),
        )
    ]  # fmt: skip
    for at, group in enumerate(document.breakdown):
        stated += [("BT-116", f"breakdown.{at}.base", group.base), ("BT-117", f"breakdown.{at}.tax", group.tax)]
    stated += [("BT-131", f"lines.{at}.net", line.net) for at, line in enumerate(document.lines)]
    for found in adjustments(document):
        stated.append((found.terms[0], f"{found.path}.amount", found.one.amount))
        stated.append((found.terms[1], f"{found.path}.base", found.one.base))
    yield from _all_too_fine("BR-FR-DEC-01", stated, most=2)


def _quantities_and_prices(document: Document) -> Failures:
    """BR-FR-DEC-02, 03."""
    for at, line in enumerate(document.lines):
        path, price = f"lines.{at}", line.price
        yield from too_fine("BR-FR-DEC-02", "BT-129", f"{path}.quantity", line.quantity, most=4)
        if price is None:
            continue
        yield from too_fine("BR-FR-DEC-02", "BT-149", f"{path}.price.base_quantity", price.base_quantity, most=4)
        for term, name, amount in (
            ("BT-146", "net", price.net),
            ("BT-147", "discount", price.discount),
            ("BT-148", "gross", price.gross),
        ):
            yield from too_fine("BR-FR-DEC-03", term, f"{path}.price.{name}", amount, most=6)
            if amount is not None and amount < 0 and document.frame not in BOTH_WAYS:
                words = _("%(name)s is negative.", name=heading_of(term))
                yield Failure("BR-FR-DEC-03", term, f"{path}.price.{name}", words)


def _all_too_fine(rule: str, stated: Iterable[tuple[str, str, Decimal | None]], most: int) -> Failures:
    for term, path, value in stated:
        yield from too_fine(rule, term, path, value, most)
