"""The one permission predicate: which rows of a record an actor reaches, as SQL.

List, detail, search, picker, aggregate, API and export use it and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, false, true

from ossature.context import Context, Reach, current
from ossature.errors import Forbidden
from ossature.i18n.texts import translator

if TYPE_CHECKING:
    from ossature.records.fields import Field
    from ossature.records.types import RecordType

_, _l, _n = translator("ossature")


def reaches(
    rt: RecordType, action: str = "view", context: Context | None = None, table: FromClause | None = None
) -> ColumnElement[bool]:
    """The condition that rows of `rt` must meet for the bound actor to take `action` on them.

    Reach own: rows that the actor owns. Reach team: rows owned by anybody in the actor's teams. Reach all: every row.
    `table` is an alias of the record's table where a statement names it twice.
    """
    context = context or current()
    reach = context.access.reach(rt.permission(action))
    if reach is None:
        return false()
    if reach is Reach.ALL or not rt.owned:
        return true()
    owner: ColumnElement[UUID] = (rt.table if table is None else table).c.owner_id
    return owner.in_(sorted(context.access.owners if reach is Reach.TEAM else _selves(context)))


def reaches_owner(rt: RecordType, action: str, owner_id: object, context: Context | None = None) -> bool:
    """The same rule for one row whose owner is known."""
    context = context or current()
    reach = context.access.reach(rt.permission(action))
    if reach is None:
        return False
    if reach is Reach.ALL or not rt.owned:
        return True
    if reach is Reach.TEAM:
        return owner_id in context.access.owners
    return owner_id in _selves(context)


def _selves(context: Context) -> frozenset[UUID]:
    return context.access.selves or frozenset({context.actor.id} if context.actor else ())


def demand(rt: RecordType, action: str) -> None:
    """Raise `Forbidden` when the bound actor may not take the action on any row."""
    permission = rt.permission(action)
    if not current().access.allows(permission):
        raise Forbidden(
            _("You do not have the permission %(permission)s.", permission=permission), permission=permission
        )


def visible_fields(rt: RecordType, context: Context | None = None) -> dict[str, Field]:
    """The fields that the bound actor may see and change; those declared with `view` need their own permission."""
    if not rt.guarded:
        return dict(rt.fields)
    access = (context or current()).access
    return {name: item for name, item in rt.fields.items() if item.view is None or access.allows(item.view)}
