"""`/api/ossature/tags`: the catalogue of tags from other programs."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, request, url_for
from pydantic import BaseModel, ConfigDict, Field

from ossature.errors import Detail, Invalid
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.ids import as_id
from ossature.rbac import requires, signed_in
from ossature.rbac.permissions import TAGS_MANAGE
from ossature.records.clean import plain
from ossature.records.fields import LONGEST_TAG
from ossature.records.tag_catalogue import (
    COUNTED,
    Change,
    Tag,
    change_tag,
    counts_of,
    create_tag,
    delete_tag,
    find_tag,
    list_tags,
    merge_tags,
)
from ossature.web.api import documented, known_arguments, limit_argument, read_object, success

_, _l, ngettext = translator("ossature")

blueprint = APIBlueprint("tags_api", __name__, url_prefix="/api/ossature/tags")

Tone = Literal["neutral", "accent", "info", "success", "warning", "danger"]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_TAG)]


class TagCount(BaseModel):
    record: str
    count: int = Field(description=f"Of those that the caller reaches; at most {COUNTED}")
    more: bool = Field(description="There are more than that")


class TagOut(BaseModel):
    id: UUID
    name: str
    tone: Tone
    records: list[TagCount] = Field(description="The kinds of record that carry it")


class TagsMeta(BaseModel):
    next: str | None = Field(description="Give it as `after` for the tags that follow")
    limit: int


class TagListAnswer(BaseModel):
    success: bool = True
    data: list[TagOut]
    meta: TagsMeta


class TagQuery(BaseModel):
    q: str | None = Field(None, max_length=80, description="What names contain; case and accents do not matter")
    after: str | None = Field(None, max_length=80, description="`meta.next` of the page before")
    limit: Annotated[int, Field(ge=1, le=200)] | None = None


class TagInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    tone: Tone = "neutral"


class TagChange(BaseModel):
    """What is left out stays as it is. The name of another tag is refused with 409: `merge` says so."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    tone: Tone | None = None


class TagMerge(BaseModel):
    model_config = ConfigDict(extra="forbid")

    into: UUID = Field(description="The tag that stays, with its colour")


class TagAct(BaseModel):
    record: str
    id: UUID = Field(description="How far it is is told at `/mass/<id>` of this record")


class TagWork(BaseModel):
    change_set_id: UUID | None = Field(None, description="What is written in the background, to be undone as one")
    acts: list[TagAct] = Field(default_factory=list, description="One for each kind of record that carries the tag")


class TagAnswer(BaseModel):
    success: bool = True
    data: TagOut
    meta: TagWork


class TagGone(BaseModel):
    id: UUID


class TagGoneAnswer(BaseModel):
    success: bool = True
    data: TagGone
    meta: TagWork


@blueprint.get("")
@signed_in
def tag_list() -> Response:
    """Tags that records of kinds the caller sees carry, and those entered, by name."""
    known_arguments(("q", "after", "limit"))
    limit = limit_argument(50)
    found = list_tags(plain(request.args.get("q", "")), after=plain(request.args.get("after", "")), limit=limit + 1)
    shown, following = found[:limit], found[limit - 1].name if len(found) > limit else None
    counts = counts_of(shown)
    return success([_shown(tag, counts[tag.fold]) for tag in shown], meta={"next": following, "limit": limit})


@blueprint.post("")
@requires(TAGS_MANAGE)
def tag_create() -> Response:
    """Enter a tag, so that it is offered before anything carries it."""
    known_arguments(())
    body = _body("name", "tone")
    tag = create_tag(body.get("name", ""), body.get("tone"))
    return _answer(tag, Change(), 201, {"Location": url_for("tags_api.tag_show", id=tag.id)})


@blueprint.get("/<uuid:id>")
@signed_in
def tag_show(id: UUID) -> Response:
    """One tag."""
    known_arguments(())
    return _answer(find_tag(id), Change())


@blueprint.patch("/<uuid:id>")
@requires(TAGS_MANAGE)
def tag_change(id: UUID) -> Response:
    """Rename a tag on all records, or colour it otherwise."""
    known_arguments(())
    body = _body("name", "tone")
    return _answer(*change_tag(id, name=body.get("name"), tone=body.get("tone")))


@blueprint.post("/<uuid:id>/merge")
@requires(TAGS_MANAGE)
def tag_merge(id: UUID) -> Response:
    """Put another tag in its place on all records; the answer is the other."""
    known_arguments(())
    find_tag(id)
    given = _body("into").get("into")
    into = as_id(given) if isinstance(given, str) else None
    if into is None:
        raise Invalid(_("The input has faults."), [Detail("into", "invalid", _("Give a UUID."))])
    return _answer(*merge_tags(id, into))


@blueprint.delete("/<uuid:id>")
@requires(TAGS_MANAGE)
def tag_delete(id: UUID) -> Response:
    """Take a tag off all records."""
    known_arguments(())
    change = delete_tag(id)
    return success({"id": id}, 202 if change.acts else 200, _work(change))


def _body(*known: str) -> dict[str, Any]:
    body = read_object()
    if unknown := body.keys() - set(known):
        faults = [Detail(name[:80], "unknown_field", _("There is no such field.")) for name in sorted(unknown)]
        raise Invalid(_("The input has faults."), faults)
    return body


def _answer(tag: Tag, change: Change, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """202 where records are still being written in the background."""
    shown = _shown(tag, counts_of([tag])[tag.fold])
    return success(shown, 202 if change.acts else status, _work(change), headers)


def _shown(tag: Tag, counts: dict[str, int]) -> dict[str, Any]:
    records = [
        {"record": key, "count": min(number, COUNTED), "more": number > COUNTED} for key, number in counts.items()
    ]
    return {"id": tag.id, "name": tag.name, "tone": tag.tone, "records": records}


def _work(change: Change) -> dict[str, Any]:
    acts = [{"record": rt.key, "id": id} for rt, id in change.acts]
    return {"change_set_id": change.change_set_id if acts else None, "acts": acts}


_TAG = "Tags"
_READS, _WRITES = (400, 401, 403, 404, 429), (400, 401, 403, 404, 409, 413, 415, 422, 429)
_LATER = {202: "Records that carry it are being written in the background"}
documented(
    tag_list, summary="List tags", tag=_TAG, operation_id="listTags", query=TagQuery, answer=TagListAnswer,
    refusals=(400, 401, 403, 429),
)  # fmt: skip
documented(
    tag_create, summary="Enter a tag", tag=_TAG, operation_id="createTag", body=TagInput, answer=TagAnswer, status=201,
    refusals=(400, 401, 403, 409, 413, 415, 422, 429),
)  # fmt: skip
documented(tag_show, summary="Read a tag", tag=_TAG, operation_id="showTag", answer=TagAnswer, refusals=_READS)
documented(
    tag_change, summary="Change a tag", tag=_TAG, operation_id="changeTag", body=TagChange, answer=TagAnswer,
    also=_LATER, refusals=_WRITES,
)  # fmt: skip
documented(
    tag_merge, summary="Merge a tag into another", tag=_TAG, operation_id="mergeTag", body=TagMerge, answer=TagAnswer,
    also=_LATER, refusals=_WRITES,
)  # fmt: skip
documented(
    tag_delete, summary="Delete a tag", tag=_TAG, operation_id="deleteTag", answer=TagGoneAnswer, also=_LATER,
    refusals=(*_READS, 409, 422),
)  # fmt: skip


@hookimpl
def register_blueprints() -> list[APIBlueprint]:
    return [blueprint]
