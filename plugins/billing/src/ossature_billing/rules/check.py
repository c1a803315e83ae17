"""All rules, one after the other."""

from __future__ import annotations

from decimal import localcontext

from ossature_billing.calculation import EXACT
from ossature_billing.documents import Document
from ossature_billing.rules import amounts, categories, codes, france, presence
from ossature_billing.rules.failures import Failure


def check(document: Document) -> tuple[Failure, ...]:
    """What keeps a document of a French seller from being issued; nothing when it may be."""
    return (*european(document), *french(document))


def european(document: Document) -> tuple[Failure, ...]:
    """The rules of EN 16931 that a document breaks, and those of Peppol about arithmetic."""
    parts = (presence.check, amounts.check, categories.check, codes.check)
    with localcontext(EXACT):
        return tuple(failure for part in parts for failure in part(document))


def french(document: Document) -> tuple[Failure, ...]:
    """The rules that France adds for documents of its sellers."""
    return tuple(france.check(document))
