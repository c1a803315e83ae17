"""The status of documents follows from facts; a payment falls on documents to the cent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ossature.api import Money
from ossature_billing.statuses import (
    Entry,
    EntryKind,
    Facts,
    MoneyRefused,
    Open,
    QuoteFacts,
    QuoteStatus,
    Split,
    Status,
    amount_due,
    quote_status,
    split,
    status,
)

whatever = settings(deadline=None, derandomize=True, max_examples=60)
TODAY = date(2026, 11, 20)
INVOICE = Facts(total=Money(10000, "EUR"), due_date=TODAY)
ENTRIES = st.lists(
    st.builds(Entry, st.sampled_from(EntryKind), st.builds(Money, st.integers(1, 20000), st.just("EUR")))
)


def entry(kind: str, cents: int) -> Entry:
    return Entry(EntryKind(kind), Money(cents, "EUR"))


@pytest.mark.parametrize(
    ("changes", "later", "expected"),
    [
        ({"issued": False, "entries": (entry("payment", 10000),)}, 9, Status.DRAFT),
        ({}, 0, Status.ISSUED),
        ({"sent": True}, 0, Status.SENT),
        ({"sent": True, "viewed": True}, 0, Status.VIEWED),
        ({"viewed": True, "entries": (entry("payment", 1),)}, 0, Status.PARTIALLY_PAID),
        ({"entries": (entry("payment", 9999),)}, 1, Status.OVERDUE),
        ({}, 1, Status.OVERDUE),
        ({"due_date": None}, 1, Status.ISSUED),
        ({"entries": (entry("payment", 10000),)}, 1, Status.PAID),
        ({"entries": (entry("payment", 12000),)}, 1, Status.PAID),
        ({"entries": (entry("payment", 9990), entry("write-off", 10))}, 1, Status.PAID),
        ({"entries": (entry("payment", 10000), entry("refund", 10000))}, 0, Status.ISSUED),
        ({"entries": (entry("credit", 4000), entry("payment", 6000))}, 1, Status.PAID),
        ({"entries": (entry("credit", 10000),)}, 1, Status.CANCELLED),
        ({"entries": (entry("payment", 10000), entry("credit", 10000))}, 1, Status.CANCELLED),
        ({"total": Money(0, "EUR")}, 1, Status.PAID),
    ],
)
def test_the_status_of_an_invoice_follows_from_facts(changes: dict[str, Any], later: int, expected: Status) -> None:
    assert status(replace(INVOICE, **changes), TODAY + timedelta(days=later)) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, QuoteStatus.DRAFT),
        ({"sent": True, "valid_until": TODAY}, QuoteStatus.SENT),
        ({"viewed": True}, QuoteStatus.VIEWED),
        ({"sent": True, "viewed": True, "valid_until": TODAY - timedelta(days=1)}, QuoteStatus.EXPIRED),
        ({"valid_until": TODAY - timedelta(days=1)}, QuoteStatus.DRAFT),
        ({"sent": True, "accepted": True, "valid_until": TODAY - timedelta(days=1)}, QuoteStatus.ACCEPTED),
        ({"sent": True, "accepted": False}, QuoteStatus.REFUSED),
        ({"sent": True, "accepted": True, "converted": True}, QuoteStatus.CONVERTED),
    ],
)
def test_the_status_of_a_quote_follows_from_facts(facts: dict[str, Any], expected: QuoteStatus) -> None:
    assert quote_status(QuoteFacts(**facts), TODAY) == expected


@whatever
@given(ENTRIES, st.integers(-3, 3))
def test_what_is_due_follows_from_entries_in_any_order_and_the_status_agrees_with_it(
    entries: list[Entry], days: int
) -> None:
    due = amount_due(INVOICE.total, entries)
    assert due == amount_due(INVOICE.total, reversed(entries))
    signed = {EntryKind.REFUND: 1}
    assert due.minor == 10000 + sum(signed.get(one.kind, -1) * one.amount.minor for one in entries)
    found = status(replace(INVOICE, entries=entries), TODAY + timedelta(days=days))
    if due.minor <= 0:
        assert found in (Status.PAID, Status.CANCELLED)
    elif found is not Status.CANCELLED:
        assert (found is Status.OVERDUE) == (days > 0)


OPEN = st.lists(
    st.builds(
        Open[int], id=st.integers(), due=st.builds(Money, st.integers(-500, 5000), st.just("EUR")),
        issue_date=st.dates(date(2026, 1, 1), date(2026, 2, 1)),
        due_date=st.none() | st.dates(date(2026, 2, 1), date(2026, 3, 1)), number=st.text("AB", max_size=2),
    ),
    unique_by=lambda one: one.id,
)  # fmt: skip


@whatever
@given(st.integers(1, 20000), OPEN)
def test_a_payment_is_split_to_the_cent_over_the_oldest_due(cents: int, documents: list[Open[int]]) -> None:
    done = split(Money(cents, "EUR"), documents)
    assert sum(share.minor for _id, share in done.shares) + done.left.minor == cents
    shares = dict(done.shares)
    by_id = {one.id: one for one in documents}
    assert all(0 < share.minor <= by_id[id].due.minor for id, share in shares.items())
    paid_whole = [one for one in documents if one.due.minor <= 0 or shares.get(one.id) == one.due]
    others = [one for one in documents if one not in paid_whole]
    assert done.left.minor == 0 or not others  # only what nobody owes is left as a credit
    assert len([one for one in others if one.id in shares]) <= 1
    first = min((one.due_date or one.issue_date for one in others), default=date.max)
    assert all((by_id[id].due_date or by_id[id].issue_date) <= first for id in shares)


def test_a_payment_above_what_is_due_leaves_a_credit() -> None:
    late = Open(id="late", due=Money(300, "EUR"), issue_date=TODAY, due_date=TODAY - timedelta(days=9))
    soon = Open(id="soon", due=Money(500, "EUR"), issue_date=TODAY, due_date=TODAY)
    assert split(Money(1000, "EUR"), (soon, late)) == Split(
        (("late", Money(300, "EUR")), ("soon", Money(500, "EUR"))), Money(200, "EUR")
    )


def test_currencies_are_never_mixed_and_amounts_are_above_zero() -> None:
    dollars = Money(100, "USD")
    with pytest.raises(MoneyRefused, match="USD and EUR"):
        amount_due(INVOICE.total, [Entry(EntryKind.PAYMENT, dollars)])
    with pytest.raises(MoneyRefused, match="EUR and USD"):
        split(dollars, [Open(id=1, due=Money(1, "EUR"), issue_date=TODAY)])
    for cents in (0, -1):
        with pytest.raises(MoneyRefused, match="more than zero"):
            amount_due(INVOICE.total, [entry("payment", cents)])
        with pytest.raises(MoneyRefused, match="more than zero"):
            split(Money(cents, "EUR"), [])
