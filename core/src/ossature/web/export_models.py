"""What the dialogue of an export reads."""

from __future__ import annotations

from dataclasses import dataclass

from ossature.web.models import Choice


@dataclass(frozen=True, slots=True)
class ExportDialog:
    """What is taken out, in words ("1,284 contacts"), and what there is to choose; `rows` are those selected."""

    url: str
    words: str
    formats: tuple[Choice, ...]
    headers: tuple[Choice, ...]
    dialects: tuple[Choice, ...]
    rows: str = ""
    back_url: str = ""
