"""`make bench-writing`: what people write all day, one request after the other, and acts on many rows; writes `WRITING.md`.

A figure of requests is the 95th percentile of real HTTP to `ossature serve`; its floor is the SQL of the same request by
psycopg alone, where there is a fixed one. Acts on many rows are timed from being asked for to their last row, by the
worker's own code in this process.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from urllib.parse import quote, urlencode
from uuid import UUID

import orjson
from data import PASSWORD, TENANTS, Filled, email_of, fill
from deployments import Serving, embedded, serving
from exports import export_contacts
from floor import reading, recorded, writing
from imports import AT_ONCE, Written, change_contacts, create_contacts, import_file, measured
from mass import change_many
from report import machine
from run import new_contact, say
from sqlalchemy import text
from wire import Wire, access_token, page_session, request

from ossature.db import transaction
from ossature.history.jobs import UndoArgs, undo_in_background
from ossature.hooks.types import DemoSize
from ossature.ids import new_id
from ossature.jobs.run import run_job
from ossature.kernel import Kernel
from ossature.records import service
from ossature.records.exporting import Format
from ossature.records.lookup import record_type
from ossature.records.query import ListQuery, list_rows

HERE = Path(__file__).resolve().parent
ENTRIES = 2_000
ROWS = 10_000
WARM = 20
FILES: tuple[tuple[Format, str, int], ...] = (("csv", "CSV", 20_000), ("xlsx", "workbook", 8_000))
"""Formats of export, what they are called, and how many rows a second there must be."""
_CSRF = re.compile(rb'name="csrf-token" content="([^"]+)"')
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Figure:
    """One thing that was measured, in the unit of its budget."""

    name: str
    value: float
    budget: float
    unit: str = "ms"
    floor: float | None = None
    note: str = ""

    def row(self) -> str:
        floor = "" if self.floor is None else f"{self.floor:.1f} {self.unit}"
        met = "met" if self.value <= self.budget else "**missed**"
        return f"| {self.name} | {floor} | {self.value:.1f} {self.unit} | {self.budget:g} {self.unit} | {met} |"


def main() -> None:
    options = argparse.ArgumentParser(description="Measure writing, and write WRITING.md.")
    options.add_argument("--requests", type=int, default=300, help="of each kind")
    options.add_argument("--rows", type=int, default=100_000, help="written and taken out together")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="ossature-writing-") as folder, embedded(Path(folder)) as deployment:
        filled = fill(deployment, DemoSize.MEDIUM, say)
        bench = Writing(filled, given.requests)
        with serving(deployment) as server:
            figures = [*bench.records(server), *bench.board(server), bench.long_timeline(server)]
        figures += [*bench.many_rows(), *bench.moving(given.rows)]
        told(figures, deployment.version(), given.requests)


@dataclass
class Writing:
    """The measurements on one filled deployment."""

    filled: Filled
    requests: int

    def records(self, server: Serving) -> list[Figure]:
        """Contacts made and changed by API and form."""
        kernel_free = closing(self.filled.deployment.app_role())
        with closing(Wire(server.port)) as wire, kernel_free as connection:
            headers = access_token(wire, email_of(TENANTS[0]), PASSWORD)
            made: list[str] = []

            def create() -> None:
                body = orjson.dumps({**new_contact(), "id": (id := str(new_id()))})
                wire.send(request("POST", "/api/crm/contacts", headers, body), expected=201)
                made.append(id)

            def change() -> None:
                body = orjson.dumps({"job_title": f"Chef {new_id().hex[-6:]}"})
                wire.send(request("PATCH", f"/api/crm/contacts/{made[-1]}", headers, body))

            with recorded(self.filled) as seen:
                service.create(record_type("crm.contact"), new_contact())
            floor = writing(connection, self.filled.context, [one for one in seen if one[0].startswith("INSERT")])
            figures = [
                Figure(
                    "Create a contact with e-mail, phone and address, API",
                    self._p95(create),
                    50,
                    floor=self._p95(floor),
                ),
                Figure("Change a contact, API", self._p95(change), 50),
            ]
            page = self._page(wire)

            def form() -> None:
                sent = {"first_name": "Zoé", "last_name": f"Mesure {new_id().hex[-6:]}", "status": "lead"}
                self._post(wire, page, "/crm/contacts/new", sent, 303)

            def form_change() -> None:
                sent = {"last_name": f"Mesure {new_id().hex[-6:]}", "status": "lead"}
                self._post(wire, page, f"/crm/contacts/{made[-1]}/edit", sent, 303)

            figures += [
                Figure("Create a contact, form", self._p95(form), 100),
                Figure("Change a contact, form", self._p95(form_change), 100),
            ]
        return figures

    def board(self, server: Serving) -> list[Figure]:
        """A board of open deals, and cards that are dragged on it."""
        rt = record_type("crm.deal")
        with transaction(self.filled.context) as work:
            found = work.execute(
                text(
                    "SELECT d.id, d.pipeline_id, s.id AS stage FROM crm.deal d JOIN crm.stage s "
                    "ON s.tenant_id = d.tenant_id AND s.pipeline_id = d.pipeline_id AND s.kind = 'open' "
                    "WHERE d.tenant_id = :tenant AND d.status = 'open' AND d.deleted_at IS NULL ORDER BY d.id, s.position"
                ),
                {"tenant": self.filled.context.tenant_id},
            ).all()
        stages: dict[UUID, list[UUID]] = {}
        for row in found:
            stages.setdefault(row.id, []).append(row.stage)
        deals = list(stages)
        where = f"face=board&filter%5Bpipeline_id%5D={found[0].pipeline_id}"
        turn = iter(range(10**9))
        with closing(Wire(server.port)) as wire, closing(self.filled.deployment.app_role()) as connection:
            page = self._page(wire)
            with recorded(self.filled) as seen:
                list_rows(rt, ListQuery(limit=50))
            floor = reading(connection, self.filled.context, seen)

            def look() -> None:
                wire.send(request("GET", f"/crm/deals?{where}", page))

            def drag() -> None:
                number = next(turn)
                id = deals[number % len(deals)]
                to = stages[id][(number // len(deals) + 1) % len(stages[id])]
                self._post(wire, page, f"/crm/deals/{id}/move?{where}", {"to": str(to)}, 200)

            note = f"{len(deals):,} open deals"
            return [
                Figure("Board of deals, page", self._p95(look), 150, floor=self._p95(floor), note=note),
                Figure("A card dragged to another column", self._p95(drag), 60),
            ]

    def long_timeline(self, server: Serving) -> Figure:
        """The page of a record with many entries in its timeline."""
        rt = record_type("crm.contact")
        with transaction(self.filled.context):
            id = service.create(rt, new_contact()).row["id"]
        for number in range(ENTRIES):
            with transaction(self.filled.context):
                service.update(rt, id, {"job_title": f"Chef {number}"})
        with closing(Wire(server.port)) as wire:
            page = self._page(wire)

            def look() -> None:
                wire.send(request("GET", f"/crm/contacts/{id}", page))

            return Figure(f"Page of a record with {ENTRIES:,} entries in its timeline", self._p95(look), 120)

    def many_rows(self) -> list[Figure]:
        """A mass edit, its undoing, and taking all out into files."""
        kernel: Kernel = self.filled.app.extensions["ossature"]
        context = self.filled.context
        assert context.tenant_id is not None
        with self.filled.app.app_context():
            table, book = export_contacts(kernel, context, "csv"), export_contacts(kernel, context, "xlsx")
            edited, act = change_many(kernel, context, ROWS)
            assert (act.total, act.refused) == (ROWS, 0), act
            with transaction(context):
                undoing = undo_in_background.enqueue(UndoArgs(change_set_id=act.change_set_id))
            begun = time.perf_counter()
            assert run_job(kernel, context.tenant_id, undoing) == "succeeded"
            undone = time.perf_counter() - begun
            with transaction(context) as work:
                query = text("SELECT result FROM ossature.job WHERE tenant_id = :tenant AND id = :id")
                result = work.execute(query, {"tenant": context.tenant_id, "id": undoing}).scalar_one()
        assert result["undone"] == act.changed, result
        note = f"{ROWS:,} contacts, {act.changed:,} of them changed"
        return [
            Figure("Mass edit of contacts", edited, 20, "s", note=note),
            Figure("Undoing it", undone, 20, "s"),
            Figure(
                "Export of contacts as CSV",
                table.seconds,
                ROWS / 20_000,
                "s",
                note=f"pieces of {table.largest // 1024} kB",
            ),
            Figure(
                "Export of contacts as workbook",
                book.seconds,
                ROWS / 8_000,
                "s",
                note=f"pieces of {book.largest // 1024} kB",
            ),
        ]

    def moving(self, rows: int) -> list[Figure]:
        """Many contacts coming in, each changed, and all taken out."""
        kernel: Kernel = self.filled.app.extensions["ossature"]
        context = self.filled.context
        with self.filled.app.app_context():
            created, ids = create_contacts(kernel, context, rows)
            changed = change_contacts(kernel, context, ids)
            read, first = import_file(kernel, context, rows, "Chef", "create")
            again, second = import_file(kernel, context, rows, "Boss", "update")
            assert (first.created, second.updated) == (rows, rows), (first, second)
            out: list[Figure] = []
            for format, named, each in FILES:
                with measured() as taken:
                    found = export_contacts(kernel, context, format)
                note = f"{2 * rows + ROWS:,} contacts, pieces of {found.largest // 1024} kB, {taken().memory:.0f} MB of memory"
                out.append(
                    Figure(
                        f"Export of all contacts as {named}", found.seconds, (2 * rows + ROWS) / each, "s", note=note
                    )
                )
        return [
            Figure(
                "Writing new contacts with company and address", created.seconds, rows / 3_500, "s",
                note=f"{rows:,} in transactions of {AT_ONCE}, {rows / created.seconds:,.0f} a second, "
                f"{created.memory:.0f} MB of memory",
            ),
            Figure(
                "Changing each of them", changed.seconds, rows / 3_000, "s",
                note=f"{rows / changed.seconds:,.0f} a second, {changed.memory:.0f} MB of memory",
            ),
            _imported("Import of a file of new contacts", read, rows, 2_500),
            _imported("Import of it with another function, by e-mail address", again, rows, 2_000),
            *out,
        ]  # fmt: skip

    # -- how ------------------------------------------------------------------------------------------------------------

    def _page(self, wire: Wire) -> dict[str, str]:
        headers = page_session(wire, email_of(TENANTS[0]), PASSWORD)
        token = _CSRF.search(wire.send(request("GET", "/", headers)))
        assert token is not None
        return {**headers, "X-CSRFToken": token[1].decode()}

    def _post(self, wire: Wire, headers: dict[str, str], path: str, sent: dict[str, str], expected: int) -> None:
        wire.send(request("POST", path, headers, urlencode(sent, quote_via=quote).encode(), _FORM), expected=expected)

    def _p95(self, act: Callable[[], object]) -> float:
        """95th percentile in milliseconds."""
        for _turn in range(WARM):
            act()
        taken = []
        for _turn in range(self.requests):
            begun = time.perf_counter()
            act()
            taken.append((time.perf_counter() - begun) * 1000)
        taken.sort()
        found = taken[int(len(taken) * 0.95)]
        say(f"  {act.__name__}: median {median(taken):.1f} ms, 95 % within {found:.1f} ms")
        return found


def _imported(name: str, taken: Written, rows: int, each: int) -> Figure:
    note = f"{rows:,} rows, {rows / taken.seconds:,.0f} a second, {taken.memory:.0f} MB of memory"
    return Figure(name, taken.seconds, rows / each, "s", note=note)


def told(figures: list[Figure], version: str, requests: int) -> None:
    lines = [
        "# Writing: speed",
        "",
        "Written by `make bench-writing`.",
        "",
        f"- {datetime.now(UTC):%Y-%m-%d}; {machine()}; PostgreSQL {version} (embedded)",
        f"- {requests} requests of each kind, one after the other, by a client on the same machine; 95 % are within",
        "",
        "| what | floor | product | budget | |",
        "|---|---:|---:|---|---|",
        *(one.row() for one in figures),
        "",
        *(f"- {one.name}: {one.note}." for one in figures if one.note),
    ]
    path = HERE / "WRITING.md"
    path.write_text("\n".join(lines).rstrip() + "\n", "utf-8")
    say(f"\n{path.read_text()}")


if __name__ == "__main__":
    main()
