"""The REST endpoints that every record has, made from its description; nothing here is written per record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
from apiflask import APIBlueprint
from flask import Response, request, url_for

from ossature.duplicates.api import duplicate_views, moved_to
from ossature.errors import BadRequest, Detail, NotFound
from ossature.files.api import file_views
from ossature.i18n.texts import translator
from ossature.imports.api import import_views
from ossature.kernel import kernel
from ossature.rbac import requires, signed_in
from ossature.records import mass_api, schemas, service
from ossature.records.aggregate import aggregate
from ossature.records.batch_api import BulkAnswer, bulk_answer, bulk_input
from ossature.records.clean import plain, whole_number
from ossature.records.definition import Definition
from ossature.records.export_api import TABLES, export_answer, export_arguments, export_model
from ossature.records.external_api import ExternalIdsAnswer, ExternalPlace, external_views
from ossature.records.external_ids import clean_key, find_by_external
from ossature.records.filters import read_arguments
from ossature.records.history_api import HistoryAnswer, HistoryQuery, history_answer
from ossature.records.including import attach, needed, part_shown, read_include
from ossature.records.notes_api import (
    NoteAnswer,
    NoteGoneAnswer,
    NoteInput,
    NotePatch,
    NotesAnswer,
    NotesArguments,
    note_views,
)
from ossature.records.query import ACTOR, COUNT_UP_TO, ListQuery, Page, count_up_to, get_row, list_rows, options
from ossature.records.referred import may_tell, told
from ossature.records.saved import viewed
from ossature.records.service import Written
from ossature.records.tag_names import TagsAnswer, TagsArguments, tags_view
from ossature.records.types import RecordType
from ossature.records.upsert import upsert, upsert_by_external
from ossature.web.api import documented, known_arguments, limit_argument, read_object, success
from ossature.web.versions import older_details, served, translation

_, _l, _n = translator("ossature")

LIST_ARGUMENTS = ("search", "sort", "limit", "cursor", "fields", "include", "count", "deleted", "where", "view")
EXPORT_ARGUMENTS = ("format", "headers", "dialect", "whole", "search", "sort", "fields", "deleted", "where", "view")
MASS_ARGUMENTS = ("search", "where", "view", "deleted")
AGGREGATE_ARGUMENTS = ("group", "measure", "search", "deleted", "where", "view")


def record_blueprint(plugin: str, types: Iterable[RecordType], aliases: Mapping[str, str]) -> APIBlueprint:
    """The API of one plugin's records under `/api/<plugin>`, and under their aliases."""
    blueprint = APIBlueprint(f"{plugin}_records_api", __name__, url_prefix="/api")
    for rt in types:
        paths = [f"/{plugin}/{rt.slug}", *(f"/{alias}" for alias, key in aliases.items() if key == rt.key)]
        picked = [part for part in rt.parts.values() if part.position and part.title_field in part.fields]
        for one in (rt, *picked):
            blueprint.add_url_rule(
                f"/{plugin}/{one.slug}/options",
                endpoint=f"{one.name}_options",
                view_func=_options(one.key, one),
                methods=["GET"],
            )
        for name, methods, tail, view in _views(rt):
            for number, path in enumerate(paths):
                blueprint.add_url_rule(
                    path + tail, endpoint=f"{rt.name}_{name}" + (f"_alias{number}" if number else ""),
                    view_func=view, methods=methods,
                )  # fmt: skip
    return blueprint


View = Callable[..., Any]


