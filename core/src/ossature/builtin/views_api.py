"""`/api/ossature/views`: saved views from other programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, request, url_for
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ossature.context import current
from ossature.errors import BadRequest, Detail, Invalid, Refusal
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.kernel import kernel
from ossature.rbac import signed_in
from ossature.rbac.predicate import demand
from ossature.records import saving
from ossature.records.api import if_match
from ossature.records.definition import Definition
from ossature.records.saved import SavedView, any_view, definition_of, listed, views_of
from ossature.records.types import RecordType
from ossature.web.api import RecordKey, documented, known_arguments, read_object, success
from ossature.web.versions import about, translation

_, _l, ngettext = translator("ossature")

blueprint = APIBlueprint("saved_views_api", __name__, url_prefix="/api/ossature/views")

M = TypeVar("M", bound=BaseModel)
Audience = Literal["private", "team", "all"]
Name = Annotated[str, StringConstraints(max_length=saving.LONGEST_NAME)]


class ColumnShown(BaseModel):
    name: str
    width: int | None = Field(None, description="Pixels, where the column was sized")


class ViewDefinition(BaseModel):
    """What a list shows. What is left out is as lists are without a view."""

    columns: list[ColumnShown] = Field(default_factory=list, description="In their order; those of the record if empty")
    where: dict[str, Any] | None = Field(None, description="A filter, as lists take it")
    sort: str = ""
    group: list[str] = Field(default_factory=list, max_length=3)
    face: Literal["list", "board", "calendar"] = "list"
    by: str = Field("", description="What a board has columns of, or the date of a calendar")
    search: str = ""


class ViewOut(BaseModel):
    id: UUID
    record: str
    name: str
    audience: Audience = Field(description="Who sees it besides its owner")
    team_id: UUID | None
    owner_id: UUID
    definition: ViewDefinition | None = Field(description="null where it cannot be shown to the reader, see problems")
    problems: list[str] = Field(description="What it names that is no longer there, or not for the reader")
    default: bool = Field(description="The reader's lists begin with it, by their own choice")
    default_for_all: bool = Field(description="Lists of everybody who has not chosen begin with it")
    may_edit: bool
    version: int
    created_at: datetime
    updated_at: datetime


class ViewsAnswer(BaseModel):
    success: bool = True
    data: list[ViewOut]
    meta: dict[str, Any]


class ViewAnswer(BaseModel):
    success: bool = True
    data: ViewOut
    meta: dict[str, Any]


class ViewsQuery(BaseModel):
    record: RecordKey | None = Field(None, description="Only views of this record, such as crm.contact")


class ViewGone(BaseModel):
    id: UUID


class ViewGoneAnswer(BaseModel):
    success: bool = True
    data: ViewGone
    meta: dict[str, Any]


class ViewChange(BaseModel):
    """What is left out stays as it is. `team_id` goes with the audience team, and only with it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Name | None = None
    audience: Audience | None = None
    team_id: str | None = None
    definition: dict[str, Any] | None = Field(None, json_schema_extra={"$ref": "#/components/schemas/ViewDefinition"})
    default: bool | None = None
    default_for_all: bool | None = None
    version: int | None = Field(None, ge=1, lt=2**31, description="The version that was read; 409 when it is older")


class ViewInput(ViewChange):
    """A new view, of whoever asks."""

    id: str | None = Field(None, description="Chosen by the client: asking again with it makes no second view")
    record: RecordKey
    name: Name
    definition: dict[str, Any] = Field(default_factory=dict)
    version: None = None


@blueprint.get("")
@signed_in
def view_list() -> Response:
    """Views that the caller may use: their own, their teams' and everybody's, by record and name."""
    known_arguments(("record",))
    if "record" in request.args:
        shown = [_record(request.args["record"])]
    else:
        access = current().access
        shown = sorted(
            (rt for rt in kernel().records if listed(rt.key) and access.allows(rt.permission("view"))),
            key=lambda rt: rt.key,
        )
    views = views_of(shown)
    return success([_shown(rt, view) for rt in shown for view in views[rt.key]])


@blueprint.post("")
@signed_in
def view_create() -> Response:
    """Keep a view."""
    known_arguments(())
    given = _read(ViewInput)
    rt = _record(given.record)
    view = saving.save(
        rt, given.name, _definition(rt, given.definition), given.audience or "private", _id("team_id", given.team_id),
        id=_id("id", given.id),
    )  # fmt: skip
    view = _choose(rt, view, given)
    return _answer(rt, view, 201, {"Location": url_for("saved_views_api.view_show", id=view.id)})


@blueprint.get("/<uuid:id>")
@signed_in
def view_show(id: UUID) -> Response:
    """One view."""
    known_arguments(())
    return _answer(*_view(id))


