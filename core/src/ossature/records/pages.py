"""The pages that every record has besides its list: detail, form, delete and restore; thin over query and service."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ossature.context import current
from ossature.db.work import session
from ossature.errors import BadRequest, Conflict, Invalid
from ossature.history.change_sets import may_see_history
from ossature.history.timeline import timeline
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.kernel import kernel
from ossature.rbac import requires
from ossature.records import service
from ossature.records.boards import WINDOW
from ossature.records.cells import cell_page
from ossature.records.faces import face_page
from ossature.records.fields import Field, Kind
from ossature.records.form_views import conflict_panel, form_page
from ossature.records.forms import RecordForm
from ossature.records.list_pages import list_crumbs, list_index, list_query
from ossature.records.list_tools import BOXES, list_box
from ossature.records.mass_pages import mass_cancel, mass_dialog, mass_index, mass_show
from ossature.records.merging import Stale
from ossature.records.note_pages import note_routes, notes_box
from ossature.records.owning import writable_fields
from ossature.records.query import Row, get_row, labels_of, part_rows
from ossature.records.saved import read_look
from ossature.records.timeline_views import timeline_view, undo_just_done
from ossature.records.types import RecordType
from ossature.records.views import detail_page, page_endpoint
from ossature.search.pins import is_pinned
from ossature.search.recent import remember
from ossature.web import Crumb, notify, render
from ossature.web.models import Action

_, _l, _n = translator("ossature")

_PART_FIELD = re.compile(r"[^-]+-[0-9]{1,6}-")
View = Callable[..., ResponseReturnValue]


def record_pages(plugin: str, types: Iterable[RecordType]) -> Blueprint:
    """The pages of one plugin's records under `/<plugin>/<records>`."""
    blueprint = Blueprint(f"{plugin}_records", __name__, url_prefix=f"/{plugin}")
    for rt in types:
        pages = Pages(rt)
        one = f"/{rt.slug}/<uuid:id>"
        routes: list[tuple[str, str, list[str], str, View]] = [
            ("list", f"/{rt.slug}", ["GET"], "view", pages.index),
            ("new", f"/{rt.slug}/new", ["GET", "POST"], "create", pages.new),
            ("show", one, ["GET"], "view", pages.show),
            ("edit", f"{one}/edit", ["GET", "POST"], "edit", pages.edit),
            ("delete", f"{one}/delete", ["POST"], "delete", pages.delete),
            ("restore", f"{one}/restore", ["POST"], "delete", pages.restore),
            ("timeline", f"{one}/timeline", ["GET"], "view", pages.timeline),
            ("cell", f"{one}/cell/<field>", ["GET", "POST"], "edit", pages.cell),
            ("mass", f"/{rt.slug}/mass", ["GET", "POST"], "view", pages.mass),
            ("mass_show", f"/{rt.slug}/mass/<uuid:id>", ["GET"], "view", pages.mass_show),
            ("mass_cancel", f"/{rt.slug}/mass/<uuid:id>/cancel", ["POST"], "view", pages.mass_cancel),
            *note_routes(rt, one),
        ]
        for name, path, methods, action, view in routes:
            blueprint.add_url_rule(
                path, f"{rt.name}_{name}", requires(rt.permission(action))(_function(view, name)), methods=methods
            )
    return blueprint


def _function(method: View, name: str) -> View:
    def view(**arguments: Any) -> ResponseReturnValue:
        return method(**arguments)

    view.__name__ = name
    return view


