"""Amounts of money in the history: a change holds only the half that changed, the other is looked up once a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select

from ossature.context import current
from ossature.db.kernel import change
from ossature.db.work import session
from ossature.kernel import kernel


def with_whole_amounts(rows: Sequence[dict[str, Any]]) -> None:
    """Put the unchanged half of each amount into the payloads of some changes (`record`, `record_id`, `root_id`,
    `seq`, `what`, `payload`), whatever their order; at most one statement."""
    wanted: dict[tuple[UUID, str], dict[str, Any]] = {}
    oldest_first = sorted(rows, key=lambda row: row["seq"])
    for row in oldest_first:
        for missing in _missing(row):
            wanted.setdefault((row["record_id"], missing), row)
    if not wanted:
        return
    known = _before(wanted)
    for row in oldest_first:
        for missing in _missing(row):
            value = known.get((row["record_id"], missing))
            row["payload"] = {**row["payload"], missing: [value, value]}
        for name, value in row["payload"].items():
            if (row["record_id"], name) in wanted:
                known[row["record_id"], name] = value[1] if row["what"] not in ("create", "purge") else value


def _missing(row: dict[str, Any]) -> list[str]:
    rt = kernel().records.get(row["record"])
    if rt is None or row["what"] in ("create", "purge"):
        return []
    found = []
    for item in rt.money:
        there = [name for name in item.columns if name in row["payload"]]
        if len(there) == 1:
            found += [name for name in item.columns if name not in there]
    return found


def _before(wanted: dict[tuple[UUID, str], dict[str, Any]]) -> dict[tuple[UUID, str], Any]:
    """The value that each column had before a change, from the newest older one that holds it."""
    c = change.c
    those = sa.values(
        sa.column("root_id", sa.Uuid), sa.column("record_id", sa.Uuid), sa.column("name", sa.Text),
        sa.column("seq", sa.BigInteger), name="those",
    ).data([(row["root_id"], id, name, row["seq"]) for (id, name), row in wanted.items()])  # fmt: skip
    last = (
        select(c.what, c.payload[those.c.name].label("value"))
        .where(
            c.tenant_id == current().tenant_id, c.root_id == those.c.root_id, c.record_id == those.c.record_id,
            c.seq < those.c.seq, c.payload.has_key(those.c.name),
        )
        .order_by(c.seq.desc())
        .limit(1)
        .lateral("last")
    )  # fmt: skip
    rows = session().execute(
        select(those.c.record_id, those.c.name, last.c.what, last.c.value).select_from(those).join(last, sa.true())
    )
    return {(id, name): value if what == "create" else value[1] for id, name, what, value in rows}
