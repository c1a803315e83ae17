"""Payment terms: when a document is due, how that is said, and what the law allows between firms."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from ossature.api import translator
from ossature_billing.rules.failures import Failure
from ossature_billing.rules.terms import day_in_words

_, _l, _n = translator("billing")

LAW = "C.COM-L441-10"
"""C. com. L441-10, I: 60 days from issue; or 45 days end of month if expressly agreed; 45 days for periodic invoices."""
NET_MAXIMUM, END_OF_MONTH_MAXIMUM, PERIODIC_MAXIMUM = 60, 45, 45


class Way(StrEnum):
    """How the day is found. "45 days end of month" has two readings, both lawful (DGCCRF, "Délais de paiement"):
    people choose one, and the words of the document say which."""

    RECEIPT = "receipt"
    """On the day of issue"""
    NET = "net"
    """So many days after issue"""
    DAYS_THEN_END_OF_MONTH = "days-then-end-of-month"
    """So many days after issue, then to the end of that month ("45 jours fin de mois": 15 January is 31 March)"""
    END_OF_MONTH_THEN_DAYS = "end-of-month-then-days"
    """From the end of the month of issue, so many days ("fin de mois + 45 jours": 15 January is 17 March)"""
    DAY_OF_MONTH = "day-of-month"
    """The first such day of a month, so many days after issue or later; the last day of a shorter month"""
    FIXED = "fixed"
    """A stated day"""


class TermsRefused(ValueError):
    """Terms that name no day for a document; the text is for whoever chose them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """When to pay. Days are business dates, in calendar days; nothing moves a due date off a Sunday or a holiday.

    Raises ValueError for what no way can mean: days below zero, a day of the month or a fixed day that is not stated.
    """

    way: Way
    days: int = 0
    on_day: int | None = None
    """1 to 31, for `DAY_OF_MONTH`"""
    on: date | None = None
    """For `FIXED`"""

    def __post_init__(self) -> None:
        if not 0 <= self.days <= 3660:
            raise ValueError(f"{self.days} days are no payment terms")
        if self.days and self.way in (Way.RECEIPT, Way.FIXED):
            raise ValueError(f"{self.way} has no days")
        if (self.on_day is not None) != (self.way is Way.DAY_OF_MONTH) or not 1 <= (self.on_day or 1) <= 31:
            raise ValueError("a day of the month is stated for that way, and is 1 to 31")
        if (self.on is not None) != (self.way is Way.FIXED):
            raise ValueError("a fixed day is stated for that way")

    def due(self, issued: date) -> date:
        """The day on which a document of that day is due: never before it. Raises TermsRefused."""
        later = issued + timedelta(days=self.days)
        if self.way is Way.DAYS_THEN_END_OF_MONTH:
            return _end_of_month(later)
        if self.way is Way.END_OF_MONTH_THEN_DAYS:
            return _end_of_month(issued) + timedelta(days=self.days)
        if self.on_day is not None:
            found = _day_of_month(later, self.on_day)
            return found if found >= later else _day_of_month(_end_of_month(later) + timedelta(days=1), self.on_day)
        if self.on is not None and self.on < issued:
            raise TermsRefused(
                _(
                    "Payment would be due on %(due)s, before the document is issued on %(issued)s.",
                    due=day_in_words(self.on), issued=day_in_words(issued),
                )
            )  # fmt: skip
        return self.on or later

    def words(self, language: str) -> str:
        """What a document in this language says (BT-20): `45 days after the date of invoice, then end of month`."""
        days = _l("1 day") if self.days == 1 else _l("%(days)s days", days=self.days)
        said = {
            Way.RECEIPT: _l("Payable on receipt"),
            Way.NET: _l("%(days)s after the date of invoice", days=days),
            Way.DAYS_THEN_END_OF_MONTH: _l("%(days)s after the date of invoice, then end of month", days=days),
            Way.END_OF_MONTH_THEN_DAYS: _l("End of month of the invoice, then %(days)s", days=days),
            Way.DAY_OF_MONTH: _l(
                "On day %(day)s of the month, at least %(days)s after the date of invoice", day=self.on_day, days=days
            ),
            Way.FIXED: _l("On %(day)s", day=day_in_words(self.on, language) if self.on else ""),
        }
        if not self.days:
            said |= {
                Way.NET: said[Way.RECEIPT],
                Way.DAYS_THEN_END_OF_MONTH: _l("End of month of the invoice"),
                Way.END_OF_MONTH_THEN_DAYS: _l("End of month of the invoice"),
                Way.DAY_OF_MONTH: _l("On day %(day)s of the month, after the date of invoice", day=self.on_day),
            }
        return said[self.way].in_locale(language)


def over_maximum(terms: Terms, issued: date, periodic: bool = False) -> tuple[Failure, ...]:
    """What the law says against these terms between firms: a warning, which does not keep a document from its issue.

    `periodic` invoices sum up a month of supplies (CGI 289, I, 3). Raises TermsRefused.
    """
    due = terms.due(issued)
    if periodic:
        most, words = (
            issued + timedelta(days=PERIODIC_MAXIMUM),
            _("Periodic invoices are due at most 45 days after issue (C. com. L441-10, I)."),
        )
    else:
        most, words = (
            issued + timedelta(days=NET_MAXIMUM),
            _(
                "Between firms payment is due at most 60 days after issue, or 45 days end of month if that is agreed (C. com. L441-10, I)."
            ),
        )
        by_month = terms.way in (Way.DAYS_THEN_END_OF_MONTH, Way.END_OF_MONTH_THEN_DAYS)
        if by_month and terms.days <= END_OF_MONTH_MAXIMUM:
            return ()
    return (Failure(LAW, "BT-9", "due_date", words),) if due > most else ()


def _end_of_month(day: date) -> date:
    return _day_of_month(day, 31)


def _day_of_month(day: date, number: int) -> date:
    """That day of the month of a day, or its last one."""
    return day.replace(day=min(number, monthrange(day.year, day.month)[1]))
