"""A request that asks for a job and emits an event of its own."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from ossature.api import APIBlueprint, emit, read_object, requires, success
from ossature_torture.stones import THROWN, Thrown
from ossature_torture.work import Asked, count

blueprint = APIBlueprint("_torture_api", __name__, url_prefix="/api/_torture")


@blueprint.post("/throws")
@requires("_torture.stone.edit")
def throw() -> Response:
    body = read_object()
    number = int(body["number"])
    job_id = count.enqueue(Asked(number=number, seconds=float(body.get("seconds", 0))))
    event_id = emit(THROWN, Thrown(number=number), record="_torture.stone", record_id=UUID(body["stone"]))
    return success({"job": job_id, "event": event_id}, 201)
