"""The check before issue: which official rule a document breaks, at which term and in which field, said in words.

EN 16931's rules (`BR-...`) as its validation artefacts of spring 2026 have them, France's (`BR-FR-...`) as XP Z12-012
of July 2026 has them, and those of Peppol (`PEPPOL-EN16931-R...`) about arithmetic that neither looks at. Where the
official check tolerates a difference, this one does not: amounts are exact to the cent.

A rule is silent where the terms it speaks of are not stated, unless it asks for one. Rates compare as numbers. The
rules of lines within lines (BR-FR-MV, BR-FR-BD, BR-FR-29, BR-FR-30) are not here: documents have none.
"""

from ossature_billing.rules.check import check, european, french
from ossature_billing.rules.failures import Failure

__all__ = ["Failure", "check", "european", "french"]
