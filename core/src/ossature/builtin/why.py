"""`GET /api/ossature/why` and its page: why somebody may or may not, from rule to role to value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from apiflask import APIBlueprint
from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from ossature.context import current
from ossature.errors import BadRequest, Detail
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.kernel import kernel
from ossature.plugins.manifest import is_on
from ossature.rbac import signed_in
from ossature.rbac.why import Why, may_ask_about_others, why
from ossature.records.clean import plain
from ossature.records.query import ACTOR, labels
from ossature.records.types import ACTION_LABELS, ACTIONS, RecordType
from ossature.records.views import page_endpoint, record_url
from ossature.web import Crumb, render
from ossature.web.api import RecordKey, documented, known_arguments, success
from ossature.web.versions import about, translation

_, _l, ngettext = translator("ossature")

pages = Blueprint("why", __name__, url_prefix="/why")
blueprint = APIBlueprint("why_api", __name__, url_prefix="/api/ossature/why")

YES = {
    "view": _l("%(who)s may see: %(what)s"), "edit": _l("%(who)s may change: %(what)s"),
    "create": _l("%(who)s may create: %(what)s"), "delete": _l("%(who)s may delete: %(what)s"),
    "export": _l("%(who)s may export: %(what)s"),
}  # fmt: skip
NO = {
    "view": _l("%(who)s may not see: %(what)s"), "edit": _l("%(who)s may not change: %(what)s"),
    "create": _l("%(who)s may not create: %(what)s"), "delete": _l("%(who)s may not delete: %(what)s"),
    "export": _l("%(who)s may not export: %(what)s"),
}  # fmt: skip
REACHES = {"own": _l("Own"), "team": _l("Team"), "all": _l("All"), "": _l("Not granted")}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about; without `id`, records of the kind."""

    rt: RecordType
    action: str
    id: UUID | None
    actor: UUID | None


@pages.get("")
@signed_in
def index() -> ResponseReturnValue:
    known_arguments(("record", "id", "action", "actor"))
    access = current().access
    types = [rt for rt in kernel().records if is_on(rt.plugin, access.plugins)]
    types.sort(key=lambda rt: str(rt.plural))
    asked = _asked() if request.args.get("record") else None
    actor = asked.actor if asked else _id("actor")
    others = may_ask_about_others()
    chosen = labels(ACTOR, [actor]).get(actor) if actor and others else None
    found = why(asked.rt, asked.action, asked.id, asked.actor) if asked else None
    return render(
        "why.html",
        title=_("Why?"),
        breadcrumbs=_crumbs(asked.rt, found) if asked and found else [Crumb(_("Why?"))],
        found=found,
        headline=_headline(asked.rt, found) if asked and found else "",
        records=[(rt.key, str(rt.plural)) for rt in types],
        actions=[(action, str(ACTION_LABELS[action])) for action in ACTIONS],
        reaches=REACHES,
        asked=asked,
        chosen=chosen,
        may_ask=others,
        options_url=url_for("ossature_actors_api.options"),
    )


def _crumbs(rt: RecordType, found: Why) -> list[Crumb]:
    """The way back: to the record's list, and to the record."""
    allowed = current().access.allows(rt.permission("view"))
    above = [Crumb(str(rt.plural), url_for(page_endpoint(rt, "list")))] if allowed else []
    if found.row:
        above.append(Crumb(found.row.title, record_url(rt.key, found.row.id)))
    return [*above, Crumb(_("Why?"))]


def _headline(rt: RecordType, found: Why) -> str:
    what = found.row.title if found.row else str(rt.plural if found.rule != "unseen" else rt.label)
    words = (YES if found.allowed else NO)[found.action]
    return str(words) % {"who": found.actor, "what": what}


