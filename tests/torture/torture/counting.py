"""Counting: what was answered against rows, effects and their order."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

import psycopg

from torture.deployment import Deployment
from torture.writer import Answered

HANDLERS = {
    "_torture.stone.created": ("single", "batch", "stubborn"),
    "_torture.stone.updated": ("single", "batch", "stubborn"),
    "_torture.thrown": ("single", "batch"),
}
UNSETTLED = """
SELECT (SELECT count(*) FROM ossature.delivery WHERE state <> 'dead')
     + (SELECT count(*) FROM ossature.job WHERE state IN ('queued', 'running', 'failed', 'parked'))
     + (SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND datname = current_database())
     + (SELECT count(*) FROM ossature.schedule WHERE key = '_torture.every_minute' AND next_at < now())
"""
PROGRESS = """
SELECT (SELECT count(*) FROM _torture.effect), (SELECT count(*) FROM ossature.delivery),
       (SELECT count(*) FROM ossature.job WHERE finished_at IS NOT NULL), (SELECT sum(attempts) FROM ossature.job)
"""


@dataclass
class Count:
    """What a round came to; all of `lost`, `doubled` and `disordered` is a fault."""

    answered: int = 0
    rows: int = 0
    effects: int = 0
    lost: int = 0
    doubled: int = 0
    disordered: int = 0
    faults: list[str] = field(default_factory=list)

    def __add__(self, other: Count) -> Count:
        return Count(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def fault(self, kind: str, what: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        self.faults.append(f"{kind}: {what}")


def settled(deployment: Deployment) -> bool:
    """Whether nothing is left to do."""
    with deployment.sql() as connection:
        row = connection.execute(UNSETTLED).fetchone()
    return row is not None and row[0] == 0


def progress(deployment: Deployment) -> object:
    """Something that changes as long as work goes on, however slowly."""
    with deployment.sql() as connection:
        return connection.execute(PROGRESS).fetchone()


def newest(deployment: Deployment) -> int:
    """The number of the latest change; a round counts what comes after it."""
    with deployment.sql() as connection:
        row = connection.execute("SELECT coalesce(max(seq), 0) FROM ossature.change").fetchone()
        event = connection.execute("SELECT coalesce(max(seq), 0) FROM ossature.event").fetchone()
    return max(row[0] if row else 0, event[0] if event else 0)


def count(deployment: Deployment, since: int, answered: Iterable[Answered]) -> Count:
    """Everything since a change, once nothing is left to do. Jobs that were counted are taken away."""
    with deployment.sql() as connection:
        found = Count()
        changes = _written(connection, since, answered, found)
        events = _handled(connection, since, changes, found)
        _told_outside(deployment, {id for id, (type, _seq) in events.items() if type != "_torture.thrown"}, found)
        _worked(connection, answered, found)
        _ticked(connection, found)
        connection.execute("DELETE FROM _torture.effect; DELETE FROM ossature.occurrence; DELETE FROM ossature.job")
    return found


def _written(connection: psycopg.Connection, since: int, answered: Iterable[Answered], found: Count) -> set[int]:
    """Every write that was answered has its row, and every row its place in the history."""
    rows = connection.execute(
        "SELECT seq, record_id::text, version, what, payload FROM ossature.change "
        "WHERE seq > %s AND record = '_torture.stone'",
        [since],
    ).fetchall()
    stored = {(id, version): _number(what, payload) for _seq, id, version, what, payload in rows}
    thrown = {id for (id,) in connection.execute("SELECT id::text FROM ossature.event WHERE seq > %s", [since])}
    for one in answered:
        found.answered += 1
        if one.kind == "throw":
            if one.event not in thrown:
                found.fault("lost", f"{one}: its event is missing")
        elif stored.get((one.id, one.version)) != one.number:
            found.fault("lost", f"{one}: the row has {stored.get((one.id, one.version))}")
    found.rows += len(rows)
    latest: dict[str, int] = {}
    for _seq, id, version, _what, _payload in sorted(rows):
        latest[id] = version
    for id, version in latest.items():
        row = connection.execute("SELECT version FROM _torture.stone WHERE id = %s", [id]).fetchone()
        if row is None or row[0] != version:
            found.fault("lost", f"stone {id} is at version {row}, its history at {version}")
    return {row[0] for row in rows}


def _number(what: str, payload: dict[str, Any]) -> int | None:
    value = payload.get("number")
    return int(value[1] if what == "update" else value) if value is not None else None


def _handled(connection: psycopg.Connection, since: int, changes: set[int], found: Count) -> dict[str, tuple[str, int]]:
    """Every change is an event, every event reached each handler once, those of a record in order."""
    events = {
        id: (type, seq)
        for id, type, seq in connection.execute(
            "SELECT id::text, type, seq FROM ossature.event WHERE seq > %s", [since]
        )
    }
    for seq in changes - {seq for _type, seq in events.values()}:
        found.fault("lost", f"change {seq} is no event")
    effects = connection.execute(
        "SELECT source, cause::text, record_id::text, happened_seq, number FROM _torture.effect "
        "WHERE source IN ('single', 'batch', 'stubborn') ORDER BY place"
    ).fetchall()
    found.effects += len(effects)
    counted = Counter((source, cause) for source, cause, *_rest in effects)
    dead = {id for (id,) in connection.execute(
        "SELECT e.id::text FROM ossature.delivery d JOIN ossature.event e ON e.seq = d.seq AND e.tenant_id = d.tenant_id "
        "WHERE d.state = 'dead' AND d.handler = '_torture.stubborn'"
    )}  # fmt: skip
    for id, (type, seq) in events.items():
        for handler in HANDLERS[type]:
            times = counted.pop((handler, id), 0)
            if times == 0 and not (handler == "stubborn" and id in dead):
                found.fault("lost", f"event {seq} ({type}) did not reach {handler}")
            elif times > 1:
                found.fault("doubled", f"event {seq} ({type}) reached {handler} {times} times")
    for handler, id in counted:
        found.fault("doubled", f"{handler} handled {id}, which is no event of this round")
    last: dict[tuple[str, str], int] = {}
    for source, _cause, record_id, seq, _number in effects:
        if seq < last.get((source, record_id), 0):
            found.fault("disordered", f"{source} got {seq} after {last[source, record_id]} of {record_id}")
        last[source, record_id] = seq
    asked = Counter(
        event
        for (event,) in connection.execute("SELECT args ->> 'event' FROM ossature.job WHERE args ->> 'event' <> ''")
    )
    for _source, cause, _record, seq, number in effects:
        if _source == "single" and number % 4 == 0 and asked.pop(cause, 0) != 1:
            found.fault("lost", f"event {seq} asked for no job, or for several")
    for event in asked:
        found.fault("doubled", f"a job was asked for by {event}, whose handler left no effect")
    return events


def _told_outside(deployment: Deployment, events: set[str], found: Count) -> None:
    """An effect that no database undoes may be repeated; by its id it is there once."""
    told = set(deployment.outside.read_text().split())
    for id in events - told:
        found.fault("lost", f"event {id} was not told outside")
    deployment.outside.write_text("")


def _worked(connection: psycopg.Connection, answered: Iterable[Answered], found: Count) -> None:
    """Each job is done, once."""
    jobs = connection.execute("SELECT id::text, name, state, attempts, error FROM ossature.job").fetchall()
    effects = Counter(
        id for (id,) in connection.execute("SELECT cause::text FROM _torture.effect WHERE source IN ('count', 'tick')")
    )
    found.effects += sum(effects.values())
    ids = {id for id, *_rest in jobs}
    for one in answered:
        if one.job and one.job not in ids:
            found.fault("lost", f"{one}: its job is missing")
    for id, name, state, attempts, error in jobs:
        if not name.startswith("_torture."):
            continue
        times = effects.pop(id, 0)
        if state != "succeeded" or times == 0:
            found.fault("lost", f"job {name} {id} is {state} after {attempts} attempts with {times} effects: {error}")
        elif times > 1:
            found.fault("doubled", f"job {name} {id} left {times} effects")
    for id in effects:
        found.fault("doubled", f"effect of {id}, which is no job")


def _ticked(connection: psycopg.Connection, found: Count) -> None:
    """Each minute that came has one job of the schedule, and each job its minute."""
    occurrences = connection.execute(
        "SELECT at, job_id::text FROM ossature.occurrence WHERE schedule = '_torture.every_minute' ORDER BY at"
    ).fetchall()
    per_job: dict[str | None, list[Any]] = defaultdict(list)
    for at, job_id in occurrences:
        per_job[job_id].append(at)
    for at in per_job.pop(None, []):
        found.fault("lost", f"{at} came and has no job")
    for earlier, later in itertools.pairwise(occurrences):
        if (later[0] - earlier[0]).total_seconds() != 60:
            found.fault("lost", f"no occurrence between {earlier[0]} and {later[0]}")
    jobs = {id for (id,) in connection.execute("SELECT id::text FROM ossature.job WHERE name = '_torture.tick'")}
    for job_id in jobs - per_job.keys():
        found.fault("doubled", f"job {job_id} of the schedule has no occurrence")
    for job_id, moments in per_job.items():
        if len(moments) > 1 or job_id not in jobs:
            found.fault("doubled", f"occurrences {moments} name the job {job_id}")
