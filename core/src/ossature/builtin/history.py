"""The pages of the history: what one change set did, and undoing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ossature.builtin.settings import render_settings
from ossature.context import current
from ossature.db import session
from ossature.db.kernel import actor as actor_table
from ossature.errors import BadRequest, Conflict, Detail, Invalid, NotFound
from ossature.history.activity import Asked, Deed, activity
from ossature.history.change_sets import (
    ChangeSet,
    Undoing,
    find_change_set,
    may_see_history,
    record_type_of,
    undoings,
)
from ossature.history.contents import Count, contents, counts_of
from ossature.history.jobs import last_job, undo_now_or_later
from ossature.history.net import field_of
from ossature.history.putting_back import Kept, Put
from ossature.history.timeline import FieldChange
from ossature.history.undo import AT_ONCE, CannotUndo, preview, size_of
from ossature.history.versions import restore_version, version_at
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import SettingsPage
from ossature.i18n import translator
from ossature.ids import as_id
from ossature.kernel import kernel
from ossature.rbac import requires, signed_in
from ossature.rbac.permissions import HISTORY_VIEW
from ossature.rbac.predicate import reaches_owner, visible_fields
from ossature.records.clean import MOST_BIG, plain, whole_number
from ossature.records.fields import Kind
from ossature.records.query import Label, labels, labels_of
from ossature.records.timeline_views import MEANS, change_view, entry_view, note_of, undo_just_done
from ossature.records.types import RecordType
from ossature.records.views import page_endpoint, plain_words, record_url
from ossature.web import Crumb, notify, render
from ossature.web.formats import as_datetime, as_number
from ossature.web.models import Action, Change
from ossature.web.shell import wants_fragment

_, _l, ngettext = translator("ossature")

ASKED = ("actor", "record", "means", "since", "until")
MOST_ACTORS = 200

blueprint = Blueprint("history", __name__, url_prefix="/history")

_WHAT = {
    "create": _l("created"), "update": _l("updated"), "delete": _l("deleted"), "restore": _l("restored"),
    "purge": _l("deleted for good"),
}  # fmt: skip
_PUT = {"update": _l("put back"), "delete": _l("deleted"), "restore": _l("restored")}


@blueprint.get("")
@requires(HISTORY_VIEW)
def index() -> ResponseReturnValue:
    """What everybody did, the newest first; narrowed by who, what, how and when."""
    asked = read_asked(request.args)
    page = activity(asked, request.args.get("cursor", "")[:2000])
    keep: dict[str, Any] = {name: value for name in ASKED if (value := request.args.get(name))}
    deeds = [(deed, _counts_of_deed(deed), _names_of_deed(deed), _means(deed.head), note_of(deed.undoing)) for deed in page.deeds]  # fmt: skip
    values: dict[str, Any] = {
        "deeds": deeds, "next_url": url_for(".index", **keep, cursor=page.next) if page.next else None,
    }  # fmt: skip
    if wants_fragment() and "cursor" in request.args:
        return render("history/_deeds.html", **values)
    return render_settings(
        "history/index.html", "history", title=_("History"), filtered=bool(keep), asked=request.args, actors=_actors(asked),
        records=[(rt.key, str(rt.plural)) for rt in kernel().records
                 if record_type_of(rt.key) and current().access.allows(rt.permission("view"))],
        means=[(key, str(label)) for key, label in MEANS.items()], **values,
    )  # fmt: skip


@blueprint.route("/<uuid:id>/<key>/<uuid:record_id>", methods=["GET", "POST"])
@signed_in
def version(id: UUID, key: str, record_id: UUID) -> ResponseReturnValue:
    """A record as a change set left it, beside how it is now; posted, the chosen fields come back."""
    rt = record_type_of(key)
    if rt is None or rt.parent:
        raise NotFound(_("There is no such record, or you may not see it."))
    here, there = url_for(".version", id=id, key=key, record_id=record_id), record_url(key, record_id) or ""
    status = 200
    if request.method == "POST":
        number = whole_number(request.form.get("version", ""))
        try:
            written = restore_version(rt, record_id, id, request.form.getlist("fields"), number)
        except (Invalid, Conflict) as refusal:
            session().rollback()
            notify(" ".join([str(refusal.message), *(str(one.message) for one in refusal.details[:5])]), "danger")
            status = refusal.status
        else:
            notify(_("The earlier version is back"), undo=undo_just_done(there))
            for warning in written.warnings:
                notify(warning.message, "warning")
            return redirect(there, 303)
    found = version_at(rt, record_id, id)
    rows = labels_of(rt, [found.then, found.now])
    may = reaches_owner(rt, "edit", found.now.get("owner_id")) and found.now["deleted_at"] is None and not rt.ledger
    compared: list[tuple[str, str, str | list[str], str | list[str]]] = [
        (
            name,
            str(item.label),
            plain_words(item, found.then.get(name), rows),
            plain_words(item, found.now.get(name), rows),
        )
        for name, item in found.fields.items()
    ]
    for name in found.collections:
        part = rt.parts[name]
        compared.append((name, str(part.plural), _entries(part, found.then[name]), _entries(part, found.now[name])))
    name = found.now.get(rt.title_field) or _("Unnamed")
    title = _("%(record)s as it was", record=name)
    crumbs = [
        Crumb(str(rt.plural), url_for(page_endpoint(rt, "list"))),
        Crumb(name, there),
        Crumb(_("Earlier version")),
    ]
    body = render("history/version.html", title=title, breadcrumbs=crumbs, head=found.head, compared=compared, here=here,
                  there=there, may=may, version=found.now["version"], means=_means(found.head))  # fmt: skip
    return Response(body, status)


def _entries(part: RecordType, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A collection, a line for each entry."""
    fields = [item for item in visible_fields(part).values() if item.writable]
    return [", ".join(words for item in fields if (words := plain_words(item, row.get(item.name), {}))) for row in rows]


