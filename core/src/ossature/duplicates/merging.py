"""Merging records into one of them: everything that hangs on the others moves, they go into the recycle bin, and all of
it is one change set that the history undoes as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, select

from ossature.context import current
from ossature.db.work import by_means, change_set_id, session
from ossature.duplicates.moving import called, compared_entries, move_entries, move_files, move_notes, move_pins
from ossature.duplicates.planning import Plan, hinders, leads_back, plan, read_together
from ossature.duplicates.references import move_references
from ossature.duplicates.setting_apart import carry_over
from ossature.duplicates.tables import merged
from ossature.errors import Conflict, Detail, Forbidden, Invalid
from ossature.files.service import one_at_a_time
from ossature.hooks.types import ChangeKind, RecordChange
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.kernel import kernel
from ossature.rbac.predicate import visible_fields
from ossature.records import service
from ossature.records.external_ids import move_external
from ossature.records.part_writes import MOST_PARTS
from ossature.records.query import Row, labels, part_rows
from ossature.records.record import TAGS
from ossature.records.rules import folded
from ossature.records.statements import update_row
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

MEANS = "merge"


def merge(
    rt: RecordType,
    into: UUID,
    others: Sequence[UUID],
    *,
    take: Mapping[str, UUID] | None = None,
    versions: Mapping[UUID, int] | None = None,
) -> service.Written:
    """Make records one: `into` stays, the `others` go. `take` names for fields the record whose value it has; the rest
    is chosen as `plan` does. `versions` are those that were read.

    Raises `Forbidden` unless one may edit the one that stays and delete the others, `Invalid`, `NotFound`, and
    `Conflict` for what was deleted, merged or, with `versions`, changed meanwhile, and for what a rule refuses.
    """
    by_means(MEANS)
    one_at_a_time()  # as those do who write files, before any record is locked
    rows = read_together(rt, (into, *others))
    if hindrance := hinders(rt, rows, into):
        raise Forbidden(hindrance, permission=rt.permission("edit"))
    _as_they_were_read(rt, rows, versions or {})
    made = plan(rt, rows, into, take)
    for id in made.others:
        service.ask(rt, RecordChange(rt.key, id, ChangeKind.DELETED, rows[id], rows[id]))
    grew, went = _move(rt, made)
    session().execute(
        sa.update(rt.table)
        .where(rt.c.tenant_id == current().tenant_id, rt.c.id.in_(made.others))
        .values(deleted_at=func.now())
    )
    secrets = _fill_what_is_not_seen(rt, made)
    written = _write(rt, made, grew)
    done: list[dict[str, Any]] = [
        {
            "id": new_id(), "record": rt.key, "from_id": id, "to_id": into, "change_set_id": change_set_id(),
            "pins": move_pins(id, into), "secrets": secrets.get(id, []),
        }
        for id in made.others
    ]  # fmt: skip
    session().execute(sa.insert(merged).values(done))
    carry_over([row["id"] for row in done])
    return replace(written, warnings=(*written.warnings, *went))


def _as_they_were_read(rt: RecordType, rows: Mapping[UUID, Row], versions: Mapping[UUID, int]) -> None:
    changed = [id for id, row in rows.items() if id in versions and versions[id] != row["version"]]
    if changed:
        names = ", ".join(str(rows[id].get(rt.title_field) or _("Unnamed")) for id in changed)
        raise Conflict(
            _("%(names)s changed since you looked. Look again, then merge.", names=names),
            [Detail("versions", "changed_since", _("Read it again."), {"id": str(id)}) for id in changed], code="stale",
        )  # fmt: skip


def _move(rt: RecordType, made: Plan) -> tuple[dict[str, list[Row]], tuple[Detail, ...]]:
    """Move what hangs on the others; returns the collections that have more entries now, as they were, and what is to be
    said of what did not move."""
    ids, into = made.others, made.into
    left = move_references(rt, ids, into)
    entries = compared_entries(rt, ids, into)
    stored = part_rows(rt, [into], [name for name, one in entries.items() if one.new])
    grew = {name: found.get(into, []) for name, found in stored.items()}
    for name, rows in grew.items():
        if len(rows) + len(entries[name].new) > MOST_PARTS:
            message = _("Together they would have more than %(n)s entries; delete some first.", n=MOST_PARTS)
            raise Invalid(_("The input has faults."), [Detail(name, "too_many", message)])
    move_entries(rt, entries, into, left)
    title = made.rows[into].get(rt.title_field) or _("Unnamed")
    if left.stuck:
        collisions = [_collision(name, rows, title) for name, rows in left.stuck.items()]
        raise Conflict(collisions[0].message, collisions, code="collides")
    move_notes(rt, ids, into)
    move_external(rt, ids, into)
    move_files(rt, ids, into)
    went = [
        Detail(
            "ids", "went_along",
            _(
                "%(n)s %(records)s did not move, since %(name)s has its own; they go with what was merged.",
                n=number, records=called(table, number), name=title,
            ),
            {"record": table},
        )
        for table, number in left.went.items()
    ]  # fmt: skip
    return grew, tuple(went)


def _collision(table: str, rows: Sequence[UUID], title: str) -> Detail:
    """What cannot move, named as far as the reader may see it."""
    other = kernel().records.get(table)
    names = [one.title for one in labels(table, rows).values() if not one.hidden] if other and not other.parent else []
    message = _(
        "%(name)s has its own %(record)s, and there may be but one: %(others)s cannot move to it. "
        "Delete or change one of them, then merge.",
        name=title, record=called(table, 1),
        others=", ".join(names) or f"{len(rows)} {called(table, len(rows))}",
    )  # fmt: skip
    return Detail("ids", "collides", message, {"record": table})


def _write(rt: RecordType, made: Plan, grew: Mapping[str, list[Row]]) -> service.Written:
    """Give the record that stays what was chosen, by the same steps and rules as any change of it."""
    before = made.rows[made.into]
    values: dict[str, Any] = {
        choice.field.name: choice.value for choice in made.choices if choice.value != before.get(choice.field.name)
    }
    tags = _tags(made)
    if tags is not None:
        values[TAGS] = tags
    written = service.update(rt, made.into, values, grew=grew)
    if written.row["version"] == before["version"]:
        row = update_row(rt, made.into, {"version": rt.c.version + 1})
        written = service.Written(row, written.parts, written.warnings)
    return written


def _tags(made: Plan) -> list[str] | None:
    """The tags of all, in their order; None where the record that stays has them all."""
    own = list(made.rows[made.into].get(TAGS) or [])
    known = {folded(tag) for tag in own}
    all_tags = list(own)
    for id in made.others:
        for tag in made.rows[id].get(TAGS) or []:
            if folded(tag) not in known:
                known.add(folded(tag))
                all_tags.append(tag)
    return all_tags if len(all_tags) > len(own) else None


def _fill_what_is_not_seen(rt: RecordType, made: Plan) -> dict[UUID, list[str]]:
    """Secrets, and fields that the merger may not see, stay as they are; one that is empty is filled from the others,
    and one that would lead back to the record itself is emptied.

    Returns the columns of secrets that were filled, by the record that they came from.
    """
    visible = visible_fields(rt)
    unseen = [item for item in rt.fields.values() if item.writable and (item.secret or item.name not in visible)]
    own = [item for item in rt.references() if item.target == rt.key and not (item.writable and item.name in visible)]
    unseen = [item for item in unseen if item.name not in {one.name for one in own}]
    if not unseen and not own:
        return {}
    columns = [name for item in unseen for name in item.columns]
    rows = session().execute(
        select(
            rt.c.id,
            *(rt.c[name].isnot(None).label(f"has_{name}") for name in columns),
            *(rt.c[item.name] for item in own),
        ).where(rt.c.tenant_id == current().tenant_id, rt.c.id.in_(list(made.rows)))
    )
    has = {row.id: row._mapping for row in rows}
    filled, secrets = dict[str, Any](), dict[UUID, list[str]]()
    for item in own:
        kept = {id: None if leads_back(rt, item, row[item.name], has) else row[item.name] for id, row in has.items()}
        value = next((kept[id] for id in (made.into, *made.others) if kept[id] is not None), None)
        if value != has[made.into][item.name]:
            filled[item.name] = value
    other = rt.table.alias("other")
    for item in unseen:
        if any(has[made.into][f"has_{name}"] for name in item.columns):
            continue
        giver = next((id for id in made.others if all(has[id][f"has_{name}"] for name in item.columns)), None)
        if giver is None:
            continue
        for name in item.columns:
            where = (other.c.tenant_id == current().tenant_id, other.c.id == giver)
            filled[name] = select(other.c[name]).where(*where).scalar_subquery()
        if item.secret:
            secrets.setdefault(giver, []).extend(item.columns)
    if filled:
        update_row(rt, made.into, filled)
    return secrets
