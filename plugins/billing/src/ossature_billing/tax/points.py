"""When tax falls due (BT-8) and the frame of billing (BT-23), by what a document sells."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

from ossature_billing.tax.positions import Kind, Position, Seller

TAXED = ("S", "Z")


class State(StrEnum):
    """The digit of the frame of billing (XP Z12-012, BR-FR-08)."""

    NORMAL = "1"
    PAID = "2"
    """All is paid: prepaid is the total with tax, due is zero, and the due date is that of the payment"""
    FINAL = "4"
    """The final invoice after deposits, never a deposit itself"""


def due_on(kind: Kind, seller: Seller, deposit: bool = False) -> str:
    """On what the tax of a line falls due, as BT-8 says it: `delivery`, `payment` or `invoice` (CGI 269, 2).

    Goods: on delivery (a), a deposit on them when it is paid (a bis, since 2023). Services and training: when they are
    paid (c), or when they are invoiced where the seller has opted for debits, which a deposit on goods never follows.
    """
    if kind is Kind.GOODS:
        return "payment" if deposit else "delivery"
    return "invoice" if seller.on_debits else "payment"


def tax_point(lines: Iterable[tuple[Kind, Position]], seller: Seller, deposit: bool = False) -> str | None:
    """What a document states (BT-8), by its lines on which tax is charged.

    The option for debits is stated as soon as one line follows it (CGI annex II, art. 242 nonies A, I). Where lines
    differ otherwise, and where no tax is charged, nothing is: the frame says that there are both.
    """
    points = {due_on(kind, seller, deposit) for kind, position in lines if position.category in TAXED}
    if "invoice" in points:
        return "invoice"
    return points.pop() if len(points) == 1 else None


def frame(kinds: Collection[Kind], state: State = State.NORMAL) -> str:
    """The frame of billing (BT-23): B for goods, S for services, M for both, with the digit of the state.

    Raises ValueError when nothing is sold.
    """
    if not kinds:
        raise ValueError("a document that sells nothing has no frame of billing")
    goods = Kind.GOODS in kinds
    services = any(kind is not Kind.GOODS for kind in kinds)
    return ("M" if goods and services else "B" if goods else "S") + state
