"""Whole lists by the API, as a file: read until its end, without pages."""

from __future__ import annotations

from typing import Any, Literal

from flask import Response, request
from pydantic import BaseModel, Field, create_model

from ossature.errors import BadRequest, Detail
from ossature.i18n.texts import translator
from ossature.records.export_beside import beside_fields, is_beside
from ossature.records.export_pages import file_response
from ossature.records.exporting import (
    DIALECTS,
    FORMATS,
    HEADERS,
    MIMETYPES,
    Export,
    check_fields,
    exportable,
    summed,
)
from ossature.records.query import ListQuery, Row
from ossature.records.schemas import camel, list_arguments, row_model
from ossature.records.types import RecordType
from ossature.web.api import one_of
from ossature.web.versions import translation

_, _l, _n = translator("ossature")

TABLES = (MIMETYPES["csv"], MIMETYPES["xlsx"])
_TAKEN = ("sort", "fields", "where", "deleted", "view", "search")


class _Arguments(BaseModel):
    format: Literal["csv", "xlsx", "json"] | None = Field(None, description="`json` unless given")
    headers: Literal["names", "labels"] | None = Field(
        None,
        description="`names`: names of fields, values as the API spells them, unless given; `labels`: as on the screen, "
        "a workbook with totals below",
    )
    dialect: Literal["plain", "excel"] | None = Field(
        None, description="Of CSV. `plain` unless given; `excel`: as it is opened in the language of the answer"
    )
    whole: bool | None = Field(
        None,
        description="`true`: everything that can be imported again. Besides the fields the entries of collections, as "
        "JSON in tables, and external ids as `external_id:<source>`, one a line. Both may be named in `fields` as well",
    )


def export_arguments(rt: RecordType) -> type[BaseModel]:
    """What a list takes, besides what is for its pages, and what the file is to be."""
    listed = {name: (item.annotation, item) for name, item in list_arguments(rt).model_fields.items() if name in _TAKEN}
    return create_model(f"{camel(rt)}ExportQuery", __base__=_Arguments, **dict[str, Any](listed))


def export_model(rt: RecordType) -> type[BaseModel]:
    """What `format=json` answers."""
    one = row_model(rt, listed=True)
    meta = (dict[str, int], Field(description="`count`: how many rows there are"))
    return create_model(f"{camel(rt)}Export", success=(bool, True), data=(list[one], ...), meta=meta)  # type: ignore[valid-type]


def export_answer(rt: RecordType, query: ListQuery) -> Response:
    """The file. Without `fields`, and without columns of a view, it has all fields that the reader may take out."""
    said, known, arguments = translation(rt.key), exportable(rt), request.args
    if "fields" in arguments:
        check_fields(rt, query.fields)
    named = [name for name in query.fields if name in known or is_beside(rt, name)]
    headers = one_of(HEADERS, "headers", arguments.get("headers", "names"))
    whole = one_of(("true", "false"), "whole", arguments.get("whole", "false")) == "true"
    if headers == "labels" and (whole or any(name not in known for name in named)):
        raise BadRequest(
            _("Collections and external ids are exported under the names of fields alone."),
            [Detail("headers", "invalid", _("Use headers=names."))],
        )
    fields = ("id", *dict.fromkeys(name for name in named or known if name != "id"))
    if whole:
        fields = tuple(dict.fromkeys((*fields, *known, *beside_fields(rt))))
    older = dict(zip(fields, said.older_names(fields), strict=True)) if said.pending else {}

    def shown(rows: list[Row]) -> list[Row]:
        return said.older_rows(rows)

    export = Export(
        rt, query, fields, one_of(FORMATS, "format", arguments.get("format", "json")), headers,
        one_of(DIALECTS, "dialect", arguments.get("dialect", "plain")), sums=summed(fields, headers), names=older,
    )  # fmt: skip
    return file_response(export, shown)
