"""Schedules of the organisation: when they come, running one now, pausing it, choosing another time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ossature.builtin import background_words as words
from ossature.builtin.background import render_console
from ossature.context import current
from ossature.errors import Invalid
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.jobs import schedules
from ossature.jobs.clock import times
from ossature.rbac import requires
from ossature.rbac.permissions import BACKGROUND_MANAGE, BACKGROUND_VIEW
from ossature.web import notify
from ossature.web.models import Badge

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("settings_schedules", __name__, url_prefix="/settings/background/schedules")

_SHOWN_TIMES = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """A schedule with its next times and what became of its last one."""

    row: schedules.ScheduleRow
    next: tuple[datetime, ...]
    last: Badge | None
    given: str
    error: str = ""


@blueprint.get("")
@requires(BACKGROUND_VIEW)
def index() -> ResponseReturnValue:
    return _page()


@blueprint.post("/<key>/run")
@requires(BACKGROUND_MANAGE)
def run(key: str) -> ResponseReturnValue:
    job_id = schedules.run_now(key)
    notify(_("The job is asked for."))
    return redirect(url_for("settings_background.job", id=job_id), 303)


@blueprint.post("/<key>/pause")
@requires(BACKGROUND_MANAGE)
def pause(key: str) -> ResponseReturnValue:
    schedules.pause(key)
    notify(_("The schedule is paused."))
    return _back(key)


@blueprint.post("/<key>/resume")
@requires(BACKGROUND_MANAGE)
def resume(key: str) -> ResponseReturnValue:
    schedules.resume(key)
    notify(_("The schedule goes on."))
    return _back(key)


@blueprint.post("/<key>/time")
@requires(BACKGROUND_MANAGE)
def change_time(key: str) -> ResponseReturnValue:
    """Another time for it, written as cron; the plugin's own when left empty."""
    given = request.form.get("cron", "").strip()
    try:
        schedules.set_cron(key, given or None)
    except Invalid as refusal:
        return _page(key, given, str(refusal.details[0].message if refusal.details else refusal.message)), 422
    notify(_("The time is changed.") if given else _("The schedule runs at its usual time again."))
    return _back(key)


def _page(key: str = "", given: str = "", error: str = "") -> str:
    shown = []
    for row in schedules.listing():
        wrong = row.key == key
        own = row.cron if row.cron != row.declared_cron else ""
        last = words.state_badge(_states[row.last_state]) if row.last_state else None
        shown.append(Shown(row, next_times(row), last, given if wrong else own, error if wrong else ""))
    tenant = current().tenant
    return render_console(
        "schedules", _("Background work"), schedules=shown, may_manage=current().access.allows(BACKGROUND_MANAGE),
        time_zone=tenant.time_zone if tenant else "",
    )  # fmt: skip


def next_times(row: schedules.ScheduleRow) -> tuple[datetime, ...]:
    """When it comes next, three times; none while it is paused."""
    tenant = current().tenant
    if not row.active or tenant is None:
        return ()
    return tuple(islice(times(row.cron, tenant.time_zone, datetime.now(UTC)), _SHOWN_TIMES))


_states = {state: state for state in words.STATES} | {"queued": "waiting"}


def _back(key: str) -> ResponseReturnValue:
    return redirect(url_for(".index", _anchor=f"schedule-{key}"), 303)


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]
