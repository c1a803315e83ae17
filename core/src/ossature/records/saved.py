"""Saved views: what a list shows, kept under a name for oneself, for a team or for everybody.

A view is a definition and never data: who opens it sees the rows and fields that they may see. One that names what there
is no longer is refused where it is asked for, saying what that is; where it was only the default it is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select

from ossature.context import current
from ossature.db.kernel import actor, saved_view, view_default
from ossature.db.work import session
from ossature.errors import BadRequest, Detail, Forbidden, Invalid, NotFound, Refusal
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.plugins.manifest import is_on
from ossature.rbac.permissions import VIEWS_SHARE
from ossature.rbac.predicate import demand
from ossature.records.definition import Definition, read_definition
from ossature.records.repairs import repair
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

Audience = Literal["private", "team", "all"]
WITHOUT = "none"
"""What `view` is in the address of a list that is shown without a view, though one is the default."""


@dataclass(frozen=True, slots=True)
class SavedView:
    """A view as its reader may use it. `default` and `default_for_all` say that the reader's lists, or those of
    everybody who has not chosen, begin with it."""

    id: UUID
    record: str
    name: str
    audience: Audience
    team_id: UUID | None
    team: str
    owner_id: UUID
    owner: str
    mine: bool
    may_edit: bool
    document: Mapping[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime
    default: bool = False
    default_for_all: bool = False

    @property
    def definition(self) -> Definition:
        """Raises `BadRequest` when it was stored in a way that can no longer be read."""
        return Definition.from_json(self.document)


@dataclass(frozen=True, slots=True)
class Look:
    """How a list is looked at now: what it shows, the view that this began with, and the views there are.

    `start` is the view that the reader's lists begin with; where it cannot be shown it is `skipped`."""

    definition: Definition
    view: SavedView | None = None
    views: tuple[SavedView, ...] = ()
    start: SavedView | None = None
    skipped: SavedView | None = None

    def arguments(self, **elements: Any) -> dict[str, str]:
        """Parameters of the address of this list, with other elements: `look.arguments(sort="-name")`.

        The view stays; what differs from it is spelled out.
        """
        wanted = replace(self.definition, **elements)
        if self.view is None:
            return wanted.arguments() or ({"view": WITHOUT} if self.start else {})
        return {"view": str(self.view.id), **wanted.arguments(self.view.definition)}

    @property
    def changed(self) -> bool:
        """Whether the list is no longer as the view has it; what is searched for is not of the view."""
        base = self.view.definition if self.view else Definition()
        return replace(self.definition, search="") != replace(base, search="")


def read_look(rt: RecordType, arguments: Mapping[str, str]) -> Look:
    """How an address asks to look at a list: by a view, by itself, and by the default where it says nothing.

    Raises `BadRequest` and `Invalid` for what cannot be shown, and `NotFound` for a view that there is not.
    """
    asked = arguments.get("view", "")
    if arguments.get("part") == "related":
        return Look(read_definition(rt, arguments))
    demand(rt, "view")
    views, start = _views_and_default(rt)
    known = tuple(views)
    if asked and asked != WITHOUT:
        view = _one_of(views, asked)
        return Look(read_definition(rt, arguments, definition_of(rt, view, arguments)), view, known, start)
    if start is not None and not arguments:
        try:
            return Look(definition_of(rt, start), start, known, start)
        except BrokenView:
            return Look(Definition(), None, known, start, start)
    return Look(read_definition(rt, arguments), None, known, start)


class BrokenView(Invalid):
    """A view names what is no longer there, or not for its reader. `left` are the parameters of an address that shows
    the rest of it, empty when nothing of it can be read."""

    def __init__(self, view: SavedView, faults: list[Detail], left: Mapping[str, str]) -> None:
        super().__init__(
            _("The view “%(name)s” cannot be shown as it was saved.", name=view.name), faults,
            code="broken_view", view=str(view.id),
        )  # fmt: skip
        self.left = left


def definition_of(rt: RecordType, view: SavedView, arguments: Mapping[str, str] | None = None) -> Definition:
    """What a view shows, as far as an address does not say itself what that is. Raises `BrokenView`."""
    try:
        stored = view.definition
    except Refusal as refusal:
        raise BrokenView(view, list(refusal.details), {}) from None
    left, faults = repair(rt, stored)
    broken = [fault for fault in faults if not _replaced(fault.field, arguments or {})]
    if broken:
        raise BrokenView(view, broken, {"view": str(view.id), **left.arguments(stored)})
    return left


