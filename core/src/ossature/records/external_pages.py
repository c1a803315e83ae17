"""The external ids in the right column of a record's page: given and taken away in place."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ossature.errors import Conflict, Detail, Invalid
from ossature.i18n.texts import translator
from ossature.records.external_ids import (
    ExternalId,
    add_external_id,
    external_ids_of,
    remove_external_id,
    sources_of,
)
from ossature.records.lookup import OfRecord
from ossature.records.note_pages import Routes
from ossature.records.notes import may_write
from ossature.records.query import Row, get_row
from ossature.records.types import RecordType
from ossature.records.views import page_endpoint
from ossature.web import render
from ossature.web.shell import wants_fragment

_, _l, _n = translator("ossature")


@dataclass(frozen=True, slots=True)
class ExternalBox:
    """What `record/_external_ids.html` shows; `source` and `value` are what was typed, `errors` why it was refused."""

    items: tuple[ExternalId, ...]
    url: str
    may_write: bool
    sources: tuple[str, ...] = ()
    source: str = ""
    value: str = ""
    errors: tuple[Detail, ...] = ()
    changed: bool = False

    def error(self, name: str) -> str:
        return " ".join(str(one.message) for one in self.errors if one.field == name)


def external_box(rt: RecordType, row: Row, **typed: str | bool | tuple[Detail, ...]) -> ExternalBox:
    """The external ids of a record, and the way to give it another."""
    found, may = external_ids_of(rt, [row["id"]]).get(row["id"], []), may_write(rt, row)
    url = url_for(page_endpoint(rt, "external_add"), id=row["id"])
    return ExternalBox(tuple(found), url, may, tuple(sources_of(rt)) if may else (), **typed)  # type: ignore[arg-type]


def external_routes(rt: RecordType, one: str) -> Routes:
    """Pages below a record's own: name, path, methods, action, view."""
    pages, ids = ExternalPages(rt), f"{one}/external-ids"
    return [
        ("external_add", ids, ["POST"], "edit", pages.add),
        ("external_remove", f"{ids}/remove", ["POST"], "edit", pages.remove),
    ]


class ExternalPages(OfRecord):
    """The external ids of one record type."""

    def add(self, id: UUID) -> ResponseReturnValue:
        source, value = request.form.get("source", ""), request.form.get("value", "")
        try:
            add_external_id(self.rt, id, source, value)
        except Invalid as refused:
            return self._refused(id, source, value, tuple(refused.details))
        except Conflict as conflict:
            if conflict.extra.get("code") != "too_many":
                raise
            return self._refused(id, source, value, (Detail("value", "too_many", str(conflict.message)),))
        return self._done(id)

    def remove(self, id: UUID) -> ResponseReturnValue:
        remove_external_id(self.rt, id, request.form.get("source", ""), request.form.get("value", ""))
        return self._done(id)

    def _refused(self, id: UUID, source: str, value: str, errors: tuple[Detail, ...]) -> ResponseReturnValue:
        box = external_box(self.rt, get_row(self.rt, id), source=source, value=value, errors=errors)
        return Response(render("record/_external_ids.html", title=str(self.rt.label), external=box), 422)

    def _done(self, id: UUID) -> ResponseReturnValue:
        if not wants_fragment():
            return redirect(url_for(page_endpoint(self.rt, "show"), id=id), 303)
        box = external_box(self.rt, get_row(self.rt, id), changed=True)
        return render("record/_external_ids.html", title=str(self.rt.label), external=box)