def _views(rt: RecordType) -> list[tuple[str, list[str], str, View]]:
    one, answer = "/<uuid:id>", schemas.one_answer(rt)
    plural = str(rt.plural)

    def list_view() -> Response:
        known_arguments(LIST_ARGUMENTS, prefixes=("filter[",))
        query, tree = list_query(rt), read_include(rt, request.args.get("include", ""))
        counting = _counting()
        beside = needed(rt, query.fields, tree)
        page = list_rows(rt, replace(query, fields=(*query.fields, *beside)))
        attach(rt, page.rows, tree)
        for row in page.rows:
            for name in beside:
                del row[name]
        meta = {
            "next": page.next, "previous": page.previous, "limit": query.limit, "capped": page.capped,
            "count": counting and _count(rt, query, page, counting),
        }  # fmt: skip
        return success(translation(rt.key).older_rows(page.rows), meta=meta)

    def aggregate_view() -> Response:
        known_arguments(AGGREGATE_ARGUMENTS, prefixes=("filter[",))
        base = viewed(rt, request.args)
        group, measures = _names("group") if "group" in request.args else base.group, _names("measure")
        found = aggregate(rt, list_query(rt, base), group, measures)
        data = [
            {
                "keys": dict(zip(group, row.keys, strict=True)), "count": row.count,
                "values": {name: _whole(value) for name, value in row.values.items()},
            }
            for row in found.groups
        ]  # fmt: skip
        return success(translation(rt.key).older_groups(data), meta={"more": found.more})

    def export_view() -> Response:
        known_arguments(EXPORT_ARGUMENTS, prefixes=("filter[",))
        return export_answer(rt, list_query(rt))

    def create_view() -> Response:
        body = read_object()
        id = _client_id(body)
        body.pop("version", None)
        written = service.create(rt, body, id)
        location = url_for(f"{rt.plugin}_records_api.{rt.name}_get", id=written.row["id"])
        return _answer(rt, written, 201, {"Location": location})

    def get_view(id: UUID) -> Response:
        known_arguments(("include",))
        tree = read_include(rt, request.args.get("include", ""))
        try:
            row = get_row(rt, id)
        except NotFound:
            if (elsewhere := moved_to(rt, id)) is not None:
                return elsewhere
            raise
        if row["deleted_at"] is not None and (elsewhere := moved_to(rt, id)) is not None:
            return elsewhere
        attach(rt, [row], {**{name: {} for name in rt.parts}, **tree})
        return _answer(rt, Written(row, {}))

    def patch_view(id: UUID) -> Response:
        body = read_object()
        version = _version(body)
        return _answer(rt, service.update(rt, id, body, version=version, if_match=if_match()))

    def put_view(id: UUID) -> Response:
        body = read_object()
        version = _version(body)
        _same_id(body, id)
        return _answer(rt, service.update(rt, id, body, version=version, if_match=if_match(), replace=True))

    def delete_view(id: UUID) -> Response:
        row = service.delete(rt, id, if_match=if_match())
        return success({"id": row["id"], "deleted_at": row["deleted_at"], "version": row["version"]})

    def restore_view(id: UUID) -> Response:
        service.restore(rt, id)
        return get_view(id)

    def mass_view() -> Response:
        known_arguments(MASS_ARGUMENTS, prefixes=("filter[",))
        return mass_api.start(rt, list_query)

    def mass_show_view(id: UUID) -> Response:
        return mass_api.show(rt, id)

    def mass_rows_view(id: UUID) -> Response:
        return mass_api.rows(rt, id)

    def mass_cancel_view(id: UUID) -> Response:
        return mass_api.stop(rt, id)

    def by_view(field: str, value: str) -> Response:
        body = read_object()
        id, version = _client_id(body), _version(body)
        name = translation(rt.key).newer_name(field)
        written, created = upsert(rt, name, value, body, id=id, version=version, if_match=if_match())
        location = url_for(f"{rt.plugin}_records_api.{rt.name}_get", id=written.row["id"])
        return _answer(rt, written, 201 if created else 200, {"Location": location} if created else None)

    def external_view(source: str, value: str) -> Response:
        key = clean_key(source, value)
        if (id := find_by_external(rt, key[0], [key[1]]).get(key[1])) is None:
            raise service.not_found(rt)
        return get_view(id)

    def external_put_view(source: str, value: str) -> Response:
        body = read_object()
        id, version = _client_id(body), _version(body)
        written, created = upsert_by_external(rt, source, value, body, id=id, version=version, if_match=if_match())
        location = url_for(f"{rt.plugin}_records_api.{rt.name}_get", id=written.row["id"])
        return _answer(rt, written, 201 if created else 200, {"Location": location} if created else None)

    def bulk_view() -> Response:
        return bulk_answer(rt)

    made: list[tuple[str, list[str], str, View]] = []

    def add(what: str, methods: list[str], tail: str, view: View, action: str, **documentation: Any) -> None:
        view.__name__ = f"{rt.name}_{what}"
        documented(view, tag=plural, operation_id=f"{what}_{rt.plugin}_{rt.name}", **documentation)
        served(view, rt.key)
        made.append((what, methods, tail, requires(rt.permission(action))(view)))

    label = str(rt.label)
    add("list", ["GET"], "", list_view, "view", summary=f"List {plural.lower()}", query=schemas.list_arguments(rt),
        answer=schemas.list_answer(rt), record=rt.key, refusals=(400, 401, 403, 404, 422, 429))  # fmt: skip
    add("aggregate", ["GET"], "/aggregate", aggregate_view, "view", summary=f"Count {plural.lower()} by group, with sums",
        query=schemas.aggregate_arguments(rt), answer=schemas.AggregateAnswer,
        refusals=(400, 401, 403, 404, 422, 429))  # fmt: skip
    add("export", ["GET"], "/export", export_view, "export", summary=f"Take {plural.lower()} out into a file",
        query=export_arguments(rt), answer=export_model(rt), files=TABLES,
        refusals=(400, 401, 403, 404, 422, 429))  # fmt: skip
    add("create", ["POST"], "", create_view, "create", summary=f"Create a {label.lower()}",
        body=schemas.input_model(rt), answer=answer, status=201, record=rt.key,
        refusals=(400, 401, 403, 409, 413, 415, 422, 429))  # fmt: skip
    add("get", ["GET"], one, get_view, "view", summary=f"Read a {label.lower()}", query=schemas.one_arguments(rt),
        answer=answer, also={308: "It was merged into another one, which Location names"})  # fmt: skip
    writes = (400, 401, 403, 404, 409, 412, 413, 415, 422, 429)
    add("patch", ["PATCH"], one, patch_view, "edit", summary=f"Change some fields of a {label.lower()}",
        body=schemas.input_model(rt, partial=True), answer=answer, refusals=writes)  # fmt: skip
    add("put", ["PUT"], one, put_view, "edit", summary=f"Replace a {label.lower()}", body=schemas.input_model(rt),
        answer=answer, refusals=writes)  # fmt: skip
    add("delete", ["DELETE"], one, delete_view, "delete", summary=f"Delete a {label.lower()}",
        answer=schemas.DeletedAnswer, refusals=writes)  # fmt: skip
    add("restore", ["POST"], one + "/restore", restore_view, "delete", summary=f"Restore a deleted {label.lower()}",
        answer=answer, refusals=writes)  # fmt: skip
    add("mass", ["POST"], "/mass", mass_view, "view", summary=f"Change or delete many {plural.lower()}",
        body=mass_api.mass_input(rt), answer=mass_api.MassAnswer, status=202, query=schemas.list_arguments(rt),
        refusals=(400, 401, 403, 404, 413, 415, 422, 429))  # fmt: skip
    act = "/mass/<uuid:id>"
    add("mass_show", ["GET"], act, mass_show_view, "view", summary=f"How far a change of many {plural.lower()} is",
        answer=mass_api.MassAnswer)  # fmt: skip
    add("mass_rows", ["GET"], act + "/rows", mass_rows_view, "view", summary=f"What became of each of the {plural.lower()}",
        query=mass_api.RowArguments, answer=mass_api.MassRows)  # fmt: skip
    add("mass_cancel", ["POST"], act + "/cancel", mass_cancel_view, "view",
        summary=f"Cancel a change of many {plural.lower()}", answer=mass_api.MassAnswer)  # fmt: skip
    add("history", ["GET"], one + "/history", lambda id: history_answer(rt, id), "view",
        summary=f"Who changed a {label.lower()}", query=HistoryQuery, answer=HistoryAnswer,
        refusals=(400, 401, 403, 404, 429))  # fmt: skip
    if unique := [name for name, item in rt.fields.items() if item.unique]:
        add("by", ["PUT"], "/by/<field>/<path:value>", by_view, "edit",
            summary=f"Create or change the {label.lower()} that has a value: {', '.join(unique)}",
            place=schemas.key_arguments(rt, unique), body=schemas.input_model(rt, partial=True), answer=answer,
            also={201: "It was created"}, refusals=writes)  # fmt: skip
    called = "/by-external/<source>/<path:value>"
    add("external", ["GET"], called, external_view, "view", summary=f"Read the {label.lower()} that is called so elsewhere",
        place=ExternalPlace, query=schemas.one_arguments(rt), answer=answer)  # fmt: skip
    add("external_put", ["PUT"], called, external_put_view, "edit",
        summary=f"Create or change the {label.lower()} that is called so elsewhere", place=ExternalPlace,
        body=schemas.input_model(rt, partial=True), answer=answer, also={201: "It was created"},
        refusals=writes)  # fmt: skip
    add("bulk", ["POST"], "/bulk", bulk_view, "edit", summary=f"Write up to 1,000 {plural.lower()} at once",
        body=bulk_input(rt), answer=BulkAnswer, refusals=writes)  # fmt: skip
    add("tags", ["GET"], "/tags", tags_view(rt), "view", summary=f"What tags {plural.lower()} have",
        query=TagsArguments, answer=TagsAnswer, refusals=(400, 401, 403, 422, 429))  # fmt: skip
    notes, of = note_views(rt), f"of a {label.lower()}"
    add("notes", ["GET"], one + "/notes", notes["list"], "view", summary=f"List the notes {of}",
        query=NotesArguments, answer=NotesAnswer)  # fmt: skip
    add("note_create", ["POST"], one + "/notes", notes["create"], "edit", summary=f"Write a note {of}",
        body=NoteInput, answer=NoteAnswer, status=201, refusals=writes)  # fmt: skip
    add("note_patch", ["PATCH"], one + "/notes/<uuid:note>", notes["patch"], "edit", summary=f"Change a note {of}",
        body=NotePatch, answer=NoteAnswer, refusals=writes)  # fmt: skip
    add("note_remove", ["DELETE"], one + "/notes/<uuid:note>", notes["delete"], "edit", summary=f"Delete a note {of}",
        answer=NoteGoneAnswer, refusals=writes)  # fmt: skip
    elsewhere, ids = external_views(rt), one + "/external-ids"
    add("external_ids", ["GET"], ids, elsewhere["list"], "view", summary=f"List the external ids {of}",
        answer=ExternalIdsAnswer)  # fmt: skip
    add("external_add", ["PUT"], ids + "/<source>/<path:value>", elsewhere["add"], "edit",
        summary=f"Give a {label.lower()} an external id", place=ExternalPlace, answer=ExternalIdsAnswer,
        also={201: "It was given"}, refusals=writes)  # fmt: skip
    add("external_remove", ["DELETE"], ids + "/<source>/<path:value>", elsewhere["remove"], "edit",
        summary=f"Take an external id away from a {label.lower()}", place=ExternalPlace, answer=ExternalIdsAnswer,
        refusals=writes)  # fmt: skip
    return [*made, *file_views(rt), *import_views(rt), *duplicate_views(rt)]


