"""Documents become XML that the official checks accept: schema, EN 16931 and BR-FR; what is broken they refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ossature_billing.calculation import calculate
from ossature_billing.documents import Adjustment, Document, Identifier, Line, Note, Preceding, Price
from ossature_billing.freezing import freeze, thaw
from ossature_billing.rules import check
from ossature_billing.xml.official import NotValid, broken_rules, check_schema
from ossature_billing.xml.writing import cii, ubl

D = Decimal
WRITERS = {"cii": cii, "ubl": ubl}
NAMES = (
    "standard", "everything at once", "deposit", "final after deposits", "corrective", "credit note",
    "credit note of a deposit", "paid", "exempt training", "training and its room", "franchise", "reverse charge",
    "intra-EU supply", "export", "debits", "receipts", "in dollars",
)  # fmt: skip
CII = {
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
}
CBC = {"cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"}


def test_the_golden_documents_are_those_named_here(goldens: dict[str, Document]) -> None:
    assert tuple(goldens) == NAMES


@pytest.mark.parametrize("syntax", WRITERS)
@pytest.mark.parametrize("name", NAMES)
def test_every_kind_and_case_of_tax_passes_schema_en_16931_and_br_fr(
    goldens: dict[str, Document], name: str, syntax: str
) -> None:
    assert check(goldens[name]) == ()
    assert broken_rules(WRITERS[syntax](goldens[name])) == ()


@pytest.mark.parametrize("syntax", WRITERS)
def test_a_frozen_document_gives_the_same_xml_for_ever(goldens: dict[str, Document], syntax: str) -> None:
    for document in goldens.values():
        assert WRITERS[syntax](thaw(freeze(document))) == WRITERS[syntax](document)


# One fault each: the document, what is changed, the rule, the field, and the rules by which the official checks see it.
FAULTS: list[tuple[str, dict[str, Any], str, str, set[str]]] = [
    ("standard", {"lines.0.net": D("2299")}, "BR-CO-10", "totals.lines", {"BR-CO-10"}),
    ("standard", {"totals.without_tax": D("2301")}, "BR-CO-13", "totals.without_tax", {"BR-CO-13"}),
    ("standard", {"totals.tax": D("461")}, "BR-CO-14", "totals.tax", {"BR-CO-14"}),
    ("standard", {"totals.with_tax": D("2761")}, "BR-CO-15", "totals.with_tax", {"BR-CO-15"}),
    ("paid", {"totals.prepaid": D("2759")}, "BR-CO-16", "totals.due", {"BR-CO-16", "BR-FR-CO-09"}),
    ("standard", {"breakdown.0.tax": D("462")}, "BR-CO-17", "breakdown.0.tax", {"BR-CO-17"}),
    ("standard", {"lines.0.rate": D("10")}, "BR-S-08", "breakdown.0.base", {"BR-S-08"}),
    ("standard", {"seller.vat_id": None}, "BR-S-02", "seller.vat_id", {"BR-S-02"}),
    ("exempt training", {"breakdown.0.exemption": None, "breakdown.0.exemption_code": None}, "BR-E-10", "breakdown.0.exemption", {"BR-E-10"}),
    ("intra-EU supply", {"delivery.day": None}, "BR-IC-11", "delivery.day", {"BR-IC-11"}),
    ("standard", {"lines.0.quantity": D(-2), "lines.0.price.net": D(-1150)}, "BR-27", "lines.0.price.net", {"BR-27"}),
    ("standard", {"notes": (Note(subject="PMD", text="-"), Note(subject="AAB", text="-"))}, "BR-FR-05", "notes", {"BR-FR-05"}),
    ("standard", {"number": "F" * 36}, "BR-FR-01", "number", {"BR-FR-01"}),
    ("standard", {"number": "F 2026 42"}, "BR-FR-02", "number", {"BR-FR-02"}),
    ("standard", {"frame": "A1"}, "BR-FR-08", "frame", {"BR-FR-08"}),
    ("standard", {"seller.legal_id": Identifier(value="73282932", scheme="0002")}, "BR-FR-10", "seller.legal_id", {"BR-FR-10"}),
    ("standard", {"buyer.electronic_address": Identifier(value="732829320", scheme="0225")}, "BR-FR-21", "buyer.electronic_address", {"BR-FR-21"}),
    ("corrective", {"preceding": ()}, "BR-FR-CO-04", "preceding", {"BR-FR-CO-04"}),
    ("credit note", {"preceding": (Preceding(number="F2026-0007"),)}, "BR-FR-CO-05", "preceding", {"BR-FR-CO-05"}),
    ("standard", {"due_date": date(2026, 11, 1)}, "BR-FR-CO-07", "due_date", {"BR-FR-CO-07"}),
    ("in dollars", {"tax_currency": None}, "BR-FR-CO-12", "tax_currency", {"BR-FR-CO-12"}),
    ("standard", {"lines.0.quantity": D("2.00001")}, "BR-FR-DEC-02", "lines.0.quantity", {"BR-FR-DEC-02"}),
    ("standard", {"lines.0.quantity": D("3")}, "PEPPOL-EN16931-R120", "lines.0.net", set()),
    ("standard", {"breakdown.0.tax": D("460.5"), "totals.tax": D("460.5"), "totals.with_tax": D("2760.5"), "totals.due": D("2760.5")}, "BR-CO-17", "breakdown.0.tax", set()),
]  # fmt: skip


@pytest.mark.parametrize("syntax", WRITERS)
@pytest.mark.parametrize(
    ("name", "changes", "rule", "path", "seen"), FAULTS, ids=[f"{at}-{fault[2]}" for at, fault in enumerate(FAULTS)]
)
def test_one_fault_is_refused_with_rule_and_field_and_by_the_official_rules_that_see_it(
    goldens: dict[str, Document],
    changed: Any,
    syntax: str,
    name: str,
    changes: dict[str, Any],
    rule: str,
    path: str,
    seen: set[str],
) -> None:
    document = changed(goldens[name], changes)
    assert (rule, path) in [(failure.rule, failure.path) for failure in check(document)]
    official = {verdict.rule for verdict in broken_rules(WRITERS[syntax](document))}
    assert seen <= official
    assert bool(seen) == bool(official)


@pytest.mark.parametrize("syntax", WRITERS)
def test_a_verdict_has_the_official_words_and_the_place(
    goldens: dict[str, Document], changed: Any, syntax: str
) -> None:
    (verdict,) = broken_rules(WRITERS[syntax](changed(goldens["standard"], {"frame": "A1"})))
    assert verdict.rule == "BR-FR-08"
    assert "B1, S1, M1" in verdict.words
    assert verdict.place.startswith("/")


@pytest.mark.parametrize("syntax", WRITERS)
def test_without_france_only_the_rules_of_en_16931_are_asked(
    goldens: dict[str, Document], changed: Any, syntax: str
) -> None:
    xml = WRITERS[syntax](changed(goldens["standard"], {"frame": None, "notes": ()}))
    assert {verdict.rule for verdict in broken_rules(xml)} >= {"BR-FR-05", "BR-FR-08"}
    assert broken_rules(xml, france=False) == ()


@pytest.mark.parametrize(
    "xml", [b"", b"<Invoice/>", b"not xml", b"<!DOCTYPE a><a/>", b"<?xml version='1.0'?><a xmlns='urn:x'/>"]
)
def test_what_is_no_invoice_is_not_valid(xml: bytes) -> None:
    with pytest.raises(NotValid):
        check_schema(xml)


@pytest.mark.parametrize("syntax", WRITERS)
@pytest.mark.parametrize("name", ["number", "issue_date", "type_code", "currency", "totals"])
def test_a_document_that_lacks_what_all_state_is_not_written(
    goldens: dict[str, Document], changed: Any, syntax: str, name: str
) -> None:
    with pytest.raises(ValueError):
        WRITERS[syntax](changed(goldens["standard"], {name: None}))


def test_a_document_without_a_buyer_is_not_written_in_cii_and_refused_in_ubl(
    goldens: dict[str, Document], changed: Any
) -> None:
    document = changed(goldens["standard"], {"buyer": None})
    with pytest.raises(ValueError, match="does not state BG-7"):
        cii(document)
    assert {verdict.rule for verdict in broken_rules(ubl(document))} >= {"BR-07", "BR-10"}


def test_a_credit_note_is_one_in_both_syntaxes(goldens: dict[str, Document]) -> None:
    root = etree.fromstring(ubl(goldens["credit note"]))
    assert etree.QName(root).localname == "CreditNote"
    assert root.findtext("cbc:CreditNoteTypeCode", namespaces=CBC) == "381"
    assert etree.fromstring(cii(goldens["credit note"])).findtext(".//ram:TypeCode", namespaces=CII) == "381"


@pytest.mark.parametrize(("name", "code", "of_ubl"), [("debits", "5", "3"), ("receipts", "72", "432")])
def test_the_xml_says_when_tax_falls_due(goldens: dict[str, Document], name: str, code: str, of_ubl: str) -> None:
    assert etree.fromstring(cii(goldens[name])).findtext(".//ram:DueDateTypeCode", namespaces=CII) == code
    assert etree.fromstring(ubl(goldens[name])).findtext(".//cbc:DescriptionCode", namespaces=CBC) == of_ubl


def test_numbers_keep_all_their_decimals_and_amounts_have_those_of_their_currency(goldens: dict[str, Document]) -> None:
    root = etree.fromstring(cii(thaw(freeze(goldens["everything at once"]))))
    assert root.findtext(".//ram:NetPriceProductTradePrice/ram:ChargeAmount", namespaces=CII) == "32.623456"
    assert root.findtext(".//ram:GrandTotalAmount", namespaces=CII) == "1957.13"
    yen = calculate(replace(goldens["standard"], currency="JPY", tax_currency="EUR"))
    assert etree.fromstring(cii(yen)).findtext(".//ram:GrandTotalAmount", namespaces=CII) == "2760"


@pytest.mark.parametrize("syntax", WRITERS)
def test_texts_are_written_as_they_are(goldens: dict[str, Document], syntax: str) -> None:
    root = etree.fromstring(WRITERS[syntax](goldens["standard"]))
    texts = {element.text for element in root.iter()}
    assert {"Maison & Fils SARL", "2 quai <des> Arts", "Bâtiment B"} <= texts


# -- whatever the numbers ----------------------------------------------------------------------------------------------

RATES = st.sampled_from([D(20), D(10), D("5.5"), D("2.1"), D("0.9")])


def numbers(places: int, least: int, most: int) -> st.SearchStrategy[Decimal]:
    return st.integers(least * 10**places, most * 10**places).map(lambda number: D(number).scaleb(-places))


@st.composite
def adjustments(draw: st.DrawFn, taxed: bool) -> Adjustment:
    percent = draw(st.none() | numbers(2, 0, 100))
    return Adjustment(
        percent=percent, amount=None if percent is not None else draw(numbers(2, 0, 100)), reason="Selon accord",
        category="S" if taxed else None, rate=draw(RATES) if taxed else None,
    )  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> Line:
    return Line(
        quantity=draw(numbers(4, -1000, 1000)), unit="C62", category="S", rate=draw(RATES), name="Article",
        price=Price(net=draw(numbers(6, 0, 1000)), base_quantity=draw(st.none() | numbers(4, 1, 100))),
        allowances=tuple(draw(st.lists(adjustments(taxed=False), max_size=2))),
        charges=tuple(draw(st.lists(adjustments(taxed=False), max_size=2))),
    )  # fmt: skip


@settings(deadline=None, derandomize=True, max_examples=12)
@given(st.lists(lines(), min_size=1, max_size=5), st.lists(adjustments(taxed=True), max_size=2), st.booleans())
def test_what_our_check_lets_pass_the_official_ones_let_pass(
    goldens: dict[str, Document], every: list[Line], more: list[Adjustment], less: bool
) -> None:
    draft = replace(
        goldens["standard"], lines=tuple(replace(line, id=str(at)) for at, line in enumerate(every, start=1)),
        allowances=tuple(more) if less else (), charges=() if less else tuple(more),
    )  # fmt: skip
    document = calculate(draft)
    assert check(document) == ()
    for write in WRITERS.values():
        assert broken_rules(write(document)) == ()


# -- nothing is lost ---------------------------------------------------------------------------------------------------


def leaves(of: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Everything that a document states, with the path to it."""
    if isinstance(of, tuple):
        for at, one in enumerate(of):
            yield from leaves(one, f"{path}.{at}".strip("."))
    elif is_dataclass(of):
        for field in fields(of):
            yield from leaves(getattr(of, field.name), f"{path}.{field.name}".strip("."))
    elif of is not None:
        yield path, of


def said(xml: bytes) -> tuple[set[str], set[Decimal]]:
    """All texts and attributes of an XML document, and those that are numbers."""
    root = etree.fromstring(xml)
    texts = {text for element in root.iter() for text in (element.text, *element.attrib.values()) if text}
    texts |= {part for text in texts for part in text.split("#", 2)}  # UBL writes a note as #AAB#its text
    return texts, {D(text) for text in texts if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text)}


@pytest.mark.parametrize("syntax", WRITERS)
def test_all_that_a_document_states_is_in_its_xml(goldens: dict[str, Document], syntax: str) -> None:
    document = goldens["everything at once"]
    texts, found = said(WRITERS[syntax](document))
    lost = []
    for path, value in leaves(document):
        if isinstance(value, Decimal):
            there = value in found
        elif isinstance(value, date):
            there = not {value.isoformat(), value.strftime("%Y%m%d")}.isdisjoint(texts)
        else:
            there = value in texts
        if not there:
            lost.append((path, value))
    assert lost == [("language", "fr")]
