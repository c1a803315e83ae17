"""A document is frozen as the same bytes everywhere, read back whole, and chained so that no change stays unseen."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ossature_billing.documents import Document, Line, Note, Price, plain
from ossature_billing.freezing import START, UnreadableDocument, chained, freeze, thaw

SHORT = Document(
    number="F2026-0001", issue_date=date(2026, 12, 1), currency="EUR", notes=(Note(subject="AAB", text="Pas d’escompte"),),
    lines=(Line(id="1", quantity=Decimal("1.50"), price=Price(net=Decimal("1E+3"))),),
)  # fmt: skip
SHORT_BYTES = (
    '{"document":{"currency":"EUR","issue_date":"2026-12-01","lines":[{"id":"1","price":{"net":"1000"},'
    '"quantity":"1.5"}],"notes":[{"subject":"AAB","text":"Pas d’escompte"}],"number":"F2026-0001"},"format":1}'
).encode()
SAMPLES: dict[Any, Any] = {str: 'é\u2028"\\', Decimal: Decimal("-12.340"), date: date(2026, 2, 28)}


def everything(kind: Any) -> Any:
    """A value of a type with every field stated, and theirs in turn."""
    if kind in SAMPLES:
        return SAMPLES[kind]
    if is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return typing.cast(Any, kind)(**{field.name: everything(hints[field.name]) for field in fields(kind)})
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        return everything(typing.get_args(kind)[0])
    assert typing.get_origin(kind) is tuple, kind
    return (everything(typing.get_args(kind)[0]),) * 2


def test_a_document_that_states_everything_comes_back_whole() -> None:
    document = everything(Document)
    assert thaw(freeze(document)) == document
    assert None not in [getattr(document, field.name) for field in fields(Document)]


def test_published_invoices_come_back_whole(cases: Any) -> None:
    for case in (*cases.invoices, *cases.gobl, *cases.rules):
        assert thaw(freeze(case.stated)) == case.stated


def test_the_bytes_are_json_with_sorted_names_and_numbers_as_text() -> None:
    assert freeze(SHORT) == SHORT_BYTES
    assert freeze(Document()) == b'{"document":{},"format":1}'


def test_equal_documents_have_equal_bytes() -> None:
    line = replace(SHORT.lines[0], quantity=Decimal("1.5"), price=Price(net=Decimal("1000.000000")))
    same = replace(SHORT, lines=(line,))
    assert same == SHORT
    assert freeze(same) == freeze(SHORT)


@settings(deadline=None, derandomize=True)
@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_any_number_is_written_without_loss_in_one_way_only(number: Decimal) -> None:
    text = plain(number)
    assert Decimal(text) == number
    assert plain(Decimal(text)) == text
    assert "E" not in text
    assert text != "-0"


@pytest.mark.parametrize("number", ["NaN", "-Infinity"])
def test_what_is_no_number_is_not_frozen(number: str) -> None:
    with pytest.raises(ValueError, match="is not a number that a document can state"):
        freeze(replace(SHORT, lines=(Line(quantity=Decimal(number)),)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("{", "["), "not JSON"),
        (('"format":1', '"format":2'), "format 2 is unknown here"),
        (('"format"', '"formats"'), "not the bytes of a document"),
        (('"quantity"', '"amount"'), "lines.0.amount"),
        (('"1.5"', "1.5"), "lines.0.quantity"),
        (('"1.5"', "15"), "lines.0.quantity"),
        (('"1.5"', '"NaN"'), "lines.0.quantity"),
        (('"1.5"', '"one"'), "lines.0.quantity"),
        (('"2026-12-01"', '"2026-13-01"'), "issue_date"),
        (('"F2026-0001"', "1"), "number"),
    ],
)
def test_altered_bytes_that_are_no_document_are_refused_with_the_place(change: tuple[str, str], said: str) -> None:
    with pytest.raises(UnreadableDocument, match=said):
        thaw(SHORT_BYTES.replace(change[0].encode(), change[1].encode(), 1))


def test_a_hash_is_over_the_one_before_it_and_the_bytes() -> None:
    first = chained(START, SHORT_BYTES)
    assert first == sha256(bytes(32) + SHORT_BYTES).hexdigest()
    assert chained(first, SHORT_BYTES) == sha256(bytes.fromhex(first) + SHORT_BYTES).hexdigest() != first


def test_a_change_a_gap_and_another_order_break_every_hash_after_them() -> None:
    issued = [freeze(replace(SHORT, number=f"F{at}")) for at in range(5)]

    def hashes(documents: list[bytes]) -> list[str]:
        found = [START]
        for data in documents:
            found.append(chained(found[-1], data))
        return found[1:]

    whole = hashes(issued)
    altered = [issued[0], issued[1], issued[2].replace(b'"1.5"', b'"1.6"'), *issued[3:]]
    assert [one == other for one, other in zip(whole, hashes(altered), strict=True)] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert hashes([*issued[:2], *issued[3:]])[2:] != whole[3:]
    assert set(hashes([issued[1], issued[0], *issued[2:]])).isdisjoint(whole)


@pytest.mark.parametrize("previous", ["", "0" * 63, "G" * 64, "A" * 64])
def test_what_is_no_hash_begins_no_chain(previous: str) -> None:
    with pytest.raises(ValueError, match="is not a SHA-256"):
        chained(previous, SHORT_BYTES)
