"""Amounts of money in filters: written as people write them, compared exactly, whatever the currency's minor unit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, and_, func, not_, or_

from ossature.db.types import UNUSUAL_DECIMALS, currency_decimals

_AMOUNT = re.compile(r"(-?\d{1,15}(?:\.\d{1,6})?)(?: ([A-Z]{3}))?")


@dataclass(frozen=True, slots=True)
class Amount:
    """So much of one currency; of any currency without one."""

    value: Decimal
    currency: str | None = None


def read_amount(value: Any) -> Amount:
    """`10.50`, `10.50 EUR`, or the object that the API writes. Raises `ValueError`."""
    if isinstance(value, dict) and value.keys() == {"amount", "currency"}:
        value = f"{value['amount']} {value['currency']}"
    match = _AMOUNT.fullmatch(str(value)) if not isinstance(value, bool) else None
    if match is None:
        raise ValueError(value)
    return Amount(Decimal(match[1]), match[2])


def compare_amounts(
    op: str, minor: ColumnElement[Any], currency: ColumnElement[Any], amounts: Sequence[Amount]
) -> ColumnElement[bool]:
    """The comparison as SQL; of an amount with a currency only what is of that currency."""

    def test(amount: Amount, compare: Callable[[Any, Any], Any]) -> ColumnElement[bool]:
        if amount.currency is None:
            return sa.cast(compare(minor, sa.literal(amount.value, sa.Numeric()) * _minor_units(currency)), sa.Boolean)
        scaled = amount.value.scaleb(currency_decimals(amount.currency))
        return and_(currency == amount.currency, compare(minor, sa.literal(scaled, sa.Numeric())))

    if op == "between":
        low, high = amounts
        return and_(test(low, lambda a, b: a >= b), test(high, lambda a, b: a <= b))
    if op in ("is", "in", "not"):
        same = or_(*(test(amount, lambda a, b: a == b) for amount in amounts))
        return not_(func.coalesce(same, sa.false())) if op == "not" else same
    compare: dict[str, Callable[[Any, Any], Any]] = {
        "below": lambda a, b: a < b, "at_most": lambda a, b: a <= b, "above": lambda a, b: a > b,
        "at_least": lambda a, b: a >= b,
    }  # fmt: skip
    return test(amounts[0], compare[op])


def _minor_units(currency: ColumnElement[Any]) -> ColumnElement[Any]:
    """How many minor units make one unit of a row's currency."""
    by_decimals: dict[int, list[str]] = {}
    for code, decimals in UNUSUAL_DECIMALS.items():
        by_decimals.setdefault(decimals, []).append(code)
    cases: list[Any] = [
        (currency.in_(codes), sa.literal_column(str(10**decimals))) for decimals, codes in by_decimals.items()
    ]
    return sa.case(*cases, else_=sa.literal_column("100"))