@blueprint.get("")
@signed_in
def ask() -> Response:
    """Why an actor, or who asks, may or may not take an action on a record."""
    known_arguments(("record", "id", "action", "actor"))
    asked = _asked()
    about(asked.rt.key)
    spoken = translation(asked.rt.key)
    found = why(asked.rt, asked.action, asked.id, asked.actor)
    row = found.row
    return success(
        {
            "record": found.record,
            "id": asked.id,
            "action": found.action,
            "actor": {"id": found.actor_id, "label": found.actor},
            "permission": found.permission,
            "allowed": found.allowed,
            "rule": found.rule,
            "role": found.role or None,
            "value": found.value or None,
            "reach": found.reach,
            "roles": [{"name": one.name, "reach": one.reach, "reaches": one.reaches} for one in found.roles],
            "row": row
            and {
                "title": row.title,
                "owner": row.owner_id and {"id": row.owner_id, "label": row.owner},
                "teams": list(row.teams),
                "deleted": row.deleted,
            },
            "fields": [
                {"field": name, "permission": one.permission, "allowed": one.allowed, "roles": list(one.roles)}
                for name, one in zip(spoken.older_names(one.name for one in found.fields), found.fields, strict=True)
            ],
            "reasons": list(found.reasons),
        }
    )


def _asked() -> Asked:
    name, action = request.args.get("record", ""), request.args.get("action", "view")
    rt = kernel().records.get(name)
    if rt is None or rt.parent or not is_on(rt.plugin, current().access.plugins):
        raise _wrong("record", _("There is no record %(name)s.", name=plain(name)[:80]))
    if action not in ACTIONS:
        raise _wrong("action", _("Choose one of: %(names)s.", names=", ".join(ACTIONS)))
    return Asked(rt, action, _id("id"), _id("actor"))


def _id(name: str) -> UUID | None:
    text = request.args.get(name, "")
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise _wrong(name, _("Give a UUID.")) from None


def _wrong(name: str, message: str) -> BadRequest:
    return BadRequest(_("The parameter %(name)s is wrong.", name=name), [Detail(name, "invalid", message)])


class WhyQuery(BaseModel):
    record: RecordKey = Field(description="The record's key", examples=["crm.contact"])
    id: UUID | None = Field(None, description="One record; without it, records of that kind")
    action: Literal["view", "edit", "create", "delete", "export"] = "view"
    actor: UUID | None = Field(None, description="Somebody else, with the right to see members; oneself unless given")


class Asking(BaseModel):
    id: UUID
    label: str


class RoleOut(BaseModel):
    name: str = Field(description="A role of the actor, or the scope of their key")
    reach: Literal["own", "team", "all"] | None
    reaches: bool = Field(description="This alone would do")


class RowOut(BaseModel):
    title: str
    owner: Asking | None
    teams: list[str] = Field(description="Teams in which the actor and the owner are")
    deleted: bool


class FieldOut(BaseModel):
    field: str
    permission: str
    allowed: bool
    roles: list[str]


class WhyOut(BaseModel):
    record: str
    id: UUID | None
    action: str
    actor: Asking
    permission: str
    allowed: bool
    rule: Literal["everything", "all", "team", "own", "any_row", "granted", "ungranted", "out_of_reach", "unseen"] = (
        Field(description="What decided")
    )
    role: str | None = Field(description="The role that decided")
    value: str | None = Field(description="The owner, or the team, that puts the record in or out of reach")
    reach: Literal["own", "team", "all"] | None = Field(description="Of all roles together")
    roles: list[RoleOut]
    row: RowOut | None = Field(description="Null without `id`, and for a record that you do not see")
    fields: list[FieldOut] = Field(description="Fields that take a right of their own")
    reasons: list[str] = Field(description="The same in sentences")


class WhyAnswer(BaseModel):
    success: bool = True
    data: WhyOut
    meta: dict[str, Any]


documented(ask, summary="Why somebody may or may not", tag="Access", operation_id="why", query=WhyQuery,
           answer=WhyAnswer, refusals=(400, 401, 403, 404, 429))  # fmt: skip


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [pages, blueprint]
