"""Duplicates by the API: `/duplicates` of each kind of record that declares rules, `/merge` of every one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, request, url_for
from pydantic import BaseModel, ConfigDict, Field, create_model

from ossature.db.work import change_set_id
from ossature.duplicates.matching import Reason
from ossature.duplicates.merging import merge
from ossature.duplicates.moving import what_moves
from ossature.duplicates.pairs import PAGE, Pair, dismiss, find_pair, last_scan, pairs, reopen, start_scan
from ossature.duplicates.planning import MOST, Plan, hinders, mergeable, plan, read_together
from ossature.duplicates.redirects import stands_for
from ossature.duplicates.similar import asked_fields, similar
from ossature.errors import BadRequest, Detail, Invalid
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.rbac import requires
from ossature.records import schemas
from ossature.records.clean import plain
from ossature.records.including import part_shown
from ossature.records.types import RecordType
from ossature.web.api import documented, known_arguments, limit_argument, read_object, success
from ossature.web.versions import older_details, served, translation

_, _l, _n = translator("ossature")

View = Callable[..., Any]
_READS = (400, 401, 403, 404, 422, 429)
_WRITES = (400, 401, 403, 404, 409, 413, 415, 422, 429)


class ReasonOut(BaseModel):
    field: str
    ratio: int = Field(description="How alike the texts are, 100 where they are the same")


class SimilarOut(BaseModel):
    id: UUID
    title: str
    score: int = Field(description="How much it looks like what was given, 60 to 100")
    reasons: list[ReasonOut]


class SimilarAnswer(BaseModel):
    success: bool = True
    data: list[SimilarOut]
    meta: dict[str, Any]


class PairOut(BaseModel):
    """Two records that look like one."""

    id: UUID
    ids: list[UUID]
    score: int
    reasons: list[ReasonOut]
    state: Literal["open", "dismissed"]
    found_at: datetime
    dismissed_at: datetime | None


class PairAnswer(BaseModel):
    success: bool = True
    data: PairOut
    meta: dict[str, Any]


class PairsAnswer(BaseModel):
    success: bool = True
    data: list[PairOut]
    meta: dict[str, Any] = Field(description="next: the pair to go on `after`, null at the end")


class PairsArguments(BaseModel):
    state: Literal["open", "dismissed"] | None = None
    after: UUID | None = Field(None, description="Go on after this pair")
    limit: int | None = Field(None, ge=1, le=200)


class ScanOut(BaseModel):
    job_id: UUID
    state: str
    done: int | None
    total: int | None
    finished_at: datetime | None


class ScanAnswer(BaseModel):
    success: bool = True
    data: ScanOut | None
    meta: dict[str, Any]


class MoveOut(BaseModel):
    key: str = Field(description="Of the record, or note, file, or the table of a plugin that is not here")
    what: str
    number: int


class PlanOut(BaseModel):
    into: UUID
    ids: list[UUID]
    take: dict[str, UUID] = Field(description="Of each field the record whose value is taken")
    differ: list[str] = Field(description="The fields that are not the same in all")
    moves: list[MoveOut] = Field(description="What will move, in numbers, whether you may see it or not")
    hindrance: str | None = Field(description="Why you may not merge these")
    versions: dict[UUID, int] = Field(description="To be given back, so that nothing is merged unseen")


class PlanAnswer(BaseModel):
    success: bool = True
    data: PlanOut
    meta: dict[str, Any]


class MergedMeta(BaseModel):
    model_config = ConfigDict(extra="allow")

    change_set_id: UUID = Field(description="Undone as a whole by /api/ossature/change-sets/<id>/undo")


def duplicate_views(rt: RecordType) -> list[tuple[str, list[str], str, View]]:
    """The endpoints: what, methods, rest of the address, view."""
    made: list[tuple[str, list[str], str, View]] = []
    label, plural = str(rt.label).lower(), str(rt.plural).lower()

    def add(what: str, methods: list[str], tail: str, view: View, action: str, **documentation: Any) -> None:
        view.__name__ = f"{rt.name}_{what}"
        documented(view, tag=str(rt.plural), operation_id=f"{what}_{rt.plugin}_{rt.name}", **documentation)
        served(view, rt.key)
        made.append((what, methods, tail, requires(rt.permission(action))(view)))

    if rt.duplicates:
        _of_pairs(rt, add, label, plural)
    if mergeable(rt):
        _of_merging(rt, add, label, plural)
    return made


def _of_pairs(rt: RecordType, add: Callable[..., None], label: str, plural: str) -> None:
    def similar_view() -> Response:
        known_arguments(())
        body = read_object()
        given = body.pop("id", None)
        id = as_id(given) if isinstance(given, str) else None
        asked = asked_fields(rt)
        if given is not None and id is None:
            raise _wrong("id", "invalid", _("Give the id of a record."))
        for name in body:
            if name not in asked:
                raise _wrong(plain(name), "unknown_field", _("Give some of: %(names)s.", names=", ".join(asked)))
        found = similar(rt, body, id)
        data = [
            {"id": one.row["id"], "title": one.row.get(rt.title_field) or "", "score": one.score,
             "reasons": _reasons(rt, one.reasons)}
            for one in found
        ]  # fmt: skip
        return success(data)

    def list_view() -> Response:
        known_arguments(("state", "after", "limit"))
        state, after = request.args.get("state", "open"), request.args.get("after")
        if state not in ("open", "dismissed"):
            raise BadRequest(
                _("The parameter state is wrong."), [Detail("state", "invalid", _("Give open or dismissed."))]
            )
        if after is not None and as_id(after) is None:
            raise BadRequest(_("The parameter after is wrong."), [Detail("after", "invalid", _("Give a UUID."))])
        limit = limit_argument(PAGE)
        found = pairs(rt, state, as_id(after or ""), limit + 1)  # type: ignore[arg-type]
        more = found[limit - 1].id if len(found) > limit else None
        return success([_pair(rt, one) for one in found[:limit]], meta={"next": more})

    def scan_view() -> Response:
        known_arguments(())
        if request.method == "POST":
            start_scan(rt)
        last = last_scan(rt)
        data = last and {name: getattr(last, name) for name in ScanOut.model_fields}
        return success(data, 202 if request.method == "POST" else 200)

    def scan_show_view() -> Response:
        return scan_view()

    def dismiss_view(id: UUID) -> Response:
        known_arguments(())
        return success(_pair(rt, dismiss(rt, id)))

    def reopen_view(id: UUID) -> Response:
        known_arguments(())
        return success(_pair(rt, reopen(rt, id)))

    def pair_view(id: UUID) -> Response:
        known_arguments(())
        return success(_pair(rt, find_pair(rt, id)))

    here = "/duplicates"
    add("similar", ["POST"], f"{here}/similar", similar_view, "view", summary=f"Find {plural} that look like one",
        body=_values_model(rt), answer=SimilarAnswer, refusals=(400, 401, 403, 413, 415, 422, 429))  # fmt: skip
    add("duplicates", ["GET"], here, list_view, "view", summary=f"List pairs of {plural} that look like one",
        query=PairsArguments, answer=PairsAnswer, refusals=_READS)  # fmt: skip
    add("duplicates_scan", ["POST"], f"{here}/scan", scan_view, "edit", summary=f"Search all {plural} for duplicates",
        answer=ScanAnswer, status=202, refusals=_WRITES)  # fmt: skip
    add("duplicates_scanned", ["GET"], f"{here}/scan", scan_show_view, "view",
        summary=f"How far the search for duplicates of {plural} is", answer=ScanAnswer, refusals=_READS)  # fmt: skip
    one = here + "/<uuid:id>"
    add("duplicate", ["GET"], one, pair_view, "view", summary=f"Read a pair of {plural}", answer=PairAnswer)
    add("duplicate_dismiss", ["POST"], one + "/dismiss", dismiss_view, "edit",
        summary=f"Say that two {plural} are not the same", answer=PairAnswer, refusals=_WRITES)  # fmt: skip
    add("duplicate_reopen", ["POST"], one + "/reopen", reopen_view, "edit",
        summary=f"Have a pair of {plural} looked at again", answer=PairAnswer, refusals=_WRITES)  # fmt: skip


def _of_merging(rt: RecordType, add: Callable[..., None], label: str, plural: str) -> None:
    def plan_view() -> Response:
        known_arguments(())
        asked = _Asked.read(rt)
        rows = read_together(rt, asked.ids)
        made = plan(rt, rows, asked.into, asked.take)
        return success(_plan(rt, made, hinders(rt, rows, made.into)))

    def merge_view() -> Response:
        known_arguments(())
        asked = _Asked.read(rt)
        if asked.into is None:
            raise _wrong("into", "required", _("Name the record that stays."))
        others = [id for id in asked.ids if id != asked.into]
        written = merge(rt, asked.into, others, take=asked.take, versions=asked.versions)
        meta: dict[str, Any] = {"change_set_id": change_set_id()}
        if written.warnings:
            meta["warnings"] = [one.as_dict() for one in older_details(written.warnings, named=True)]
        parts = {name: [part_shown(rt.parts[name], row) for row in rows] for name, rows in written.parts.items()}
        (row,) = translation(rt.key).older_rows([{**written.row, **parts}])
        return success(row, meta=meta, headers={"ETag": f'"{written.row["version"]}"'})

    add("merge_plan", ["POST"], "/merge/plan", plan_view, "edit", summary=f"What merging {plural} comes to",
        body=_merge_model(rt, planned=True), answer=PlanAnswer, refusals=_WRITES)  # fmt: skip
    merged = create_model(
        f"{schemas.camel(rt)}MergedAnswer",
        success=(bool, True),
        data=(schemas.row_model(rt), ...),
        meta=(MergedMeta, ...),
    )
    add("merge", ["POST"], "/merge", merge_view, "edit", summary=f"Merge {plural} into one of them",
        body=_merge_model(rt, planned=False), answer=merged, record=rt.key, refusals=_WRITES)  # fmt: skip


class _Asked:
    """What a merge is asked for."""

    def __init__(self, ids: list[UUID], into: UUID | None, take: dict[str, UUID], versions: dict[UUID, int]) -> None:
        self.ids, self.into, self.take, self.versions = ids, into, take, versions

    @classmethod
    def read(cls, rt: RecordType) -> _Asked:
        body = read_object()
        for name in body.keys() - {"ids", "into", "take", "versions"}:
            raise _wrong(plain(name), "unknown_field", _("Leave it out."))
        ids, take, versions = body.get("ids"), body.get("take") or {}, body.get("versions") or {}
        if not isinstance(ids, list) or len(ids) > 100:
            raise _wrong("ids", "wrong_type", _("Give a list of records."))
        into = _id(body["into"], "into") if body.get("into") is not None else None
        if not isinstance(take, dict) or not isinstance(versions, dict):
            name = "versions" if isinstance(take, dict) else "take"
            raise _wrong(name, "wrong_type", _("Give an object."))
        for number in versions.values():
            if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**31:
                raise _wrong("versions", "invalid", _("Give the version you read."))
        newer = translation(rt.key).newer_name
        found = [_id(id, f"ids.{number}") for number, id in enumerate(ids)]
        if into is not None and into not in found:
            found.insert(0, into)
        return cls(
            found, into, {newer(str(name)): _id(id, f"take.{plain(name)}") for name, id in take.items()},
            {_id(id, "versions"): number for id, number in versions.items()},
        )  # fmt: skip


def moved_to(rt: RecordType, id: UUID) -> Response | None:
    """Where a record that was merged is read now, None where it was not. Not to be kept: a merge may be undone."""
    to = stands_for(rt, id)
    if to is None:
        return None
    there = url_for(f"{rt.plugin}_records_api.{rt.name}_get", id=to)
    query = request.query_string.decode()
    headers = {"Location": f"{there}?{query}" if query else there, "Cache-Control": "no-store"}
    return success({"id": to, "merged_from": id}, 308, headers=headers)


def _values_model(rt: RecordType) -> type[BaseModel]:
    made: dict[str, Any] = {
        name: (str | None, Field(None, description=str(rt.fields[name].label))) for name in asked_fields(rt)
    }
    itself = Field(None, description="The record that these are of, where it exists")
    made["id"] = (schemas.id_of(rt) | None, itself)
    return create_model(f"{schemas.camel(rt)}Typed", __config__=ConfigDict(extra="forbid"), **made)


def _merge_model(rt: RecordType, *, planned: bool) -> type[BaseModel]:
    id: Any = schemas.id_of(rt)
    stays = "The one that stays; it need not be among `ids`" + (
        ", chosen for you where you do not say" if planned else ""
    )
    into: Any = (id | None, Field(None, description=stays)) if planned else (id, Field(description=stays))
    some = Annotated[list[id], Field(min_length=1, max_length=MOST)]
    made: dict[str, Any] = {
        "ids": (some, Field(description=f"The records that become one, {MOST} at most")), "into": into,
        "take": (dict[str, id], Field(default_factory=dict, description="Of a field, the record whose value it has")),
        "versions": (dict[UUID, int], Field(default_factory=dict, description="Those that you read, by id: 409 if one is another now")),
    }  # fmt: skip
    name = f"{schemas.camel(rt)}Merge{'Plan' if planned else ''}Input"
    return create_model(name, __config__=ConfigDict(extra="forbid"), **made)


def _plan(rt: RecordType, made: Plan, hindrance: str) -> dict[str, Any]:
    older = translation(rt.key).older_names
    return {
        "into": made.into, "ids": list(made.rows),
        "take": {_name(older, choice.field.name): choice.taken for choice in made.choices},
        "differ": [_name(older, choice.field.name) for choice in made.choices if choice.differs],
        "moves": [{"key": one.key, "what": one.what, "number": one.number} for one in what_moves(rt, made.others, made.into)],
        "hindrance": hindrance or None, "versions": {str(id): row["version"] for id, row in made.rows.items()},
    }  # fmt: skip


def _name(older: Callable[[list[str]], list[str]], name: str) -> str:
    return next(iter(older([name])), name)


def _reasons(rt: RecordType, reasons: tuple[Reason, ...]) -> list[dict[str, Any]]:
    older = translation(rt.key).older_names
    return [{"field": _name(older, one.field), "ratio": one.ratio} for one in reasons]


def _pair(rt: RecordType, pair: Pair) -> dict[str, Any]:
    return {
        "id": pair.id, "ids": list(pair.ids), "score": pair.score, "reasons": _reasons(rt, pair.reasons),
        "state": pair.state, "found_at": pair.found_at, "dismissed_at": pair.dismissed_at,
    }  # fmt: skip


def _id(given: Any, name: str) -> UUID:
    id = as_id(given) if isinstance(given, str) else None
    if id is None:
        raise _wrong(name, "invalid", _("Give the id of a record."))
    return id


def _wrong(field: str, code: str, message: str) -> Invalid:
    return Invalid(_("The input has faults."), [Detail(field, code, message)])
