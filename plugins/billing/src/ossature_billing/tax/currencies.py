"""The tax in euros of a document in another currency (BT-6, BT-111)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext

from ossature.api import translator
from ossature_billing.calculation import EXACT, ONE, ZERO, rounded
from ossature_billing.documents import Document
from ossature_billing.rules.terms import day_in_words, written
from ossature_billing.tax.data import TaxRefused

_, _l, _n = translator("billing")

EURO = "EUR"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRate:
    """So many units of a currency were worth so many euros, on a day, by whom.

    Article 266, 1 bis of the CGI takes the rate of the day on which tax falls due, as the European Central Bank
    publishes it (units for one euro), or the last selling rate.
    """

    currency: str
    units: Decimal = ONE
    euros: Decimal = ONE
    day: date
    source: str
    """Who publishes it, as `European Central Bank`"""

    @property
    def words(self) -> str:
        """For the document and the screen: `1.084 USD = 1 EUR (November 20, 2026, European Central Bank)`."""
        return _(
            "%(units)s %(currency)s = %(euros)s EUR (%(day)s, %(source)s)",
            units=written(self.units), currency=self.currency, euros=written(self.euros), day=day_in_words(self.day),
            source=self.source,
        )  # fmt: skip


def tax_in_euros(document: Document, rate: ExchangeRate | None) -> Document:
    """A calculated document with its tax in euros, half up to the cent; one in euros is left as it is.

    The sum of the tax is exchanged (BT-110), not each group. Raises TaxRefused when no rate is stated, when it is of
    another currency, not above zero or without a source.
    """
    if document.currency == EURO:
        return replace(
            document, tax_currency=None, totals=document.totals and replace(document.totals, tax_accounting=None)
        )
    if document.totals is None or document.totals.tax is None:
        raise ValueError("tax is exchanged when it is calculated")
    if rate is None:
        raise TaxRefused(
            _(
                "A document in %(currency)s needs an exchange rate, so that its tax is stated in euros.",
                currency=document.currency,
            )
        )
    if rate.currency != document.currency:
        raise TaxRefused(
            _(
                "The exchange rate is of %(rate)s, the document in %(currency)s.",
                rate=rate.currency,
                currency=document.currency,
            )
        )
    if not all(one.is_finite() and one > ZERO for one in (rate.units, rate.euros)):
        raise TaxRefused(_("An exchange rate is more than zero."))
    if not rate.source.strip():
        raise TaxRefused(_("State who publishes the exchange rate."))
    with localcontext(EXACT):
        euros = rounded(document.totals.tax * rate.euros / rate.units, EURO)
    return replace(document, tax_currency=EURO, totals=replace(document.totals, tax_accounting=euros))
