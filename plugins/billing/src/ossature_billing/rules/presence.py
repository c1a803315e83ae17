"""What has to be stated, and how what is stated fits together: BR-01 to BR-64, and BR-CO without arithmetic."""

from __future__ import annotations

from ossature.api import translator
from ossature_billing.documents import Address, Document, Line, Party, Period
from ossature_billing.rules.codes import codes_of
from ossature_billing.rules.failures import Adjusted, Failure, Failures, adjustments, blank, missing
from ossature_billing.rules.terms import heading_of

_, _l, _n = translator("billing")

TRANSFERS = ("30", "58")
OF_LINE = {
    "line.allowances": ("BR-41", "BR-42"), "line.charges": ("BR-43", "BR-44"),
    "allowances": ("BR-31", "BR-33"), "charges": ("BR-36", "BR-38"),
}  # fmt: skip


def check(document: Document) -> Failures:
    yield from _head(document)
    yield from _parties(document)
    yield from _around(document)
    for at, line in enumerate(document.lines):
        yield from _line(line, f"lines.{at}")
    for found in adjustments(document):
        yield from _adjustment(found)
    yield from _breakdown(document)


def _head(document: Document) -> Failures:
    totals = document.totals
    for rule, term, path, value in (
        ("BR-01", "BT-24", "specification", document.specification),
        ("BR-02", "BT-1", "number", document.number),
        ("BR-03", "BT-2", "issue_date", document.issue_date),
        ("BR-04", "BT-3", "type_code", document.type_code),
        ("BR-05", "BT-5", "currency", document.currency),
        ("BR-12", "BT-106", "totals.lines", totals and totals.lines),
        ("BR-13", "BT-109", "totals.without_tax", totals and totals.without_tax),
        ("BR-14", "BT-112", "totals.with_tax", totals and totals.with_tax),
        ("BR-15", "BT-115", "totals.due", totals and totals.due),
        ("BR-16", "BG-25", "lines", document.lines),
        ("BR-CO-18", "BG-23", "breakdown", document.breakdown),
    ):
        yield from missing(rule, term, path, value)
    if document.tax_currency is not None:
        yield from missing("BR-53", "BT-111", "totals.tax_accounting", totals and totals.tax_accounting)
    if document.tax_point is not None and document.tax_point_date is not None:
        words = _("State either the day on which tax falls due or what it falls due on, not both.")
        yield Failure("BR-CO-03", "BT-7", "tax_point_date", words)
    due = totals.due if totals else None
    if due is not None and due > 0 and document.due_date is None and blank(document.payment_terms):
        words = _("Something is to be paid: state the day on which it is due, or the payment terms.")
        yield Failure("BR-CO-25", "BT-9", "due_date", words)


def _parties(document: Document) -> Failures:
    seller, buyer = document.seller or Party(), document.buyer or Party()
    yield from missing("BR-06", "BT-27", "seller.name", seller.name)
    yield from missing("BR-07", "BT-44", "buyer.name", buyer.name)
    yield from _address("BR-08", "BG-5", "BR-09", "BT-40", "seller.address", seller.address)
    yield from _address("BR-10", "BG-8", "BR-11", "BT-55", "buyer.address", buyer.address)
    if blank(seller.identifiers) and seller.legal_id is None and blank(seller.vat_id):
        words = _("The seller has neither an identifier nor a registration nor a VAT number.")
        yield Failure("BR-CO-26", "BT-30", "seller.legal_id", words)
    if document.payee is not None:
        yield from missing("BR-17", "BT-59", "payee.name", document.payee.name)
    if (agent := document.tax_representative) is not None:
        yield from missing("BR-18", "BT-62", "tax_representative.name", agent.name)
        yield from missing("BR-56", "BT-63", "tax_representative.vat_id", agent.vat_id)
        yield from _address("BR-19", "BG-12", "BR-20", "BT-69", "tax_representative.address", agent.address)
    for rule, term, path, party in (("BR-62", "BT-34", "seller", seller), ("BR-63", "BT-49", "buyer", buyer)):
        if party.electronic_address is not None:
            where = f"{path}.electronic_address.scheme"
            yield from missing(rule, f"{term}-1", where, party.electronic_address.scheme)
    for term, path, number in (
        ("BT-31", "seller.vat_id", seller.vat_id),
        ("BT-48", "buyer.vat_id", buyer.vat_id),
        ("BT-63", "tax_representative.vat_id", agent.vat_id if agent else None),
    ):
        if number is not None and not blank(number) and number[:2] not in codes_of("countries") | {"EL"}:
            words = _("%(name)s: %(value)s does not begin with a country.", name=heading_of(term), value=number)
            yield Failure("BR-CO-09", term, path, words)