def _means(head: ChangeSet) -> str | None:
    means = MEANS.get(head.means)
    return str(means) if means and head.means != "page" else None


def _counts_of_deed(deed: Deed) -> list[str]:
    """What was done, such as "3 contacts changed"."""
    more = "+" if deed.more else ""
    counted = [_counted(rt, what, number, more) for rt, what, number in deed.counts]
    return counted + [_("%(what)s changed", what=name) for name in deed.own]


def _names_of_deed(deed: Deed) -> list[tuple[str, str | None, bool]]:
    return [(label.title or _("Unnamed"), record_url(rt.key, label.id), label.deleted) for rt, label in deed.named]


def _actors(asked: Asked) -> list[tuple[str, str]]:
    """Who may be asked for: the first of those who act here, and whoever is asked for now."""
    a = actor_table.c
    rows = session().execute(
        select(a.id, a.label)
        .where(a.tenant_id == current().tenant_id)
        .order_by(a.active.desc(), a.label)
        .limit(MOST_ACTORS)
    )
    found = {str(row.id): row.label for row in rows}
    if asked.actor_id is not None and str(asked.actor_id) not in found:
        found[str(asked.actor_id)] = labels("ossature.actor", [asked.actor_id])[asked.actor_id].title
    return list(found.items())


@blueprint.get("/<uuid:id>")
@signed_in
def show(id: UUID) -> ResponseReturnValue:
    """A change set: who, when, how many of each, its records in pages, what undoing it would do."""
    head = find_change_set(id)
    page = contents(head, _mark(request.args.get("after", "")))
    undoing = undoings([id])[id]
    items = [(item, entry_view(item.entry, item.record, page.labels, Undoing())) for item in page.items]
    more = url_for(".show", id=id, after=page.more) if page.more else None
    values: dict[str, Any] = {"items": items, "more_url": more, "record_url": record_url, "what": _WHAT}
    if wants_fragment() and "after" in request.args:
        return render("history/_items.html", **values)
    return _page(head, undoing, planned="undo" in request.args, **values)


@blueprint.post("/<uuid:id>/undo")
@signed_in
def undo(id: UUID) -> ResponseReturnValue:
    """Undo one record's change at once; of many it is shown first what that would do."""
    head = find_change_set(id)
    back, rest = _back(id), request.form.get("rest") == "1"
    if "sure" not in request.form and size_of(head) > 1:
        return redirect(url_for(".show", id=id, undo=1), 303)
    try:
        done = undo_now_or_later(id, rest=rest)
    except Conflict as refusal:
        session().rollback()
        notify(refusal.message, "danger")
        items = contents(head)
        views = [(item, entry_view(item.entry, item.record, items.labels, Undoing())) for item in items.items]
        more = url_for(".show", id=id, after=items.more) if items.more else None
        body = _page(
            head,
            undoings([id])[id],
            planned=isinstance(refusal, CannotUndo),
            items=views,
            more_url=more,
            record_url=record_url,
            what=_WHAT,
        )
        return Response(body, 409)
    if isinstance(done, UUID):
        notify(_("It is being undone in the background."), "info")
        return redirect(url_for(".show", id=id), 303)
    said = (
        _("Undone") if not done.kept_count else _("Undone, except for %(n)d that stay as they are", n=done.kept_count)
    )
    assert done.id is not None
    notify(said, undo=Action(_("Redo"), url_for(".undo", id=done.id), "post", fields={"back": back, "sure": "1"}))
    return redirect(back, 303)


def _page(head: ChangeSet, undoing: Undoing, *, planned: bool, **values: Any) -> str:
    total, running = size_of(head), last_job(head.id)
    moving = running is not None and running["state"] in ("queued", "running", "failed", "parked")
    plan = preview(head.id) if planned and not moving else None
    title = head.reason or _("Change of %(when)s", when=_when(head))
    crumbs = [Crumb(_("History"), url_for("history.index"))] if may_see_history() else []
    return render(
        "history/change_set.html", title=title, breadcrumbs=[*crumbs, Crumb(title)], head=head,
        means=_means(head), counts=_counts(counts_of(head)), total=total, undoing=undoing,
        note=note_of(undoing), job=running, moving=moving, plan=plan, at_once=AT_ONCE,
        put=[(put, _put_changes(put)) for put in plan.put] if plan else [], kept=_kept(plan.kept) if plan else [],
        put_words=_PUT, **values,
    )  # fmt: skip


