"""The pages that every record has besides its list: detail, form, delete and restore; thin over query and service."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ossature.context import current
from ossature.duplicates.pages import duplicate_routes, similar_check
from ossature.duplicates.redirects import stands_for
from ossature.errors import BadRequest, Conflict, Invalid, NotFound
from ossature.files.pages import file_routes, files_tab
from ossature.history.change_sets import may_see_history
from ossature.history.timeline import timeline
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.imports.pages import import_routes
from ossature.rbac import requires
from ossature.rbac.rules import shows_again, takes_files, unproven
from ossature.records import service
from ossature.records.boards import WINDOW
from ossature.records.cells import cell_page
from ossature.records.clean import MOST_BIG, whole_number
from ossature.records.drafts import drop, kept
from ossature.records.export_pages import export_dialog
from ossature.records.external_pages import external_box, external_routes
from ossature.records.faces import face_page
from ossature.records.fields import Field, Kind
from ossature.records.form_views import conflict_panel, form_page, refuse
from ossature.records.forms import RecordForm
from ossature.records.list_pages import list_crumbs, list_index, list_query
from ossature.records.list_tools import BOXES, list_box
from ossature.records.lookup import OfRecord
from ossature.records.mass_choice import mass_choice
from ossature.records.mass_pages import mass_cancel, mass_dialog, mass_index, mass_show
from ossature.records.merging import Stale
from ossature.records.moving import move_card
from ossature.records.note_pages import note_routes, notes_box
from ossature.records.owning import writable_fields
from ossature.records.part_views import grid_answer
from ossature.records.posted import note, posted_form, posted_version, saves
from ossature.records.query import Row, get_row, labels_of_whole, part_rows
from ossature.records.saved import read_look
from ossature.records.short_forms import short_form
from ossature.records.tabs import tabs_of
from ossature.records.timeline_views import timeline_view, undo_just_done
from ossature.records.types import RecordType
from ossature.records.views import detail_page, page_endpoint, shown_at
from ossature.search.pins import is_pinned
from ossature.search.recent import remember
from ossature.web import Crumb, notify, render
from ossature.web.models import Action, FormDraft, FormPage

_, _l, _n = translator("ossature")

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
            (
                "mass_choice",
                f"/{rt.slug}/mass/<uuid:id>/rows/<uuid:record>",
                ["GET", "POST"],
                "edit",
                pages.mass_choice,
            ),
            ("mass_cancel", f"/{rt.slug}/mass/<uuid:id>/cancel", ["POST"], "view", pages.mass_cancel),
            ("export", f"/{rt.slug}/export", ["GET", "POST"], "export", pages.export),
            ("move", f"{one}/move", ["POST"], "edit", pages.move),
            *note_routes(rt, one),
            *external_routes(rt, one),
            *file_routes(rt, one),
            *duplicate_routes(rt),
            *import_routes(rt),
        ]
        for name, path, methods, action, view in routes:
            blueprint.add_url_rule(path, f"{rt.name}_{name}", _ruled(rt, name, action, view), methods=methods)
    return blueprint


def _ruled(rt: RecordType, name: str, action: str, view: View) -> View:
    ruled = requires(rt.permission(action))(_function(view, name))
    if name == "files_add":
        return takes_files(ruled)
    if name == "imports":
        return takes_files(ruled, "import_max_bytes")
    return shows_again(ruled) if name in ("new", "edit") else ruled


def _function(method: View, name: str) -> View:
    def view(**arguments: Any) -> ResponseReturnValue:
        return method(**arguments)

    view.__name__ = name
    return view


class Pages(OfRecord):
    """The pages of one record type."""

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
        if request.form.get("_take") == "drop" and not unproven():
            drop(rt, None)
            return redirect(here, 303)
        given = self._prefilled(fields)
        if request.args.get("part") == "short":
            return short_form(rt, given)
        form = RecordForm(rt, fields, posted_form(rt, None), given, {})
        if (collection := request.form.get("_work_out")) in rt.parts:
            return jsonify(grid_answer(rt, form, str(collection)))
        if saves() and form.validate():
            try:
                written = service.create(rt, form.values())
            except Invalid as invalid:
                refuse(form, invalid)
            else:
                self._say(written, _("%(record)s created", record=rt.label), None)
                return redirect(url_for(page_endpoint(rt, "show"), id=written.row["id"]), 303)
        title = str(rt.new_label)
        view = form_page(
            rt, form, given, title=title, action=here, cancel_url=url_for(page_endpoint(rt, "list")),
            submit_label=_("Save"),
        )  # fmt: skip
        return self._form_answer(view, title, [*self._crumbs(), Crumb(title)], None)

    def show(self, id: UUID) -> ResponseReturnValue:
        rt = self.rt
        try:
            row = get_row(rt, id)
        except NotFound:
            if (to := stands_for(rt, id)) is None:
                raise
            return redirect(shown_at(rt, to))
        if row["deleted_at"] is not None and (to := stands_for(rt, id)) is not None:
            return redirect(shown_at(rt, to))
        parts = {name: found.get(id, []) for name, found in part_rows(rt, [id]).items()}
        shown = labels_of_whole(rt, row, parts)
        history = timeline_view(rt, row, timeline(rt, id)) if may_see_history() else None
        view = detail_page(rt, row, parts, shown, history)
        if request.args.get("part") == "preview":
            return render("record/_preview.html", title=view.title, record=view)
        view = replace(view, tabs=(*view.tabs, *tabs_of(rt, id), files_tab(rt, id)))
        crumbs = [*self._crumbs(), Crumb(view.title)]
        remember(rt.key, id)
        return render(
            "record/detail.html", title=view.title, breadcrumbs=crumbs, record=view, record_key=rt.key, record_id=id,
            pinned=is_pinned(id), notes=notes_box(rt, row), external=external_box(rt, row),
        )  # fmt: skip

    def edit(self, id: UUID) -> ResponseReturnValue:
        rt = self.rt
        row = get_row(rt, id)
        here = url_for(page_endpoint(rt, "edit"), id=id)
        if request.form.get("_take") == "drop" and not unproven():
            drop(rt, id)
            return redirect(here, 303)
        parts = {name: found.get(id, []) for name, found in part_rows(rt, [id]).items()}
        fields = writable_fields(rt)
        posted = posted_form(rt, id)
        form = RecordForm(rt, fields, posted, row, parts)
        if (collection := request.form.get("_work_out")) in rt.parts:
            return jsonify(grid_answer(rt, form, str(collection)))
        back = url_for(page_endpoint(rt, "show"), id=id)
        version, panel = posted_version(posted, row["version"]), None
        if saves() and form.validate():
            values = form.values()
            for name in [one for one in values if request.form.get(f"_choice-{one}") == "theirs"]:
                del values[name]  # what others wrote stays, of whatever kind
            for name, item in fields.items():
                if item.kind is Kind.SECRET and not values.get(name):
                    values.pop(name, None)
            try:
                written = service.update(rt, id, values, version=version)
            except Invalid as invalid:
                refuse(form, invalid)
            except Stale as stale:
                panel = conflict_panel(rt, id, stale, form)
                form.take_over(RecordForm(rt, fields, None, row, parts), stale.untouched)
                version = stale.extra["version"]
            else:
                changed = written.row["version"] != row["version"]
                self._say(written, _("Saved"), id, undo_just_done(back) if changed else None)
                return redirect(back, 303)
        name = row.get(rt.title_field) or _("Unnamed")
        title = _("Edit %(record)s", record=name)
        view = form_page(
            rt, form, row, title=title, action=here, cancel_url=back, submit_label=_("Save"), version=version,
            conflict=panel,
        )  # fmt: skip
        crumbs = [*self._crumbs(), Crumb(name, back), Crumb(_("Edit"))]
        return self._form_answer(view, title, crumbs, id, 409 if panel else 422)

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

    def move(self, id: UUID) -> ResponseReturnValue:
        """A card of a board was put into another column; the address names the board, the form the column."""
        look = read_look(self.rt, request.args)
        return move_card(self.rt, look, list_query(look, WINDOW), id)

    def timeline(self, id: UUID) -> ResponseReturnValue:
        rt = self.rt
        row = get_row(rt, id)
        mark = request.args.get("before", "")
        before = whole_number(mark, MOST_BIG) if mark else None
        if mark and before is None:
            raise BadRequest(_("The timeline cannot go on from there; open the record again."))
        page = timeline(rt, id, before=before)
        return render("record/_timeline.html", title=str(rt.label), timeline=timeline_view(rt, row, page))

    def cell(self, id: UUID, field: str) -> ResponseReturnValue:
        return cell_page(self.rt, id, field)

    def mass(self) -> ResponseReturnValue:
        return mass_dialog(self.rt) if request.method == "POST" else mass_index(self.rt)

    def mass_show(self, id: UUID) -> ResponseReturnValue:
        return mass_show(self.rt, id)

    def mass_choice(self, id: UUID, record: UUID) -> ResponseReturnValue:
        return mass_choice(self.rt, id, record)

    def mass_cancel(self, id: UUID) -> ResponseReturnValue:
        return mass_cancel(self.rt, id)

    def export(self) -> ResponseReturnValue:
        return export_dialog(self.rt)

    # -- parts of pages ------------------------------------------------------------------------------------------------

    def _crumbs(self) -> list[Crumb]:
        return list_crumbs(self.rt)

    def _form_answer(
        self, view: FormPage, title: str, crumbs: list[Crumb], id: UUID | None, status: int = 422
    ) -> ResponseReturnValue:
        draft, (similar_url, similar_when) = self._draft(id), similar_check(self.rt, id)
        view = replace(view, draft=draft, note=note(), similar_url=similar_url, similar_when=similar_when)
        page = render(
            "record/form.html", title=title, breadcrumbs=crumbs, form=view
        )  # fmt: skip
        return Response(page, status if saves() else 200)

    def _draft(self, id: UUID | None) -> FormDraft | None:
        """How the browser keeps what is typed from now on, and what is kept already."""
        context = current()
        if context.actor is None:
            return None
        fresh = request.method == "GET"
        draft = kept(self.rt, id) if fresh else None
        return FormDraft(
            _draft_key(self.rt, id), f"{context.tenant_id}.{context.actor.id}", self.rt.key, str(id or ""),
            draft.at if draft else None, not fresh,
        )  # fmt: skip

    def _say(self, written: service.Written, text: str, id: UUID | None, undo: Action | None = None) -> None:
        """Tell what was done; the draft of it is of no use any more."""
        drop(self.rt, id)
        notify(text, undo=undo, saved=_draft_key(self.rt, id))
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


def _draft_key(rt: RecordType, id: UUID | None) -> str:
    return f"{rt.key}/{id or 'new'}"
