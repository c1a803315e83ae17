"""`GET /api/changes`: what happened to records since the caller last asked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, Field

from ossature.context import current
from ossature.errors import Detail, Invalid
from ossature.events import changes as feed
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.kernel import kernel
from ossature.plugins.manifest import is_on
from ossature.rbac import signed_in
from ossature.records.clean import plain
from ossature.records.types import RecordType
from ossature.web.api import documented, known_arguments, limit_argument, success
from ossature.web.versions import translation

_, _l, ngettext = translator("ossature")

PAGE, MOST = 200, 1000

blueprint = APIBlueprint("changes_api", __name__, url_prefix="/api/changes")


class ChangesQuery(BaseModel):
    after: str | None = Field(
        None, description="`meta.next` of the page before; `now` for what comes from now on; the beginning unless given"
    )
    records: str | None = Field(
        None, description="Comma separated, such as `crm.contact,crm.company`; all that you may see unless given"
    )
    limit: Annotated[int, Field(ge=1, le=MOST)] | None = Field(None, description="Changes a page, 200 unless given")


class ChangeActor(BaseModel):
    id: UUID
    label: str


class ChangeOut(BaseModel):
    record: str = Field(examples=["crm.contact"])
    id: UUID = Field(description="Of the record")
    action: Literal["created", "updated", "deleted", "restored", "purged"]
    version: int | None = Field(description="The record's after the change; null where only parts are told of")
    at: datetime
    changed: list[str] = Field(description="Fields and collections of parts, of those that you may see")
    actor: ChangeActor | None = Field(description="Who did it; null without the permission to see that")


class ChangesMeta(BaseModel):
    next: str = Field(description="Cursor to go on with, always given")
    more: bool = Field(description="There is more already; ask again at once")


class ChangesAnswer(BaseModel):
    success: bool = True
    data: list[ChangeOut]
    meta: ChangesMeta


@blueprint.get("")
@signed_in
def changes() -> Response:
    """Changes of records in the order in which they were committed, missing none, deletions included."""
    known_arguments(("after", "records", "limit"))
    types = _records(request.args.get("records", ""))
    page = feed.changes(types, request.args.get("after", ""), limit_argument(PAGE, MOST))
    spoken = {rt.key: translation(rt.key) for rt in types}
    data = [
        {
            "record": item.record,
            "id": item.id,
            "action": item.action,
            "version": item.version,
            "at": item.at,
            "changed": spoken[item.record].older_names(item.changed),
            "actor": item.actor and {"id": item.actor[0], "label": item.actor[1]},
        }
        for item in page.items
    ]
    return success(data, meta={"next": page.next, "more": page.more})


def _records(given: str) -> list[RecordType]:
    """The record types that were named, or all that the caller may see. Raises `Invalid` for one that is not there."""
    access = current().access
    there = {rt.key: rt for rt in kernel().records if is_on(rt.plugin, access.plugins)}
    names = list(dict.fromkeys(name for name in given.split(",") if name))
    unknown = [name for name in names if name not in there]
    if unknown:
        raise Invalid(
            _("The input has faults."),
            [Detail("records", "unknown_record", _("There is no record %(name)s.", name=plain(unknown[0])[:80]))],
        )
    if names:
        return [there[name] for name in names]
    return [rt for rt in there.values() if access.allows(rt.permission("view"))]


documented(changes, summary="What has changed", tag="Changes", operation_id="changes", query=ChangesQuery,
           answer=ChangesAnswer, refusals=(400, 401, 403, 422, 429))  # fmt: skip


@hookimpl
def register_blueprints() -> list[APIBlueprint]:
    return [blueprint]
