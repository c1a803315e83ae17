"""Published invoices and rule tests as documents: they lie beside the repository, see `OSSATURE_TEST_DATA`."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ossature.testing.needs import need
from ossature_billing.documents import Adjustment, Document, Line, Price, TaxGroup, Totals

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