def _when(head: ChangeSet) -> str:
    return as_datetime(head.at)


def _counts(counts: Sequence[Count]) -> list[str]:
    return [_counted(one.record, one.what, one.number) for one in counts]


def _counted(rt: RecordType, what: str, number: int, more: str = "") -> str:
    """Such as "3 contacts changed"."""
    records = str(rt.plural if number > 1 else rt.label).lower()
    return _("%(count)s %(records)s %(verb)s", count=f"{as_number(number)}{more}", records=records, verb=_WHAT[what])


def _kept(kept: Sequence[Kept]) -> list[tuple[str | None, str | None, str]]:
    """Title, address and reason of what stays as it is; the unseen ones are told of without name."""
    return [
        (one.title, record_url(one.key, one.id) if one.title is not None else None, str(one.detail.message))
        for one in kept
    ]


def _put_changes(put: Put) -> list[Change]:
    """What a record's fields are and what they become, in words, its parts' among them."""
    found = list(_fields(put.record, put.columns))
    for collection, what, columns in put.parts:
        part = put.record.parts[collection]
        if what != "update":
            found.append(FieldChange(part, part.fields[next(iter(part.fields))], None, None))
        else:
            found += _fields(part, columns)
    named = labels_of_changes(found)
    shown = []
    parts = [(str(put.record.parts[collection].label), what) for collection, what, _columns in put.parts if what != "update"]  # fmt: skip
    for item in found:
        if item.before is None and item.after is None:
            continue
        shown.append(change_view(item, put.record, named))
    return [*shown, *(Change(label, None, str(_PUT[what])) for label, what in (*parts, *put.hanging))]


def _fields(rt: RecordType, columns: Mapping[str, tuple[Any, Any]]) -> list[FieldChange]:
    found: dict[str, FieldChange] = {}
    for name in columns:
        item = field_of(rt, name)
        if item is None or item.name in found:
            continue
        pairs = [columns.get(column, (None, None)) for column in item.columns]
        if item.kind is Kind.MONEY:
            (minor_now, minor_then), (currency_now, currency_then) = pairs
            found[item.name] = FieldChange(
                rt, item, (minor_now, currency_now or currency_then), (minor_then, currency_then or currency_now)
            )
        else:
            found[item.name] = FieldChange(rt, item, *pairs[0])
    return list(found.values())


def labels_of_changes(changes: Sequence[FieldChange]) -> dict[UUID, Label]:
    """The labels of the records that some values name."""
    found: dict[UUID, Label] = {}
    for item in changes:
        if item.field.kind is Kind.REFERENCE and item.field.target and kernel().records.get(item.field.target):
            ids = [UUID(value) for value in (item.before, item.after) if value]
            found.update(labels(item.field.target, ids))
    return found


def read_asked(arguments: Mapping[str, str]) -> Asked:
    """What of the history is asked for, by the parameters `ASKED`; days are the organisation's. Raises `BadRequest`."""
    zone = ZoneInfo(current().time_zone)
    days: dict[str, datetime | None] = {"since": None, "until": None}
    for name in days:
        if text := arguments.get(name):
            try:
                day = date.fromisoformat(text)
            except ValueError:
                raise _wrong(name, _("Give a day, such as 2026-03-31.")) from None
            days[name] = datetime.combine(day, time(), zone) + timedelta(days=name == "until")
    actor, record, means = (arguments.get(name, "") for name in ("actor", "record", "means"))
    if actor and as_id(actor) is None:
        raise _wrong("actor", _("Give an id."))
    if record and (record_type_of(record) is None or not current().access.allows(f"{record}.view")):
        raise _wrong("record", _("There is no record %(name)s.", name=plain(record)[:80]))
    if means and means not in MEANS:
        raise _wrong("means", _("Use one of: %(names)s.", names=", ".join(MEANS)))
    return Asked(as_id(actor) if actor else None, record, means, days["since"], days["until"])


def _wrong(name: str, message: str) -> BadRequest:
    return BadRequest(_("The parameter %(name)s is wrong.", name=name), [Detail(name, "invalid", message)])


def _mark(text: str) -> int:
    mark = whole_number(text or "0", MOST_BIG)
    if mark is None:
        raise BadRequest(_("The page cannot go on from there; open it again."))
    return mark


def _back(id: UUID) -> str:
    """Where the button was, an address of ours; else the change set."""
    back = request.form.get("back", "")
    parts = urlsplit(back)
    ours = back.startswith("/") and not back.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return back if ours and len(back) < 2000 else url_for(".show", id=id)


@hookimpl
def register_settings_pages() -> list[SettingsPage]:
    return [SettingsPage("history", _l("History"), "history.index", HISTORY_VIEW, 70, "history")]


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]
