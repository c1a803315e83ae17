"""The recycle bin of all records: what was deleted by whom, restoring it, deleting it for good by hand or by age."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ossature.builtin.settings import render_settings
from ossature.context import current
from ossature.db import session, transaction
from ossature.errors import BadRequest, Detail, Invalid, Refusal
from ossature.history.change_sets import may_see_history, record_type_of
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import SettingsPage
from ossature.i18n import translator
from ossature.ids import as_id
from ossature.jobs.run import JobRun
from ossature.jobs.types import Job, NoArgs, Schedule, job
from ossature.kernel import kernel
from ossature.rbac import requires, signed_in
from ossature.rbac.permissions import BIN_PURGE
from ossature.records import service
from ossature.records.bin import BinPage, binnable, demand_purge, following, in_the_bin, purge, purge_older
from ossature.records.clean import plain
from ossature.records.query import get_row
from ossature.records.timeline_views import undo_just_done
from ossature.records.types import RecordType
from ossature.records.views import record_url
from ossature.settings import NumberSetting
from ossature.web import notify

_, _l, ngettext = translator("ossature")

MOST_AT_ONCE = 200

blueprint = Blueprint("recycle_bin", __name__, url_prefix="/bin")

BIN_DAYS = NumberSetting(
    "ossature.bin_days",
    _l("Empty the recycle bin after"),
    default=0,
    minimum=0,
    maximum=3650,
    unit=_l("days"),
    help=_l("Every night, what has been in the recycle bin for longer is deleted for good. 0 keeps everything."),
)


@blueprint.get("")
@signed_in
def index() -> ResponseReturnValue:
    return _page([], 200)


@blueprint.post("/restore")
@signed_in
def restore() -> ResponseReturnValue:
    """Restore what was chosen: each on its own, so that one that cannot come back keeps no other in the bin.

    With one alone, `field` and `value` give it another value where its own was taken since.
    """
    chosen = _chosen()
    field, value = request.form.get("field", "")[:63], request.form.get("value", "")
    values = {field: value} if field and len(chosen) == 1 else None
    restored, refused = [], []
    for rt, id in chosen:
        try:
            with session().begin_nested():
                restored.append(service.restore(rt, id, values))
        except Refusal as refusal:
            refused.append(_refused(rt, id, refusal))
    if restored:
        number = len(restored)
        undo = undo_just_done(url_for(".index"))
        notify(ngettext("%(num)d record restored", "%(num)d records restored", number), undo=undo)
    if refused:
        return _page(refused, 200 if restored else 409)
    rt, id = chosen[0]
    return redirect((record_url(rt.key, id) if len(chosen) == 1 else None) or url_for(".index"), 303)


@blueprint.post("/purge")
@requires(BIN_PURGE)
def purge_for_good() -> ResponseReturnValue:
    """Delete what was chosen for good; before that, say what goes with it and ask."""
    chosen = _chosen()
    by_key: dict[str, list[UUID]] = {}
    for rt, id in chosen:
        demand_purge(rt)
        by_key.setdefault(rt.key, []).append(id)
    if "sure" not in request.form:
        rows = [(rt, get_row(rt, id)) for rt, id in chosen]
        binned = [(rt, row) for rt, row in rows if row["deleted_at"] is not None]
        return render_settings(
            "history/purge.html", "bin", title=_("Delete for good"),
            items=[(f"{rt.key}:{row['id']}", row.get(rt.title_field) or _("Unnamed"), str(rt.label)) for rt, row in binned],
            along=[one for key, ids in by_key.items() for one in following(kernel().records[key], ids)],
        )  # fmt: skip
    number = sum(purge(rt, ids) for rt, ids in _those_that_hang_first(by_key))
    notify(ngettext("%(num)d record deleted for good", "%(num)d records deleted for good", number))
    return redirect(url_for(".index"), 303)


def _those_that_hang_first(by_key: dict[str, list[UUID]]) -> Iterable[tuple[RecordType, list[UUID]]]:
    """Kinds that refer to others before those: nothing chosen is in the way of something else chosen."""
    left, records = dict(by_key), kernel().records
    while left:
        needed = {
            key
            for key in left
            for other, item in records.pointing_at(key)
            if item.on_delete == "restrict" and other.key in left and other.key != key
        }
        for key in [key for key in left if key not in needed] or list(left):
            yield records[key], left.pop(key)


def _page(refused: list[dict[str, Any]], status: int) -> ResponseReturnValue:
    types = binnable()
    key, search = request.values.get("record", ""), plain(request.values.get("q", ""))[:200]
    if key not in {"", *(rt.key for rt in types)}:
        raise BadRequest(
            _("The parameter %(name)s is wrong.", name="record"),
            [Detail("record", "invalid", _("There is no record %(name)s.", name=plain(key)[:80]))],
        )
    page: BinPage = in_the_bin(key, search, request.args.get("cursor", "")[:2000])
    keep: dict[str, Any] = {"record": key or None, "q": search or None}
    body = render_settings(
        "history/bin.html", "bin", title=_("Recycle bin"), rows=[(one, record_url(one.record.key, one.id)) for one in page.rows],
        refused=refused, records=[(rt.key, str(rt.plural)) for rt in types], record=key, search=search,
        next_url=url_for(".index", **keep, cursor=page.next) if page.next else None, first_url=url_for(".index", **keep),
        paged="cursor" in request.args, told=may_see_history(), may_purge=current().access.allows(BIN_PURGE),
        days=BIN_DAYS.read(),
    )  # fmt: skip
    return Response(body, status)


def _refused(rt: RecordType, id: UUID, refusal: Refusal) -> dict[str, Any]:
    """One that stays in the bin: its name, why, and, for a value that was taken, the field to change it in."""
    try:
        title = get_row(rt, id).get(rt.title_field) or _("Unnamed")
    except Refusal:
        title = str(rt.label)
    # With the value that was taken the fault is of the record itself; without, it may be of what would come along.
    taken = next((one for one in refusal.details if one.code == "taken" and "value" in (one.extra or {})), None)
    said = " ".join(str(one.message) for one in refusal.details) or str(refusal.message)
    found = {"item": f"{rt.key}:{id}", "title": title, "message": said, "field": None}
    if taken is not None:
        extra = taken.extra or {}
        other = record_url(rt.key, UUID(extra["id"])) if "id" in extra else None
        field = rt.fields[taken.field]
        found |= {"field": field.name, "label": str(field.label), "value": extra.get("value", ""), "other": other,
                  "other_title": extra.get("title"), "max_length": field.max_length}  # fmt: skip
    return found


def _chosen() -> list[tuple[RecordType, UUID]]:
    """What the form names, as `record:id`. Raises `Invalid` for anything else."""
    found = []
    for text in dict.fromkeys(request.form.getlist("items")):
        key, _colon, written = text.partition(":")
        rt, id = record_type_of(key), as_id(written)
        if rt is None or rt.parent or id is None:
            raise Invalid(_("There is no such record, or you may not see it."))
        found.append((rt, id))
    if not found:
        raise Invalid(_("Choose at least one record."))
    if len(found) > MOST_AT_ONCE:
        raise Invalid(_("Choose at most %(n)d records at once.", n=MOST_AT_ONCE))
    return found


@job("ossature.empty_bin", _l("Empty the recycle bin"), priority="low", time_limit=3600, unique=lambda _args: "",
     as_system=True)  # fmt: skip
def empty_bin(run: JobRun, _args: NoArgs) -> dict[str, int]:
    """Delete for good what has been in the bin for longer than the organisation wants."""
    with transaction():
        days = BIN_DAYS.read()
    deleted: dict[str, int] = {}
    if days == 0:
        return deleted
    for rt in kernel().records:
        if rt.ledger or record_type_of(rt.key) is None:
            continue
        after: tuple[datetime, UUID] | None = None
        while True:
            with transaction():
                count, after = purge_older(rt, days, after, MOST_AT_ONCE)
            deleted[rt.key] = deleted.get(rt.key, 0) + count
            run.progress(sum(deleted.values()))
            if after is None:
                break
    return {key: count for key, count in deleted.items() if count}


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]


@hookimpl
def register_settings_pages() -> list[SettingsPage]:
    return [SettingsPage("bin", _l("Recycle bin"), "recycle_bin.index", None, 71, "trash")]


@hookimpl
def register_settings() -> list[NumberSetting]:
    return [BIN_DAYS]


@hookimpl
def register_jobs() -> list[Job[Any]]:
    return [empty_bin]


@hookimpl
def register_schedules() -> list[Schedule]:
    return [Schedule("ossature.empty_bin", _l("Empty the recycle bin"), empty_bin, "45 3 * * *")]
