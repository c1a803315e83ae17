"""`/api/ossature/drafts`: what somebody was writing and has not saved, to go on with elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field

from ossature.errors import BadRequest, Detail, Invalid, NotFound
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.ids import as_id
from ossature.kernel import kernel
from ossature.rbac import signed_in
from ossature.rbac.predicate import demand
from ossature.records import drafts
from ossature.records.types import RecordType
from ossature.web.api import RecordKey, documented, known_arguments, read_object, success

_, _l, ngettext = translator("ossature")

blueprint = APIBlueprint("drafts_api", __name__, url_prefix="/api/ossature/drafts")


class DraftQuery(BaseModel):
    record: RecordKey | None = Field(
        None, description="The draft of this record, such as crm.contact; all of them without"
    )
    id: UUID | None = Field(None, description="Of the record that was being changed; a new one without")


class DraftInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    values: dict[str, Any] = Field(
        description="What the form would send, by the names of its inputs; secrets are refused"
    )
    version: int | None = Field(None, ge=1, lt=2**31, description="The version that was being changed")


class DraftOut(BaseModel):
    record: str
    id: UUID | None = Field(description="null of a record that is not made yet")
    version: int | None
    at: datetime = Field(description="When it was kept last; drafts are forgotten after 30 days")
    values: dict[str, Any]


class DraftsAnswer(BaseModel):
    success: bool = True
    data: DraftOut | list[DraftOut]
    meta: dict[str, Any]


class DraftAnswer(BaseModel):
    success: bool = True
    data: DraftOut
    meta: dict[str, Any]


class DraftGone(BaseModel):
    record: str
    id: UUID | None


class DraftGoneAnswer(BaseModel):
    success: bool = True
    data: DraftGone
    meta: dict[str, Any]


@blueprint.get("")
@signed_in
def draft_show() -> Response:
    """The caller's drafts, the latest first, or the one of a form."""
    known_arguments(("record", "id"))
    if not request.args:
        return success([_shown(draft) for draft in drafts.every_kept()])
    draft = drafts.kept(*_form())
    if draft is None:
        raise NotFound(_("Nothing is kept of this form."))
    return success(_shown(draft))


@blueprint.put("")
@signed_in
def draft_keep() -> Response:
    """Keep what is in a form, in place of what was kept of it."""
    known_arguments(("record", "id"))
    rt, id = _form()
    body = read_object()
    unknown = body.keys() - {"values", "version"}
    values, version = body.get("values"), body.get("version")
    faults = [Detail(name[:80], "unknown_field", _("There is no such field.")) for name in sorted(unknown)]
    if not isinstance(values, dict):
        faults.append(Detail("values", "invalid", _("Give an object.")))
    if version is not None and (not isinstance(version, int) or isinstance(version, bool) or not 0 < version < 2**31):
        faults.append(Detail("version", "invalid", _("Give the version you read.")))
    if faults or not isinstance(values, dict):
        raise Invalid(_("The input has faults."), faults)
    return success(_shown(drafts.keep(rt, id, values, version)))


@blueprint.delete("")
@signed_in
def draft_drop() -> Response:
    """Forget a draft; one that there is not is no fault."""
    known_arguments(("record", "id"))
    rt, id = _form()
    drafts.drop(rt, id)
    return success({"record": rt.key, "id": id})


def _form() -> tuple[RecordType, UUID | None]:
    rt = kernel().records.get(request.args.get("record", ""))
    if rt is None or rt.parent:
        fault = _("There is no such record.")
        raise BadRequest(fault, [Detail("record", "unknown_record", _("Name a record, such as ossature.team."))])
    demand(rt, "view")
    text = request.args.get("id")
    id = as_id(text) if text is not None else None
    if text is not None and id is None:
        raise BadRequest(_("The id is wrong."), [Detail("id", "invalid", _("Give a UUID."))])
    return rt, id


def _shown(draft: drafts.Draft) -> dict[str, Any]:
    return {
        "record": draft.record, "id": draft.record_id, "version": draft.version, "at": draft.at, "values": draft.values,
    }  # fmt: skip


_TAG = "Drafts"
_REFUSALS = (400, 401, 403, 404, 429)
documented(
    draft_show, summary="Read drafts", tag=_TAG, operation_id="showDrafts", query=DraftQuery, answer=DraftsAnswer,
    refusals=_REFUSALS,
)  # fmt: skip
documented(
    draft_keep, summary="Keep a draft", tag=_TAG, operation_id="keepDraft", query=DraftQuery, body=DraftInput,
    answer=DraftAnswer, refusals=(*_REFUSALS, 413, 415, 422),
)  # fmt: skip
documented(
    draft_drop, summary="Forget a draft", tag=_TAG, operation_id="dropDraft", query=DraftQuery, answer=DraftGoneAnswer,
    refusals=_REFUSALS,
)  # fmt: skip


@hookimpl
def register_blueprints() -> list[APIBlueprint]:
    return [blueprint]
