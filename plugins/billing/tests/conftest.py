"""Documents to try: published invoices and rule tests (beside the repository, see `OSSATURE_TEST_DATA`), and our own."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ossature.testing.needs import need
from ossature_billing.calculation import calculate
from ossature_billing.documents import (
    Account,
    Address,
    Adjustment,
    Attachment,
    Attribute,
    Contact,
    Delivery,
    Document,
    Identifier,
    Line,
    Note,
    Party,
    Payment,
    Period,
    Preceding,
    Price,
    TaxGroup,
    Totals,
)

DATA = Path(os.environ.get("OSSATURE_TEST_DATA") or Path(__file__).parents[4] / "shared" / "data") / "einvoice"
TOTALS = {
    "line_total": "lines", "allowance_total": "allowances", "charge_total": "charges", "tax_exclusive": "without_tax",
    "tax_total": "tax", "tax_inclusive": "with_tax", "prepaid": "prepaid", "rounding": "rounding", "payable": "due",
    "tax_total_accounting": "tax_accounting",
}  # fmt: skip
CATEGORIES = {"standard": "S", "zero": "Z", "reverse-charge": "AE", "outside-scope": "O"}


@dataclass(frozen=True)
class Case:
    """What somebody else wrote: a document with everything that they state, and the rest of the case."""

    id: str
    stated: Document
    more: dict[str, Any]


@dataclass(frozen=True)
class Cases:
    invoices: list[Case]
    rules: list[Case]
    gobl: list[Case]


@pytest.fixture(scope="session")
def cases() -> Cases:
    if not DATA.is_dir():
        need(f"{DATA} is not there; name it with OSSATURE_TEST_DATA")
    read = json.loads((DATA / "cases.json").read_text("utf-8"))
    return Cases(
        invoices=[Case(case["id"], document(case), case) for case in read["invoices"]],
        rules=[Case(case["id"], document(case), case) for case in read["rules"]],
        gobl=[Case(case["id"], document(as_en16931(case)), case) for case in read["gobl"]],
    )


def document(case: dict[str, Any]) -> Document:
    """The document that a case states, terms that it leaves out left out."""
    expected = case["expected"]
    totals = {name: number(expected[key]) for key, name in TOTALS.items() if key in expected}
    return Document(
        type_code=case.get("type_code"), currency=case.get("currency"), tax_currency=case.get("tax_currency"),
        lines=tuple(line(one) for one in case.get("lines", ())),
        allowances=tuple(adjustment(one) for one in case.get("doc_allowances", ())),
        charges=tuple(adjustment(one) for one in case.get("doc_charges", ())),
        breakdown=tuple(group(one) for one in expected.get("tax_breakdown", ())),
        totals=Totals(**totals) if totals else None,
    )  # fmt: skip


def line(said: dict[str, Any]) -> Line:
    price = Price(
        net=number(said.get("price")), gross=number(said.get("gross_price")),
        discount=number(said.get("price_discount")), base_quantity=number(said.get("base_quantity")),
    )  # fmt: skip
    return Line(
        id=said.get("id"), quantity=number(said.get("quantity")), unit=said.get("unit"),
        net=number(said.get("expected_net")), price=price if price != Price() else None,
        allowances=tuple(adjustment(one) for one in said.get("allowances", ())),
        charges=tuple(adjustment(one) for one in said.get("charges", ())),
        category=said.get("category"), rate=number(said.get("rate")),
    )  # fmt: skip


def adjustment(said: dict[str, Any]) -> Adjustment:
    return Adjustment(
        amount=number(said.get("amount")), base=number(said.get("base")), percent=number(said.get("percent")),
        category=said.get("category"), rate=number(said.get("rate")),
    )  # fmt: skip


def group(said: dict[str, Any]) -> TaxGroup:
    return TaxGroup(
        base=number(said.get("base")), tax=number(said.get("tax")), category=said.get("category"),
        rate=number(said.get("rate")), exemption_code=said.get("exemption_code"),
    )  # fmt: skip


def as_en16931(case: dict[str, Any]) -> dict[str, Any]:
    """A case of GOBL in the words of the others. What it charges without tax belongs to no group of its breakdown: for
    EN 16931 that is a group of category O."""
    said = case["expected"]
    untaxed = sum(Decimal(one["amount"]) for one in case.get("doc_charges", ()))
    groups = [{**taxed(one), "base": one["base"], "tax": one["amount"]} for one in said["tax_breakdown"]]
    if untaxed and not any(one["category"] == "O" for one in groups):
        groups.append({"category": "O", "base": "0", "tax": "0"})
    for one in groups:
        if one["category"] == "O":
            one["base"] = str(Decimal(one["base"]) + untaxed)
    expected = {
        "line_total": said["sum"], "tax_exclusive": said["total"], "tax_total": said["tax"],
        "tax_inclusive": said["total_with_tax"], "payable": said.get("due", said["payable"]), "tax_breakdown": groups,
        **({"charge_total": said["charge"]} if "charge" in said else {}),
        **({"prepaid": said["advance"]} if "advance" in said else {}),
    }  # fmt: skip
    lines = [{**one, **taxed(one["taxes"][0])} for one in case["lines"]]
    charges = [{**one, "category": "O"} for one in case.get("doc_charges", ())]
    return {"currency": case["currency"], "lines": lines, "doc_charges": charges, "expected": expected}


def taxed(said: dict[str, Any]) -> dict[str, Any]:
    rate = {"rate": said["rate"]} if "rate" in said else {}
    return {"category": CATEGORIES[said.get("key", "standard")], **rate}


def number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


# -- documents that may be issued: one of each kind and of each case of tax --------------------------------------------

SELLER = Party(
    name="Atelier Ossature SAS", trading_name="Ossature",
    identifiers=(Identifier(value="73282932000074", scheme="0009"),),
    legal_id=Identifier(value="732829320", scheme="0002"), vat_id="FR44732829320",
    legal_text="SAS au capital de 10 000 €, RCS Nantes 732 829 320",
    electronic_address=Identifier(value="732829320", scheme="0225"),
    address=Address(line1="1 rue de la Charpente", city="Nantes", postcode="44000", country="FR"),
    contact=Contact(name="Service clients", phone="+33 2 40 00 00 00", email="clients@ossature.example"),
)  # fmt: skip
BUYER = Party(
    name="Maison & Fils SARL", legal_id=Identifier(value="404833048", scheme="0002"), vat_id="FR83404833048",
    identifiers=(Identifier(value="40483304800022", scheme="0009"),),
    electronic_address=Identifier(value="404833048", scheme="0225"),
    address=Address(line1="2 quai <des> Arts", line2="Bâtiment B", city="Lyon", postcode="69002", country="FR"),
)  # fmt: skip
GERMAN = Party(
    name="Fachwerk GmbH", vat_id="DE123456789", electronic_address=Identifier(value="DE123456789", scheme="9930"),
    address=Address(line1="Marktstraße 3", city="Köln", postcode="50667", country="DE"),
)  # fmt: skip
SWISS = Party(
    name="Chalet AG", electronic_address=Identifier(value="chalet.example", scheme="0225"),
    address=Address(line1="Bahnhofstrasse 4", city="Zürich", postcode="8001", country="CH"),
)  # fmt: skip
MENTIONS = (
    Note(subject="PMT", text="Indemnité forfaitaire pour frais de recouvrement : 40 €"),
    Note(subject="PMD", text="Pénalités de retard : trois fois le taux d’intérêt légal"),
    Note(subject="AAB", text="Pas d’escompte pour paiement anticipé"),
)
BETWEEN_FIRMS, ABROAD = Note(subject="BAR", text="B2B"), Note(subject="BAR", text="B2BINT")
TRAINING = Line(
    id="1", name="Formation", description="Deux jours sur site", quantity=Decimal("2"), unit="DAY",
    price=Price(net=Decimal("1150")), category="S", rate=Decimal("20"),
)  # fmt: skip
TIMBER = Line(
    id="1", name="Poutre en chêne", quantity=Decimal("12.5"), unit="MTR", category="S", rate=Decimal("20"),
    price=Price(gross=Decimal("34.123456"), discount=Decimal("1.5"), base_quantity=Decimal("1")),
    seller_item="CH-200", standard_item=Identifier(value="3017620422003", scheme="0160"), origin_country="FR",
    attributes=(Attribute(name="Section", value="200 x 200 mm"),),
)  # fmt: skip
STANDARD = Document(
    number="F2026-0042", issue_date=date(2026, 11, 20), type_code="380", currency="EUR", due_date=date(2026, 12, 20),
    specification="urn:cen.eu:en16931:2017", frame="S1", payment_terms="30 jours", seller=SELLER, buyer=BUYER,
    notes=(*MENTIONS, BETWEEN_FIRMS), order="BC-7", contract="C-1", buyer_reference="ACHATS", language="fr",
    payment=Payment(
        means="58", remittance="F2026-0042",
        accounts=(Account(id="FR7630006000011234567890189", name="Atelier Ossature", bank="AGRIFRPP"),),
    ),
    lines=(TRAINING,),
)  # fmt: skip
EARLIER = Preceding(number="F2026-0007", issue_date=date(2026, 3, 2))


def exempt(category: str, text: str, code: str) -> tuple[TaxGroup, ...]:
    return (TaxGroup(category=category, rate=Decimal(0), exemption=text, exemption_code=code),)


def untaxed(category: str, of: Line = TRAINING) -> tuple[Line, ...]:
    return (replace(of, category=category, rate=Decimal(0)),)


def everything_at_once() -> Document:
    """Goods and services at three rates, with allowances and charges everywhere, delivered elsewhere, part of it paid."""
    tenth = Adjustment(percent=Decimal(10), reason="Remise", reason_code="95")
    wrapped = Adjustment(amount=Decimal("12.34"), reason="Emballage", reason_code="PC")
    return replace(
        STANDARD, frame="M1", accounting_reference="401", project="P-9", sales_order="V-3", despatch_advice="BL-8",
        receiving_advice="BR-2", tender="AO-5", object=Identifier(value="A-77", scheme="AAA"),
        preceding=(EARLIER,), payee=Party(
            name="Affacturage SA", identifiers=(Identifier(value="55208131766522", scheme="0009"),),
            legal_id=Identifier(value="552081317", scheme="0002"),
        ),
        delivery=Delivery(
            name="Chantier", location=Identifier(value="1234567890128", scheme="0088"), day=date(2026, 11, 18),
            address=Address(line1="3 chemin Vert", city="Vienne", postcode="38200", country="FR"),
        ),
        period=Period(start=date(2026, 11, 1), end=date(2026, 11, 30)),
        lines=(
            replace(TIMBER, allowances=(tenth,), charges=(wrapped,), note="Qualité A", order_line="1", buyer_item="P-1"),
            replace(TRAINING, id="2", rate=Decimal("5.5"), period=Period(start=date(2026, 11, 2), end=date(2026, 11, 3))),
            replace(TRAINING, id="3", rate=Decimal("10"), quantity=Decimal("-0.3333"), unit="HUR"),
        ),
        allowances=(replace(tenth, category="S", rate=Decimal(20)), replace(tenth, category="S", rate=Decimal("5.5"))),
        charges=(replace(wrapped, reason_code="FC", category="S", rate=Decimal(20)),),
        totals=Totals(prepaid=Decimal(500), rounding=Decimal("0.02")),
        attachments=(Attachment(id="BC-7", description="BON_COMMANDE", url="https://ossature.example/bc-7"),),
    )  # fmt: skip


def drafts() -> dict[str, Document]:
    return {
        "standard": STANDARD,
        "everything at once": everything_at_once(),
        "deposit": replace(STANDARD, type_code="386", number="A2026-0003", lines=(replace(TRAINING, quantity=Decimal("0.6"), name="Acompte de 30 %"),)),
        "final after deposits": replace(
            STANDARD, frame="S4", preceding=(Preceding(number="A2026-0003", issue_date=date(2026, 9, 1)),),
            totals=Totals(prepaid=Decimal("828")),
        ),
        "corrective": replace(STANDARD, type_code="384", number="F2026-0043", preceding=(EARLIER,)),
        "credit note": replace(STANDARD, type_code="381", number="AV2026-0001", preceding=(EARLIER,)),
        "credit note of a deposit": replace(STANDARD, type_code="503", number="AV2026-0002", preceding=(EARLIER,)),
        "paid": replace(STANDARD, frame="S2", totals=Totals(prepaid=Decimal("2760"))),
        "exempt training": replace(
            STANDARD, lines=untaxed("E"), breakdown=exempt("E", "Exonération, art. 261, 4, 4° a du CGI", "VATEX-FR-CGI261-4")
        ),
        "training and its room": replace(
            STANDARD, lines=(*untaxed("E"), replace(TRAINING, id="2", name="Location de salle")),
            breakdown=exempt("E", "Exonération, art. 261, 4, 4° a du CGI", "VATEX-FR-CGI261-4"),
        ),
        "franchise": replace(
            STANDARD, lines=untaxed("E"), seller=replace(SELLER, vat_id=None, tax_id="732829320"),
            breakdown=exempt("E", "TVA non applicable, art. 293 B du CGI", "VATEX-FR-FRANCHISE"),
        ),
        "reverse charge": replace(
            STANDARD, lines=untaxed("AE"), breakdown=exempt("AE", "Autoliquidation, art. 283, 2 nonies du CGI", "VATEX-EU-AE")
        ),
        "intra-EU supply": replace(
            STANDARD, frame="B1", buyer=GERMAN, notes=(*MENTIONS, ABROAD), lines=untaxed("K", TIMBER),
            delivery=Delivery(day=date(2026, 11, 18), address=GERMAN.address),
            breakdown=exempt("K", "Exonération, art. 262 ter, I du CGI", "VATEX-EU-IC"),
        ),
        "export": replace(
            STANDARD, frame="B1", buyer=SWISS, notes=(*MENTIONS, ABROAD), lines=untaxed("G", TIMBER),
            breakdown=exempt("G", "Exonération, art. 262, I du CGI", "VATEX-EU-G"),
        ),
        "debits": replace(STANDARD, tax_point="invoice"),
        "receipts": replace(STANDARD, tax_point="payment"),
        "in dollars": replace(STANDARD, currency="USD", tax_currency="EUR", totals=Totals(tax_accounting=Decimal("424.37"))),
    }  # fmt: skip


@pytest.fixture(scope="session")
def goldens() -> dict[str, Document]:
    """Documents that may be issued, by name, with their amounts."""
    return {name: calculate(draft) for name, draft in drafts().items()}


@pytest.fixture(scope="session")
def changed() -> Any:
    """A copy of a document with other values at the places that paths lead to, as `lines.0.price.net`."""

    def copy(of: Any, changes: dict[str, Any]) -> Any:
        for path, value in changes.items():
            of = _changed(of, path.split("."), value)
        return of

    return copy


def _changed(of: Any, steps: list[str], value: Any) -> Any:
    if not steps:
        return value
    first, *rest = steps
    if isinstance(of, tuple):
        at = int(first)
        return (*of[:at], _changed(of[at], rest, value), *of[at + 1 :])
    return replace(of, **{first: _changed(getattr(of, first), rest, value)})
