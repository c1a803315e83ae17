"""`make bench-million`: what people read all day, in an organisation with 1,000,000 contacts and 200,000 companies, as a
member who reaches own rows (2 %), one who reaches a team's (40 %) and one who reaches all; writes `READING.md`.

A figure is the 95th percentile of real HTTP requests to `ossature serve`, one after the other, in milliseconds. Each case
asks several addresses in turn, so that no figure is that of one lucky row. The floor is the SQL of the same requests by
psycopg alone. The plans of the slowest statement of each case are kept in `READING_PLANS.md`.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from data import PASSWORD
from deployments import DEBIAN_15, Serving, serving
from floor import Statement, plan, reading
from million import COMPANIES, CONTACTS, SERVER_SETTINGS, Million, million
from report import Plan, machine, write_plans
from sqlalchemy import event
from thousand import Crowd, thinking
from wire import Wire, access_token, page_session, request

from ossature.context import Context

HERE = Path(__file__).resolve().parent
WHO = ("own", "team", "all")
REACH = {"own": "own rows, 2 %", "team": "a team's rows, 40 %", "all": "all rows"}
API_MS, PAGE_MS, PALETTE_MS, COUNTS_MS, COUNTS_ALL_MS = 30, 100, 50, 150, 400
MOST_HITS = 2_000
WARM = 10  # requests before the first that counts: templates are compiled, statements prepared


@dataclass(frozen=True)
class Case:
    """One thing that is read: addresses of the API and of pages, each kind with its budget in milliseconds."""

    name: str
    api: Sequence[str] = ()
    page: Sequence[str] = ()
    api_ms: float = API_MS
    page_ms: float = PAGE_MS


@dataclass
class Figure:
    """What one kind of request of a case took, for one member."""

    case: str
    kind: str
    who: str
    budget: float
    took: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)

    @property
    def p95(self) -> float:
        return percentile(self.took, 0.95)

    @property
    def met(self) -> bool:
        return self.p95 <= self.budget


def percentile(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


@dataclass(frozen=True)
class Known:
    """What the addresses name: owners whose rows a member reaches, companies, terms that few contacts contain."""

    owners: dict[str, list[str]]
    companies: list[str]
    parts: list[str]
    words: list[str]
    emails: list[str]
    phones: list[str]
    names: list[str]
    """What companies are called, each of at most `MOST_HITS`."""


def known(found: Million, substrings: bool) -> Known:
    with closing(found.deployment.administrator()) as connection:
        connection.execute("SET max_parallel_workers_per_gather = 0")
        tenant = found.tenant.id

        def column(sql: str) -> list[str]:
            return [str(row[0]) for row in connection.execute(sql.encode(), {"tenant": tenant})]

        families = column(
            "SELECT lower(last_name) FROM crm.contact WHERE tenant_id = %(tenant)s AND deleted_at IS NULL "
            f"GROUP BY 1 HAVING count(*) BETWEEN 40 AND {MOST_HITS} ORDER BY md5(lower(last_name)) LIMIT 8"
        )
        some = "FROM crm.contact WHERE tenant_id = %(tenant)s AND deleted_at IS NULL AND"
        emails = column(f"SELECT email {some} email IS NOT NULL ORDER BY md5(id::text) LIMIT 6")
        parts = []
        for term in (*(one[2:] for one in families), *(email.partition("@")[0][-5:] for email in emails)):
            hits = column(f"SELECT count(*) {some} search_text LIKE '%%{term}%%'") if substrings else ["0"]
            parts += [term] if 0 < int(hits[0]) <= MOST_HITS else []
        return Known(
            owners={who: list(map(str, _owners(found, who))) for who in WHO},
            companies=column(
                "SELECT company_id FROM crm.contact WHERE tenant_id = %(tenant)s AND company_id IS NOT NULL "
                "GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 3"
            ),
            parts=parts, words=families, emails=emails,
            phones=column(f"SELECT phone {some} phone IS NOT NULL ORDER BY md5(id::text) LIMIT 4"),
            names=column(
                "WITH name AS (SELECT lower(split_part(name, ' ', 2)) AS name FROM crm.company "
                "WHERE tenant_id = %(tenant)s AND deleted_at IS NULL), "
                "few AS (SELECT name FROM name GROUP BY 1 HAVING count(*) > 40 ORDER BY count(*), 1 LIMIT 8) "
                "SELECT name FROM few WHERE (SELECT count(*) FROM crm.company c WHERE tenant_id = %(tenant)s "
                f"AND deleted_at IS NULL AND search_text LIKE '%%' || few.name || '%%') <= {MOST_HITS} "
                "ORDER BY md5(name) LIMIT 3"
            ),
        )  # fmt: skip


def _owners(found: Million, who: str) -> list[Any]:
    context = found.context(who)
    assert context.actor is not None
    own = found.context("own").actor
    assert own is not None
    return {"own": [context.actor.id], "team": sorted(context.access.owners)[:4], "all": [own.id]}[who]


def cases(it: Known, who: str, substrings: bool) -> Iterator[Case]:
    """Everything with a budget; first what people open, then what they narrow it by."""
    api, page = "/api/crm/contacts", "/crm/contacts"

    def both(*queries: str) -> dict[str, list[str]]:
        return {
            "api": [f"{api}?limit=50&{one}" for one in queries],
            "page": [f"{page}?{one.replace('search=', 'q=')}" for one in queries],
        }

    today = datetime.now(UTC).date()
    month = (today - timedelta(days=30)).isoformat()
    year = (today - timedelta(days=365)).isoformat()
    owners = it.owners[who]
    yield Case("Default list", **both(""))
    yield Case("List by e-mail", **both("sort=email", "sort=-email"))
    yield Case("List by creation", **both("sort=-created_at", "sort=created_at"))
    yield Case(
        "Companies, by name and by industry",
        ["/api/crm/companies?limit=50", "/api/crm/companies?sort=industry&limit=50"],
        ["/crm/companies", "/crm/companies?sort=industry"],
    )
    yield Case(
        "Filter by status, owner and date",
        **both(*(
            f"filter[status]={status}&filter[owner_id]={owner}&filter[created_at.since]={since}"
            for owner in owners for status, since in (("lead", month), ("inactive", year), ("customer", year))
        )),
    )  # fmt: skip
    yield Case("Filter by status and date", **both(*(
        f"filter[status]={status}&filter[created_at.since]={since}" for status, since in (("lead", month), ("inactive", month), ("customer", year))
    )))  # fmt: skip
    yield Case("Filter by status and source, by e-mail", **both(*(
        f"filter[status.in]={status}&filter[source]={source}&sort=email" for status, source in (("lead,prospect", "partner"), ("inactive", "event"))
    )))  # fmt: skip
    each = [
        "filter[name.starts]=mart", "filter[name]=martin%20alice", f"filter[email]={quote(it.emails[0])}",
        f"filter[email.starts]={quote(it.emails[1][:9])}", f"filter[phone]={quote(it.phones[0])}",
        "filter[status.not]=customer", "filter[status.in]=lead,inactive", "filter[source.empty]=", "filter[email.empty]=",
        "filter[owner_id.me]=", "filter[owner_id.my_team]=", "filter[owner_id.empty]=",
        f"filter[company_id]={it.companies[0]}", f"filter[company_id.in]={','.join(it.companies)}",
        f"filter[created_at]={month}", f"filter[created_at.before]={year}", "filter[created_at.in_period]=last_month",
        f"filter[created_at.between]={year},{month}",
    ]  # fmt: skip
    yield Case("Each operator that an index serves", [f"{api}?limit=50&{one}" for one in each])
    if substrings:
        yield Case(
            f"Search, any part of a word, at most {MOST_HITS:,} hits",
            **both(*(f"search={quote(one)}" for one in it.parts)),
        )
    yield Case("Search, beginnings of words", **both(*(f"search={quote(one)}" for one in it.words)))
    yield Case(
        "Search, a whole address or number", **both(*(f"search={quote(one)}" for one in (*it.emails, *it.phones)))
    )
    yield Case(
        "Palette", [f"/api/search?q={quote(one)}" for one in (*it.words, *it.emails, *it.phones)], api_ms=PALETTE_MS
    )
    options = "/api/crm/companies/options"
    # Asked as one types, like the palette, and also for words that more than `MOST_HITS` have ("institut").
    yield Case(
        "Picker of companies",
        [options, *(f"{options}?q={word}" for word in ("institut%20ro", "verg", *map(quote, it.names)))],
        api_ms=PALETTE_MS,
    )
    # All that have the word are gathered and sorted: it has a page's time.
    yield Case(f"Picker of companies, by a word of more than {MOST_HITS:,}", [f"{options}?q=martin"], api_ms=PAGE_MS)
    yield Case("Board, its cards", page=[f"{page}?face=board&by=status", f"{page}?face=board&by=source"])
    counts = COUNTS_ALL_MS if who == "all" else COUNTS_MS
    sums = "&".join(f"shown={one}" for one in ("lead", "prospect", "customer", "inactive"))
    yield Case("Board, its counts", page=[f"{page}?face=board&by=status&part=sums&{sums}"], page_ms=counts)
    yield Case("Counts by status", [f"{api}/aggregate?group=status"], api_ms=counts)
    yield Case("Counts by owner and status", [f"{api}/aggregate?group=owner_id,status"], api_ms=counts)
    yield Case("Counts by month", [f"{api}/aggregate?group=created_at:month"], api_ms=counts)
    yield Case(
        "Companies by size, with revenue",
        ["/api/crm/companies/aggregate?group=size&measure=sum:annual_revenue"],
        api_ms=counts,
    )
    yield Case("Grouped list, two levels", page=[f"{page}?group=status,source"], page_ms=PAGE_MS)


# -- measuring ---------------------------------------------------------------------------------------------------------


class Reading:
    """The measurements on one filled deployment."""

    def __init__(self, found: Million, server: Serving, requests: int, only: str, say: Callable[[str], None]) -> None:
        self.found, self.server, self.requests, self.only, self.say = found, server, requests, only, say
        self.plans: list[Plan] = []
        self.version = found.deployment.version()
        self.substrings = server_has_trigrams(found)

    def figures(self) -> list[Figure]:
        it = known(self.found, self.substrings)
        made = []
        for who in WHO:
            context = self.found.context(who)
            email = f"{who}@{self.found.tenant.slug}.example"
            with closing(Wire(self.server.port)) as wire:
                headers = {"API": access_token(wire, email, PASSWORD), "page": page_session(wire, email, PASSWORD)}
                for case in cases(it, who, self.substrings):
                    if self.only not in case.name:
                        continue
                    for kind, paths, budget in (("API", case.api, case.api_ms), ("page", case.page, case.page_ms)):
                        if paths:
                            figure = Figure(case.name, kind, who, budget)
                            self._measure(figure, wire, headers[kind], paths, context)
                            made.append(figure)
        return made

    def _measure(
        self, figure: Figure, wire: Wire, headers: dict[str, str], paths: Sequence[str], context: Context
    ) -> None:
        sent = [request("GET", path, headers) for path in paths]
        statements = [self._statements(path, headers) for path in paths]
        with closing(self.found.deployment.app_role()) as connection:
            floors = [reading(connection, context, one) for one in statements]
            for _turn in range(max(1, WARM // len(sent))):
                for one in sent:
                    wire.send(one)
            rounds = max(3, self.requests // len(sent))
            for number in range(rounds):
                for one, floor in zip(sent, floors, strict=True):
                    figure.took.append(_timed(lambda one=one: wire.send(one)))
                    if number % 3 == 0:
                        figure.floor.append(_timed(floor))
            slowest = max(
                (one for some in statements for one in some),
                key=lambda one: min(_timed(reading(connection, context, [one])) for _turn in range(3)),
            )
            shown = plan(connection, context, slowest)
        name = f"{figure.case}, {figure.kind}, {REACH[figure.who]}"
        if figure.kind == "API" or figure.case.startswith(("Board", "Grouped")):  # pages send the same and more
            self.plans.append(Plan(name, self.version, slowest[0], shown))
        pages = re.search(r"Buffers: shared hit=(\d+)", shown)
        self.say(
            f"  {figure.case:55} {figure.kind:4} {figure.who:4} p95 {figure.p95:7.1f} ms, median {percentile(figure.took, 0.5):7.1f}, "
            f"floor {percentile(figure.floor, 0.5):7.1f} and {percentile(figure.floor, 0.95):7.1f}, "
            f"pages {pages[1] if pages else '':>6}, budget {figure.budget:.0f} {'' if figure.met else '  MISSED'}"
        )

    def _statements(self, path: str, headers: dict[str, str]) -> list[Statement]:
        """What one request reads, heard in this process."""
        seen: list[Statement] = []

        def note(_connection: Any, _cursor: Any, sql: str, values: Any, _context: Any, _many: bool) -> None:
            if sql.lstrip().startswith(("SELECT", "WITH")):
                seen.append((sql, dict(values)))

        engine = self.found.app.extensions["ossature"].db.app
        client = self.found.app.test_client(use_cookies=False)
        event.listen(engine, "before_cursor_execute", note)
        try:
            answer = client.get(path, headers=headers, base_url="http://localhost")
        finally:
            event.remove(engine, "before_cursor_execute", note)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}: {answer.text[:300]}")
        return seen


def server_has_trigrams(found: Million) -> bool:
    with closing(found.deployment.administrator()) as connection:
        return bool(connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'").fetchone())


def _timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1000


@contextmanager
def load_noted() -> Iterator[dict[str, float]]:
    """How busy the machine was: the average number of runnable processes before and after a block."""
    load = {"before": os.getloadavg()[0]}
    yield load
    load["after"] = os.getloadavg()[0]


# -- the report --------------------------------------------------------------------------------------------------------


def write(
    path: Path,
    servers: Sequence[tuple[str, list[Figure], dict[str, float]]],
    crowd: Crowd | None,
    requests: int,
    ahead: bool,
) -> None:
    lines = [
        "# Reading, with a million rows",
        "",
        "Written by `make bench-million`; `READING_PLANS.md` beside it holds the plan of the slowest statement of each line.",
        "",
        f"- {datetime.now(UTC):%Y-%m-%d}; {machine()}; server, database and client share it.",
        f"- One organisation with {CONTACTS:,} contacts and {COMPANIES:,} companies, 49 others with 4,000 and 800.",
        f"- 95th percentile of about {requests} requests one after the other, over several addresses a line; the floor is",
        "  the SQL of the same requests by psycopg alone, under the same policies.",
        *(
            ["- Other work used the machine; server, database and client were scheduled before it (SCHED_RR)."]
            if ahead
            else []
        ),
        f"- PostgreSQL 15 runs with {', '.join(f'`{name} = {value}`' for name, value in SERVER_SETTINGS.items())}.",
    ]
    for name, figures, load in servers:
        lines += [
            "",
            f"## {name}",
            "",
            f"Processes of the whole machine that wanted to run: {load['before']:.1f} at the beginning, {load['after']:.1f} at the end.",
            "",
        ]
        lines += ["| what | as | " + " | ".join(WHO) + " | floor | budget | |", "|---|---|" + "---:|" * 5 + "---|"]
        for case, kind in dict.fromkeys((one.case, one.kind) for one in figures):
            some = {one.who: one for one in figures if (one.case, one.kind) == (case, kind)}
            cells = [f"{some[who].p95:.1f}" if who in some else "" for who in WHO]
            floors = [f"{percentile(some[who].floor, 0.95):.1f}" for who in WHO if who in some]
            budgets = list(dict.fromkeys(f"{some[who].budget:.0f}" for who in WHO if who in some))
            missed = [who for who in WHO if who in some and not some[who].met]
            lines.append(
                f"| {case} | {kind} | {' | '.join(cells)} | {', '.join(floors)} | {' / '.join(budgets)} ms | "
                + (f"**missed** ({', '.join(missed)})" if missed else "met") + " |"
            )  # fmt: skip
    if crowd:
        lines += ["", "## A thousand people", "", *crowd.told()]
    path.write_text("\n".join(lines).rstrip() + "\n", "utf-8")


def main() -> None:
    options = argparse.ArgumentParser(
        description="Measure lists, search and counts with a million rows; write READING.md."
    )
    options.add_argument("--home", type=Path, required=True, help="where the data is kept and used again")
    options.add_argument("--requests", type=int, default=90, help="of each line")
    options.add_argument("--only", default="", help="the lines that contain this; nothing is written")
    options.add_argument("--server", choices=["debian", "embedded"], action="append")
    options.add_argument("--people", type=int, default=1000, help="signed in at once; 0 leaves them out")
    options.add_argument("--seconds", type=float, default=120, help="that they work for")
    options.add_argument(
        "--ahead", action="store_true", help="of all other work on the machine, by real-time scheduling"
    )
    given = options.parse_args()
    if given.ahead:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))  # for the servers that are started here as well
    measured: list[tuple[str, list[Figure], dict[str, float]]] = []
    plans: list[Plan] = []
    crowd = None
    for server in given.server or (["debian"] if DEBIAN_15.is_dir() else []) + ["embedded"]:
        with million(given.home, server, say) as found, serving(found.deployment) as running:
            with load_noted() as load:
                read = Reading(found, running, given.requests, given.only, say)
                name = f"PostgreSQL {read.version}" + (", pg_trgm and btree_gin" if read.substrings else ", embedded")
                say(name)
                measured.append((name, read.figures(), load))
            plans += read.plans
        if given.people and crowd is None:
            with million(given.home, server, say) as found, serving(found.deployment) as running:
                crowd = thinking(found, running, given.people, given.seconds, say)
        if not given.only:
            write(HERE / "READING.md", measured, crowd, given.requests, given.ahead)
            write_plans(HERE / "READING_PLANS.md", plans)


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
