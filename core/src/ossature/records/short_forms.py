"""Creating a record in place, from the picker of another one's form: only what must be known."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ossature.errors import Invalid
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.rules import unproven
from ossature.records import service
from ossature.records.fields import Field
from ossature.records.form_views import refuse, short_page
from ossature.records.forms import RecordForm
from ossature.records.owning import writable_fields
from ossature.records.query import Row
from ossature.records.types import RecordType
from ossature.web import render

_, _l, _n = translator("ossature")


def short_fields(rt: RecordType, fields: Mapping[str, Field]) -> dict[str, Field]:
    """Those that the record's screens name, else its title and what must be given."""
    named = kernel().screens[rt.key].short
    if named:
        return {name: fields[name] for name in named if name in fields}
    return {name: item for name, item in fields.items() if name == rt.title_field or item.required}


def short_form(rt: RecordType, given: Row) -> ResponseReturnValue:
    """The form that a picker opens in a dialog; once it is saved, the option to choose."""
    fields = short_fields(rt, writable_fields(rt))
    posted = MultiDict(request.form) if request.method == "POST" else None
    words = request.args.get("name", "").strip()[:200]
    if words and (name := _takes_words(rt, fields)):
        given = {**given, name: words}
    form = RecordForm(rt, fields, posted, {name: given.get(name) for name in fields}, {})
    if posted is not None and not unproven() and form.validate():
        try:
            written = service.create(rt, form.values())
        except Invalid as invalid:
            refuse(form, invalid)
        else:
            option = {"value": str(written.row["id"]), "label": written.row.get(rt.title_field) or _("Unnamed")}
            said = [str(warning.message) for warning in written.warnings]
            return jsonify({"data": option, "warnings": said}), 201
    here = url_for(f"{rt.plugin}_records.{rt.name}_new")
    page = render("record/_short.html", title=str(rt.new_label), form=short_page(rt, form, f"{here}?part=short", here))
    return Response(page, 200 if posted is None else 422)


def _takes_words(rt: RecordType, fields: Mapping[str, Field]) -> str | None:
    """The field that takes what was typed into the picker: the title, else the last text that must be given."""
    if rt.title_field in fields:
        return rt.title_field
    texts = [name for name, item in fields.items() if item.textual]
    return next((name for name in reversed(texts) if fields[name].required), texts[0] if texts else None)
