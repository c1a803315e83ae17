"""How samples look: sections, columns and tabs of a form."""

from __future__ import annotations

from ossature.api import Grid, Screens, Section
from ossature_kinds.models.sample import Sample

SAMPLE_SCREENS = Screens(
    Sample,
    sections=[
        Section(["name", "code", "state"], columns=3),
        Section(
            ["pieces", "grains", "ratio", "price", "fragile", "lost", "loss", "sealed"], "Measures", tab="Measures"
        ),
        Section(["lines"], "Lines", tab="Findings"),
        Section(["email", "phone", "website", "token"], "Reach", columns=1, tab="More"),
        Section(["taken_on", "seen_at", "remark", "notes"], "Notes", tab="More", collapsed=True),
    ],
    grids=[Grid("lines", totals=["count", "total"])],
)
