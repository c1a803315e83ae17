"""Documents as the two syntaxes of EN 16931: CII, which Factur-X carries, and UBL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from facturx import generate_xml
from lxml import etree

from ossature_billing.calculation import rounded
from ossature_billing.documents import Adjustment, Document, Identifier, Line, Party, Period, plain

LEVEL = "en16931"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def cii(document: Document) -> bytes:
    """A document in CII D22B at the level EN 16931 of Factur-X, in UTF-8 with an XML declaration.

    Raises ValueError for a document that lacks what it cannot be written without, or has a period that ends before it
    begins; `rules.check` says so in words, and `official` finds the rest. Not carried, as this level has no place for
    them: the payer, the language, all accounts but the first, and the files of attachments.
    """
    return _generate(document, "factur-x")


def ubl(document: Document) -> bytes:
    """A document in UBL 2.1, an `Invoice` or a `CreditNote` by its type; else as `cii`."""
    return _generate(document, "ubl-2.1")


def _generate(document: Document, flavor: str) -> bytes:
    try:
        # What it would check by itself it logs when there is no server for it, and goes on: `official` checks.
        made = generate_xml(_terms(document), flavor, LEVEL, check_xsd=False, check_schematron=None)
    except KeyError as missing:
        raise ValueError(f"the document does not state {missing.args[0]}") from None
    root = etree.fromstring(made)
    for element in root.iter():  # what has no content is made nil, which the schema of CII refuses
        element.attrib.pop(NIL, None)
    etree.cleanup_namespaces(root)
    written = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    assert isinstance(written, bytes)
    return written


def _terms(document: Document) -> dict[str, Any]:
    """The document as factur-x takes it: by term, numbers as text, nothing that is not stated."""
    currency = document.currency or ""
    totals, payment, delivery = document.totals, document.payment, document.delivery
    account = payment.accounts[0] if payment and payment.accounts else None
    said: dict[str, Any] = {
        "BT-1": document.number, "BT-2": document.issue_date, "BT-3": document.type_code, "BT-5": document.currency,
        "BT-6": document.tax_currency, "BT-7": document.tax_point_date, "BT-8": document.tax_point,
        "BT-9": document.due_date, "BT-10": document.buyer_reference, "BT-11": document.project,
        "BT-12": document.contract, "BT-13": document.order, "BT-14": document.sales_order,
        "BT-15": document.receiving_advice, "BT-16": document.despatch_advice,
        "BT-17": [document.tender] if document.tender else None, "BT-18": _object(document.object),
        "BT-19": document.accounting_reference, "BT-20": document.payment_terms, "BT-23": document.frame,
        "BG-1": [_stated({"BT-21": note.subject, "BT-22": note.text}) for note in document.notes],
        "BG-3": [_stated({"BT-25": one.number, "BT-26": one.issue_date}) for one in document.preceding],
        "BG-4": _party(document.seller), "BG-7": _party(document.buyer), "BG-10": _party(document.payee),
        "BG-11": _party(document.tax_representative),
        **_period("BT-73", "BT-74", document.period),
        "BG-20": [_adjustment(one, currency) for one in document.allowances],
        "BG-21": [_adjustment(one, currency) for one in document.charges],
        "BG-23": [
            _stated({
                "BT-116": _amount(group.base, currency), "BT-117": _amount(group.tax, currency),
                "BT-118": group.category, "BT-119": _number(group.rate), "BT-120": group.exemption,
                "BT-121": group.exemption_code, "BT-7": document.tax_point_date,
            })
            for group in document.breakdown
        ],
        "BG-24": [
            _stated({"BT-122": one.id, "BT-123": one.description, "BT-124": one.url}) for one in document.attachments
        ],
        "BG-25": [_line(line, currency) for line in document.lines],
    }  # fmt: skip
    if totals is not None:
        of_totals = {
            "BT-106": totals.lines, "BT-107": totals.allowances, "BT-108": totals.charges, "BT-109": totals.without_tax,
            "BT-110": totals.tax, "BT-112": totals.with_tax, "BT-113": totals.prepaid, "BT-114": totals.rounding,
            "BT-115": totals.due,
        }  # fmt: skip
        said |= {term: _amount(amount, currency) for term, amount in of_totals.items()}
        said["BT-111"] = _amount(totals.tax_accounting, document.tax_currency or "")
    if payment is not None:
        said |= {
            "BT-81": payment.means, "BT-82": payment.means_text, "BT-83": payment.remittance, "BT-89": payment.mandate,
            "BT-90": payment.creditor, "BT-91": payment.debited_account,
        }  # fmt: skip
    if account is not None:
        said |= {"BT-84": account.id, "BT-85": account.name, "BT-86": account.bank}
    if delivery is not None:
        receiver = delivery.name or (document.buyer.name if document.buyer else None)
        place = (delivery.location,) if delivery.location else ()
        said |= {
            "BT-72": delivery.day,
            "BG-13": _party(Party(name=receiver, identifiers=place, address=delivery.address)),
        }
    return _stated(said)


def _stated(said: dict[str, Any]) -> dict[str, Any]:
    return {term: value for term, value in said.items() if value is not None and value not in ([], {}, "")}


def _line(line: Line, currency: str) -> dict[str, Any]:
    price, item = line.price, line.standard_item
    said: dict[str, Any] = {
        "BT-126": line.id, "BT-127-00": [{"BT-127": line.note}] if line.note else None, "BT-128": _object(line.object),
        "BT-129": _number(line.quantity), "BT-130": line.unit, "BT-131": _amount(line.net, currency),
        "BT-132": line.order_line, "BT-133": line.accounting_reference,
        **_period("BT-134", "BT-135", line.period),
        "BG-27": [_adjustment(one, currency) for one in line.allowances],
        "BG-28": [_adjustment(one, currency) for one in line.charges],
        "BT-151": line.category, "BT-152": _number(line.rate), "BT-153": line.name, "BT-154": line.description,
        "BT-155": line.seller_item, "BT-156": line.buyer_item, "BT-157": item and item.value,
        "BT-157-1": item and item.scheme, "BT-159": line.origin_country,
        "BG-32": [_stated({"BT-160": one.name, "BT-161": one.value}) for one in line.attributes],
    }  # fmt: skip
    if price is not None:
        said |= {
            "BT-146": _amount(price.net, currency), "BT-148": _amount(price.gross, currency),
            "BT-147-00": [{"BT-147": _amount(price.discount, currency)}] if price.discount is not None else None,
            "BT-149": _number(price.base_quantity), "BT-150": price.unit,
        }  # fmt: skip
    return _stated(said)


def _adjustment(one: Adjustment, currency: str) -> dict[str, Any]:
    return _stated({
        "amount": _amount(one.amount, currency), "base_amount": _amount(one.base, currency),
        "rate": _number(one.percent), "reason": one.reason, "reason_code": one.reason_code,
        "vat_category_code": one.category, "vat_rate": _number(one.rate),
    })  # fmt: skip


def _party(party: Party | None) -> dict[str, Any] | None:
    if party is None:
        return None
    said: dict[str, Any] = {
        "name": party.name, "biz_name": party.trading_name, "identifiers": _identifiers(party.identifiers),
        "vat_identifier": party.vat_id, "tax_identifier": party.tax_id, "legal_info": party.legal_text,
    }  # fmt: skip
    if party.legal_id is not None:
        said |= {"legal_identifier": party.legal_id.value, "legal_identifier_schemeid": party.legal_id.scheme}
    if (address := party.electronic_address) is not None:
        said |= {"einvoicing_addr": address.value, "einvoicing_addr_schemeid": address.scheme}
    if (contact := party.contact) is not None:
        said["contacts"] = [_stated({"name": contact.name, "phone": contact.phone, "email": contact.email})]
    if (place := party.address) is not None:
        said |= {
            "addr_l1": place.line1, "addr_l2": place.line2, "addr_l3": place.line3, "city": place.city,
            "postcode": place.postcode, "country_subdivision": place.subdivision, "country_code": place.country,
        }  # fmt: skip
    return _stated(said)


def _identifiers(identifiers: Iterable[Identifier]) -> dict[str | None, str]:
    return {one.scheme: one.value for one in identifiers}


def _object(identifier: Identifier | None) -> dict[str | None, str] | None:
    return None if identifier is None else {identifier.scheme: identifier.value}


def _period(start: str, end: str, period: Period | None) -> dict[str, date | None]:
    return {} if period is None else {start: period.start, end: period.end}


def _number(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def _amount(amount: Decimal | None, currency: str) -> str | None:
    """With the decimals of its currency at least; none that is stated is lost."""
    if amount is None:
        return None
    try:
        whole = rounded(amount, currency)
    except ValueError:
        return plain(amount)
    return str(whole) if whole == amount else plain(amount)
