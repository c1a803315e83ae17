"""What the timeline of a record says of its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ossature.files.table import FILE
from ossature.i18n.texts import translator
from ossature.records.fields import Field, Kind

_, _l, _n = translator("ossature")

ADDED = Field(Kind.TEXT, _l("File added"), name="file_added")
RENEWED = Field(Kind.TEXT, _l("New version of a file"), name="file_renewed")
RENAMED = Field(Kind.TEXT, _l("File renamed"), name="file_renamed")
PURGED = Field(Kind.TEXT, _l("File deleted for good"), name="file_purged")
# The history of a removal holds no name; it is looked up.
REMOVED = Field(Kind.REFERENCE, _l("File removed"), name="file_removed", target=FILE)
RESTORED = Field(Kind.REFERENCE, _l("File restored"), name="file_restored", target=FILE)

_SENTENCES: dict[str, Callable[[str, str, str], str]] = {
    ADDED.name: lambda actor, _before, name: _("%(actor)s added the file %(name)s", actor=actor, name=name),
    RENEWED.name: lambda actor, _before, name: _(
        "%(actor)s added a version of the file %(name)s", actor=actor, name=name
    ),
    RENAMED.name: lambda actor, before, after: _(
        "%(actor)s renamed the file %(before)s to %(after)s", actor=actor, before=before, after=after
    ),
    REMOVED.name: lambda actor, name, _after: _("%(actor)s removed the file %(name)s", actor=actor, name=name),
    RESTORED.name: lambda actor, _before, name: _("%(actor)s restored the file %(name)s", actor=actor, name=name),
    PURGED.name: lambda actor, name, _after: _("%(actor)s deleted the file %(name)s for good", actor=actor, name=name),
}


def file_change(row: Mapping[str, Any]) -> tuple[Field, str | None, str | None] | None:
    """What one row of the history says happened to a file: as a field that changed, from what to what; None for what
    was erased from the history."""
    payload, id = row["payload"], str(row["record_id"])
    if not payload:
        return None
    match row["what"]:
        case "create":
            return (RENEWED if payload.get("number", 1) > 1 else ADDED), None, payload.get("name")
        case "purge":
            return PURGED, payload.get("name"), None
        case "delete":
            return REMOVED, id, None
        case "restore":
            return RESTORED, None, id
    if "name" not in payload:
        return None
    before, after = payload["name"]
    return RENAMED, before, after


def file_sentence(field: Field, actor: str, before: str | None, after: str | None) -> str | None:
    """The sentence for such a change, None for fields of records."""
    said = _SENTENCES.get(field.name)
    return said(actor, before or "", after or "") if said else None