class Pages:
    """The pages of one record type."""

    def __init__(self, rt: RecordType) -> None:
        self.key = rt.key

    @property
    def rt(self) -> RecordType:
        return kernel().records[self.key]

    def index(self) -> ResponseReturnValue:
        """The list in the face that is asked for; a recycle bin and what is related to a record have no other."""
        look = read_look(self.rt, request.args)
        if (part := request.args.get("part", "")) in BOXES:
            return list_box(self.rt, look, part)
        plain = request.args.get("deleted") == "true" or request.args.get("part") == "related"
        if plain or look.definition.face == "list":
            return list_index(self.rt, look)
        return face_page(self.rt, look, list_query(look, WINDOW))

    def new(self) -> ResponseReturnValue:
        rt = self.rt
        fields = writable_fields(rt)
        here = url_for(page_endpoint(rt, "new"))
        given = self._prefilled(fields)
        form = RecordForm(rt, fields, _posted(rt), given, {})
        if request.method == "POST" and not _restructures() and form.validate():
            try:
                written = service.create(rt, form.values())
            except Invalid as invalid:
                _refused(form, invalid)
            else:
                self._say(written, _("%(record)s created", record=rt.label))
                return redirect(url_for(page_endpoint(rt, "show"), id=written.row["id"]), 303)
        title = str(rt.new_label)
        view = form_page(
            rt, form, given, title=title, action=here, cancel_url=url_for(page_endpoint(rt, "list")),
            submit_label=_("Save"),
        )  # fmt: skip
        return self._form_answer(view, title, [*self._crumbs(), Crumb(title)], form)

    def show(self, id: UUID) -> ResponseReturnValue:
        rt = self.rt
        row = get_row(rt, id)
        parts = {name: found.get(id, []) for name, found in part_rows(rt, [id]).items()}
        shown = labels_of(rt, [row])
        history = timeline_view(rt, row, timeline(rt, id)) if may_see_history() else None
        view = detail_page(rt, row, parts, shown, history)
        if request.args.get("part") == "preview":
            return render("record/_preview.html", title=view.title, record=view)
        crumbs = [*self._crumbs(), Crumb(view.title)]
        remember(rt.key, id)
        return render(
            "record/detail.html", title=view.title, breadcrumbs=crumbs, record=view, record_key=rt.key, record_id=id,
            pinned=is_pinned(id), notes=notes_box(rt, row),
        )  # fmt: skip

    def edit(self, id: UUID) -> ResponseReturnValue:
        rt = self.rt
        row = get_row(rt, id)
        parts = {name: found.get(id, []) for name, found in part_rows(rt, [id]).items()}
        fields = writable_fields(rt)
        form = RecordForm(rt, fields, _posted(rt), row, parts)
        here = url_for(page_endpoint(rt, "edit"), id=id)
        back = url_for(page_endpoint(rt, "show"), id=id)
        version, panel = row["version"], None
        if request.method == "POST":
            version = _version(row["version"])
        if request.method == "POST" and not _restructures() and form.validate():
            values = form.values()
            for name in [one for one in values if request.form.get(f"_choice-{one}") == "theirs"]:
                del values[name]  # what others wrote stays, of whatever kind
            for name, item in fields.items():
                if item.kind is Kind.SECRET and not values.get(name):
                    values.pop(name, None)
            try:
                written = service.update(rt, id, values, version=version)
            except Invalid as invalid:
                _refused(form, invalid)
            except Stale as stale:
                panel = conflict_panel(rt, id, stale, form)
                form.take_over(RecordForm(rt, fields, None, row, parts), stale.untouched)
                version = stale.extra["version"]
            else:
                changed = written.row["version"] != row["version"]
                self._say(written, _("Saved"), undo=undo_just_done(back) if changed else None)
                return redirect(back, 303)
        name = row.get(rt.title_field) or _("Unnamed")
        title = _("Edit %(record)s", record=name)
        view = form_page(
            rt, form, row, title=title, action=here, cancel_url=back, submit_label=_("Save"), version=version,
            conflict=panel,
        )  # fmt: skip
        crumbs = [*self._crumbs(), Crumb(name, back), Crumb(_("Edit"))]
        return self._form_answer(view, title, crumbs, form, 409 if panel else 422)

    def delete(self, id: UUID) -> ResponseReturnValue:
        rt = self.rt
        try:
            row = service.delete(rt, id)
        except Conflict as conflict:
            notify(conflict.message, "danger")
            return redirect(url_for(page_endpoint(rt, "show"), id=id), 303)
        undo = undo_just_done(url_for(page_endpoint(rt, "show"), id=id))
        notify(_("%(name)s deleted", name=row.get(rt.title_field) or rt.label), undo=undo)
        return redirect(url_for(page_endpoint(rt, "list")), 303)

    def restore(self, id: UUID) -> ResponseReturnValue:
        rt = self.rt
        row = service.restore(rt, id)
        notify(_("%(name)s restored", name=row.get(rt.title_field) or rt.label))
        return redirect(url_for(page_endpoint(rt, "show"), id=id), 303)

    def timeline(self, id: UUID) -> ResponseReturnValue:
        rt = self.rt
        row = get_row(rt, id)
        mark = request.args.get("before", "")
        if mark and not (mark.isascii() and mark.isdigit() and len(mark) < 19):
            raise BadRequest(_("The timeline cannot go on from there; open the record again."))
        page = timeline(rt, id, before=int(mark) if mark else None)
        return render("record/_timeline.html", title=str(rt.label), timeline=timeline_view(rt, row, page))

    def cell(self, id: UUID, field: str) -> ResponseReturnValue:
        return cell_page(self.rt, id, field)

    def mass(self) -> ResponseReturnValue:
        return mass_dialog(self.rt) if request.method == "POST" else mass_index(self.rt)

    def mass_show(self, id: UUID) -> ResponseReturnValue:
        return mass_show(self.rt, id)

    def mass_cancel(self, id: UUID) -> ResponseReturnValue:
        return mass_cancel(self.rt, id)

    # -- parts of pages ------------------------------------------------------------------------------------------------

    def _crumbs(self) -> list[Crumb]:
        return list_crumbs(self.rt)

    def _form_answer(
        self, view: Any, title: str, crumbs: list[Crumb], form: RecordForm, status: int = 422
    ) -> ResponseReturnValue:
        refused = request.method == "POST" and not _restructures()
        page = render("record/form.html", title=title, breadcrumbs=crumbs, form=view)
        return Response(page, status if refused else 200)

    def _say(self, written: service.Written, text: str, undo: Action | None = None) -> None:
        notify(text, undo=undo)
        for warning in written.warnings:
            notify(warning.message, "warning")

    def _prefilled(self, fields: dict[str, Field]) -> Row:
        """Defaults, and what the address names: `?company_id=...` from a company's list of contacts."""
        given: Row = {name: item.default for name, item in fields.items()}
        if "owner_id" in fields and current().actor is not None:
            given["owner_id"] = current().actor.id  # type: ignore[union-attr]
        for name, value in request.args.items():
            if name in fields and fields[name].kind is Kind.REFERENCE and (id := as_id(value)) is not None:
                given[name] = id
        return given


def _refused(form: RecordForm, refusal: Invalid) -> None:
    """Show what was refused beside its field. Undone first: after a refusal of its own the database answers no more."""
    session().rollback()
    form.add(refusal.details)


def _posted(rt: RecordType) -> MultiDict[str, str] | None:
    """The posted form; without scripts, its add and remove buttons change the number of part rows first."""
    if request.method != "POST":
        return None
    posted: MultiDict[str, str] = MultiDict(request.form)
    for key in [key for key in posted if key.partition("-")[0] in rt.parts and not _PART_FIELD.match(key)]:
        del posted[key]
    added, removed = posted.get("_add"), posted.get("_remove", "")
    if added in rt.parts:
        numbers = [int(key.split("-")[1]) for key in posted if key.startswith(f"{added}-")]
        posted.add(f"{added}-{max(numbers, default=-1) + 1}-id", "")
    if removed.rpartition("-")[0] in rt.parts:
        for key in [key for key in posted if key.startswith(f"{removed}-")]:
            del posted[key]
    return posted


def _restructures() -> bool:
    return bool(request.form.get("_add") or request.form.get("_remove"))


def _version(stored: int) -> int:
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else stored