def viewed(rt: RecordType, arguments: Mapping[str, str]) -> Definition:
    """What the view shows that a request of the API names; an empty definition where it names none."""
    if "view" not in arguments:
        return Definition()
    return definition_of(rt, view_by_id(rt, arguments["view"]), arguments)


def _replaced(field: str, arguments: Mapping[str, str]) -> bool:
    """Whether the address says itself what the view says there."""
    element = field.partition(".")[0].partition("[")[0]
    if element == "filter":
        return any(name == "where" or name.startswith("filter[") for name in arguments)
    instead = {"by": "face", "columns": "fields"}
    return element in arguments or instead.get(element) in arguments


def views_of(types: Sequence[RecordType]) -> dict[str, list[SavedView]]:
    """The views of some records that the reader may use, by record: their own, their teams', everybody's; by name."""
    return {key: views for key, (views, _start) in _views_and_defaults(types).items()}


def view_by_id(rt: RecordType, id: UUID | str) -> SavedView:
    """A view of this record. Raises `NotFound` alike for what is absent, foreign or not shared with the reader."""
    return _one_of(_views_and_default(rt)[0], id)


def any_view(id: UUID) -> SavedView:
    """As `view_by_id`, of whatever record the reader may see."""
    record = session().scalar(
        select(saved_view.c.record).where(saved_view.c.tenant_id == current().tenant_id, saved_view.c.id == id)
    )
    rt = listed(record or "")
    if rt is None or not current().access.allows(rt.permission("view")):
        raise _no_such_view()
    return view_by_id(rt, id)


def listed(key: str) -> RecordType | None:
    """The record of this key if the organisation has lists of it; whether the reader may see them is another matter."""
    rt = kernel().records.get(key)
    return rt if rt is not None and not rt.parent and is_on(rt.plugin, current().access.plugins) else None


def own_teams() -> dict[UUID, str]:
    """The teams that the reader belongs to, by name: those they may share with."""
    own = sa.any_(sa.literal(selves(), sa.ARRAY(sa.Uuid)))
    team, member = _teams(sa.literal(current().tenant_id), own)
    found = select(team.c.id, team.c.name).where(team.c.id.in_(member)).order_by(team.c.name_fold)
    return {row.id: row.name for row in session().execute(found)}


def _views_and_default(rt: RecordType) -> tuple[list[SavedView], SavedView | None]:
    return _views_and_defaults([rt])[rt.key]


def _views_and_defaults(types: Sequence[RecordType]) -> dict[str, tuple[list[SavedView], SavedView | None]]:
    """The views of some records by key, and what the reader's list of each begins with."""
    own, keys = selves(), [rt.key for rt in types]
    values = {"tenant": current().tenant_id, "records": keys, "own": own, "chooser": owner_now()}
    sharer = current().access.allows(VIEWS_SHARE)
    views: dict[str, list[SavedView]] = {key: [] for key in keys}
    plain = set()
    # Planning the whole statement takes forty times as long as running it, and most lists have no view at all.
    some = session().execute(_ANY_VIEW, values).scalar_one()
    for row in session().execute(_views_statement(), values) if some else ():
        views[row.record].append(
            SavedView(
                id=row.id, record=row.record, name=row.name, audience=row.audience, team_id=row.team_id,
                team=row.team or "", owner_id=row.owner_id, owner=row.owner, mine=row.owner_id in own,
                may_edit=row.owner_id in own or (sharer and row.audience != "private"), document=row.definition,
                version=row.version, created_at=row.created_at, updated_at=row.updated_at,
                default=row.id == row.own_default, default_for_all=row.id == row.default_for_all,
            )
        )  # fmt: skip
        if row.chosen and row.own_default is None:
            plain.add(row.record)
    return {key: (found, None if key in plain else _start(found)) for key, found in views.items()}


