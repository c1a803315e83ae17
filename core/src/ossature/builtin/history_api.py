"""`/api/ossature/change-sets`: what was changed by whom, and undoing it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, Field

from ossature.builtin.history import ASKED, read_asked
from ossature.errors import BadRequest, Detail
from ossature.history.activity import activity
from ossature.history.change_sets import ChangeSet, Undoing, find_change_set, undoings
from ossature.history.contents import contents, counts_of
from ossature.history.jobs import outcome, undo_in_background, undo_now_or_later
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.jobs.types import Job
from ossature.rbac import requires, signed_in
from ossature.rbac.permissions import HISTORY_VIEW
from ossature.records.history_api import actor_out, field_changes, read_mark
from ossature.web.api import RecordKey, documented, known_arguments, limit_argument, read_object, success

_, _l, ngettext = translator("ossature")

blueprint = APIBlueprint("history_api", __name__, url_prefix="/api/ossature/change-sets")


class ActorOut(BaseModel):
    id: UUID
    label: str
    kind: str = Field(description="member, api_key, job, ...")


class CountOut(BaseModel):
    record: str = Field(examples=["crm.contact"])
    action: Literal["create", "update", "delete", "restore", "purge"]
    count: int


class ChangeSetOut(BaseModel):
    id: UUID
    at: datetime
    actor: ActorOut | None = Field(description="Who did it; null for what nobody in particular did")
    means: str = Field(description="By what means: page, api, import, mass, undo, job, command, system, sql, ...")
    reason: str | None
    undoes: UUID | None = Field(description="The change set that this one undid")
    undone_by: UUID | None = Field(description="The change set that undid this one, and stands")
    partly: bool = Field(description="It was undone but for some records")
    records: list[CountOut] = Field(description="How many records were dealt with how, of those that you may see")
    more: bool = Field(description="Lists count up to 200 changes of each; there are more")


class FieldOut(BaseModel):
    field: str = Field(description="Of a part: `lines.share`")
    before: Any
    after: Any


class ItemOut(BaseModel):
    record: str
    id: UUID
    title: str
    action: Literal["create", "update", "delete", "restore", "purge"]
    changes: list[FieldOut]


class ChangeSetWhole(ChangeSetOut):
    items: list[ItemOut] = Field(description="Its records, up to 100 a page")


class ListQuery(BaseModel):
    actor: UUID | None = Field(None, description="What this actor did")
    record: RecordKey | None = Field(None, description="What touched records of this kind, such as `crm.contact`")
    means: str | None = None
    since: date | None = Field(None, description="From this day on, in the organisation's time zone")
    until: date | None = Field(None, description="Up to this day and with it")
    limit: Annotated[int, Field(ge=1, le=100)] | None = None
    cursor: str | None = Field(None, description="`meta.next` of the page before")


class OneQuery(BaseModel):
    cursor: str | None = Field(None, description="`meta.next` of the page before")


class NextMeta(BaseModel):
    next: str | None


class ListAnswer(BaseModel):
    success: bool = True
    data: list[ChangeSetOut]
    meta: NextMeta


class OneAnswer(BaseModel):
    success: bool = True
    data: ChangeSetWhole
    meta: NextMeta


class UndoBody(BaseModel):
    rest: bool = Field(False, description="Undo what can be undone, where something stands in the way of all of it")


class UndoneData(BaseModel):
    change_set_id: UUID | None = Field(description="The new change set, which may be undone in turn")
    job_id: UUID | None = Field(description="Of more than 200 records: the job that undoes it")
    total: int | None = None
    undone: int | None = None
    kept: int | None = Field(None, description="Records that stay as they are")
    reasons: list[dict[str, Any]] = Field(description="Why, of the first 100 of them")


class UndoneAnswer(BaseModel):
    success: bool = True
    data: UndoneData
    meta: dict[str, Any] = {}


@blueprint.get("")
@requires(HISTORY_VIEW)
def index() -> Response:
    """What everybody did, the newest first."""
    known_arguments((*ASKED, "limit", "cursor"))
    page = activity(read_asked(request.args), request.args.get("cursor", ""), limit_argument(25, 100))
    data = [
        _head(deed.head, deed.undoing, [(rt.key, what, number) for rt, what, number in deed.counts], deed.more)
        for deed in page.deeds
    ]
    return success(data, meta={"next": page.next})


@blueprint.get("/<uuid:id>")
@signed_in
def show(id: UUID) -> Response:
    """One change set: your own, or any with the permission to see the history."""
    known_arguments(("cursor",))
    head = find_change_set(id)
    page = contents(head, read_mark(request.args.get("cursor", "")))
    counts = [(one.record.key, one.what, one.number) for one in counts_of(head)]
    items = [
        {
            "record": item.record.key, "id": item.id, "title": item.label.title, "action": item.entry.what,
            "changes": field_changes(item.record, item.entry),
        }
        for item in page.items
    ]  # fmt: skip
    data = {**_head(head, undoings([id])[id], counts, False), "items": items}
    return success(data, meta={"next": page.more and str(page.more)})


def _head(head: ChangeSet, undoing: Undoing, counts: Iterable[tuple[str, str, int]], more: bool) -> dict[str, Any]:
    return {
        "id": head.id, "at": head.at, "actor": actor_out(head.actor_id, head.actor, head.actor_kind),
        "means": head.means, "reason": head.reason, "undoes": undoing.of_id, "undone_by": undoing.by_id,
        "partly": undoing.partly, "more": more,
        "records": [{"record": key, "action": what, "count": number} for key, what, number in counts],
    }  # fmt: skip


@blueprint.post("/<uuid:id>/undo")
@signed_in
def undo(id: UUID) -> Response:
    """Put back what a change set changed, as a new change set: all of it, or `rest`: what can be."""
    body = read_object()
    unknown = [name for name in body if name != "rest"]
    if unknown or not isinstance(body.get("rest", False), bool):
        name = unknown[0][:80] if unknown else "rest"
        message = _("Give true or false as rest, and nothing else.")
        raise BadRequest(message, [Detail(name, "unknown_field" if unknown else "invalid", message)])
    done = undo_now_or_later(id, rest=body.get("rest", False))
    if isinstance(done, UUID):
        return success({"change_set_id": None, "job_id": done, "reasons": []}, 202)
    return success({**outcome(done), "job_id": None})


_TAG: Any = {"tag": "History"}
documented(index, summary="What everybody did", operation_id="list_change_sets", query=ListQuery, answer=ListAnswer,
           refusals=(400, 401, 403, 429), **_TAG)  # fmt: skip
documented(show, summary="One change set with its records", operation_id="get_change_set", query=OneQuery,
           answer=OneAnswer, refusals=(400, 401, 403, 404, 429), **_TAG)  # fmt: skip
documented(undo, summary="Undo a change set", tag="History", operation_id="undo_change_set", body=UndoBody,
           answer=UndoneAnswer, refusals=(400, 401, 403, 404, 409, 413, 415, 422, 429))  # fmt: skip


@hookimpl
def register_blueprints() -> list[APIBlueprint]:
    return [blueprint]


@hookimpl
def register_jobs() -> list[Job[Any]]:
    return [undo_in_background]
