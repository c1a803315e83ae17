"""Change sets: one unit of work each, whoever did it by whatever means; what it touched, and what undid it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import and_, func, select

from ossature.context import current
from ossature.db.kernel import actor, change, change_set
from ossature.db.kernel import undo as undo_table
from ossature.db.work import session
from ossature.errors import NotFound
from ossature.history.hanging import HANGING, records_of
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.plugins.manifest import is_on
from ossature.rbac.permissions import HISTORY_VIEW
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Who did it, when (UTC), by what means and why; `actor` is empty for what nobody in particular did."""

    id: UUID
    at: datetime
    actor_id: UUID | None
    actor: str
    actor_kind: str
    means: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Undoing:
    """What became of a change set: `undone` or `partly` undone by `by_id`, or itself the undoing of `of_id`."""

    of_id: UUID | None = None
    by_id: UUID | None = None
    undone: bool = False
    partly: bool = False


@dataclass(frozen=True, slots=True)
class Touched:
    """A record that a change set touched. `key` is its record's, also where nothing here knows that record any more."""

    id: UUID
    key: str
    added: bool
    """It was created or restored: undone, it is deleted."""
    binned: bool
    """It was deleted or restored, as what hangs on another record is along with it."""


def may_see_history() -> bool:
    """Whether the bound actor may see who changed what."""
    return current().access.allows(HISTORY_VIEW)


def own_actors() -> frozenset[UUID]:
    """The actors that the bound one answers for: itself and, for a personal key, its member."""
    context = current()
    return context.access.selves or frozenset({context.actor.id} if context.actor else ())


HEADS = select(
    change_set.c.id, change_set.c.at, change_set.c.actor_id, func.coalesce(actor.c.label, "").label("actor"),
    func.coalesce(actor.c.kind, "sql").label("actor_kind"), change_set.c.means, change_set.c.reason,
).select_from(
    change_set.outerjoin(
        actor, and_(actor.c.tenant_id == change_set.c.tenant_id, actor.c.id == change_set.c.actor_id)
    )
)  # fmt: skip


def find_change_set(id: UUID) -> ChangeSet:
    """One change set: of the bound actor's own, or any for who may see the history. Raises `NotFound`."""
    tenant_id = current().tenant_id
    at = session().scalar(
        select(change.c.at).where(change.c.tenant_id == tenant_id, change.c.change_set_id == id).limit(1)
    )
    found = at and session().execute(
        HEADS.where(change_set.c.tenant_id == tenant_id, change_set.c.at == at, change_set.c.id == id)
    ).first()  # fmt: skip
    if not found or not (may_see_history() or found.actor_id in own_actors()):
        raise NotFound(_("There is no such change, or you may not see it."))
    return ChangeSet(*found)


def of_change_set(head: ChangeSet) -> sa.ColumnElement[bool]:
    """The changes of a change set, by the index; the tenant is named besides."""
    return and_(change.c.at == head.at, change.c.change_set_id == head.id)


def touched(head: ChangeSet) -> list[Touched]:
    """The records that a change set touched, those last that it touched first."""
    c = change.c
    own = c.record_id == c.root_id
    rows = session().execute(
        select(
            c.root_id,
            func.array_agg(sa.distinct(c.record)),
            func.bool_or(and_(own, c.what.in_(("create", "restore")))),
            func.bool_or(and_(own, c.what.in_(("delete", "restore")))),
        )
        .where(c.tenant_id == current().tenant_id, of_change_set(head))
        .group_by(c.root_id)
        .order_by(func.max(c.seq).desc())
    )
    found = rows.all()
    of = root_keys({id: keys for id, keys, _added, _binned in found})
    return [Touched(id, of[id], added, binned) for id, _keys, added, binned in found]


def root_keys(changed: Mapping[UUID, Iterable[str]]) -> dict[UUID, str]:
    """The record's key of each root, by the keys of what was changed of it: itself, parts, what hangs on it."""
    found, bare = dict[UUID, str](), list[UUID]()
    for id, keys in changed.items():
        known = [kernel().records.get(key) for key in keys]
        found[id] = next((rt.parent or rt.key for rt in known if rt is not None), min(keys))
        if found[id] in HANGING:
            bare.append(id)
    return found | (records_of(bare) if bare else {})


def record_type_of(key: str) -> RecordType | None:
    """The record of that key, if it is one and its plugin works for the bound tenant."""
    rt = kernel().records.get(key)
    return rt if rt is not None and is_on(rt.plugin, current().access.plugins) else None


_CHAIN = sa.text(
    "WITH RECURSIVE chain (id, undone_id, complete, depth) AS ("
    "  SELECT id, undone_id, complete, 1 FROM ossature.undo WHERE tenant_id = :tenant AND undone_id = ANY(:ids)"
    "  UNION ALL SELECT u.id, u.undone_id, u.complete, depth + 1 FROM chain c JOIN ossature.undo u"
    "    ON u.tenant_id = :tenant AND u.undone_id = c.id WHERE depth < 20"
    ") SELECT id, undone_id, complete FROM chain ORDER BY id"
)


def undoings(ids: Iterable[UUID]) -> Mapping[UUID, Undoing]:
    """What undid these change sets and stands, and what they undid themselves; two statements, however many."""
    ids = list(ids)
    if not ids:
        return {}
    tenant_id = current().tenant_id
    later: dict[UUID, list[tuple[UUID, bool]]] = {}
    for id, undone_id, complete in session().execute(_CHAIN, {"tenant": tenant_id, "ids": ids}):
        later.setdefault(undone_id, []).append((id, complete))
    u = undo_table.c
    rows = session().execute(select(u.id, u.undone_id).where(u.tenant_id == tenant_id, u.id.in_(ids)))
    earlier: dict[UUID, UUID] = {row.id: row.undone_id for row in rows}

    def standing(id: UUID) -> tuple[UUID, bool] | None:
        """The last undoing of a change set that was not undone in turn."""
        return next((one for one in reversed(later.get(id, [])) if not _complete(standing(one[0]))), None)

    found = {}
    for id in ids:
        by = standing(id)
        found[id] = Undoing(earlier.get(id), by[0] if by else None, _complete(by), by is not None and not by[1])
    return found


def _complete(standing: tuple[UUID, bool] | None) -> bool:
    return standing is not None and standing[1]
