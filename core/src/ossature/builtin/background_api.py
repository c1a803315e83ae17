"""`/api/jobs`, `/api/schedules` and `/api/events`: looking after background work from other programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ossature.errors import Detail, Invalid, NotFound
from ossature.events import console as events
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.jobs import console, queue, schedules
from ossature.rbac import requires
from ossature.rbac.permissions import BACKGROUND_MANAGE, BACKGROUND_VIEW
from ossature.records.clean import plain
from ossature.web.api import documented, known_arguments, limit_argument, read_object, success

_, _l, ngettext = translator("ossature")

blueprint = APIBlueprint("background_api", __name__, url_prefix="/api")

State = Literal["running", "waiting", "planned", "failed", "dead", "parked", "succeeded", "cancelled"]
M = TypeVar("M", bound=BaseModel)


class JobOut(BaseModel):
    id: UUID
    name: str
    label: str
    state: State = Field(description="waiting: due and not started; planned: due later; failed: tried again at due_at")
    attempts: int
    most_attempts: int
    asked_by: str | None = Field(description="None when nobody in particular asked for it")
    schedule: str | None
    done: int
    total: int | None = Field(description="None when it is not known how much there is")
    note: str | None
    error: str | None
    cancelling: bool = Field(description="It is asked to stop and does so at its next step")
    priority: Literal["high", "normal", "low"]
    created_at: datetime
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class LineOut(BaseModel):
    at: datetime
    level: Literal["info", "warning", "error"]
    text: str


class JobWithLines(JobOut):
    args: dict[str, Any] = Field(description="Without secrets and personal data")
    result: Any = None
    lines: list[LineOut] = Field(description="The last 500")


class JobAnswer(BaseModel):
    success: bool
    data: JobWithLines
    meta: dict[str, Any]


class JobsMeta(BaseModel):
    next: str | None = Field(description="Cursor of the next page")


class JobsAnswer(BaseModel):
    success: bool
    data: list[JobOut]
    meta: JobsMeta


class JobsQuery(BaseModel):
    state: State | None = None
    name: str | None = Field(None, description="The kind of job, such as crm.find_duplicates")
    limit: int = Field(20, ge=1, le=200)
    cursor: str | None = None


class ScheduleOut(BaseModel):
    key: str
    label: str
    cron: str = Field(description="The one in force, in the organisation's time zone")
    declared_cron: str
    fixed: bool = Field(description="It can be neither paused nor moved")
    active: bool
    next_at: datetime | None
    last_at: datetime | None
    last_job_id: UUID | None
    last_state: str | None


class SchedulesAnswer(BaseModel):
    success: bool
    data: list[ScheduleOut]
    meta: dict[str, Any]


class ScheduleAnswer(BaseModel):
    success: bool
    data: ScheduleOut
    meta: dict[str, Any]


class ScheduleChange(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", str_max_length=200)

    cron: str | None = Field(None, description="Five fields; null for the plugin's own")
    active: bool | None = None


class HandlerOut(BaseModel):
    key: str
    label: str
    events: list[str]
    parked: Literal["gone", "off"] | None = Field(description="Its code is not here, or its plugin is switched off")
    waiting: int
    retrying: int
    dead: int
    oldest_at: datetime | None = Field(description="When the event happened that waits the longest")


class HandlersAnswer(BaseModel):
    success: bool
    data: list[HandlerOut]
    meta: dict[str, Any]


class DeadEventOut(BaseModel):
    handler: str
    seq: int = Field(description="Names the event when it is replayed")
    id: UUID | None
    type: str
    record: str | None
    record_id: UUID | None
    attempts: int
    error: str | None
    at: datetime


class DeadAnswer(BaseModel):
    success: bool
    data: list[DeadEventOut]
    meta: JobsMeta


class DeadQuery(BaseModel):
    handler: str | None = None
    limit: int = Field(20, ge=1, le=200)
    cursor: str | None = None


class Replay(BaseModel):
    """Either `ids`, the `seq` of dead events, or `all`."""

    model_config = ConfigDict(extra="forbid", strict=True, str_max_length=200)

    handler: str = Field(min_length=1, max_length=200, pattern=r"^[\w.]+$")
    ids: list[Annotated[int, Field(ge=1, lt=2**63)]] | None = Field(None, max_length=1000)
    all: bool = False


class Replayed(BaseModel):
    replayed: int


class ReplayAnswer(BaseModel):
    success: bool
    data: Replayed
    meta: dict[str, Any]


@blueprint.get("/jobs")
@requires(BACKGROUND_VIEW)
def job_list() -> Response:
    """Jobs of the organisation, newest first."""
    known_arguments(("state", "name", "limit", "cursor"))
    page = console.find_jobs(
        console.checked_state(request.args.get("state")),
        plain(request.args.get("name", "")) or None,
        request.args.get("cursor", "")[:2000],
        limit_argument(),
    )
    return success([_job(job) for job in page.rows], meta={"next": page.next})


@blueprint.get("/jobs/<uuid:id>")
@requires(BACKGROUND_VIEW)
def job_show(id: UUID) -> Response:
    """One job with how far it is, its arguments, its result and its lines."""
    known_arguments(())
    return _answer(id)


@blueprint.post("/jobs/<uuid:id>/cancel")
@requires(BACKGROUND_MANAGE)
def job_cancel(id: UUID) -> Response:
    """Cancel a job that is not over; one that runs stops at its next step."""
    known_arguments(())
    queue.cancel(id)
    return _answer(id)


@blueprint.post("/jobs/<uuid:id>/retry")
@requires(BACKGROUND_MANAGE)
def job_retry(id: UUID) -> Response:
    """Try a job again that failed, died, was cancelled or is parked."""
    known_arguments(())
    queue.retry(id)
    return _answer(id)


@blueprint.get("/schedules")
@requires(BACKGROUND_VIEW)
def schedule_list() -> Response:
    """What runs by the clock."""
    known_arguments(())
    return success([_schedule(row) for row in schedules.listing()])


@blueprint.post("/schedules/<key>/run")
@requires(BACKGROUND_MANAGE)
def schedule_run(key: str) -> Response:
    """Ask for the schedule's job at once."""
    known_arguments(())
    return _answer(schedules.run_now(key))


