"""What breaks a rule, and the words that many rules share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ossature.api import translator
from ossature_billing.documents import Adjustment, Document, plain
from ossature_billing.rules.terms import heading_of, name_of, written

_, _l, _n = translator("billing")


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that a document breaks."""

    rule: str
    """The official id: `BR-CO-10`, `BR-FR-05`"""
    term: str
    """Of EN 16931, as `BT-106` or `BG-25`"""
    path: str
    """To the field of the document: `totals.lines`, `lines.0.allowances.1.amount`"""
    words: str
    """What is wrong, in the reader's language"""


Failures = Iterator[Failure]

KINDS = {
    "allowances": ("BT-92", "BT-93", "BT-95", "BT-96", "BT-97", "BT-98"),
    "charges": ("BT-99", "BT-100", "BT-102", "BT-103", "BT-104", "BT-105"),
    "line.allowances": ("BT-136", "BT-137", "", "", "BT-139", "BT-140"),
    "line.charges": ("BT-141", "BT-142", "", "", "BT-144", "BT-145"),
}


@dataclass(frozen=True, slots=True)
class Adjusted:
    """An allowance or a charge with where it stands, and the names of its terms."""

    one: Adjustment
    kind: str
    """`allowances`, `charges`, `line.allowances` or `line.charges`"""
    path: str

    @property
    def terms(self) -> tuple[str, str, str, str, str, str]:
        """The terms of amount, base, category, rate, reason and code."""
        return KINDS[self.kind]


def adjustments(document: Document) -> Iterator[Adjusted]:
    """Those of the document, then those of its lines."""
    for kind, every in (("allowances", document.allowances), ("charges", document.charges)):
        for at, one in enumerate(every):
            yield Adjusted(one, kind, f"{kind}.{at}")
    for number, line in enumerate(document.lines):
        for kind, every in (("allowances", line.allowances), ("charges", line.charges)):
            for at, one in enumerate(every):
                yield Adjusted(one, f"line.{kind}", f"lines.{number}.{kind}.{at}")


def blank(value: object) -> bool:
    """Whether nothing is stated: no value, no item, or spaces alone."""
    return value is None or value == () or (isinstance(value, str) and not value.strip())


def missing(rule: str, term: str, path: str, value: object) -> Failures:
    """A failure when nothing is stated."""
    if blank(value):
        yield Failure(rule, term, path, _("Missing: %(name)s.", name=name_of(term)))


def unknown(rule: str, term: str, path: str, value: str | None, known: frozenset[str] | Sequence[str]) -> Failures:
    """A failure when a code is stated that its list does not have."""
    if value is not None and value not in known:
        words = _("%(name)s: %(value)s is not a code of its list.", name=heading_of(term), value=value)
        yield Failure(rule, term, path, words)


def differs(rule: str, term: str, path: str, stated: Decimal | None, right: Decimal) -> Failures:
    """A failure when an amount is stated that is not what it is worked out to be."""
    if stated is not None and stated != right:
        words = _(
            "%(name)s: %(stated)s is stated, but it comes to %(right)s.",
            name=heading_of(term), stated=written(stated), right=written(right),
        )  # fmt: skip
        yield Failure(rule, term, path, words)


def too_fine(rule: str, term: str, path: str, value: Decimal | None, most: int, digits: int = 19) -> Failures:
    """A failure when a number has more than so many decimals, or so many characters without its point."""
    if value is None:
        return
    text = plain(value)
    if len(text.partition(".")[2]) > most or len(text.replace(".", "")) > digits:
        words = _(
            "%(name)s: %(value)s has more than %(most)s decimals or %(digits)s digits.",
            name=heading_of(term), value=written(value), most=most, digits=digits,
        )  # fmt: skip
        yield Failure(rule, term, path, words)
