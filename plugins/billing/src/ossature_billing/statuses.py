"""The status of a document and what is still to be paid, worked out of facts and never stored beside them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Generic, TypeVar

from ossature.api import Money, translator

_, _l, _n = translator("billing")

Id = TypeVar("Id", bound=Hashable)


class MoneyRefused(ValueError):
    """Money that cannot be used so; the text is for whoever enters it."""


class EntryKind(StrEnum):
    """What changes the amount that is due."""

    PAYMENT = "payment"
    """Money received"""
    REFUND = "refund"
    """Money given back"""
    CREDIT = "credit"
    """A credit note, or a part of one, set against the invoice"""
    WRITE_OFF = "write-off"
    """Given up"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One of them, its amount above zero; a payment that failed or is pending is none."""

    kind: EntryKind
    amount: Money


class Status(StrEnum):
    """Of an invoice or a credit note."""

    DRAFT = "draft"
    ISSUED = "issued"
    SENT = "sent"
    VIEWED = "viewed"
    PARTIALLY_PAID = "partially-paid"
    PAID = "paid"
    """Nothing is due any more: paid, credited in part or written off"""
    OVERDUE = "overdue"
    CANCELLED = "cancelled"
    """Credited in whole"""


class QuoteStatus(StrEnum):
    DRAFT = "draft"
    SENT = "sent"
    VIEWED = "viewed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    EXPIRED = "expired"
    CONVERTED = "converted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of an invoice."""

    total: Money
    """What the document itself asks for (BT-115): with tax, less what was prepaid"""
    issued: bool = True
    sent: bool = False
    viewed: bool = False
    due_date: date | None = None
    entries: Sequence[Entry] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteFacts:
    """What is known of a quote."""

    sent: bool = False
    viewed: bool = False
    accepted: bool | None = None
    """None while the customer has not said"""
    valid_until: date | None = None
    """The last day on which it can be accepted"""
    converted: bool = False


def amount_due(total: Money, entries: Iterable[Entry]) -> Money:
    """What is still due: below zero when more was paid than was due, which is a credit of the customer.

    Raises MoneyRefused for an amount that is not above zero or of another currency.
    """
    for entry in entries:
        _usable(entry.amount, total.currency)
        total = total + entry.amount if entry.kind is EntryKind.REFUND else total - entry.amount
    return total


def status(facts: Facts, today: date) -> Status:
    """The status on a day of the seller. What was credited in whole is cancelled, whatever was paid before; what is late
    is overdue, even when a part was paid or nobody has sent it."""
    if not facts.issued:
        return Status.DRAFT
    due = amount_due(facts.total, facts.entries)
    credits = (entry for entry in facts.entries if entry.kind is EntryKind.CREDIT)
    if facts.total.minor > 0 >= amount_due(facts.total, credits).minor:
        return Status.CANCELLED
    if due.minor <= 0:
        return Status.PAID
    if facts.due_date is not None and today > facts.due_date:
        return Status.OVERDUE
    if due.minor < facts.total.minor:
        return Status.PARTIALLY_PAID
    return Status.VIEWED if facts.viewed else Status.SENT if facts.sent else Status.ISSUED


def quote_status(facts: QuoteFacts, today: date) -> QuoteStatus:
    """The status of a quote on a day of the seller: what the customer has said outlives the last day."""
    if facts.converted:
        return QuoteStatus.CONVERTED
    if facts.accepted is not None:
        return QuoteStatus.ACCEPTED if facts.accepted else QuoteStatus.REFUSED
    if not facts.sent and not facts.viewed:
        return QuoteStatus.DRAFT
    if facts.valid_until is not None and today > facts.valid_until:
        return QuoteStatus.EXPIRED
    return QuoteStatus.VIEWED if facts.viewed else QuoteStatus.SENT


@dataclass(frozen=True, kw_only=True)
class Open(Generic[Id]):
    """A document on which something is due."""

    id: Id
    due: Money
    issue_date: date
    due_date: date | None = None
    """On receipt where none is stated"""
    number: str = ""


@dataclass(frozen=True)
class Split(Generic[Id]):
    """How a payment falls on documents: only those that get a share, and what is left as a credit of the customer."""

    shares: tuple[tuple[Id, Money], ...]
    left: Money


def split(payment: Money, documents: Iterable[Open[Id]]) -> Split[Id]:
    """A payment over documents, the oldest due first, to the minor unit. Documents on which nothing is due get nothing.

    Raises MoneyRefused when it is not above zero, or when a document is in another currency.
    """
    _usable(payment, payment.currency)
    shares: list[tuple[Id, Money]] = []
    left = payment
    for one in sorted(documents, key=lambda one: (one.due_date or one.issue_date, one.issue_date, one.number)):
        _same(one.due, payment.currency)
        share = Money(min(left.minor, max(one.due.minor, 0)), payment.currency)
        if share.minor:
            shares.append((one.id, share))
            left = left - share
    return Split(tuple(shares), left)


def _usable(amount: Money, currency: str) -> None:
    _same(amount, currency)
    if amount.minor <= 0:
        raise MoneyRefused(_("An amount that is paid or credited is more than zero."))


def _same(amount: Money, currency: str) -> None:
    if amount.currency != currency:
        raise MoneyRefused(
            _("%(one)s and %(other)s cannot be set against each other.", one=amount.currency, other=currency)
        )
