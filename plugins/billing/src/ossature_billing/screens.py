"""How series look."""

from __future__ import annotations

from ossature.api import Screens, Section, translator
from ossature_billing.models.series import Series

_, _l, ngettext = translator("billing")

series_screens = Screens(
    Series,
    list=["name", "legal_entity_id", "template", "last_number", "last_issued_on"],
    facts=["legal_entity_id", "template", "restarts", "first", "last_number", "last_issued_on"],
    sections=[Section(["name", "legal_entity_id", "template", "restarts", "first"])],
)
