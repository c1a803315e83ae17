"""One value changed where it stands: in a list, or among the facts of a record.

The editor is the form's own input for that field. A value that was saved is answered as cells for whatever the page shows of
the record, since others may follow from it; a refusal is answered as the editor again, with what was typed.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ossature.db.work import session
from ossature.errors import Conflict, Detail, Invalid, NotFound
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.predicate import demand, reaches_owner
from ossature.records import service
from ossature.records.clean import whole_number
from ossature.records.definition import listable
from ossature.records.fields import Field, Kind
from ossature.records.form_views import conflict_panel, labels_in
from ossature.records.forms import RecordForm
from ossature.records.input_views import input_view
from ossature.records.merging import Stale
from ossature.records.owning import writable_fields
from ossature.records.query import Row, get_row, labels_of
from ossature.records.types import RecordType
from ossature.records.views import all_fields, cell, page_endpoint
from ossature.web import models, render
from ossature.web.cells import write_cell
from ossature.web.models import Fact

_, _l, _n = translator("ossature")

MOST_SHOWN = 60


def editable_fields(rt: RecordType) -> dict[str, Field]:
    """What can be changed where it stands: any field that the form has, but no secret."""
    return {name: item for name, item in writable_fields(rt).items() if item.kind is not Kind.SECRET}


def cell_page(rt: RecordType, id: UUID, name: str) -> ResponseReturnValue:
    """The editor of one value; posted, the value is saved."""
    demand(rt, "edit")
    item = editable_fields(rt).get(name)
    if item is None:
        raise NotFound(_("This field cannot be changed here."))
    row = get_row(rt, id)
    posted: MultiDict[str, str] | None = MultiDict(request.form) if request.method == "POST" else None
    form = RecordForm(rt, {name: item}, posted, row, {})
    if posted is None:
        return _editor(rt, row, form, row["version"])
    if "_theirs" in posted:
        return _cells(rt, row)
    version = _version(posted, row["version"])
    if not form.validate():
        return _editor(rt, row, form, version, 422)
    try:
        written = service.update(rt, id, {name: form.form[name].data}, version=version)
    except Invalid as refusal:
        session().rollback()
        form.add(refusal.details or [Detail(name, refusal.code, str(refusal.message))])
        return _editor(rt, row, form, version, 422)
    except Stale as stale:
        panel = conflict_panel(rt, id, stale, form)
        return _editor(rt, row, form, stale.extra["version"], 409, panel)
    except Conflict as refusal:
        form.add([Detail(name, refusal.code, str(refusal.message))])
        return _editor(rt, row, form, version, 409)
    return _cells(rt, written.row, [str(one.message) for one in written.warnings])


def may_change(rt: RecordType, row: Row) -> bool:
    """Whether the reader may change this row."""
    return row["deleted_at"] is None and reaches_owner(rt, "edit", row.get("owner_id"))


def _version(posted: MultiDict[str, str], stored: int) -> int:
    version = whole_number(posted.get("_version", ""))
    return stored if version is None else version


def _editor(
    rt: RecordType, row: Row, form: RecordForm, version: int, status: int = 200,
    conflict: models.ConflictPanel | None = None,
) -> ResponseReturnValue:  # fmt: skip
    name, item = next(iter(form.fields.items()))
    view = input_view(rt, form.form[name], name, item, form.errors.get(name, ()), labels_in(rt, form))
    others = []
    for path, messages in form.errors.items():
        if path != name:
            other = rt.fields.get(path)
            others += [f"{other.label}{_(': ')}{message}" if other else message for message in messages]
    page = render(
        "record/_cell.html", title=str(item.label), item=view, version=version, others=others, conflict=conflict,
        action=url_for(page_endpoint(rt, "cell"), id=row["id"], field=name),
        form_url=f"{url_for(page_endpoint(rt, 'edit'), id=row['id'])}#f-{name}",
    )  # fmt: skip
    return Response(page, status)


def _cells(rt: RecordType, row: Row, warnings: list[str] | None = None) -> Response:
    """What the page shows of the record, by field: `_shown` names it, `_as` says whether as facts or in a list."""
    names = [name for name in request.form.get("_shown", "").split(",")[:MOST_SHOWN] if name]
    screens = kernel().screens[rt.key]
    fields = {**listable(rt), **all_fields(rt)}
    shown = labels_of(rt, [row], names)
    found: dict[str, Any] = {}
    for name in names:
        if name not in fields:
            continue
        value = cell(rt, fields[name], row, shown, screens)
        if request.form.get("_as") == "facts":
            edit_url = f"{url_for(page_endpoint(rt, 'edit'), id=row['id'])}#f-{name}"
            fact = Fact(str(fields[name].label), value, edit_url=edit_url, name=name)
            found[name] = render("record/_fact.html", title="", fact=fact)
        else:
            plain = name == names[0]
            found[name] = str(write_cell(value._replace(unit=None) if value.unit else value, plain))
    return jsonify(version=row["version"], cells=found, warnings=warnings or [])