_ANY_VIEW = select(
    select(saved_view.c.id)
    .where(
        saved_view.c.tenant_id == bindparam("tenant"),
        saved_view.c.record == sa.any_(bindparam("records", type_=sa.ARRAY(sa.Text))),
        or_(saved_view.c.owner_id == sa.any_(bindparam("own", type_=sa.ARRAY(sa.Uuid))), saved_view.c.audience != "private"),
    )
    .exists()
)  # fmt: skip


def _start(views: Sequence[SavedView]) -> SavedView | None:
    """What the reader's list begins with: what they chose, else what was chosen for everybody."""
    own = next((view for view in views if view.default), None)
    return own or next((view for view in views if view.default_for_all), None)


def _views_statement() -> sa.Select[Any]:
    """The views of some records that some actors may use, and in each row what their lists begin with.

    Made once, since every list begins with it; tenant, records, the actors and who chooses are parameters.
    """
    team_type = kernel().records["ossature.team"]
    if "views" in team_type.statements:
        return team_type.statements["views"]
    tenant: ColumnElement[Any] = bindparam("tenant")
    records = sa.any_(bindparam("records", type_=sa.ARRAY(sa.Text)))
    own = sa.any_(bindparam("own", type_=sa.ARRAY(sa.Uuid)))
    chosen, for_all = view_default.alias("chosen"), view_default.alias("for_all")
    team, inside = _teams(tenant, own)
    statement = (
        select(
            saved_view, actor.c.label.label("owner"), team.c.name.label("team"), chosen.c.id.isnot(None).label("chosen"),
            chosen.c.view_id.label("own_default"), for_all.c.view_id.label("default_for_all"),
        )
        .join(actor, and_(actor.c.tenant_id == saved_view.c.tenant_id, actor.c.id == saved_view.c.owner_id))
        .outerjoin(team, and_(team.c.tenant_id == saved_view.c.tenant_id, team.c.id == saved_view.c.team_id))
        .outerjoin(chosen, and_(_chosen_of(chosen), chosen.c.actor_id == bindparam("chooser")))
        .outerjoin(for_all, and_(_chosen_of(for_all), for_all.c.actor_id.is_(None)))
        .where(saved_view.c.tenant_id == tenant, saved_view.c.record == records)
        .where(
            or_(
                saved_view.c.owner_id == own,
                saved_view.c.audience == "all",
                and_(saved_view.c.audience == "team", saved_view.c.team_id.in_(inside)),
            )
        )
        .order_by(func.ossature.fold(saved_view.c.name).collate("C"), saved_view.c.id)
    )  # fmt: skip
    team_type.statements["views"] = statement
    return statement


def _chosen_of(choice: sa.FromClause) -> ColumnElement[bool]:
    return and_(choice.c.tenant_id == saved_view.c.tenant_id, choice.c.record == saved_view.c.record)


def _teams(tenant: ColumnElement[Any], own: ColumnElement[Any]) -> tuple[sa.Table, sa.Select[Any]]:
    """The table of teams, and the ids of those that some actors are in."""
    from ossature.rbac.models import TeamMember

    team = kernel().records["ossature.team"].table
    inside = select(TeamMember.team_id).where(TeamMember.tenant_id == tenant, TeamMember.member_id == own)
    alive = select(team.c.id).where(team.c.tenant_id == tenant, team.c.id.in_(inside), team.c.deleted_at.is_(None))
    return team, alive


def _one_of(views: list[SavedView], id: UUID | str) -> SavedView:
    try:
        wanted = id if isinstance(id, UUID) else UUID(id)
    except ValueError:
        raise BadRequest(
            _("The parameter view is wrong."), [Detail("view", "invalid", _("Give the id of a view."))]
        ) from None
    found = next((view for view in views if view.id == wanted), None)
    if found is None:
        raise _no_such_view()
    return found


def _no_such_view() -> NotFound:
    return NotFound(_("There is no such view, or it is not shared with you."))


def selves() -> list[UUID]:
    context = current()
    return sorted(context.access.selves or ({context.actor.id} if context.actor else ()))


def owner_now() -> UUID:
    """Whose views are made: a personal key's are its member's."""
    actor_now, access = current().actor, current().access
    if actor_now is None:
        raise Forbidden(_("Views belong to somebody; sign in first."))
    return next(iter(access.selves - {actor_now.id}), actor_now.id)
