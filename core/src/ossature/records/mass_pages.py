"""The dialogue that asks what is to be done to many rows, and the pages that tell what became of each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ossature.context import current
from ossature.errors import Conflict, Invalid
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.jobs.queue import cancel
from ossature.records.clean import whole_number
from ossature.records.fields import Field, Kind
from ossature.records.form_views import labels_in
from ossature.records.forms import RecordForm
from ossature.records.input_views import input_view
from ossature.records.list_pages import list_crumbs, list_query
from ossature.records.mass import (
    MOST,
    MOST_NAMED,
    Act,
    Selection,
    find_act,
    mass_fields,
    own_acts,
    results,
    start_delete,
    start_edit,
)
from ossature.records.mass_choice import may_choose
from ossature.records.query import labels
from ossature.records.record import TAGS
from ossature.records.saved import read_look
from ossature.records.types import RecordType
from ossature.records.views import page_endpoint, shown_at
from ossature.web import Crumb, render
from ossature.web.formats import as_number
from ossature.web.mass_models import MassDialog, MassField, MassPage, MassRow

_, _l, _n = translator("ossature")

PAGE = 50
OUTCOMES = ("changed", "unchanged", "refused", "waiting")
OPENS_WITH = {"assign": "owner_id", "tag": "tags"}
"""The field that a dialogue begins with, by what was asked for."""


def mass_dialog(rt: RecordType) -> ResponseReturnValue:
    """What to change; posted with `_step=start`, the act begins and its progress takes the dialogue's place."""
    act = request.form.get("_act", "edit")
    selection = read_selection(rt)
    asked = _Asked.read(rt)
    if request.form.get("_step") != "start":
        return _dialog(rt, act, selection, asked)
    try:
        if act == "delete":
            id = start_delete(rt, selection)
        else:
            id = start_edit(rt, asked.values(), selection, overwrite=bool(request.form.get("_overwrite")))
    except Invalid as refusal:
        asked.form.add(refusal.details)
        general = [
            str(refusal.message),
            *(str(one.message) for one in refusal.details if one.field not in asked.fields),
        ]
        return _dialog(
            rt, act, selection, asked, " ".join(general) if len(general) > 1 or not asked.form.errors else ""
        )
    return _progress(rt, find_act(rt, id))


def mass_index(rt: RecordType) -> ResponseReturnValue:
    """What somebody changed of many records at once, newest first."""
    title = _("Changes of many %(records)s", records=str(rt.plural).lower())
    acts = [_page(rt, act) for act in own_acts(rt)]
    return render("record/mass_list.html", title=title, breadcrumbs=[*list_crumbs(rt), Crumb(title)], acts=acts)


def mass_show(rt: RecordType, id: UUID) -> ResponseReturnValue:
    """How far an act is and what became of its rows."""
    act = find_act(rt, id)
    if request.args.get("part") == "progress":
        return _progress(rt, act)
    if request.args.get("part") == "csv":
        return _csv(rt, act)
    outcome = request.args.get("outcome")
    outcome = outcome if outcome in OUTCOMES else None
    after_number = whole_number(request.args.get("after", "")) or 0
    found = results(act, outcome, after_number, PAGE + 1)
    more = found[PAGE - 1].number if len(found) > PAGE else None
    titles = labels(rt.key, [row.record_id for row in found])
    rows = []
    kept: dict[str, Any] = {name: value for name, value in request.args.items() if name in ("outcome", "after")}
    for row in found[:PAGE]:
        label = titles[row.record_id]
        url = None if label.hidden else shown_at(rt, row.record_id)
        title = _("Restricted") if label.hidden else label.title or _("Unnamed")
        chooses = url and not label.deleted and may_choose(row) and current().access.allows(rt.permission("edit"))
        choose = url_for(page_endpoint(rt, "mass_choice"), id=id, record=row.record_id, **kept) if chooses else None
        rows.append(MassRow(row.record_id, title, url, row.outcome, row.reason, label.deleted, choose))
    view = _page(rt, act, tuple(rows), outcome, more)
    template = "record/_mass_result.html" if request.headers.get("HX-Target") == "mass-result" else "record/mass.html"
    return render(template, title=view.title, breadcrumbs=[*list_crumbs(rt), Crumb(view.title)], mass=view)


def mass_cancel(rt: RecordType, id: UUID) -> ResponseReturnValue:
    """Stop an act: rows that are done stay as they are, the others are left alone."""
    act = find_act(rt, id)
    if not act.over:
        with suppress(Conflict):  # it has ended meanwhile
            cancel(act.job_id)
    return redirect(url_for(page_endpoint(rt, "mass_show"), id=id), 303)


def read_selection(rt: RecordType) -> Selection:
    """The rows that a dialogue is about: `_rows` names them, each with the version it was read at; else all that match."""
    if request.form.get("_all"):
        return Selection(query=list_query(read_look(rt, request.args), 1))
    named: dict[UUID, int | None] = {}
    for word in request.form.get("_rows", "").split()[: MOST_NAMED + 1]:
        spelled, _dot, version = word.partition(".")
        if (id := as_id(spelled)) is not None:
            named[id] = whole_number(version)
    if len(named) > MOST_NAMED:
        raise Invalid(_("At most %(n)d records can be named one by one; select all that match.", n=MOST_NAMED))
    return Selection(named)


