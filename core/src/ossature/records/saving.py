"""Keeping, changing, sharing and deleting views, and choosing which one lists begin with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update

from ossature.context import current
from ossature.db.kernel import saved_view, view_default
from ossature.db.work import session
from ossature.errors import Conflict, Detail, Forbidden, Invalid, PreconditionFailed, Refusal
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.kernel import kernel
from ossature.rbac.permissions import VIEWS_SHARE
from ossature.rbac.predicate import demand
from ossature.records.clean import Wrong, clean_text
from ossature.records.definition import Definition
from ossature.records.saved import Audience, SavedView, own_teams, owner_now, view_by_id
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

LONGEST_NAME = 80
LONGEST_DEFINITION = 20_000
MOST_VIEWS = 200
"""How many views of one record a person keeps."""


def save(
    rt: RecordType, name: str, definition: Definition, audience: Audience = "private", team_id: UUID | None = None,
    *, id: UUID | None = None,
) -> SavedView:  # fmt: skip
    """Keep a definition as a view of whoever acts.

    Raises `Invalid` for a name or definition that cannot be kept, `Forbidden` for an audience that it may not be shared
    with, `Conflict` when the id is taken or the owner has `MOST_VIEWS` already.
    """
    demand(rt, "view")
    owner = owner_now()
    id = id or new_id()
    values: dict[str, Any] = {
        "id": id, "record": rt.key, "owner_id": owner, "name": _name(name), "audience": audience,
        "team_id": team_id, "definition": _document(rt, definition),
    }  # fmt: skip
    _may_share(audience, team_id)
    mine = select(func.count()).where(saved_view.c.tenant_id == current().tenant_id, saved_view.c.owner_id == owner)
    if session().execute(mine.where(saved_view.c.record == rt.key)).scalar_one() >= MOST_VIEWS:
        raise Conflict(_("You have %(n)d views of %(records)s; delete one first.", n=MOST_VIEWS, records=rt.plural))
    taken = select(saved_view.c.id).where(saved_view.c.tenant_id == current().tenant_id, saved_view.c.id == id)
    if session().scalar(taken):
        raise Conflict(_("A view with this id exists already."), code="id_taken")
    _name_is_free(values)
    session().execute(insert(saved_view).values(values))
    return view_by_id(rt, id)


def change(
    view: SavedView,
    *,
    name: str | None = None,
    definition: Definition | None = None,
    audience: Audience | None = None,
    team_id: UUID | None = None,
    version: int | None = None,
    if_match: int | None = None,
) -> SavedView:
    """Rename a view, share it otherwise (`audience` with its `team_id`), or have it show something else.

    Raises as `save`; `Conflict`, or `PreconditionFailed` for `if_match`, when it was changed since that version.
    """
    rt = kernel().records[view.record]
    _may_edit(view)
    changes: dict[str, Any] = {}
    if name is not None:
        changes["name"] = _name(name)
    if definition is not None:
        changes["definition"] = _document(rt, definition)
    if audience is not None and (audience, team_id) != (view.audience, view.team_id):
        if audience == "private" and not view.mine:
            raise Forbidden(_("Only %(owner)s can keep this view to themselves.", owner=view.owner))
        _may_share(audience, team_id)
        changes |= {"audience": audience, "team_id": team_id}
    known = {"record": view.record, "owner_id": view.owner_id, "audience": view.audience, "team_id": view.team_id}
    if {"name", "audience"} & changes.keys():
        _name_is_free({**known, "name": view.name, **changes, "id": view.id})
    _write(view, changes, version, if_match)
    if changes.get("audience", "all") != "all":
        session().execute(delete(view_default).where(_default_of(view.record, None), view_default.c.view_id == view.id))
    return view_by_id(rt, view.id)


def demand_version(view: SavedView, version: int | None, if_match: int | None) -> None:
    """Raises `Conflict`, or `PreconditionFailed` for `if_match`, when the view is not at the version that is named."""
    if view.version != _named(view, version, if_match):
        raise _stale(if_match)


def remove(view: SavedView, *, if_match: int | None = None) -> None:
    """Delete a view; who began with it begins with the list as it is."""
    _may_edit(view)
    gone = session().execute(delete(saved_view).where(*_as_read(view, _named(view, None, if_match))))
    if gone.rowcount == 0:  # type: ignore[attr-defined]
        raise _stale(if_match)


def choose_default(rt: RecordType, view: SavedView | None, *, for_all: bool = False) -> None:
    """Have the reader's lists begin with a view, or without one; `for_all`: those of everybody who has not chosen."""
    if for_all:
        _may_choose_for_all()
        if view is None:
            forget_default(rt, for_all=True)
            return
        if view.audience != "all":
            raise Invalid(
                _("Only a view that is shared with everybody can be everybody’s default."),
                [Detail("default_for_all", "not_shared", _("Share the view with everybody first."))],
            )
    actor_id = None if for_all else owner_now()
    forget_default(rt, for_all=for_all)
    session().execute(
        insert(view_default).values(
            id=new_id(), record=rt.key, actor_id=actor_id, view_id=view.id if view else None
        )
    )  # fmt: skip


