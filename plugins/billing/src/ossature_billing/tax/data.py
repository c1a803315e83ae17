"""Rates, exemptions, thresholds and penalties as they stand in `france.toml`: dated, each with its law and its source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from ossature.api import translator
from ossature_billing.rules.terms import day_in_words, written

_, _l, _n = translator("billing")

TERRITORIES = {
    "metropole": _l("Mainland France"),
    "corsica": _l("Corsica"),
    "guadeloupe": _l("Guadeloupe"),
    "martinique": _l("Martinique"),
    "reunion": _l("Réunion"),
}
KINDS = {
    "standard": _l("Standard rate"),
    "intermediate": _l("Intermediate rate"),
    "reduced": _l("Reduced rate"),
    "special": _l("Special rate"),
}


class TaxRefused(ValueError):
    """A tax that cannot be applied; its text is for the person who asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """What applies from a day on, and until one (both included) unless it still does."""

    start: date
    until: date | None = None
    law: str
    """An article of the CGI, unless another text is named"""
    source: str
    """Where it was read"""
    sure: str
    """`read`, or `known`: general knowledge that somebody has to confirm"""

    def applies(self, day: date) -> bool:
        return self.start <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate(Dated):
    """A rate of VAT in a territory; a rate that changes is another rate, which follows this one."""

    key: str
    territory: str
    kind: str
    percent: Decimal
    followed_by: str | None = None
    category: str = "S"

    @property
    def name(self) -> str:
        """For people: `20 % (Standard rate, Mainland France)`."""
        return _(
            "%(percent)s %% (%(kind)s, %(territory)s)",
            percent=written(self.percent), kind=KINDS[self.kind], territory=TERRITORIES[self.territory],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption(Dated):
    """A reason for which a document carries no tax: its VAT category, its code (BT-121) and its mention (BT-120)."""

    key: str
    category: str
    code: str
    fr: str
    en: str

    def mention(self, language: str | None) -> str:
        """What the document says, in its own language: French, or English for every other."""
        return self.fr if (language or "fr").lower().startswith("fr") else self.en


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold(Dated):
    """Up to which turnover of a year, in euros, a small business charges no VAT (CGI 293 B)."""

    of: str
    """`goods` or `services`"""
    limit: Decimal
    """Of the year before"""
    upper: Decimal
    """Passed in the running year, it ends the exemption on that day"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalty(Dated):
    """What is owed for late payment between firms (C. com. L441-10, II and D441-5)."""

    points: Decimal
    """Percentage points above the refinancing rate of the European Central Bank: the rate unless another is agreed"""
    legal_times: Decimal
    """An agreed rate is at least so many times the legal rate"""
    indemnity: Decimal
    """In euros, fixed, for each invoice that is paid late"""

    def rate(self, refinancing: Decimal) -> Decimal:
        """The yearly rate in percent, given the ECB's rate of `reference_day`."""
        return refinancing + self.points

    def least(self, legal: Decimal) -> Decimal:
        """The lowest yearly rate in percent that can be agreed, given the legal rate."""
        return legal * self.legal_times


def rates(on: date, territory: str = "metropole") -> tuple[Rate, ...]:
    """The rates that a territory has on a day, the highest first."""
    found = [rate for rate in _rates().values() if rate.territory == territory and rate.applies(on)]
    return tuple(sorted(found, key=lambda rate: -rate.percent))


def rate_on(key: str, day: date) -> Rate:
    """The rate of this key, which applies on this day. Raises TaxRefused, saying since or until when it does."""
    rate = _rates().get(key)
    if rate is None:
        raise TaxRefused(_("There is no VAT rate %(key)s.", key=key))
    if rate.applies(day):
        return rate
    if day < rate.start:
        raise TaxRefused(
            _("The rate %(rate)s applies from %(day)s only.", rate=rate.name, day=day_in_words(rate.start))
        )
    assert rate.until is not None
    following = _rates()[rate.followed_by] if rate.followed_by else None
    if following is None:
        raise TaxRefused(_("The rate %(rate)s ended on %(day)s.", rate=rate.name, day=day_in_words(rate.until)))
    raise TaxRefused(
        _(
            "The rate %(rate)s ended on %(day)s; since then it is %(following)s.",
            rate=rate.name, day=day_in_words(rate.until), following=following.name,
        )
    )  # fmt: skip


def exemptions(on: date) -> tuple[Exemption, ...]:
    """Those that may be claimed on a day, in the order of the data."""
    return tuple(one for one in _exemptions().values() if one.applies(on))


def exemption_on(key: str, day: date) -> Exemption:
    """The exemption of this key. Raises TaxRefused when there is none on this day."""
    found = _exemptions().get(key)
    if found is None or not found.applies(day):
        raise TaxRefused(_("There is no VAT exemption %(key)s on %(day)s.", key=key, day=day_in_words(day)))
    return found


def threshold(of: str, on: date) -> Threshold:
    """The small-business threshold for `goods` or `services`. Raises LookupError on a day of which nothing is known."""
    for one in _data()["threshold"]:
        found = Threshold(**_dated(one) | {"limit": Decimal(one["limit"]), "upper": Decimal(one["upper"])})
        if found.of == of and found.applies(on):
            return found
    raise LookupError(f"no threshold for {of!r} is known on {on}")


def penalty(on: date) -> Penalty:
    """What late payment costs on a day. Raises LookupError when nothing is known of it."""
    for one in _data()["penalty"]:
        numbers = {name: Decimal(one[name]) for name in ("points", "legal_times", "indemnity")}
        if (found := Penalty(**_dated(one) | numbers)).applies(on):
            return found
    raise LookupError(f"no penalties are known on {on}")


def reference_day(day: date) -> date:
    """Whose ECB rate counts for a day: 1 January in the first half year, 1 July in the second (C. com. L441-10, II)."""
    return date(day.year, 1 if day.month <= 6 else 7, 1)


@cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name("france.toml").read_text("utf-8"))


@cache
def _rates() -> Mapping[str, Rate]:
    return {one["key"]: Rate(**_dated(one) | {"percent": Decimal(one["percent"])}) for one in _data()["rate"]}


@cache
def _exemptions() -> Mapping[str, Exemption]:
    return {one["key"]: Exemption(**_dated(one)) for one in _data()["exemption"]}


def _dated(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name != "from"} | {"start": one["from"]}
