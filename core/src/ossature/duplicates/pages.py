"""The pages of duplicates: pairs to look through, what is shown while somebody types, and the merge."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ossature.context import current
from ossature.db.work import session
from ossature.duplicates.merging import merge
from ossature.duplicates.pairs import PAGE, State, count_pairs, dismiss, find_pair, last_scan, pairs, reopen, start_scan
from ossature.duplicates.planning import MOST, mergeable, plan, read_together
from ossature.duplicates.similar import asked_fields, similar
from ossature.duplicates.views import look_alikes, merge_page, pair_cards
from ossature.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.records.clean import whole_number
from ossature.records.fields import Kind
from ossature.records.list_pages import list_crumbs
from ossature.records.timeline_views import undo_just_done
from ossature.records.types import RecordType
from ossature.records.views import page_endpoint, shown_at
from ossature.web import Crumb, notify, render
from ossature.web.duplicate_models import PairsPage, ScanView
from ossature.web.formats import as_number
from ossature.web.models import Action
from ossature.web.shell import wants_fragment

_, _l, _n = translator("ossature")

Routes = list[tuple[str, str, list[str], str, Callable[..., ResponseReturnValue]]]
_COUNTED = 100


def duplicate_routes(rt: RecordType) -> Routes:
    """The routes of one record: name, path, methods, action, view."""
    found: Routes = []
    if rt.duplicates:
        here = f"/{rt.slug}/duplicates"
        found += [
            ("duplicates", here, ["GET"], "view", lambda: _pairs(rt)),
            ("duplicates_scan", f"{here}/scan", ["POST"], "edit", lambda: _search(rt)),
            ("duplicate_decide", f"{here}/<uuid:id>", ["POST"], "edit", lambda id: _decide(rt, id)),
            ("similar", f"{here}/similar", ["POST"], "view", lambda: _similar(rt)),
        ]
    if mergeable(rt):
        found.append(("merge", f"/{rt.slug}/merge", ["GET", "POST"], "edit", lambda: _merge(rt)))
    return found


def similar_check(rt: RecordType, id: UUID | None) -> tuple[str, str]:
    """Where a form asks for look-alikes, and upon what; empty where no rules say what they are."""
    if not rt.duplicates or not current().access.allows(rt.permission("view")):
        return "", ""
    when = ", ".join(
        f"change from:#f-{name}"
        if rt.fields[name].kind is Kind.REFERENCE
        else f"input changed delay:450ms from:#f-{name}"
        for name in asked_fields(rt)
    )
    return url_for(page_endpoint(rt, "similar"), but=id), when


def _similar(rt: RecordType) -> ResponseReturnValue:
    but = as_id(request.args.get("but", ""))
    values = {name: request.form.get(name, "")[:500] for name in asked_fields(rt)}
    found = look_alikes(rt, similar(rt, values, but), but)
    return render("duplicates/_similar.html", title=str(rt.plural), found=found)


# -- pairs -------------------------------------------------------------------------------------------------------------


def _search(rt: RecordType) -> ResponseReturnValue:
    """Search now."""
    start_scan(rt)
    return redirect(url_for(page_endpoint(rt, "duplicates")), 303)


def _pairs(rt: RecordType) -> ResponseReturnValue:
    state: State = "dismissed" if request.args.get("state") == "dismissed" else "open"
    here = url_for(page_endpoint(rt, "duplicates"))
    after = as_id(request.args.get("after", ""))
    try:
        found = pairs(rt, state, after, PAGE + 1)
    except NotFound:  # it was decided meanwhile: the list from its beginning
        after = None
        found = pairs(rt, state, None, PAGE + 1)
    more = found[PAGE - 1].id if len(found) > PAGE else None
    title = _("Duplicates among %(records)s", records=str(rt.plural).lower())
    view = PairsPage(
        title=title, url=here, records=str(rt.plural).lower(), state=state, pairs=pair_cards(rt, found[:PAGE]),
        open_count=_open_count(rt),
        more_url=url_for(page_endpoint(rt, "duplicates"), state=state, after=more) if more else None,
        scan=_scan(rt, url_for(page_endpoint(rt, "duplicates"), state=state, after=after)),
        scan_url=url_for(page_endpoint(rt, "duplicates_scan")) if current().access.allows(rt.permission("edit")) else None,
    )  # fmt: skip
    crumbs = [*list_crumbs(rt), Crumb(_("Duplicates"))]
    return render("duplicates/pairs.html", title=title, breadcrumbs=crumbs, page_of=view)


def _open_count(rt: RecordType) -> str:
    counted = count_pairs(rt, _COUNTED + 1)
    return f"{as_number(_COUNTED)}+" if counted > _COUNTED else as_number(counted)


def _scan(rt: RecordType, here: str) -> ScanView | None:
    last = last_scan(rt)
    if last is None:
        return None
    early = (
        (_("The search was stopped") if last.state == "cancelled" else _("The search failed"))
        if last.ended_early
        else ""
    )
    return ScanView(last.running, here, last.done or 0, last.total or 0, last.finished_at, early)


def _decide(rt: RecordType, id: UUID) -> ResponseReturnValue:
    """Not the same, or to be looked at again."""
    here = url_for(page_endpoint(rt, "duplicate_decide"), id=id)
    was = find_pair(rt, id).state
    wanted = request.form.get("state")
    if wanted not in ("dismissed", "open"):
        raise BadRequest(_("Say whether these are the same."))
    if wanted == "dismissed":
        dismiss(rt, id)
        undo = Action(_("Undo"), here, "post", fields={"state": "open"})
        notify(_("They will not be shown together again"), undo=undo)
    else:
        reopen(rt, id)
        notify(_("They are to be looked at again"))
    if wants_fragment():
        return render(
            "duplicates/_decided.html", title=str(rt.plural), state=was, records=str(rt.plural).lower(), scan=_scan(rt, ""),
            open_count=_open_count(rt), none_left=not count_pairs(rt, 1, was),
        )  # fmt: skip
    return redirect(url_for(page_endpoint(rt, "duplicates")), 303)


# -- merging -----------------------------------------------------------------------------------------------------------


def _merge(rt: RecordType) -> ResponseReturnValue:
    asked = request.form if request.method == "POST" else request.args
    ids = [id for given in asked.getlist("id")[: MOST + 1] if (id := as_id(given)) is not None]
    into = as_id(asked.get("into", ""))
    into = into if into in ids else None
    take = {
        name.removeprefix("take-"): id
        for name, given in asked.items()
        if name.startswith("take-") and (id := as_id(given)) in ids and id is not None
    }
    if not 2 <= len(set(ids)) <= MOST:
        notify(_("Choose 2 to %(n)d records to merge.", n=MOST), "info")
        return redirect(url_for(page_endpoint(rt, "list")), 303)
    if (kept := as_id(request.form.get("keep", ""))) in ids:  # another one is to stay: nothing is merged yet
        return _ask(rt, ids, kept, take)
    if request.method == "POST" and into is not None:
        return _merged(rt, ids, into, take)
    return _ask(rt, ids, into, take)


def _ask(
    rt: RecordType, ids: list[UUID], into: UUID | None, take: dict[str, UUID], refusal: Conflict | Invalid | Forbidden | None = None
) -> ResponseReturnValue:  # fmt: skip
    rows = read_together(rt, ids)
    known = {name: id for name, id in take.items() if name in rt.fields or name == "owner_id"}
    try:
        made = plan(rt, rows, into, known)
    except Invalid:  # fields that are no longer there
        made = plan(rt, rows, into)
    errors, faults = [], dict[str, str]()
    if refusal is not None:
        names = {choice.field.name for choice in made.choices}
        faults = {one.field: str(one.message) for one in refusal.details if one.field in names}
        others = [str(one.message) for one in refusal.details if one.field not in names]
        errors = list(dict.fromkeys([str(refusal.message), *others]))
    view = merge_page(rt, made, errors, faults)
    page = render(
        "duplicates/merge.html", title=view.title, breadcrumbs=[*list_crumbs(rt), Crumb(view.title)], merge=view
    )
    return Response(page, refusal.status if refusal is not None else 200)


def _merged(rt: RecordType, ids: list[UUID], into: UUID, take: dict[str, UUID]) -> ResponseReturnValue:
    versions = {id: seen for id in ids if (seen := whole_number(request.form.get(f"version-{id}", ""))) is not None}
    try:
        written = merge(rt, into, [id for id in ids if id != into], take=take, versions=versions)
    except (Conflict, Invalid, Forbidden) as refusal:
        session().rollback()  # after a refusal of its own the database answers no more
        try:
            return _ask(rt, ids, into, take, refusal)
        except Conflict:  # one of them is gone: there is nothing to choose any more
            notify(refusal.message, "danger")
            return redirect(url_for(page_endpoint(rt, "list")), 303)
    back = shown_at(rt, into)
    words = {"n": as_number(len(ids)), "records": rt.noun(len(ids))}
    notify(_("%(n)s %(records)s are one now", **words), undo=undo_just_done(back))
    for warning in written.warnings:
        notify(warning.message, "warning")
    return redirect(back, 303)