def _address(rule: str, term: str, country: str, country_term: str, path: str, address: Address | None) -> Failures:
    yield from missing(rule, term, path, address)
    if address is not None:
        yield from missing(country, country_term, f"{path}.country", address.country)


def _around(document: Document) -> Failures:
    for at, earlier in enumerate(document.preceding):
        yield from missing("BR-55", "BT-25", f"preceding.{at}.number", earlier.number)
    for at, attached in enumerate(document.attachments):
        yield from missing("BR-52", "BT-122", f"attachments.{at}.id", attached.id)
    if document.delivery is not None and document.delivery.address is not None:
        yield from missing("BR-57", "BT-80", "delivery.address.country", document.delivery.address.country)
    if document.period is not None:
        yield from _period("BR-29", "BR-CO-19", ("BT-73", "BT-74"), "period", document.period)
    if (payment := document.payment) is not None:
        yield from missing("BR-49", "BT-81", "payment.means", payment.means)
        for at, account in enumerate(payment.accounts):
            yield from missing("BR-50", "BT-84", f"payment.accounts.{at}.id", account.id)
        if payment.means in TRANSFERS and not payment.accounts:
            yield from missing("BR-61", "BT-84", "payment.accounts", None)


def _period(rule: str, empty: str, terms: tuple[str, str], path: str, period: Period) -> Failures:
    if period.start is None and period.end is None:
        words = _("The period has neither a first nor a last day.")
        yield Failure(empty, terms[0], f"{path}.start", words)
    if period.start is not None and period.end is not None and period.end < period.start:
        yield Failure(rule, terms[1], f"{path}.end", _("The period ends before it begins."))


def _line(line: Line, path: str) -> Failures:
    price = line.price
    for rule, term, where, value in (
        ("BR-21", "BT-126", "id", line.id),
        ("BR-22", "BT-129", "quantity", line.quantity),
        ("BR-23", "BT-130", "unit", line.unit),
        ("BR-24", "BT-131", "net", line.net),
        ("BR-25", "BT-153", "name", line.name),
        ("BR-26", "BT-146", "price.net", price and price.net),
        ("BR-CO-04", "BT-151", "category", line.category),
    ):
        yield from missing(rule, term, f"{path}.{where}", value)
    if price is not None:
        for rule, term, where, amount in (
            ("BR-27", "BT-146", "net", price.net),
            ("BR-28", "BT-148", "gross", price.gross),
        ):
            if amount is not None and amount < 0:
                words = _("%(name)s is negative; make the quantity negative instead.", name=heading_of(term))
                yield Failure(rule, term, f"{path}.price.{where}", words)
    if line.period is not None:
        yield from _period("BR-30", "BR-CO-20", ("BT-134", "BT-135"), f"{path}.period", line.period)
    for at, one in enumerate(line.attributes):
        yield from missing("BR-54", "BT-160", f"{path}.attributes.{at}.name", one.name)
        yield from missing("BR-54", "BT-161", f"{path}.attributes.{at}.value", one.value)
    if line.standard_item is not None:
        yield from missing("BR-64", "BT-157-1", f"{path}.standard_item.scheme", line.standard_item.scheme)


def _adjustment(found: Adjusted) -> Failures:
    amount, _base, category, _rate, reason, _code = found.terms
    of_amount, of_reason = OF_LINE[found.kind]
    yield from missing(of_amount, amount, f"{found.path}.amount", found.one.amount)
    if blank(found.one.reason):
        yield from missing(of_reason, reason, f"{found.path}.reason", found.one.reason_code)
    if category:
        rule = "BR-32" if found.kind == "allowances" else "BR-37"
        yield from missing(rule, category, f"{found.path}.category", found.one.category)


def _breakdown(document: Document) -> Failures:
    for at, group in enumerate(document.breakdown):
        path = f"breakdown.{at}"
        yield from missing("BR-45", "BT-116", f"{path}.base", group.base)
        yield from missing("BR-46", "BT-117", f"{path}.tax", group.tax)
        yield from missing("BR-47", "BT-118", f"{path}.category", group.category)
        if group.category != "O":
            yield from missing("BR-48", "BT-119", f"{path}.rate", group.rate)
