"""Codes that their lists have: BR-CL. The lists lie in `codelists.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from ossature_billing.documents import Document, Identifier, Party
from ossature_billing.rules.failures import Failures, adjustments, unknown

TAX_POINTS = ("invoice", "delivery", "payment")
FILES = (
    "application/pdf", "image/png", "image/jpeg", "text/csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.oasis.opendocument.spreadsheet",
)  # fmt: skip


@cache
def _lists() -> dict[str, frozenset[str]]:
    read = tomllib.loads(Path(__file__).with_name("codelists.toml").read_text("utf-8"))
    return {name: frozenset(codes.split()) for name, codes in read.items()}


def codes_of(name: str) -> frozenset[str]:
    """The codes of a list: `currencies`, `units`, `exemption_reasons` ... Raises KeyError."""
    return _lists()[name]


def is_credit_note(document: Document) -> bool:
    """Whether the type (BT-3) is one of a credit note, whose amounts count the other way round."""
    return document.type_code in codes_of("credit_note_types")


def check(document: Document) -> Failures:
    types = codes_of("invoice_types") | codes_of("credit_note_types")
    yield from unknown("BR-CL-01", "BT-3", "type_code", document.type_code, types)
    yield from unknown("BR-CL-04", "BT-5", "currency", document.currency, codes_of("currencies"))
    yield from unknown("BR-CL-05", "BT-6", "tax_currency", document.tax_currency, codes_of("currencies"))
    yield from unknown("BR-CL-06", "BT-8", "tax_point", document.tax_point, TAX_POINTS)
    yield from _scheme("BR-CL-07", "BT-18", "object", document.object, "objects")
    for at, note in enumerate(document.notes):
        yield from unknown("BR-CL-08", "BT-21", f"notes.{at}.subject", note.subject, codes_of("note_subjects"))
    for at, attached in enumerate(document.attachments):
        yield from unknown("BR-CL-24", "BT-125", f"attachments.{at}.mime", attached.mime, FILES)
    if document.payment is not None:
        means = document.payment.means
        yield from unknown("BR-CL-16", "BT-81", "payment.means", means, codes_of("payment_means"))
    yield from _parties(document)
    yield from _taxes(document)
    yield from _lines(document)


def _scheme(rule: str, term: str, path: str, identifier: Identifier | None, name: str) -> Failures:
    if identifier is not None:
        yield from unknown(rule, f"{term}-1", f"{path}.scheme", identifier.scheme, codes_of(name))


def _country(term: str, path: str, country: str | None) -> Failures:
    return unknown("BR-CL-14", term, path, country, codes_of("countries"))


def _parties(document: Document) -> Failures:
    for path, party, terms in (
        ("seller", document.seller, ("BT-29", "BT-30", "BT-34", "BT-40")),
        ("buyer", document.buyer, ("BT-46", "BT-47", "BT-49", "BT-55")),
        ("payee", document.payee, ("BT-60", "BT-61", "", "")),
        ("tax_representative", document.tax_representative, ("", "", "", "BT-69")),
    ):
        of = party or Party()
        for at, one in enumerate(of.identifiers):
            yield from _scheme("BR-CL-10", terms[0], f"{path}.identifiers.{at}", one, "identifiers")
        yield from _scheme("BR-CL-11", terms[1], f"{path}.legal_id", of.legal_id, "identifiers")
        address = of.electronic_address
        yield from _scheme("BR-CL-25", terms[2], f"{path}.electronic_address", address, "electronic_addresses")
        if of.address is not None:
            yield from _country(terms[3], f"{path}.address.country", of.address.country)
    if document.delivery is not None:
        yield from _scheme("BR-CL-26", "BT-71", "delivery.location", document.delivery.location, "identifiers")
        if document.delivery.address is not None:
            yield from _country("BT-80", "delivery.address.country", document.delivery.address.country)


def _taxes(document: Document) -> Failures:
    for at, group in enumerate(document.breakdown):
        path = f"breakdown.{at}"
        code = group.exemption_code and group.exemption_code.upper()
        yield from unknown("BR-CL-17", "BT-118", f"{path}.category", group.category, codes_of("categories"))
        yield from unknown("BR-CL-22", "BT-121", f"{path}.exemption_code", code, codes_of("exemption_reasons"))
    for found in adjustments(document):
        _amount, _base, category, _rate, _reason, code_term = found.terms
        rule, name = (
            ("BR-CL-19", "allowance_reasons") if found.kind.endswith("allowances") else ("BR-CL-20", "charge_reasons")
        )
        yield from unknown(rule, code_term, f"{found.path}.reason_code", found.one.reason_code, codes_of(name))
        if category:
            known = codes_of("categories")
            yield from unknown("BR-CL-18", category, f"{found.path}.category", found.one.category, known)


def _lines(document: Document) -> Failures:
    for at, line in enumerate(document.lines):
        path = f"lines.{at}"
        yield from unknown("BR-CL-23", "BT-130", f"{path}.unit", line.unit, codes_of("units"))
        yield from unknown("BR-CL-18", "BT-151", f"{path}.category", line.category, codes_of("categories"))
        yield from _country("BT-159", f"{path}.origin_country", line.origin_country)
        yield from _scheme("BR-CL-07", "BT-128", f"{path}.object", line.object, "objects")
        yield from _scheme("BR-CL-21", "BT-157", f"{path}.standard_item", line.standard_item, "identifiers")
        if line.price is not None:
            yield from unknown("BR-CL-23", "BT-150", f"{path}.price.unit", line.price.unit, codes_of("units"))
