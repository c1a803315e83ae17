"""`ossature plugin revision KEY`: the migration that brings a plugin's schema to its declarations, written as code.

New records become `op.create_record_table(...)`; those that exist are compared with a scratch copy of what is declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, text

from ossature.config import Config
from ossature.context import Context, use_context
from ossature.db.database import Database
from ossature.db.migrate import _script
from ossature.plugins.migrations import Source, sources
from ossature.records.types import RecordType
from ossature.revisions.alteration import altered
from ossature.revisions.declaration import declared_table, own_column, quoted, render_item, render_table, target_of


def write_revision(config: Config, types: Iterable[RecordType], key: str, message: str) -> Path | None:
    """Write the next migration of a plugin; None when the schema is what is declared already."""
    source = next((source for source in sources(config) if source.key == key), None)
    if source is None:
        raise LookupError(f"no plugin {key!r} is installed; `ossature plugin list` names them")
    own = [rt for rt in types if rt.plugin == key]
    database = Database(config)
    try:
        with use_context(Context(means="command")), database.owner.connect() as connection:
            upgrade, downgrade = _steps(config, connection, key, own)
            connection.rollback()
    finally:
        database.dispose()
    if not upgrade:
        return None
    return _write(source, message, upgrade, downgrade)


def _steps(config: Config, connection: Connection, key: str, own: Sequence[RecordType]) -> tuple[list[str], list[str]]:
    present = set(sa.inspect(connection).get_table_names(schema=key)) if _has_schema(connection, key) else set()
    new = [rt for rt in own if rt.name not in present]
    known = [rt for rt in own if rt.name in present]
    upgrade, late = _created(_by_need(new))
    downgrade = [f'op.drop_key("{key}", "{table}", "{column}")' for table, column in late]
    downgrade += [f'op.drop_record_table("{key}", "{rt.name}")' for rt in reversed(_by_need(new))]
    if known:
        for rt in known:
            steps = altered(config, connection, rt)
            upgrade += [step.up for step in steps]
            downgrade = [step.down for step in reversed(steps)] + downgrade
    gone = sorted(present - {rt.name for rt in own} - {"migration"})
    if gone and key != "ossature":
        upgrade += [f'op.drop_record_table("{key}", "{name}")' for name in gone]
        downgrade.insert(0, f'raise RuntimeError("the data of {", ".join(gone)} cannot be brought back")')
    return upgrade, downgrade


def _created(ordered: Sequence[RecordType]) -> tuple[list[str], list[tuple[str, str]]]:
    """Creating steps; keys that close a circle come after both tables, and are named for the way back."""
    steps, after, late = [], [], []
    waiting = {f"{rt.plugin}.{rt.name}" for rt in ordered}
    for rt in ordered:
        operation = declared_table(rt)
        waiting.discard(f"{rt.plugin}.{rt.name}")
        early: list[Any] = []
        for item in operation.items:
            if isinstance(item, sa.ForeignKeyConstraint) and target_of(item) in waiting:
                after.append(f'op.add_key("{rt.plugin}", "{rt.name}", {render_item(item)})')
                late.append((rt.name, own_column(item)))
            else:
                early.append(item)
        operation.items = tuple(early)
        steps.append(render_table(operation))
    return steps + after, late


def _by_need(types: Sequence[RecordType]) -> list[RecordType]:
    """Those that others point to come first."""
    left = {rt.key: rt for rt in types}
    ordered: list[RecordType] = []
    while left:
        free = [
            rt
            for rt in left.values()
            if not any(item.target in left and item.target != rt.key for item in rt.fields.values())
        ]
        for rt in free or list(left.values())[:1]:
            ordered.append(left.pop(rt.key))
    return ordered


def _has_schema(connection: Connection, key: str) -> bool:
    return bool(connection.execute(text("SELECT to_regnamespace(:name) IS NOT NULL"), {"name": f'"{key}"'}).scalar())


def _write(source: Source, message: str, upgrade: Sequence[str], downgrade: Sequence[str]) -> Path:
    folder = source.versions
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").touch()
    script = _script(source)
    head = script.get_current_head() if script else None
    number = f"{int(head) + 1:04d}" if head and head.isdigit() else "0001"
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_") or "change"
    body = [
        f'"""{message.strip().rstrip(".")}."""', "", "import sqlalchemy as sa", "from alembic import op", "",
        "from ossature.api import fk", "", f'revision = "{number}"', f"down_revision = {quoted(head) if head else None}", "", "",
        "def upgrade() -> None:", *_indented(upgrade), "", "", "def downgrade() -> None:", *_indented(downgrade), "",
    ]  # fmt: skip
    code = "\n".join(body)
    if "sa." not in code:
        code = code.replace("import sqlalchemy as sa\n", "")
    if "fk(" not in code:
        code = code.replace("from ossature.api import fk\n\n", "")
    path = folder / f"{number}_{slug}.py"
    path.write_text(code, encoding="utf-8")
    return path


def _indented(steps: Sequence[str]) -> list[str]:
    return ["    " + line if line else "" for step in steps or ["pass"] for line in step.split("\n")]


def revision(config: Config, plugin: str, message: str) -> Path | None:
    """Write the migration that brings a plugin's schema to its declarations; None when there is nothing to do.

    Raises `LookupError` for a plugin that does not run: what it declares is not known, and would be taken for gone.
    """
    from ossature.app import create_app

    kernel = create_app(config).extensions["ossature"]
    status = kernel.plugins.statuses.get(plugin)
    if plugin not in kernel.plugins and status is not None:
        if status.broken:
            raise LookupError(f"{status.sentence()}, then write the revision")
        raise LookupError(
            f"the plugin {plugin} is not active, so what it declares is not known here: run `ossature plugin activate "
            f"{plugin}`, then write the revision"
        )
    return write_revision(config, kernel.records.all(), plugin, message)
