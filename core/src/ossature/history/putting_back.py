"""Putting records of one kind back, in sets: what each would become, what stands in the way, and the writing of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.exc import DataError, IntegrityError

from ossature.context import current
from ossature.db.kernel import actor as actor_table
from ossature.db.kernel import change
from ossature.db.work import session
from ossature.errors import Detail, Refusal
from ossature.files.service import one_at_a_time
from ossature.files.table import FILE
from ossature.history.hanging import HANGING, Hanging, Hung, refusal_of, write
from ossature.history.lines import Line, Refused, alike, needs_of, set_columns, stored_columns, what_it_becomes
from ossature.history.net import Net, Nets, changes_of, field_of
from ossature.hooks.types import ChangeKind, RecordChange
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.predicate import reaches, reaches_owner, visible_fields
from ossature.records.query import ACTOR, BASE, Row, part_rows, to_row
from ossature.records.service import ask
from ossature.records.statements import explained
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")


@dataclass(frozen=True, slots=True)
class Put:
    """A record that is put back. `what`: update, delete, restore; `columns` from what they are to what they become,
    as the history's JSON, of `record` itself and of parts by collection and id; `hanging`: the names of what
    hangs on it that is put back, and what each is."""

    record: RecordType
    id: UUID
    title: str
    what: str
    columns: Mapping[str, tuple[Any, Any]]
    parts: tuple[tuple[str, str, Mapping[str, tuple[Any, Any]]], ...] = ()
    hanging: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """A record that stays as it is, and why. `title` is None where the reader may not see it."""

    key: str
    id: UUID
    title: str | None
    detail: Detail

    def as_detail(self) -> Detail:
        """The fault, with the record that it is of, unless that is not to be told."""
        named = {} if self.title is None else {"record": self.key, "id": str(self.id), "title": self.title}
        return Detail(self.detail.field, self.detail.code, self.detail.message, {**(self.detail.extra or {}), **named})


@dataclass
class _Step:
    """One record with its parts, and with what hangs on it."""

    own: Line
    title: str | None
    parts: list[Line] = field(default_factory=list)
    hanging: list[Hung] = field(default_factory=list)

    @property
    def lines(self) -> list[Line]:
        return [line for line in (self.own, *self.parts) if line.columns]


class Batch:
    """Some records of one kind that one change set touched; `nets` is what it did to them.

    `binned` are all records that it deleted or restored: what hangs on one of them goes the same way, asked or not.
    `merged` are those that it merged, or parted: entries and what hangs on them moved between them, seen or not.
    """

    def __init__(
        self, rt: RecordType, nets: Nets, binned: frozenset[UUID], merged: frozenset[UUID] = frozenset()
    ) -> None:
        self.rt, self.nets, self.binned, self.merged = rt, nets, binned, merged
        self.kept: list[Kept] = []
        self.steps: dict[UUID, _Step] = {}

    def put_back(self, ids: Sequence[UUID]) -> tuple[list[Put], list[Kept]]:
        """Write all that can be put back; tell that and what cannot be."""
        self._plan(ids)
        self._leave_out_what_would_hang()
        self._ask_the_rules()
        self._leave_out_what_would_hang()
        return self._write(), self.kept

    # -- what each would become ----------------------------------------------------------------------------------------

    def _plan(self, ids: Sequence[UUID]) -> None:
        if any(net.record == FILE for id in ids for net in self.nets[id].values()):
            one_at_a_time()  # as those do who write files, before any record is locked
        rows = self._locked(ids)
        hanging = Hanging(self.rt, self.nets, ids)
        part_lines = list(self._part_lines(ids))
        later = self._changed_since(rows, part_lines)
        for id in ids:
            raw = rows.get(id)
            if raw is None:
                self._keep(id, None, Refused("gone", _("It was deleted for good.")))
                continue
            net = self.nets[id].get(id) or Net(self.rt.key, id)
            step = _Step(Line(self.rt, id, raw, net), self._title(raw))
            step.parts = [line for line in part_lines if line.raw[line.rt.parent_column or ""] == id]
            try:
                self._may_be_put_back(step)
                self._fill(step, later)
                self._fill_what_hangs(step, hanging)
                self._is_permitted(step)
            except Refused as refused:
                self._keep(id, step.title, refused)
            else:
                self.steps[id] = step

    def _may_be_put_back(self, step: _Step) -> None:
        follows = self._follows(step)
        if not step.own.raw["_view"]:
            if follows:
                step.title = None
                return
            step.title = None
            raise Refused("not_found", _("You may not see this record."))
        if self.rt.ledger and any(net.record not in HANGING for net in self.nets[step.own.id].values()):
            raise Refused("ledger", _("What is written in %(records)s stays; correct it by a new entry.", records=self.rt.plural))  # fmt: skip

    def _fill(self, step: _Step, later: Nets) -> None:
        """Decide for each row what it becomes. Raises `Refused` for what was changed since."""
        since = later.get(step.own.id, {})
        for line in (step.own, *step.parts):
            if line.net.erased:
                raise Refused("erased", _("What it held before has been erased from the history."))
            if line.net.purged:
                raise Refused("gone", _("It was deleted for good."))
            line.columns = what_it_becomes(line, since)
        if step.own.net.created and step.own.columns and (named := _touched(since, step.own)):
            raise Refused("changed_since", _("It was changed since it was created."), named)
        if step.own.what == "delete":  # they go with it, but for those that move to where it is merged into
            step.parts = [line for line in step.parts if line.rt.parent_column in line.columns]
        if step.lines and step.own.raw["deleted_at"] is not None and step.own.what != "restore":
            raise Refused("deleted", _("It is in the recycle bin; restore it first."))

    def _fill_what_hangs(self, step: _Step, hanging: Hanging) -> None:
        if step.own.what == "delete" and step.own.id not in self.merged:
            return  # it goes with the record
        step.hanging = hanging.of(step.own.id)
        if step.hanging and step.own.raw["deleted_at"] is not None and step.own.what != "restore":
            raise Refused("deleted", _("It is in the recycle bin; restore it first."))

    def _is_permitted(self, step: _Step) -> None:
        for line in step.lines:
            visible = visible_fields(line.rt)
            for name in line.columns:
                item = field_of(line.rt, name)
                if item is not None and item.name not in visible and step.own.id not in self.merged:
                    raise Refused("forbidden", _("It also changed what you may not change."))
        for action in self._actions(step):
            if not step.own.raw[f"_{action}"] and not self._waived(step, action):
                permission = self.rt.permission(action)
                raise Refused(
                    "forbidden", _("Your permission %(permission)s does not reach this record.", permission=permission)
                )
        if "owner_id" in step.own.columns:
            owner = step.own.columns["owner_id"]
            if not reaches_owner(self.rt, "edit", UUID(owner) if owner else None):
                raise Refused("out_of_reach", _("You may not give records to this person."), "owner_id")

    def _actions(self, step: _Step) -> set[str]:
        """What the bound actor must be allowed to do with the record."""
        of_lines = {"edit" if step.own.what == "update" else "delete"} if step.lines else set()
        if step.own.what == "restore" and any(line.columns.keys() - {"deleted_at"} for line in step.lines):
            of_lines.add("edit")
        return of_lines | ({"edit"} if step.hanging else set())

    def _follows(self, step: _Step) -> bool:
        """Whether it, or entries of it and nothing else, went along with what they hang on, by the same change set."""
        if step.own.id in self.binned:
            return self._went_along(step.own)
        nets = self.nets[step.own.id]
        return (
            nets.keys() == {line.id for line in step.parts}
            and all(net.columns.keys() == {"deleted_at"} for net in nets.values())
            and all(self._went_along(line) for line in step.parts)
        )

    def _went_along(self, line: Line) -> bool:
        return any(item.on_delete == "cascade" and line.raw[item.name] in self.binned for item in line.rt.references())

    def _waived(self, step: _Step, action: str) -> bool:
        """Whether a permission is not asked for, since putting back what led to it takes its own."""
        return self._follows(step) and (action == "delete" or step.own.id not in self.binned)

    # -- reading -------------------------------------------------------------------------------------------------------

    def _locked(self, ids: Sequence[UUID]) -> dict[UUID, Mapping[str, Any]]:
        rt = self.rt
        may = [reaches(rt, action).label(f"_{action}") for action in ("view", "edit", "delete")]
        statement = (
            select(*stored_columns(rt), *may)
            .where(rt.c.tenant_id == current().tenant_id, rt.c.id.in_(ids))
            .order_by(rt.c.id)
            .with_for_update(of=rt.table)
        )
        return {row["id"]: dict(row) for row in session().execute(statement).mappings()}

    def _part_lines(self, ids: Sequence[UUID]) -> Iterator[Line]:
        changed = {net.id: net for id in ids for net in self.nets[id].values() if net.record != self.rt.key}
        for collection, part in self.rt.parts.items():
            those = [id for id, net in changed.items() if net.record == part.key]
            if those:
                where = (part.c.tenant_id == current().tenant_id, part.c.id.in_(those))
                for row in session().execute(select(*stored_columns(part)).where(*where)).mappings():
                    yield Line(part, row["id"], dict(row), changed[row["id"]], collection)

    def _changed_since(self, rows: Mapping[UUID, Mapping[str, Any]], parts: Sequence[Line]) -> Nets:
        """What came after the change set, of records where the values stored now do not tell: those that it created,
        and amounts of money of which it changed but half."""
        suspects: dict[UUID, int] = {}
        for id, raw in rows.items():
            found = self.nets[id]
            last = max(net.last for net in found.values())
            own = found.get(id)
            if any(net.created for net in found.values()) or (
                own and _halves(self.rt, own) and own.version != raw["version"]
            ):
                suspects[id] = last
        if not suspects:
            return {}
        return changes_of(change.c.root_id.in_(list(suspects)), change.c.seq > min(suspects.values()), after=suspects)

    def _title(self, raw: Mapping[str, Any]) -> str:
        name = self.rt.title_field
        return (raw[name] if name in raw and name in visible_fields(self.rt) else None) or _("Unnamed")

    def _keep(self, id: UUID, title: str | None, refused: Refused) -> None:
        self.kept.append(Kept(self.rt.key, id, title, refused.detail))

    # -- what stands in the way ----------------------------------------------------------------------------------------

    def _leave_out_what_would_hang(self) -> None:
        """No live record is left pointing to a deleted one; what is left out may take others with it."""
        while True:
            count = len(self.steps)
            self._without_living_targets()
            self._with_living_children()
            if len(self.steps) == count:
                return

    def _drop(self, id: UUID, refused: Refused) -> None:
        step = self.steps.pop(id, None)
        if step is not None:
            self._keep(id, step.title, refused)

    def _without_living_targets(self) -> None:
        back = {id for id, step in self.steps.items() if step.own.what == "restore"}
        wanted: dict[str, dict[UUID, list[tuple[UUID, str, str]]]] = {}
        for id, step in self.steps.items():
            for line in step.lines:
                for name, label, target, value in needs_of(line):
                    wanted.setdefault(target, {}).setdefault(value, []).append((id, name, label))
        for target, by_value in wanted.items():
            living = _living(target, list(by_value))
            for value, askers in by_value.items():
                if value not in living and not (target == self.rt.key and value in back):
                    for id, name, label in askers:
                        message = _("%(field)s: what it referred to is gone, or you may not see it.", field=label)
                        self._drop(id, Refused("not_found", message, name))

    def _with_living_children(self) -> None:
        going = [id for id, step in self.steps.items() if step.own.what == "delete"]
        if not going:
            return
        for other, item in kernel().records.pointing_at(self.rt.key):
            if item.on_delete == "clear" or (other.ledger and self.merged):
                continue
            column = other.c[item.name]
            rows = session().execute(
                select(column, func.count())
                .where(
                    other.c.tenant_id == current().tenant_id, column.in_(going), other.c.deleted_at.is_(None),
                    other.c.id.notin_(going),
                )
                .group_by(column)
            )  # fmt: skip
            for id, count in rows.all():
                message = _("%(n)s %(records)s refer to it by now.", n=count, records=other.plural)
                self._drop(id, Refused("referenced", message, item.name, record=other.key))

    def _ask_the_rules(self) -> None:
        with_parts = [id for id, step in self.steps.items() if any(line.collection for line in step.lines)]
        stored = part_rows(self.rt, with_parts) if with_parts else {}
        for id, step in list(self.steps.items()):
            if not step.lines:
                continue
            before: Row = self._row(self.rt, step.own.raw)
            after: Row = self._row(self.rt, step.own.after)
            for collection in {line.collection for line in step.lines if line.collection}:
                old = stored[collection].get(id, [])
                before[collection], after[collection] = old, self._entries(collection, old, step)
            kind = {"update": ChangeKind.UPDATED, "delete": ChangeKind.DELETED, "restore": ChangeKind.RESTORED}
            try:
                ask(self.rt, RecordChange(self.rt.key, id, kind[step.own.what], before, after))
            except Refusal as refusal:
                fault = refusal.details[0] if refusal.details else Detail("", "refused", str(refusal.message))
                self._drop(id, Refused(fault.code, str(fault.message), fault.field))

    def _entries(self, collection: str, old: Sequence[Row], step: _Step) -> list[Row]:
        """The entries of a collection as they would be."""
        rows = {row["id"]: row for row in old}
        for line in step.lines:
            if line.collection != collection:
                continue
            if line.what == "delete" or line.after[line.rt.parent_column or ""] != step.own.id:
                rows.pop(line.id, None)
            else:
                rows[line.id] = self._row(line.rt, line.after)
        order = [column.name for column in self.rt.parts[collection].entries_order]
        return sorted(rows.values(), key=lambda row: [row[name] for name in order])

    def _row(self, rt: RecordType, raw: Mapping[str, Any]) -> Row:
        names = {*BASE, *(column for item in visible_fields(rt).values() for column in item.columns)}
        found = {name: value for name, value in raw.items() if name in names}
        return to_row(rt, found)  # type: ignore[arg-type]  # a mapping is all it takes

    # -- writing -------------------------------------------------------------------------------------------------------

    def _write(self) -> list[Put]:
        steps = self._to_write()
        while steps and not self._written(steps):
            savepoint, count = session().begin_nested(), len(self.steps)
            for step in steps:
                self._written([step])
            if len(self.steps) == count:  # it is only together that they were refused
                savepoint.commit()
                break
            savepoint.rollback()
            self._leave_out_what_would_hang()
            steps = self._to_write()
        return [
            Put(
                self.rt, step.own.id, step.title or "", step.own.what, step.own.shown,
                tuple((line.collection, line.what, line.shown) for line in step.parts if line.columns),
                tuple((hung.name, hung.what) for hung in step.hanging),
            )
            for step in steps
        ]  # fmt: skip

    def _to_write(self) -> list[_Step]:
        return [step for step in self.steps.values() if step.lines or step.hanging]

    def _written(self, steps: Sequence[_Step]) -> bool:
        """Write these records; what the database refuses is told of one alone."""
        savepoint = session().begin_nested()
        try:
            for rt in (self.rt, *self.rt.parts.values()):
                for lines in alike(line for step in steps for line in step.lines if line.rt is rt):
                    set_columns(rt.table, lines)
            by_parts = [step.own.id for step in steps if step.lines and not step.own.columns]
            if by_parts:
                where = (self.rt.c.tenant_id == current().tenant_id, self.rt.c.id.in_(by_parts))
                session().execute(sa.update(self.rt.table).where(*where).values(version=self.rt.c.version + 1))
            write([hung for step in steps for hung in step.hanging])
        except (IntegrityError, DataError) as error:
            savepoint.rollback()
            if len(steps) == 1:
                self._drop(steps[0].own.id, refusal_of(error) or self._explained(error))
            return False
        savepoint.commit()
        return True

    def _explained(self, error: IntegrityError | DataError) -> Refused:
        refusal = explained(self.rt, error)
        fault = refusal.details[0] if refusal.details else Detail("", "refused", str(refusal.message))
        label = str(self.rt.fields[fault.field].label) if fault.field in self.rt.fields else ""
        return Refused(fault.code, f"{label}: {fault.message}" if label else str(fault.message), fault.field)


def _touched(since: Mapping[UUID, Net], own: Line) -> str | None:
    """What was done to a created record since, by name; None where nothing of it is left."""
    for net in since.values():
        if net.created and "deleted_at" in net.columns and net.columns["deleted_at"][1] is not None:
            continue
        if not net.same:
            names = [name for name in net.columns if (item := field_of(own.rt, name)) is None or item.name in visible_fields(own.rt)]  # fmt: skip
            return next(iter(names), "") if net.id == own.id else ""
    return None


def _halves(rt: RecordType, net: Net) -> bool:
    """Whether one column of an amount of money was changed and the other not."""
    return any(len([name for name in item.columns if name in net.columns]) == 1 for item in rt.money)


def _living(target: str, ids: list[UUID]) -> set[UUID]:
    """Those of some ids that may be pointed to, locked against deletion."""
    tenant_id = current().tenant_id
    if target == ACTOR:
        found = select(actor_table.c.id).where(
            actor_table.c.tenant_id == tenant_id, actor_table.c.id.in_(ids), actor_table.c.active
        )
    else:
        rt = kernel().records.get(target)
        if rt is None:
            return set()
        found = (
            select(rt.c.id)
            .where(rt.c.tenant_id == tenant_id, rt.c.id.in_(ids), rt.c.deleted_at.is_(None), reaches(rt))
            .order_by(rt.c.id)
            .with_for_update(read=True, of=rt.table)
        )
    return set(session().execute(found).scalars())
