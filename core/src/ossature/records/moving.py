"""Moving a card of a board: the field that the board is by is written, like any other change, and the card answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ossature.db.work import session
from ossature.errors import BadRequest, Detail, Invalid, Refusal
from ossature.history.change_sets import may_see_history
from ossature.history.timeline import last_change
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.records import service
from ossature.records.board_views import card_fields, cards_of, lanes, sums_by_value
from ossature.records.clean import whole_number
from ossature.records.face_links import field_of
from ossature.records.fields import Field, Kind
from ossature.records.form_views import labels_in
from ossature.records.forms import RecordForm
from ossature.records.input_views import input_view
from ossature.records.list_pages import list_labels
from ossature.records.merging import Stale
from ossature.records.query import ListQuery, Row, get_row, labels_of
from ossature.records.saved import Look
from ossature.records.types import RecordType
from ossature.records.views import cell

_, _l, _n = translator("ossature")


def move_card(rt: RecordType, look: Look, query: ListQuery, id: UUID) -> ResponseReturnValue:
    """Write where a card was put, and answer the card with the sums of the two columns.

    What is missing there is asked for (422 with `dialog`); somebody else's move is told and shown (409 with the card as it
    is now); anything else is refused with its reason.
    """
    before = get_row(rt, id)
    by = field_of(rt, look)
    fields = service.writable_fields(rt)
    if by.name not in fields:
        raise BadRequest(_("This board shows what follows from elsewhere; its cards cannot be moved."))
    to = request.form.get("to") or None
    asked = {name: fields[name] for name in request.form.getlist("asked") if name in fields and name != by.name}
    form = _form(rt, asked)
    if asked and not form.validate():
        return _ask(rt, before, by, to, form)
    values = {by.name: to, **{name: form.form[name].data for name in asked}}
    try:
        written = service.update(rt, id, values, version=_seen(before))
    except Stale as stale:
        return _overtaken(rt, look, query, by, id, stale)
    except Invalid as invalid:
        session().rollback()
        missing = {detail.field: fields[detail.field] for detail in invalid.details if detail.field in fields}
        if by.name in missing or len(missing) < len({detail.field for detail in invalid.details}):
            return _refused(invalid)
        form = _form(rt, {**asked, **missing}, before)
        form.add(invalid.details)
        return _ask(rt, before, by, to, form)
    except Refusal as refusal:
        session().rollback()
        return _refused(refusal)
    said = [str(warning.message) for warning in written.warnings]
    columns = [_value(before, by), _value(written.row, by)]
    return jsonify(**_card(rt, look, query, by, written.row, columns), said=said)


def _card(
    rt: RecordType, look: Look, query: ListQuery, by: Field, row: Row, columns: list[str | None]
) -> dict[str, Any]:
    """The card as it is now, the column that it stands in, and the sums of the columns that it concerns."""
    shown: Row = {name: row.get(name) for name in ("id", "version", *card_fields(rt, look, by))}
    (card,) = cards_of(rt, look, lanes(rt, look, by), [shown], list_labels(rt, look, [shown]))
    sums = sums_by_value(rt, look, query, by, columns)
    of = {value: render_template("record/_column_sum.html", item=one) for value, one in sums.items()}
    return {
        "card": render_template("record/_cards.html", cards=[card], more_url=None),
        "column": _value(row, by) or "",
        "sums": {value: {"count": one.count, "sum": of[value]} for value, one in sums.items()},
    }


def _value(row: Row, by: Field) -> str | None:
    value = row.get(by.name)
    return None if value is None else str(value)


def _seen(before: Row) -> int:
    """The version of the card that was moved; without one nobody else's change counts."""
    version = whole_number(request.form.get("version", ""))
    return int(before["version"]) if version is None else version


def _form(rt: RecordType, fields: dict[str, Field], row: Row | None = None) -> RecordForm:
    """The fields of the dialogue: as they were posted, or those that are missing as they are stored."""
    posted: MultiDict[str, str] | None = None
    if any(name in request.form for name in fields):
        posted = MultiDict({**dict.fromkeys(fields, ""), **request.form.to_dict()})
    return RecordForm(rt, fields, posted, row or {}, {})


def _ask(rt: RecordType, row: Row, by: Field, to: str | None, form: RecordForm) -> ResponseReturnValue:
    """The small dialogue that asks for what is missing in the column."""
    labels = labels_in(rt, form)
    inputs = [
        input_view(rt, form.form[name], name, replace(item, required=True), form.errors.get(name, ()), labels)
        for name, item in form.fields.items()
    ]
    there: Row = {by.name: as_id(to or "") if by.kind is Kind.REFERENCE else to}
    target = cell(rt, by, there, labels_of(rt, [there], [by.name]))
    title = _(
        "Move %(record)s to %(column)s", record=row.get(rt.title_field) or _("Unnamed"), column=target.label or to or ""
    )
    dialog = render_template("record/_move_dialog.html", title=title, fields=inputs, names=list(form.fields))
    return _json(422, dialog=dialog, message=" ".join(one for errors in form.errors.values() for one in errors))


def _overtaken(rt: RecordType, look: Look, query: ListQuery, by: Field, id: UUID, stale: Stale) -> ResponseReturnValue:
    """Somebody else moved the card first: where it stands now, and who put it there."""
    session().rollback()
    row = get_row(rt, id)
    newest = last_change(rt, id) if may_see_history() else None
    shown = cell(rt, by, row, list_labels(rt, look, [row]))
    message = _(
        "%(person)s moved %(record)s to %(column)s meanwhile.", person=(newest.actor if newest else "") or _("Somebody"),
        record=row.get(rt.title_field) or _("Unnamed"), column=shown.label or shown.value or "",
    )  # fmt: skip
    if all(detail.field != by.name for detail in stale.details):
        message = str(stale.message)
    return _json(
        409, message=message, **_card(rt, look, query, by, row, [_value(row, by), request.form.get("to") or None])
    )


def _refused(refusal: Refusal) -> ResponseReturnValue:
    details: tuple[Detail, ...] = refusal.details
    message = " ".join(dict.fromkeys(str(detail.message) for detail in details)) or str(refusal.message)
    return _json(refusal.status, message=message)


def _json(status: int, **body: Any) -> Response:
    answer = jsonify(**body)
    answer.status_code = status
    return answer