def _options(target: str, rt: RecordType | None) -> View:
    def view() -> Response:
        return options_answer(target)

    view.__name__ = f"{target.replace('.', '_')}_options"
    subject = str(rt.plural) if rt else "Members"
    documented(view, summary=f"What a picker of {subject.lower()} offers", tag=subject,
               operation_id=f"options_{target.replace('.', '_')}", query=schemas.OptionArguments,
               answer=schemas.OptionAnswer, record=target, refusals=(400, 401, 403, 429))  # fmt: skip
    return requires(rt.permission("view"))(view) if rt else signed_in(view)


def actor_options_blueprint() -> APIBlueprint:
    """The picker of people: members who are active, for every member."""
    blueprint = APIBlueprint("ossature_actors_api", __name__, url_prefix="/api/ossature")
    blueprint.add_url_rule("/actors/options", endpoint="options", view_func=_options(ACTOR, None), methods=["GET"])
    return blueprint


def options_answer(target: str) -> Response:
    """What a picker offers for `?q=`: records that the reader may see."""
    known_arguments(("q", "tell"))
    search = request.args.get("q", "")[:200]
    found = options(target, plain(search), 21)
    tells = _told(target, [option.id for option in found[:20]])
    data = [
        {"value": str(option.id), "label": option.title, "hint": option.hint, **tells.get(option.id, {})}
        for option in found[:20]
    ]
    return success(data, meta={"more": len(found) > 20})


