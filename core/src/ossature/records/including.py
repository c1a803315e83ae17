"""`include`: what rows refer to, put into them, in one statement for each thing included.

References are named by relation (`company` for `company_id`), parts by collection (`addresses`), and what an included
record refers to after a dot (`company.owner`). What the reader may not see of them comes back as null, as if there were
nothing, and never as a refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select

from ossature.context import current
from ossature.db.work import session
from ossature.errors import BadRequest, Detail
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.plugins.manifest import is_on
from ossature.rbac.predicate import reaches, visible_fields
from ossature.records.clean import plain
from ossature.records.query import ACTOR, BASE, Row, columns, labels, to_row
from ossature.records.types import RecordType
from ossature.web.versions import translation

_, _l, _n = translator("ossature")

DEEPEST = 2
MOST = 20

Tree = dict[str, "Tree"]
"""What is included: name -> what is included of that."""


def includable(rt: RecordType) -> dict[str, tuple[str, str]]:
    """What the reader may include of a record: name -> its column and the key of what is found there.

    Of parts, which have no column here, the column is empty.
    """
    visible = visible_fields(rt)
    found = {
        item.relation: (item.name, item.target)
        for item in rt.references()
        if item.name in visible and item.target and item.relation not in rt.fields
    }
    if rt.owned:
        found["owner"] = ("owner_id", ACTOR)
    return {**found, **{name: ("", part.key) for name, part in rt.parts.items()}}


def read_include(rt: RecordType, text: str) -> Tree:
    """What `include` asks for. Raises `BadRequest` naming what there is not, what is too deep and what goes in a circle."""
    paths = list(dict.fromkeys(path for path in text.split(",") if path))
    if len(paths) > MOST:
        raise _wrong("too_many", _("Include at most %(n)d things.", n=MOST))
    tree: Tree = {}
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST:
            message = _("%(path)s goes too deep: one dot at most.", path=plain(path)[:80])
            raise _wrong("include_too_deep", message)
        _grow(tree, rt, steps, path)
    return tree


def _grow(tree: Tree, root: RecordType, steps: Sequence[str], path: str) -> None:
    rt: RecordType | None = root
    passed: list[str] = []
    for asked in steps:
        offered = includable(rt) if rt else {}
        step = translation(rt.key).newer_name(asked) if rt else asked
        if step not in offered:
            names = ", ".join([".".join([*passed, name]) for name in offered])
            said = _("Include one of: %(names)s.", names=names) if names else _("Nothing can be included there.")
            raise _wrong("unknown_include", said, path)
        key = offered[step][1]
        target = None if key == ACTOR else kernel().records.get(key)
        # A record may point to its own kind (a parent); what is included of that may not lead there again.
        if passed and rt and key in (root.key, rt.key):
            raise _wrong("include_loop", _("%(path)s goes in a circle.", path=plain(path)[:80]), path)
        tree = tree.setdefault(step, {})
        passed.append(step)
        rt = target


def _wrong(code: str, message: str, path: str = "") -> BadRequest:
    said = _("%(path)s cannot be included.", path=plain(path)[:80]) if path else _("The parameter include is wrong.")
    return BadRequest(said, [Detail("include", code, message)])


def needed(rt: RecordType, fields: Sequence[str], tree: Tree) -> tuple[str, ...]:
    """The fields to read beside those asked for, so that what is included can be found."""
    offered = includable(rt)
    columns = [offered[name][0] for name in tree]
    return tuple(name for name in columns if name and name not in (*fields, *BASE)) if fields else ()


def attach(rt: RecordType, rows: Sequence[Row], tree: Tree) -> None:
    """Put into rows what is included."""
    offered = includable(rt)
    for name, below in tree.items():
        column, key = offered[name]
        if not column:
            grouped = _parts(rt.parts[name], {row["id"] for row in rows}, below)
            for row in rows:
                row[name] = grouped.get(row["id"], [])
        else:
            found = _referenced(key, {row[column] for row in rows if row[column]}, below)
            for row in rows:
                row[name] = found.get(row[column])


def _referenced(key: str, ids: set[UUID], below: Tree) -> dict[UUID, Row]:
    """Records by id, as their lists show them; those out of reach are left out."""
    if key == ACTOR:
        found = labels(ACTOR, ids).values()
        return {label.id: {"id": label.id, "label": label.title} for label in found if not label.hidden}
    rt = kernel().records.get(key)
    if rt is None or not ids or not is_on(rt.plugin, current().access.plugins):
        return {}
    statement = select(*columns(rt)).where(*_here(rt, rt.c.id, ids), reaches(rt))
    rows = [to_row(rt, found) for found in session().execute(statement).mappings()]
    by_id = dict(zip([row["id"] for row in rows], rows, strict=True))
    attach(rt, rows, below)
    return dict(zip(by_id, translation(rt.key).older_rows(rows), strict=True))


def _parts(part: RecordType, owners: set[UUID], below: Tree) -> dict[UUID, list[Row]]:
    """The parts of some records in their order, by owner."""
    assert part.parent_column is not None
    if not owners:
        return {}
    owner = part.c[part.parent_column]
    statement = (
        select(*columns(part))
        .where(*_here(part, owner, owners), part.c.deleted_at.is_(None))
        .order_by(*part.entries_order)
    )
    rows = [to_row(part, found) for found in session().execute(statement).mappings()]
    attach(part, rows, below)
    grouped: dict[UUID, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row[part.parent_column], []).append(part_shown(part, row, below))
    return grouped


def part_shown(part: RecordType, row: Row, below: Iterable[str] = ()) -> Row:
    """A part as answers hold it: its id, what the reader may see of it, and what was included."""
    fields = [name for name, item in visible_fields(part).items() if not item.parent]
    return {"id": row["id"], **{name: row.get(name) for name in (*fields, *below)}}


def _here(rt: RecordType, column: Any, ids: set[UUID]) -> tuple[Any, Any]:
    wanted = sa.literal(sorted(ids), sa.ARRAY(sa.Uuid))
    return rt.c.tenant_id == current().tenant_id, column == sa.any_(wanted)
