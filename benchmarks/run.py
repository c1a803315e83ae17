"""`make bench`: measure the product against its floor and its budgets, and write `RESULTS.md` and `PLANS.md`.

The floor is the SQL that the product sends, by psycopg alone (see `floor.py`); the product is real HTTP to `ossature
serve` with limits, session check and logging on. Both are measured in turns in the same run; a figure is the median of
5 runs, a run the median of its requests.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import orjson
from background import EventsBench
from data import PASSWORD, TENANTS, Filled, email_of, fill
from deployments import DEBIAN_15, Deployment, Serving, debian, embedded, serving
from floor import Statement, plan, reading, recorded, writing
from report import Figure, Plan, write_plans, write_results
from wire import Wire, access_token, page_session, request

from ossature.hooks.types import DemoSize
from ossature.ids import new_id
from ossature.records import service
from ossature.records.lookup import record_type
from ossature.records.query import ListQuery, list_rows

HERE = Path(__file__).resolve().parent
SEARCHED = "artin4"  # within e-mail addresses: some hundred matches among 100,000
CLIENTS = 32
LIST = "/api/crm/contacts?sort=name&limit=50"
LIST_PAGE = "/crm/contacts?sort=name"


def main() -> None:
    options = argparse.ArgumentParser(description="Measure the product and write RESULTS.md and PLANS.md.")
    options.add_argument("--home", type=Path, help="keep the data here and use it again")
    options.add_argument("--size", type=DemoSize, choices=list(DemoSize), default=DemoSize.LARGE, help="of each tenant")
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--requests", type=int, default=200, help="in each run")
    given = options.parse_args()
    if given.home:
        given.home.mkdir(parents=True, exist_ok=True)
        measure(given.home.resolve(), given)
    else:
        with tempfile.TemporaryDirectory(prefix="ossature-bench-") as folder:
            measure(Path(folder), given)


def measure(home: Path, given: argparse.Namespace) -> None:
    figures: list[Figure] = []
    plans: list[Plan] = []
    say("PostgreSQL 18, embedded")
    with embedded(home / "embedded") as deployment:
        versions = [f"PostgreSQL {deployment.version()} (embedded)"]
        filled = fill(deployment, given.size, say)
        bench = Bench(filled, given.runs, given.requests)
        figures += [bench.cold_start(), bench.memory()]
        with serving(deployment) as server:
            figures += [*bench.lists(server, plans), bench.create(server), bench.crowd(server)]
        figures += EventsBench(filled, home / "events", say).figures()
    if DEBIAN_15.is_dir():
        say("PostgreSQL 15 with pg_trgm")
        with debian(home / "debian") as deployment:
            versions.append(f"PostgreSQL {deployment.version()} with pg_trgm and btree_gin (substring search)")
            filled = fill(deployment, given.size, say)
            with serving(deployment) as server:
                figures.append(Bench(filled, given.runs, given.requests).search(server, plans))
    else:
        say(f"No {DEBIAN_15}: the substring search is left out (apt-get install postgresql-15)")
    write_results(HERE / "RESULTS.md", figures, versions, given.size, given.runs, given.requests)
    write_plans(HERE / "PLANS.md", plans)
    say(f"\n{(HERE / 'RESULTS.md').read_text()}")


@dataclass
class Bench:
    """The measurements on one filled deployment."""

    filled: Filled
    runs: int
    requests: int

    @property
    def deployment(self) -> Deployment:
        return self.filled.deployment

    def lists(self, server: Serving, plans: list[Plan]) -> list[Figure]:
        """50 contacts by name: the API and the page, each against the one statement of the list."""
        statements = self._statements(lambda: list_rows(record_type("crm.contact"), ListQuery(sort="name")))
        plans.append(Plan("List of 50 contacts by name", self.deployment.version(), *self._explained(statements[0])))
        with closing(Wire(server.port)) as wire:
            email = email_of(TENANTS[0])
            api = request("GET", LIST, access_token(wire, email, PASSWORD))
            page = request("GET", LIST_PAGE, page_session(wire, email, PASSWORD))
            with closing(self.deployment.app_role()) as connection:
                floor = reading(connection, self.filled.context, statements)
                return [
                    self._compared("List of 50 by name, API", floor, lambda: wire.send(api), 9),
                    self._compared("List of 50 by name, page", floor, lambda: wire.send(page), 25),
                ]

    def search(self, server: Serving, plans: list[Plan]) -> Figure:
        """A substring within 100,000 contacts, through the trigram index."""
        query = ListQuery(search=SEARCHED, sort="name")
        statements = self._statements(lambda: list_rows(record_type("crm.contact"), query))
        plans.append(Plan("Contacts by substring", self.deployment.version(), *self._explained(statements[-1])))
        plans.append(Plan("The same, inside `ossature.search`", self.deployment.version(), *self._searched_inside()))
        with closing(Wire(server.port)) as wire, closing(self.deployment.app_role()) as connection:
            headers = access_token(wire, email_of(TENANTS[0]), PASSWORD)
            api = request("GET", f"{LIST}&search={SEARCHED}", headers)
            floor = reading(connection, self.filled.context, statements)
            return self._compared(
                "Substring through the index, API", floor, lambda: wire.send(api), 4, floor_below_ms=3
            )

    def create(self, server: Serving) -> Figure:
        """A contact with a further e-mail address, a telephone number and an address, under a change set."""
        statements = self._statements(lambda: service.create(record_type("crm.contact"), new_contact()))
        inserts = [(sql, values) for sql, values in statements if sql.startswith("INSERT")]
        assert len(inserts) == 4, inserts
        with closing(Wire(server.port)) as wire, closing(self.deployment.app_role()) as connection:
            headers = access_token(wire, email_of(TENANTS[0]), PASSWORD)
            floor = writing(connection, self.filled.context, inserts)

            def create() -> None:
                wire.send(request("POST", "/api/crm/contacts", headers, orjson.dumps(new_contact())), expected=201)

            return self._compared("Create with e-mail, phone and address, API", floor, create, 8)

    def crowd(self, server: Serving) -> Figure:
        """32 clients in a process of their own, listing 50 contacts of three tenants."""
        with closing(Wire(server.port)) as wire:
            asked = [request("GET", LIST, access_token(wire, email_of(slug), PASSWORD)) for slug in TENANTS]
        lines = "\n".join(one.hex() for one in asked)
        command = [sys.executable, str(HERE / "crowd.py"), str(server.port), str(CLIENTS)]
        found = []
        for seconds in (2, *([5] * self.runs)):
            run = subprocess.run([*command, str(seconds)], input=lines, capture_output=True, text=True, check=True)
            answer = orjson.loads(run.stdout)
            assert not answer["refused"], answer
            found.append(answer)
            say(f"  {CLIENTS} clients: {answer['per_second']:.0f} requests a second")
        counted = found[1:]
        rate = median(one["per_second"] for one in counted)
        note = (
            f"median {median(one['median_ms'] for one in counted):.0f} ms, "
            f"95 % within {median(one['p95_ms'] for one in counted):.0f} ms; the clients, one Python process on epoll, "
            f"took {median(one['processor'] for one in counted):.0%} of a processor; afterwards the largest serving "
            f"process had {max(server.memory()):.0f} MB"
        )
        return Figure(f"{CLIENTS} clients listing 50", f"{rate:.0f} requests/s", "at least 400", rate >= 400, note=note)

    def cold_start(self) -> Figure:
        """From the command to the first answer of `/readyz`."""
        found = []
        for _run in range(self.runs):
            with serving(self.deployment) as server:
                found.append(server.started_within)
                say(f"  started within {found[-1]:.2f} s")
        taken = median(found)
        return Figure("Cold start of `ossature serve`", f"{taken:.2f} s", "below 3 s", taken < 3)

    def memory(self) -> Figure:
        """A new server after 1,000 requests of all sorts to each of its workers."""
        with serving(self.deployment) as server:
            workers = len(server.processes) - 1
            with closing(Wire(server.port)) as wire:
                asked = self._sorts_of_requests(wire)
            for number in range(8 * workers):
                with closing(Wire(server.port)) as wire:
                    for turn in range(125):
                        method, path, headers, body = asked[(number + turn) % len(asked)]
                        sent = orjson.dumps(new_contact()) if body else b""
                        wire.send(request(method, path, headers, sent), expected=201 if body else 200)
            supervisor, *each = server.memory()
        largest = max(supervisor, *each)
        note = f"supervisor {supervisor:.0f} MB, workers {', '.join(f'{one:.0f} MB' for one in each)}"
        say(f"  memory: {note}")
        name = "Memory of a `serve` process after 1,000 requests"
        return Figure(name, f"{largest:.0f} MB", "below 140 MB", largest < 140, note=note)

    def _sorts_of_requests(self, wire: Wire) -> list[tuple[str, str, dict[str, str], bool]]:
        email = email_of(TENANTS[0])
        api, pages = access_token(wire, email, PASSWORD), page_session(wire, email, PASSWORD)
        row = orjson.loads(wire.send(request("GET", LIST, api)))["data"][0]
        paths = (LIST, "/api/crm/contacts?search=martin", f"/api/crm/contacts/{row['id']}", "/api/auth/me")
        shown = (LIST_PAGE, f"/crm/contacts/{row['id']}", "/crm/companies", "/", f"/crm/contacts/{row['id']}/edit")
        return [
            *(("GET", path, api, False) for path in paths),
            *(("GET", path, pages, False) for path in shown),
            ("POST", "/api/crm/contacts", api, True),
        ]

    # -- how ------------------------------------------------------------------------------------------------------------

    def _statements(self, act: Callable[[], object]) -> list[Statement]:
        with recorded(self.filled) as seen:
            act()
        return seen

    def _explained(self, statement: Statement) -> tuple[str, str]:
        with closing(self.deployment.app_role()) as connection:
            return statement[0], plan(connection, self.filled.context, statement)

    def _searched_inside(self) -> tuple[str, str]:
        sql = (
            f"SELECT id FROM crm.contact WHERE tenant_id = '{self.filled.context.tenant_id}' AND deleted_at IS NULL "
            f"AND search_text LIKE '%{SEARCHED}%' LIMIT 2001"
        )
        with closing(self.deployment.administrator()) as connection:
            rows = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {sql}".encode()).fetchall()
        return sql, "\n".join(row[0] for row in rows)

    def _compared(
        self,
        name: str,
        floor: Callable[[], object],
        product: Callable[[], object],
        times: int,
        floor_below_ms: float | None = None,
    ) -> Figure:
        """Both in turns, so that what disturbs the machine disturbs both."""
        floors, products = [], []
        for _run in range(self.runs):
            floors.append(self._run(floor))
            products.append(self._run(product))
            say(f"  {name}: floor {floors[-1]:.2f} ms, product {products[-1]:.2f} ms")
        low, high = median(floors), median(products)
        met = high <= times * low and (floor_below_ms is None or low < floor_below_ms)
        budget = f"at most {times} x the floor" + (f", floor below {floor_below_ms:g} ms" if floor_below_ms else "")
        return Figure(name, f"{high:.2f} ms, {high / low:.1f} x", budget, met, floor=f"{low:.2f} ms")

    def _run(self, act: Callable[[], object]) -> float:
        """Median milliseconds of a call."""
        for _turn in range(20):
            act()
        taken = []
        for _turn in range(self.requests):
            begun = time.perf_counter()
            act()
            taken.append(time.perf_counter() - begun)
        return median(taken) * 1000


def new_contact() -> dict[str, object]:
    name = new_id().hex[-12:]
    return {
        "first_name": "Zoé", "last_name": "Mesure", "email": f"zoe.{name}@exemple.example", "phone": "+33123456789",
        "other_emails": [{"email": f"{name}@autre.example", "label": "Privé"}],
        "other_phones": [{"phone": "+33612345678", "label": "Mobile"}],
        "addresses": [
            {"kind": "home", "line1": "12 rue des Lilas", "postal_code": "75011", "city": "Paris", "country": "FR"}
        ],
    }  # fmt: skip


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
