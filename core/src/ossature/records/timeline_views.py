"""Timelines in words: what somebody did to a record, with the ways to look further and to take it back."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import url_for

from ossature.db.work import change_set_id
from ossature.files.telling import file_sentence
from ossature.history.change_sets import Undoing, may_see_history
from ossature.history.timeline import Entry, FieldChange, TimelinePage
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.predicate import reaches_owner
from ossature.records.notes import NOTE
from ossature.records.query import Label, Row
from ossature.records.types import RecordType
from ossature.records.views import page_endpoint, words_of
from ossature.web import models
from ossature.web.models import Action, Change

_, _l, _n = translator("ossature")

NOTED = {"create": "noted", "update": "renoted", "delete": "unnoted"}
VERBS = {"create": "created", "update": "changed", "delete": "deleted", "restore": "restored", "purge": "deleted"}
MEANS = {
    "page": _l("on a page"), "api": _l("through the API"), "link": _l("by a public link"),
    "import": _l("by import"), "mass": _l("with many others"),
    "undo": _l("by undoing"), "merge": _l("by merging"), "version": _l("by restoring an earlier version"), "job": _l("by a job"),
    "command": _l("by a command"), "sql": _l("in the database"), "system": _l("by the system"),
}  # fmt: skip


def timeline_view(rt: RecordType, row: Row, page: TimelinePage) -> models.Timeline:
    """The change sets of a record in words; its row says what of them the reader may undo."""
    more = url_for(page_endpoint(rt, "timeline"), id=row["id"], before=page.more) if page.more else None
    may = {action: reaches_owner(rt, action, row.get("owner_id")) for action in ("edit", "delete")}
    shown = []
    for number, entry in enumerate(page.entries):
        undoing = page.undoings.get(entry.id, Undoing())
        allowed = may["edit" if entry.what == "update" else "delete"] and not rt.ledger
        live = row["deleted_at"] is None or entry.what in ("delete", "restore")
        undo = undo_action(entry.id, undoing, rt, row["id"]) if allowed and live and entry.what != "purge" else None
        if entry.of_id is not None:
            undo = None
        own = number > 0 and entry.of_id is None
        version = own and entry.what in ("create", "update") and row["deleted_at"] is None
        url = url_for("history.version", id=entry.id, key=rt.key, record_id=row["id"]) if version else None
        shown.append(entry_view(entry, rt, page.labels, undoing, undo=undo, version_url=url))
    return models.Timeline(tuple(shown), more)


def entry_view(
    entry: Entry,
    rt: RecordType,
    labels: Mapping[UUID, Label],
    undoing: Undoing,
    *,
    undo: Action | None = None,
    version_url: str | None = None,
) -> models.TimelineEntry:
    """One change set, as far as it touched a record, in words."""
    means = MEANS.get(entry.means) if entry.means != "page" and not entry.merged else None
    verb, items = VERBS[entry.what], entry.changes
    screens = kernel().screens.get(rt.key)
    moving = {screens.state, screens.board} - {None} if screens else set()
    moved = [item for item in items if item.record.key == rt.key and item.field.name in moving]
    if entry.what == "update" and moved:
        verb, items = "moved", (moved[0], *(item for item in items if item is not moved[0]))
    if entry.what == "update" and not items and entry.parts and all(part == NOTE for part, _what in entry.parts):
        verb = NOTED[entry.parts[-1][1]]
    if entry.merged:
        verb = "merged"
    told = may_see_history()
    return models.TimelineEntry(
        actor=entry.actor or _("The system"), verb=verb, at=entry.at,  # type: ignore[arg-type]
        changes=tuple(change_view(item, rt, labels, entry.actor or _("The system")) for item in items),
        means=str(means) if means else None, reason=entry.reason, kind=entry.actor_kind,
        url=url_for("history.show", id=entry.id) if told else None,
        note=note_of(undoing), undo=undo, version_url=version_url,
        names=", ".join(_named(labels, id) for id in entry.merged), of=_named(labels, entry.of_id) if entry.of_id else None,
    )  # fmt: skip


def _named(labels: Mapping[UUID, Label], id: UUID) -> str:
    label = labels.get(id)
    return _("Restricted") if label is None or label.hidden else label.title or _("Unnamed")


def undo_action(change_set_id: UUID, undoing: Undoing, rt: RecordType, id: UUID) -> Action | None:
    """Taking a change set back, which leads to the record again; None where it was."""
    if undoing.undone:
        return None
    fields = {"back": url_for(page_endpoint(rt, "show"), id=id)}
    return Action(_("Undo"), url_for("history.undo", id=change_set_id), "post", "restore", fields=fields)


def undo_just_done(back: str) -> Action:
    """Taking back what this request did, whatever its size, from the notice about it; leads back to an address."""
    fields = {"back": back, "sure": "1"}
    return Action(_("Undo"), url_for("history.undo", id=change_set_id()), "post", "restore", fields=fields)


def note_of(undoing: Undoing) -> str | None:
    """What became of a change set, in a few words."""
    if undoing.undone:
        return _("undone since")
    return _("partly undone since") if undoing.partly else None


def change_view(item: FieldChange, root: RecordType, labels: Mapping[UUID, Label], actor: str = "") -> Change:
    """A field's change in words; what `actor` did to a file, in a sentence."""
    label = str(item.field.label)
    if item.record.key != root.key:
        label = f"{item.record.label}: {label}"
    if item.field.secret or item.field.orders:
        return Change(label, hidden=True)
    before, after = words_of(item.field, item.before, labels), words_of(item.field, item.after, labels)
    return Change(label, before, after, sentence=file_sentence(item.field, actor, before, after))