def _told(target: str, ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
    """What `?tell=` asks of each option."""
    names, rt = _names("tell"), kernel().records.get(target)
    known = may_tell(rt) if rt else []
    if unknown := [name for name in names if name not in known]:
        raise BadRequest(
            _("The field %(field)s does not exist.", field=unknown[0][:80]),
            [Detail("tell", "unknown_field", _("Name choices, and fields that are yes or no."))],
        )
    return {id: {"tells": values} for id, values in told(rt, ids, names).items()} if rt and names else {}


def list_query(rt: RecordType, base: Definition | None = None) -> ListQuery:
    """The list that the query string asks for: a view's where it names one, and what it says besides instead."""
    base = base or viewed(rt, request.args)
    deleted = request.args.get("deleted", "false")
    if deleted not in ("true", "false"):
        raise BadRequest(_("The parameter deleted is wrong."), [Detail("deleted", "invalid", _("Give true or false."))])
    return ListQuery(
        search=_plain_search() if "search" in request.args else base.search,
        sort=request.args.get("sort", base.sort)[:200],
        filter=read_arguments(request.args) if _filters() else base.filter,
        limit=limit_argument(),
        cursor=request.args.get("cursor", ""),
        deleted=deleted == "true",
        fields=_names("fields") if "fields" in request.args else base.columns,
    )


def _whole(value: Any) -> Any:
    """A sum of whole numbers may have more than 64 bits, which JSON has a number for and its writer not."""
    return orjson.Fragment(str(value)) if isinstance(value, int) and value.bit_length() > 63 else value


def _filters() -> bool:
    return any(name == "where" or name.startswith("filter[") for name in request.args)


def _names(argument: str) -> tuple[str, ...]:
    """Names with commas between them."""
    return tuple(name for name in request.args.get(argument, "").split(",") if name)


def _counting() -> str | None:
    counting = request.args.get("count")
    if counting not in (None, "exact", "some"):
        raise BadRequest(_("The parameter count is wrong."), [Detail("count", "invalid", _("Give exact or some."))])
    return counting


def _count(rt: RecordType, query: ListQuery, page: Page, counting: str) -> dict[str, Any]:
    """How many rows the whole list has: all counted, or up to a bound that costs little.

    Only without a cursor is what it shows known to be all: the rows beyond a cursor may have gone meanwhile.
    """
    if not query.cursor and page.next is None:
        return {"value": len(page.rows), "more": page.capped}
    found = count_up_to(rt, query, None if counting == "exact" else COUNT_UP_TO + 1)
    if counting == "exact":
        return {"value": found, "more": page.capped}
    return {"value": min(found, COUNT_UP_TO), "more": page.capped or found > COUNT_UP_TO}


def _plain_search() -> str:
    search = request.args.get("search", "")
    if len(search) > 200 or "\x00" in search:
        raise BadRequest(
            _("The parameter search is wrong."), [Detail("search", "invalid", _("Search for at most 200 characters."))]
        )
    return search


def if_match() -> int | None:
    """The version that `If-Match` demands, None without the header."""
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    version = whole_number(header.strip().removeprefix("W/").strip('"'))
    if version is None:
        raise BadRequest(
            _("The header If-Match is wrong."), [Detail("If-Match", "invalid", _('Give a version, such as "3".'))]
        )
    return version


def _version(body: dict[str, Any]) -> int | None:
    version = body.pop("version", None)
    if version is not None and (isinstance(version, bool) or not isinstance(version, int) or not 0 < version < 2**31):
        raise BadRequest(_("The version is wrong."), [Detail("version", "invalid", _("Give the version you read."))])
    return version


def _client_id(body: dict[str, Any]) -> UUID | None:
    id = body.pop("id", None)
    if id is None:
        return None
    try:
        return UUID(id)
    except (ValueError, AttributeError, TypeError):
        raise BadRequest(_("The id is wrong."), [Detail("id", "invalid", _("Give a UUID."))]) from None


def _same_id(body: dict[str, Any], id: UUID) -> None:
    if (given := _client_id(body)) is not None and given != id:
        raise BadRequest(
            _("The id in the body differs from the address."), [Detail("id", "invalid", _("Leave it out."))]
        )


def _answer(rt: RecordType, written: Written, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    meta: dict[str, Any] = {}
    if written.warnings:
        meta["warnings"] = [warning.as_dict() for warning in older_details(written.warnings, named=True)]
    if written.merged:
        meta["merged"] = translation(rt.key).older_names(written.merged)
    parts = {name: [part_shown(rt.parts[name], row) for row in rows] for name, rows in written.parts.items()}
    etag = {"ETag": f'"{written.row["version"]}"'}
    (row,) = translation(rt.key).older_rows([{**written.row, **parts}])
    return success(row, status, meta, {**etag, **(headers or {})})