def forget_default(rt: RecordType, *, for_all: bool = False) -> None:
    """Take the reader's choice back, so that their lists begin as everybody's do; `for_all`: everybody's."""
    if for_all:
        _may_choose_for_all()
    session().execute(delete(view_default).where(_default_of(rt.key, None if for_all else owner_now())))


def _default_of(record: str, actor_id: UUID | None) -> ColumnElement[bool]:
    return and_(
        view_default.c.tenant_id == current().tenant_id, view_default.c.record == record,
        view_default.c.actor_id.is_(None) if actor_id is None else view_default.c.actor_id == actor_id,
    )  # fmt: skip


def _write(view: SavedView, changes: Mapping[str, Any], version: int | None, if_match: int | None) -> None:
    written = session().execute(
        update(saved_view)
        .where(*_as_read(view, _named(view, version, if_match)))
        .values(**changes, version=saved_view.c.version + int(bool(changes)), updated_at=func.now())
    )
    if written.rowcount == 0:  # type: ignore[attr-defined]
        raise _stale(if_match)


def _named(view: SavedView, version: int | None, if_match: int | None) -> int:
    """The version that whoever writes believes in: what was just read, where they do not say."""
    return next((one for one in (if_match, version) if one is not None), view.version)


def _as_read(view: SavedView, version: int) -> tuple[ColumnElement[bool], ...]:
    return saved_view.c.tenant_id == current().tenant_id, saved_view.c.id == view.id, saved_view.c.version == version


def _stale(if_match: int | None) -> Refusal:
    message = _("Somebody changed the view since you opened it. Open it again, then make your change.")
    return PreconditionFailed(message) if if_match is not None else Conflict(message, code="stale")


def _name(name: str) -> str:
    try:
        cleaned = " ".join(clean_text(name).split())
    except Wrong as wrong:
        raise _refused("name", wrong.code, str(wrong)) from None
    if not cleaned:
        raise _refused("name", "required", _("Give the view a name."))
    if len(cleaned) > LONGEST_NAME:
        raise _refused("name", "too_long", _("Use at most %(count)s characters.", count=LONGEST_NAME))
    return cleaned


def _document(rt: RecordType, definition: Definition) -> dict[str, Any]:
    definition.check(rt)
    document = definition.as_json()
    written = orjson.dumps(document)
    if len(written) > LONGEST_DEFINITION or b"\\u0000" in written:
        raise _refused("definition", "too_long", _("This asks for too much to be kept as a view."))
    return document


def _name_is_free(values: Mapping[str, Any]) -> None:
    """Names are told apart, blind to case and accents, among one's own, a team's, and everybody's views."""
    whose = {
        "private": saved_view.c.owner_id == values["owner_id"],
        "team": saved_view.c.team_id == values["team_id"],
        "all": sa.true(),
    }
    same = select(saved_view.c.id).where(
        saved_view.c.tenant_id == current().tenant_id, saved_view.c.record == values["record"],
        saved_view.c.audience == values["audience"], whose[values["audience"]], saved_view.c.id != values["id"],
        func.ossature.fold(saved_view.c.name) == func.ossature.fold(values["name"]),
    )  # fmt: skip
    if session().scalar(same.limit(1)):
        raise _refused("name", "taken", _("There is a view of this name already; choose another."))


def _may_share(audience: Audience, team_id: UUID | None) -> None:
    if (audience == "team") != (team_id is not None):
        raise _refused("team_id", "required", _("Name the team that the view is shared with, and no other audience."))
    if audience == "all" and not current().access.allows(VIEWS_SHARE):
        raise Forbidden(_("You may not share views with everybody."), permission=VIEWS_SHARE)
    if audience == "team" and team_id not in own_teams():
        raise _refused("team_id", "unknown", _("Choose a team that you belong to."))


def _may_choose_for_all() -> None:
    if not current().access.allows(VIEWS_SHARE):
        raise Forbidden(_("You may not choose views for everybody."), permission=VIEWS_SHARE)


def _may_edit(view: SavedView) -> None:
    if not view.may_edit:
        raise Forbidden(_("This view belongs to %(owner)s; save it as your own to change it.", owner=view.owner))


def _refused(field: str, code: str, message: str) -> Invalid:
    return Invalid(message, [Detail(field, code, message)])
