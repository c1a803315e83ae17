"""kill -9 at each step of a write, an event, a job and a schedule: nothing lost, nothing doubled, order kept."""

from __future__ import annotations

import time
from http.client import HTTPException
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from torture.counting import count, newest, settled
from torture.deployment import until
from torture.points import SERVE
from torture.rounds import in_fours, kill_at
from torture.writer import STONES, Answered

if TYPE_CHECKING:
    from torture.deployment import Deployment
    from torture.writer import Writer

pytestmark = [pytest.mark.processes, pytest.mark.slow]

TIMES = 3


def test_the_counting_sees_what_is_lost_doubled_or_out_of_order(deployment: Deployment, writer: Writer) -> None:
    since = newest(deployment)
    writer.forget()
    writer.writing.set()
    until(lambda: len(writer.answered) >= 16, "writing")
    writer.pause()
    until(lambda: settled(deployment), "catching up")
    with deployment.sql() as connection:
        for spoil in (
            "DELETE FROM _torture.effect WHERE place = (SELECT max(place) FROM _torture.effect WHERE source = 'stubborn')",
            "INSERT INTO _torture.effect (tenant_id, source, cause, record_id, number, happened_seq) SELECT tenant_id, "
            "source, cause, record_id, number, happened_seq FROM _torture.effect WHERE source = 'batch' ORDER BY place LIMIT 1",
            "DELETE FROM _torture.effect WHERE place = (SELECT max(place) FROM _torture.effect WHERE source = 'count')",
        ):
            assert connection.execute(spoil).rowcount == 1
    invented = Answered("change", 5, writer.answered[0].id, version=1000)
    found = count(deployment, since, [*writer.answered, invented])
    assert (found.lost, found.doubled) == (3, 1)
    assert found.disordered >= 1


def test_a_request_whose_answer_was_lost_is_answered_again_and_done_once(deployment: Deployment) -> None:
    (point,) = [one for one in SERVE if one.step == "an insert committed, not answered"]
    name, key = f"Lost {uuid4().hex}", {"Idempotency-Key": uuid4().hex}
    body, since = {"name": name, "number": 1}, newest(deployment)
    deployment.arm(point)
    with pytest.raises((OSError, HTTPException)):
        deployment.ask("POST", STONES, body, **key)
    assert deployment.sprung(point)
    until(deployment.answers, "the process that is started again")
    with deployment.sql() as connection:
        stored = connection.execute("SELECT id::text FROM _torture.stone WHERE name = %s", (name,)).fetchall()
        assert len(stored) == 1, "it was killed after the commit"
        answers = [deployment.ask("POST", STONES, body, **key) for _ in range(2)]
        assert [(status, data["id"], data["name"]) for status, data in answers] == [(201, stored[0][0], name)] * 2
        assert answers[0] == answers[1]
        found = connection.execute("SELECT count(*) FROM _torture.stone WHERE name = %s", (name,)).fetchone()
        assert found == (1,)
        assert deployment.ask("POST", STONES, {**body, "number": 2}, **key)[0] == 422
    until(lambda: settled(deployment), "catching up")
    found = count(deployment, since, [])
    assert (found.lost, found.doubled) == (0, 0)


@pytest.mark.req("S4-092")
def test_whatever_is_killed_nothing_is_lost_or_doubled_and_order_is_kept(
    deployment: Deployment, writer: Writer
) -> None:
    faults, begun = [], time.monotonic()
    for points in [one for _ in range(TIMES) for one in in_fours()]:
        found = kill_at(deployment, writer, *points)
        assert found.answered
        assert found.effects
        names = " + ".join(point.name for point in points)
        print(f"{time.monotonic() - begun:6.1f} s  {names}", flush=True)
        faults += [f"{names}: {fault}" for fault in found.faults]
    assert faults == []
