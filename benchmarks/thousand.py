"""A thousand people at work: signed in, ten seconds of thought between requests, a whole page to four fragments or API
reads, in the organisations that `million.py` fills."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import orjson
import psutil
from deployments import Serving
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from million import LARGE, MEMBERS_OF_LARGE, MEMBERS_OF_SMALL, Million
from wire import request

from ossature.auth.sign_in import Membership, memberships, open_session
from ossature.auth.state import access_state

HERE = Path(__file__).resolve().parent
THINK = 10.0
WARM = 30.0
BUDGET_MS = 200
KINDS = {"p": "whole pages", "f": "fragments of pages", "a": "API reads"}


@dataclass(frozen=True)
class Crowd:
    """What a run showed; times in milliseconds by kind of request, processors as a number of them."""

    people: int
    threads: int
    seconds: float
    took: dict[str, list[float]]
    failed: int
    errors: list[str]
    client: float
    server: float
    database: float
    others: float

    @property
    def all(self) -> list[float]:
        return sorted(one for some in self.took.values() for one in some)

    @property
    def met(self) -> bool:
        return not self.failed and self.all[int(len(self.all) * 0.95)] < BUDGET_MS

    def told(self) -> list[str]:
        def row(name: str, some: list[float]) -> str:
            some = sorted(some)
            cells = [some[len(some) // 2], some[int(len(some) * 0.95)], some[int(len(some) * 0.99)]]
            return f"| {name} | {len(some):,} | " + " | ".join(f"{one:.0f} ms" for one in cells) + " |"

        whole = self.all
        return [
            f"{self.people:,} people signed in, {THINK:.0f} s of thought between requests, for {self.seconds:.0f} s after the "
            f"{WARM:.0f} s in which they come; "
            f"one whole page to four fragments or API reads; budget: 95 % within {BUDGET_MS} ms and no error: "
            + ("met." if self.met else "**missed**."),
            "",
            "| what | requests | median | 95 % | 99 % |",
            "|---|---:|---:|---:|---:|",
            row("all", whole),
            *(row(KINDS[kind], some) for kind, some in sorted(self.took.items(), reverse=True)),
            "",
            f"{len(whole) / self.seconds:.0f} requests a second, {self.failed} errors. Of the processors the serving "
            f"processes, of {self.threads} threads each, took {self.server:.2f}, PostgreSQL {self.database:.2f}, the client, one "
            f"Python process on epoll, {self.client:.2f}, everything else on the machine {self.others:.2f}.",
        ]


def thinking(found: Million, server: Serving, people: int, seconds: float, say: Callable[[str], None]) -> Crowd:
    """Open the sessions, let the people work from a process of their own, and look at who used the processors."""
    lines = [
        " ".join(kind + one.hex() for kind, one in _day(found, user_id, place))
        for user_id, place in _signed_in(found, people)
    ]
    say(f"  {len(lines):,} people signed in")
    ours = {"server": server.processes, "database": _postgres(found)}
    before = {name: _used(some) for name, some in ours.items()}
    machine, begun = _busy(), time.perf_counter()
    command = [sys.executable, str(HERE / "crowd.py"), *map(str, (server.port, people, seconds, THINK, WARM))]
    run = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=True)
    passed = time.perf_counter() - begun
    answer = orjson.loads(run.stdout)
    ours["database"] = _postgres(found)
    used = {name: max(0.0, _used(some) - before[name]) / passed for name, some in ours.items()}
    others = (_busy() - machine) / passed - sum(used.values()) - answer["processor"]
    crowd = Crowd(
        len(lines), found.deployment.config.threads, seconds, answer["took"], answer["failed"] + answer["unanswered"],
        answer["errors"], answer["processor"], used["server"], used["database"], max(0.0, others),
    )  # fmt: skip
    for line in (*crowd.told(), *crowd.errors):
        say(f"  {line}")
    return crowd


def _signed_in(found: Million, people: int) -> Iterator[tuple[UUID, Membership]]:
    """The members of the largest organisation, then those of the others."""
    with closing(found.deployment.administrator()) as connection:
        rows = connection.execute(
            "SELECT m.user_id FROM ossature.member m JOIN ossature.tenant t ON t.id = m.tenant_id "
            "ORDER BY t.slug <> %s, t.slug, m.id LIMIT %s",
            [LARGE, min(people, MEMBERS_OF_LARGE + 49 * MEMBERS_OF_SMALL)],
        ).fetchall()
    for (user_id,) in rows:
        yield user_id, memberships(user_id)[0]


def _day(found: Million, user_id: UUID, place: Membership) -> Iterator[tuple[str, bytes]]:
    """What somebody reads, over and over."""
    tenant = place.tenant
    token = access_state().tokens.issue(
        user_id, open_session(user_id, "api", [place], tenant).session_id, tenant.id, ("sales_rep",)
    )
    api = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    page = {"Cookie": _cookie(found.app, user_id, place), "Accept": "text/html"}
    part = {**page, "HX-Request": "true", "HX-Target": "rows"}
    contacts = "/crm/contacts"
    yield "p", request("GET", contacts, page)
    yield "f", request("GET", f"{contacts}?sort=-created_at", part)
    yield "a", request("GET", "/api/crm/contacts?limit=50&filter[status]=lead", api)
    yield "f", request("GET", f"{contacts}?filter[status]=prospect&filter[owner_id]={place.member_id}", part)
    yield "a", request("GET", "/api/search?q=martin", api)
    yield "p", request("GET", "/crm/companies", page)
    yield "a", request("GET", "/api/crm/companies/options?q=garage", api)
    yield "f", request("GET", f"{contacts}?q=bernard", part)
    yield "a", request("GET", "/api/crm/contacts?sort=email&limit=50", api)
    yield "f", request("GET", "/crm/companies?filter[status]=active", part)


def _cookie(app: Flask, user_id: UUID, place: Membership) -> str:
    """A session of the pages, as a browser keeps it after signing in."""
    session_id = open_session(user_id, "page", [place], place.tenant).session_id
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    kept = {
        "sid": str(session_id),
        "uid": str(user_id),
        "tid": str(place.tenant.id),
        "csrf_token": "0" * 40,
        "_permanent": True,
    }
    return f"ossature_session={serializer.dumps(kept)}"


def _busy() -> float:
    """Seconds of work of all processors since the machine started."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - times.iowait - getattr(times, "guest", 0) - getattr(times, "guest_nice", 0)


def _postgres(found: Million) -> list[psutil.Process]:
    """The processes of this deployment's database server."""
    with closing(found.deployment.administrator()) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        server = psutil.Process(row[0]).parent()
    assert server is not None
    return [server, *server.children(recursive=True)]


def _used(processes: list[psutil.Process]) -> float:
    total = 0.0
    for one in processes:
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total
