"""`make bench-moving`: many rows coming in by files and going out into them; writes `MOVING.md`.

Each figure stands beside raw SQL of the same run: the same rows written by the app role under policies and triggers, a
thousand a transaction, and `COPY` of the same rows.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from data import fill
from deployments import embedded
from exports import WIDE, export_contacts
from imports import COLUMNS, file_of, import_file, measured
from report import machine
from run import say

from ossature.context import Context
from ossature.hooks.types import DemoSize
from ossature.kernel import Kernel
from ossature.records.exporting import Format
from ossature.records.lookup import record_type

HERE = Path(__file__).resolve().parent
AT_ONCE = 1000
OWN = (
    "company_id", "email", "first_name", "last_name", "job_title", "phone", "mobile", "department", "status", "source",
    "notes", "owner_id", "tags",
)  # fmt: skip
ADDRESS = ("line1", "line2", "postal_code", "city", "state", "country", "kind")


def main() -> None:
    options = argparse.ArgumentParser(description="Measure imports and exports, and write MOVING.md.")
    options.add_argument("--rows", type=int, default=100_000, help="imported, then changed by a second file")
    options.add_argument("--out", type=int, default=100_000, help="taken out")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="ossature-moving-") as folder, embedded(Path(folder)) as deployment:
        filled = fill(deployment, DemoSize.SMALL, say)
        kernel: Kernel = filled.app.extensions["ossature"]
        with filled.app.app_context(), closing(deployment.app_role()) as raw:
            lines = [
                *_imports(kernel, filled.context, raw, given.rows),
                *_exports(kernel, filled.context, raw, given.out),
            ]
        _tell(lines, deployment.version(), given.rows)


def _imports(kernel: Kernel, context: Context, raw: psycopg.Connection, rows: int) -> list[str]:
    created, first = import_file(kernel, context, rows, "Chef", "create")
    assert first.created == rows, first
    say(f"  created {rows / created.seconds:,.0f} a second")
    changed, second = import_file(kernel, context, rows, "Boss", "update")
    assert second.updated == rows, second
    say(f"  changed {rows / changed.seconds:,.0f} a second")
    file = len(file_of(rows, "Chef").getvalue()) / 1e6
    _begin(raw, context)
    raw.execute(
        "CREATE TEMP TABLE written AS SELECT row_number() OVER () AS n, c.id AS old, gen_random_uuid() AS id "
        "FROM crm.contact c WHERE c.email LIKE 'mesure.%%' LIMIT %s",
        [rows],
    )
    raw.execute("COMMIT")
    inserted = _by_the_thousand(raw, context, rows, _insert)
    updated = _by_the_thousand(raw, context, rows, _update)
    return [
        _line(f"Import of {rows:,} new contacts ({len(COLUMNS)} columns, {file:.1f} MB)", rows, created.seconds, inserted,
              2_500, f"{created.memory:.0f} MB"),
        _line("Update of these by e-mail address", rows, changed.seconds, updated, 2_000, f"{changed.memory:.0f} MB"),
    ]  # fmt: skip


def _exports(kernel: Kernel, context: Context, raw: psycopg.Connection, rows: int) -> list[str]:
    gc.freeze()  # as a server does
    _begin(raw, context)
    there = _number(raw, "SELECT count(*) FROM crm.contact WHERE deleted_at IS NULL")
    own = ", ".join(OWN)
    raw.execute(
        f"INSERT INTO crm.contact (id, {own}) SELECT gen_random_uuid(), {own} FROM crm.contact "
        "WHERE email LIKE 'mesure.%%' LIMIT %s",
        [max(0, rows - there)],
    )
    raw.execute("COMMIT")
    _begin(raw, context)
    rows = _number(raw, "SELECT count(*) FROM crm.contact WHERE deleted_at IS NULL")
    names = ", ".join(str(column.name) for column in list(record_type("crm.contact").c)[:WIDE])
    begun = time.perf_counter()
    with raw.cursor().copy(
        f"COPY (SELECT {names} FROM crm.contact WHERE deleted_at IS NULL) TO STDOUT (FORMAT csv)"  # type: ignore[arg-type]
    ) as out:
        for _piece in out:
            pass
    copied = time.perf_counter() - begun
    raw.execute("COMMIT")
    found = []
    formats: tuple[tuple[Format, str, int], ...] = (("csv", "CSV", 20_000), ("xlsx", "workbook", 8_000))
    for format, named, asked in formats:
        with measured() as taken:
            export = export_contacts(kernel, context, format)
        what = f"Export of {rows:,} contacts as {named} ({WIDE} columns)"
        found.append(_line(what, rows, export.seconds, copied, asked, f"{taken().memory:.0f} MB"))
        say(found[-1])
    return found


def _by_the_thousand(raw: psycopg.Connection, context: Context, rows: int, write: Callable[..., None]) -> float:
    begun = time.perf_counter()
    for after in range(0, rows, AT_ONCE):
        _begin(raw, context)
        write(raw, after)
        raw.execute("COMMIT")
    return time.perf_counter() - begun


def _insert(raw: psycopg.Connection, after: int) -> None:
    some = [after, after + AT_ONCE]
    own, address = ", ".join(OWN), ", ".join(ADDRESS)
    raw.execute(
        f"INSERT INTO crm.contact (id, {own}) SELECT w.id, {', '.join(f'c.{name}' for name in OWN)} FROM written w "
        "JOIN crm.contact c ON c.id = w.old WHERE w.n > %s AND w.n <= %s",
        some,
    )
    raw.execute(
        f"INSERT INTO crm.contact_address (id, contact_id, {address}) SELECT gen_random_uuid(), w.id, {address} "
        "FROM written w JOIN crm.contact_address a ON a.contact_id = w.old WHERE w.n > %s AND w.n <= %s",
        some,
    )


def _update(raw: psycopg.Connection, after: int) -> None:
    raw.execute(
        "UPDATE crm.contact c SET job_title = 'Raw ' || w.n FROM written w WHERE c.id = w.id AND w.n > %s AND w.n <= %s",
        [after, after + AT_ONCE],
    )


def _begin(raw: psycopg.Connection, context: Context) -> None:
    raw.execute("BEGIN")
    assert context.actor is not None
    for name, value in (("tenant", context.tenant_id), ("actor", context.actor.id)):
        raw.execute(f"SELECT set_config('ossature.{name}', %s, true)", [str(value)])


def _number(raw: psycopg.Connection, query: Any) -> int:
    row = raw.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _line(what: str, rows: int, seconds: float, floor: float, asked: int, memory: str) -> str:
    return f"| {what} | {rows / floor:,.0f} | {rows / seconds:,.0f} | {asked:,} | {memory} |"


def _additions() -> float:
    """Seconds of 30,000,000 additions, which tell one machine from another."""
    begun, total = time.perf_counter(), 0
    for number in range(30_000_000):
        total += number
    assert total
    return time.perf_counter() - begun


def _tell(lines: list[str], version: str, rows: int) -> None:
    path = HERE / "MOVING.md"
    told = [
        "# Files: speed",
        "",
        "Written by `make bench-moving`.",
        "",
        f"- {datetime.now(UTC):%Y-%m-%d}; {machine()}; PostgreSQL {version} (embedded)",
        f"- 30,000,000 additions in a loop of Python take {_additions():.1f} s here",
        "- an import is timed from its upload to its last row, the companies that it creates included",
        "",
        "| what | raw SQL, rows a second | product, rows a second | asked | memory |",
        "|---|---:|---:|---:|---:|",
        *lines,
    ]
    path.write_text("\n".join(told) + "\n", "utf-8")
    say(f"\n{path.read_text()}")


if __name__ == "__main__":
    main()