@blueprint.patch("/schedules/<key>")
@requires(BACKGROUND_MANAGE)
def schedule_change(key: str) -> Response:
    """Pause it, let it go on, or choose another time."""
    known_arguments(())
    given = _read(ScheduleChange)
    row = next((row for row in schedules.listing() if row.key == key), None)
    if row is None:
        raise NotFound(_("There is no such schedule."))
    if "cron" in given.model_fields_set:
        schedules.set_cron(key, given.cron)
    if given.active is not None and given.active != row.active:
        (schedules.resume if given.active else schedules.pause)(key)
    return success(_schedule(next(row for row in schedules.listing() if row.key == key)))


@blueprint.get("/events/handlers")
@requires(BACKGROUND_VIEW)
def handler_list() -> Response:
    """Who takes events, and how many each is owed."""
    known_arguments(())
    names = HandlerOut.model_fields
    return success([{name: getattr(one, name) for name in names} for one in events.handlers()])


@blueprint.get("/events/dead")
@requires(BACKGROUND_VIEW)
def dead_list() -> Response:
    """Events that a handler failed on for good, newest first."""
    known_arguments(("handler", "limit", "cursor"))
    page = events.find_events(
        "dead",
        plain(request.args.get("handler", "")) or None,
        request.args.get("cursor", "")[:2000],
        limit_argument(),
    )
    names = DeadEventOut.model_fields
    return success([{name: getattr(one, name) for name in names} for one in page.rows], meta={"next": page.next})


@blueprint.post("/events/replay")
@requires(BACKGROUND_MANAGE)
def replay() -> Response:
    """Hand dead events to their handler again."""
    known_arguments(())
    given = _read(Replay)
    if (given.ids is None) == (not given.all):
        fault = _("Give either ids or all.")
        raise Invalid(fault, [Detail("ids", "required", fault)])
    return success({"replayed": events.replay(given.handler, given.ids)})


def _job(job: console.JobView) -> dict[str, Any]:
    return {name: job.cancel if name == "cancelling" else getattr(job, name) for name in JobOut.model_fields}


def _answer(id: UUID) -> Response:
    job = console.find_job(id)
    lines = [{"at": line.at, "level": line.level, "text": line.text} for line in console.lines_of(id)]
    return success({**_job(job), "args": job.args, "result": job.result, "lines": lines})


def _schedule(row: schedules.ScheduleRow) -> dict[str, Any]:
    return {name: str(row.label) if name == "label" else getattr(row, name) for name in ScheduleOut.model_fields}


def _read(model: type[M]) -> M:
    try:
        return model.model_validate(read_object())
    except ValidationError as error:
        raise Invalid(
            _("The input has faults."),
            [
                Detail(
                    ".".join(str(part) for part in fault["loc"]),
                    {"extra_forbidden": "unknown_field", "missing": "required"}.get(fault["type"], "invalid"),
                    _("This field is unknown.")
                    if fault["type"] == "extra_forbidden"
                    else _("This cannot be used here."),
                )
                for fault in error.errors(include_url=False, include_context=False, include_input=False)
            ],
        ) from None


_CHANGES = (400, 401, 403, 404, 409, 429)
_WITH_BODY = (400, 401, 403, 404, 409, 413, 415, 422, 429)
for view, summary, name, more in (
    (job_list, "List jobs", "listJobs", {"query": JobsQuery, "answer": JobsAnswer}),
    (job_show, "Show a job", "showJob", {"answer": JobAnswer, "refusals": (400, 401, 403, 404, 429)}),
    (job_cancel, "Cancel a job", "cancelJob", {"answer": JobAnswer, "refusals": _CHANGES}),
    (job_retry, "Try a job again", "retryJob", {"answer": JobAnswer, "refusals": _CHANGES}),
    (schedule_list, "List schedules", "listSchedules", {"answer": SchedulesAnswer, "refusals": (400, 401, 403, 429)}),
    (schedule_run, "Run a schedule now", "runSchedule", {"answer": JobAnswer, "refusals": _CHANGES}),
    (
        schedule_change, "Change a schedule", "changeSchedule",
        {"body": ScheduleChange, "answer": ScheduleAnswer, "refusals": _WITH_BODY},
    ),
    (handler_list, "List event handlers", "listHandlers", {"answer": HandlersAnswer, "refusals": (400, 401, 403, 429)}),
    (dead_list, "List dead events", "listDeadEvents", {"query": DeadQuery, "answer": DeadAnswer}),
    (replay, "Replay dead events", "replayEvents", {"body": Replay, "answer": ReplayAnswer, "refusals": _WITH_BODY}),
):  # fmt: skip
    documented(view, summary=summary, tag="Background work", operation_id=name, **more)


@hookimpl
def register_blueprints() -> list[APIBlueprint]:
    return [blueprint]