@dataclass
class _Asked:
    """The fields that a dialogue has, with what was typed into each."""

    fields: dict[str, Field]
    form: RecordForm
    cleared: frozenset[str]
    how: str = "add"
    """What is done with the tags: added to what is there, removed from it, or put in its place."""

    @classmethod
    def read(cls, rt: RecordType) -> _Asked:
        known = mass_fields(rt)
        names = [name for name in dict.fromkeys(request.form.getlist("_field")) if name in known]
        opens = OPENS_WITH.get(request.form.get("_act", ""))
        if not names and opens in known and "_step" not in request.form:
            names = [str(opens)]
        if (removed := request.form.get("_remove")) in names:
            names.remove(str(removed))
        fields = {name: known[name] for name in names}
        cleared = frozenset(name for name in names if request.form.get(f"_clear-{name}") and _clearable(known[name]))
        typed = MultiDict((key, value) for key, value in request.form.items(multi=True) if not key.startswith("_"))
        shown = {name for name in names if name in typed or f"_has-{name}" in request.form}
        form = RecordForm(rt, fields, typed if shown else None, {name: known[name].default for name in names}, {})
        how = request.form.get("_tags", "add")
        return cls(fields, form, cleared, how if how in ("add", "remove", "replace") else "add")

    def values(self) -> dict[str, Any]:
        """Raises `Invalid` for what was typed wrongly, and for a field that nothing was typed into."""
        values: dict[str, Any] = {}
        for name in self.fields:
            field = self.form.form[name]
            if name in self.cleared:
                values[name] = None
            elif field.process_errors:
                self.form.errors.setdefault(name, []).extend(field.process_errors)
            elif name == TAGS and self.how != "replace":
                values[name] = {self.how: field.data or []}
            elif field.data is None:
                self.form.errors.setdefault(name, []).append(_("Enter a value, or choose to empty the field."))
            else:
                values[name] = field.data
        if self.form.errors:
            raise Invalid(_("The input has faults."))
        return values


def _clearable(item: Field) -> bool:
    return not item.required and item.default is None and item.kind not in (Kind.BOOLEAN, Kind.TAGS)


def _dialog(rt: RecordType, act: str, selection: Selection, asked: _Asked, error: str = "") -> ResponseReturnValue:
    count = selection.count(rt)
    words = f"{as_number(min(count, MOST))} {rt.noun(count)}"
    shown = labels_in(rt, asked.form)
    fields = tuple(
        MassField(
            input_view(rt, asked.form.form[name], name, item, asked.form.errors.get(name, ()), shown),
            _clearable(item), name in asked.cleared,
        )
        for name, item in asked.fields.items()
    )  # fmt: skip
    left = [(name, str(item.label)) for name, item in mass_fields(rt).items() if name not in asked.fields]
    if count > MOST:
        error = error or _("These are more than %(n)s; narrow the list by filters.", n=as_number(MOST))
    view = MassDialog(
        act="delete" if act == "delete" else "edit", url=request.full_path.rstrip("?"), count=count, words=words,
        fields=fields, left=tuple(left), rows=request.form.get("_rows", ""), all=bool(request.form.get("_all")),
        overwrite=bool(request.form.get("_overwrite")), tags_how=asked.how, error=error, too_many=count > MOST,
    )  # fmt: skip
    refused = request.form.get("_step") == "start"
    return Response(render("record/_mass.html", title=str(rt.plural), mass=view), 422 if refused else 200)


def _progress(rt: RecordType, act: Act) -> ResponseReturnValue:
    response = Response(render("record/_mass_progress.html", title=str(rt.plural), mass=_page(rt, act)))
    if act.over:
        response.headers["HX-Trigger-After-Swap"] = "os:mass-over"
    return response


def _page(
    rt: RecordType, act: Act, rows: tuple[MassRow, ...] = (), outcome: str | None = None, more: int | None = None
) -> MassPage:
    words = {"n": as_number(act.total), "records": rt.noun(act.total)}
    title = (
        _("Deletion of %(n)s %(records)s", **words)
        if act.act == "delete"
        else _("Change of %(n)s %(records)s", **words)
    )
    here = url_for(page_endpoint(rt, "mass_show"), id=act.id)
    changed = [str(item.label) for name, item in {**rt.fields, **mass_fields(rt)}.items() if name in act.changes]
    return MassPage(
        title=title, url=here, act=act.act, state=act.state, over=act.over, total=act.total, done=act.done,
        counts=(("changed", act.changed), ("unchanged", act.unchanged), ("refused", act.refused),
                ("waiting", act.total - act.done)),
        created_at=act.created_at, fields=", ".join(changed), rows=rows, outcome=outcome,
        more_url=f"{here}?after={more}" + (f"&outcome={outcome}" if outcome else "") if more else None,
        cancel_url=None if act.over else url_for(page_endpoint(rt, "mass_cancel"), id=act.id), error=act.error or "",
        undo_url=url_for("history.show", id=act.change_set_id, undo=1) if act.over and act.changed else None,
    )  # fmt: skip


def _csv(rt: RecordType, act: Act) -> Response:
    """Every row with its outcome, read as it is sent."""
    said = {"changed": _("changed"), "unchanged": _("unchanged"), "refused": _("refused"), None: _("not reached")}

    def lines() -> Iterator[str]:
        yield "\ufeff" + _line([_("Number"), _("Id"), str(rt.label), _("Result"), _("Reason")])
        after = 0
        while found := results(act, None, after, 500):
            titles = labels(rt.key, [row.record_id for row in found])
            for row in found:
                title = titles[row.record_id].title
                yield _line([row.number, row.record_id, title, said[row.outcome], row.reason or ""])
            after = found[-1].number

    name = f"{rt.slug}-{act.created_at:%Y-%m-%d-%H%M}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response("".join(lines()), mimetype="text/csv", headers=headers)


def _line(values: list[Any]) -> str:
    """A line that no spreadsheet takes for a formula."""
    out = io.StringIO()
    texts = [str(value) for value in values]
    csv.writer(out).writerow([f"'{one}" if one[:1] in ("=", "+", "-", "@", "\t") else one for one in texts])
    return out.getvalue()