@blueprint.patch("/<uuid:id>")
@signed_in
def view_change(id: UUID) -> Response:
    """Rename it, share it otherwise, have it show something else, or begin lists with it."""
    known_arguments(())
    given = _read(ViewChange)
    rt, view = _view(id)
    said = given.model_fields_set
    audience = given.audience or (view.audience if "team_id" in said else None)
    team_id = _id("team_id", given.team_id) if "team_id" in said else None
    if audience == "team" and "team_id" not in said:
        team_id = view.team_id
    if said <= {"default", "default_for_all", "version"}:
        saving.demand_version(view, given.version, if_match())
    else:
        view = saving.change(
            view, name=given.name, audience=audience, team_id=team_id, version=given.version, if_match=if_match(),
            definition=_definition(rt, given.definition) if given.definition is not None else None,
        )  # fmt: skip
    return _answer(rt, _choose(rt, view, given))


@blueprint.delete("/<uuid:id>")
@signed_in
def view_delete(id: UUID) -> Response:
    """Delete a view; the records that it shows stay."""
    known_arguments(())
    _rt, view = _view(id)
    saving.remove(view, if_match=if_match())
    return success({"id": view.id})


def _choose(rt: RecordType, view: SavedView, given: ViewChange) -> SavedView:
    """Begin lists with it, or no longer; the view as it is then."""
    for for_all, wanted, now in (
        (False, given.default, view.default),
        (True, given.default_for_all, view.default_for_all),
    ):
        if wanted:
            saving.choose_default(rt, view, for_all=for_all)
        elif wanted is False and now:
            saving.forget_default(rt, for_all=for_all)
    return any_view(view.id)


def _record(key: str) -> RecordType:
    rt = listed(key)
    if rt is None:
        fault = _("There is no such record.")
        raise BadRequest(fault, [Detail("record", "unknown_record", _("Name a record, such as ossature.team."))])
    demand(rt, "view")
    about(rt.key)
    return rt


def _view(id: UUID) -> tuple[RecordType, SavedView]:
    view = any_view(id)
    about(view.record)
    return kernel().records[view.record], view


def _definition(rt: RecordType, document: dict[str, Any]) -> Definition:
    return Definition.from_json(translation(rt.key).newer_definition(document))


def _id(field: str, text: str | None) -> UUID | None:
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(_("The id is wrong."), [Detail(field, "invalid", _("Give a UUID."))]) from None


def _shown(rt: RecordType, view: SavedView) -> dict[str, Any]:
    definition, problems = None, list[str]()
    try:
        definition_of(rt, view)
        definition = translation(rt.key).older_definition(view.definition.as_json())
    except Refusal as refusal:
        problems = [str(detail.message) for detail in refusal.details]
    named = {name: getattr(view, name) for name in ViewOut.model_fields if name not in ("definition", "problems")}
    return {**named, "definition": definition, "problems": problems}


def _answer(rt: RecordType, view: SavedView, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return success(_shown(rt, view), status, headers={"ETag": f'"{view.version}"', **(headers or {})})


def _read(model: type[M]) -> M:
    try:
        return model.model_validate(read_object())
    except ValidationError as error:
        faults = [
            Detail(
                ".".join(str(part) for part in fault["loc"]),
                {"extra_forbidden": "unknown_field", "missing": "required"}.get(fault["type"], "invalid"),
                _("This field is unknown.") if fault["type"] == "extra_forbidden" else _("This cannot be used here."),
            )
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise Invalid(_("The input has faults."), faults) from None


_READS, _WRITES = (400, 401, 403, 404, 429), (400, 401, 403, 404, 409, 412, 413, 415, 422, 429)
_TAG = "Views"
documented(
    view_list, summary="List views", tag=_TAG, operation_id="listViews", query=ViewsQuery, answer=ViewsAnswer,
    refusals=(400, 401, 403, 429),
)  # fmt: skip
documented(
    view_create, summary="Keep a view", tag=_TAG, operation_id="createView", body=ViewInput, answer=ViewAnswer,
    status=201, refusals=(400, 401, 403, 409, 413, 415, 422, 429),
)  # fmt: skip
documented(view_show, summary="Read a view", tag=_TAG, operation_id="showView", answer=ViewAnswer, refusals=_READS)
documented(
    view_change, summary="Change a view", tag=_TAG, operation_id="changeView", body=ViewChange, answer=ViewAnswer,
    refusals=_WRITES,
)  # fmt: skip
documented(
    view_delete, summary="Delete a view", tag=_TAG, operation_id="deleteView", answer=ViewGoneAnswer,
    refusals=(*_READS, 409, 412),
)  # fmt: skip


@hookimpl
def register_blueprints() -> list[APIBlueprint]:
    return [blueprint]
