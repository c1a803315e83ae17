"""Background work: the console of jobs and events, and what tells of failures elsewhere."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ossature.builtin import background_words as words
from ossature.builtin.settings import render_settings
from ossature.context import current
from ossature.errors import Invalid, NotFound
from ossature.events import console as events
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import SettingsPage, Widget
from ossature.i18n import translator
from ossature.jobs import console, queue
from ossature.kernel import kernel
from ossature.processes_seen import KINDS, seen
from ossature.rbac import requires
from ossature.rbac.permissions import BACKGROUND_MANAGE, BACKGROUND_VIEW
from ossature.records.clean import MOST_BIG, plain, whole_number
from ossature.records.views import record_url
from ossature.web import Crumb, notify, render
from ossature.web.formats import relative
from ossature.web.frame import dead
from ossature.web.list_models import Count
from ossature.web.shell import wants_fragment

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("settings_background", __name__, url_prefix="/settings/background")


@blueprint.context_processor
def texts() -> dict[str, Any]:
    """What the templates of these pages write with."""
    return {
        "state_badge": words.state_badge, "duration": words.duration, "brief": words.brief, "sentence": words.sentence,
        "asked_by": words.asked_by, "relative": relative, "may_manage": current().access.allows(BACKGROUND_MANAGE),
    }  # fmt: skip


@blueprint.get("")
@requires(BACKGROUND_VIEW)
def index() -> ResponseReturnValue:
    state = console.checked_state(request.args.get("state"))
    name = plain(request.args.get("name", "")) or None
    page = console.find_jobs(state, name, request.args.get("cursor", "")[:2000])
    keep: dict[str, Any] = {"state": state, "name": name}
    counts = console.job_counts()
    values: dict[str, Any] = {
        "jobs": page.rows,
        "states": [(key, words.state_badge(key).label, count_of(counts.get(key, 0))) for key in console.STATES],
        "state": state,
        "name": name,
        "name_label": console.label_of(name) if name else "",
        "kinds": console.job_kinds(),
        "previous_url": url_for(".index", **keep, cursor=page.previous) if page.previous else None,
        "next_url": url_for(".index", **keep, cursor=page.next) if page.next else None,
        "poll_url": request.full_path.rstrip("?") if any(job.moving for job in page.rows) else None,
    }
    if wants_fragment():
        return render("background/_jobs.html", **values)
    return render_console("jobs", _("Background work"), **values)


@blueprint.get("/jobs/<uuid:id>")
@requires(BACKGROUND_VIEW)
def job(id: UUID) -> ResponseReturnValue:
    found = console.find_job(id)
    values: dict[str, Any] = {
        "job": found,
        "lines": console.lines_of(id),
        "args": _shown(found.args) if found.args else None,
        "result": _shown(found.result) if found.result is not None else None,
        "poll_url": url_for(".job", id=id) if found.moving else None,
    }
    if wants_fragment():
        return render("background/_job.html", **values)
    crumbs = [Crumb(_("Settings"), url_for("settings.index")), Crumb(_("Background work"), url_for(".index"))]
    return render_settings(
        "background/job.html", "background", title=found.label, breadcrumbs=[*crumbs, Crumb(found.label)], **values
    )


@blueprint.post("/jobs/<uuid:id>/cancel")
@requires(BACKGROUND_MANAGE)
def cancel(id: UUID) -> ResponseReturnValue:
    if queue.cancel(id) == "running":
        notify(_("The job stops at its next step."), "info")
    else:
        notify(_("The job is cancelled."))
    return _back(id)


@blueprint.post("/jobs/<uuid:id>/retry")
@requires(BACKGROUND_MANAGE)
def retry(id: UUID) -> ResponseReturnValue:
    queue.retry(id)
    notify(_("The job is retried."))
    return _back(id)


@blueprint.post("/jobs/<uuid:id>/again")
@requires(BACKGROUND_MANAGE)
def again(id: UUID) -> ResponseReturnValue:
    fresh = console.again(id)
    notify(_("The same work is asked for once more."))
    return redirect(url_for(".job", id=fresh), 303)


@blueprint.post("/jobs/<uuid:id>/set-aside")
@requires(BACKGROUND_MANAGE)
def set_aside(id: UUID) -> ResponseReturnValue:
    console.set_aside(id)
    notify(_("The job is set aside; nothing warns of it any more."))
    return _back(id)


@blueprint.post("/jobs/retry-dead")
@requires(BACKGROUND_MANAGE)
def retry_dead() -> ResponseReturnValue:
    number = console.retry_dead(_given("name"))
    notify(ngettext("%(num)d job is retried.", "%(num)d jobs are retried.", number))
    return redirect(url_for(".index"), 303)


@blueprint.get("/events")
@requires(BACKGROUND_VIEW)
def event_list() -> ResponseReturnValue:
    state = request.args.get("state") or None
    if state not in (None, "dead", "retry"):
        raise Invalid(_("There is no such state. Use one of: %(names)s.", names="dead, retry"))
    handler = plain(request.args.get("handler", "")) or None
    page = events.find_events(state, handler, request.args.get("cursor", "")[:2000])
    keep: dict[str, Any] = {"state": state, "handler": handler}
    return render_console(
        "events",
        _("Background work"),
        handlers=events.handlers(),
        events=[
            (event, record_url(event.record, event.record_id) if event.record and event.record_id else None)
            for event in page.rows
        ],
        handler=handler,
        handler_label=events.label_of(handler) if handler else "",
        state=state,
        event_label=events.event_label,
        previous_url=url_for(".event_list", **keep, cursor=page.previous) if page.previous else None,
        next_url=url_for(".event_list", **keep, cursor=page.next) if page.next else None,
    )


@blueprint.post("/events/replay")
@requires(BACKGROUND_MANAGE)
def replay() -> ResponseReturnValue:
    """One event when `seq` is given, else all dead ones of the handler."""
    handler, seq = _given("handler"), _number("seq")
    if seq is None:
        number = events.replay(handler)
    else:
        number = events.replay(handler, [seq]) or int(events.try_now(handler, seq))
        if not number:
            raise NotFound(_("This event is not waiting for anything any more."))
    notify(ngettext("%(num)d event is handed over again.", "%(num)d events are handed over again.", number))
    return _to_events()


@blueprint.post("/events/discard")
@requires(BACKGROUND_MANAGE)
def discard() -> ResponseReturnValue:
    """One event when `seq` is given, else all dead ones of the handler."""
    handler, seq = _given("handler"), _number("seq")
    number = events.discard(handler, None if seq is None else [seq])
    if not number and seq is not None:
        raise NotFound(_("This event is not waiting for anything any more."))
    notify(ngettext("%(num)d event is discarded.", "%(num)d events are discarded.", number))
    return _to_events()


@blueprint.get("/widget")
@requires(BACKGROUND_VIEW)
def widget() -> ResponseReturnValue:
    return render("background/widget.html", troubles=console.troubles())


def render_console(tab: str, title: str, /, **values: Any) -> str:
    """One of the console's three pages, with what runs and what is missing above it."""
    processes = seen(kernel())
    running = {kind: [one for one in processes if one.kind == kind] for kind in KINDS}
    return render_settings(
        f"background/{tab}.html",
        "background",
        title=title,
        tab=tab,
        alarms=dict(zip(("jobs", "events"), dead(current()), strict=True)),
        running=running,
        missing=[(kind, str(words.PROCESSES[kind])) for kind in KINDS if not running[kind]],
        **values,
    )


def count_of(number: int) -> Count:
    """A count that stopped at `COUNTED_TO`."""
    return Count(min(number, console.COUNTED_TO), number > console.COUNTED_TO)


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _given(name: str) -> str:
    value = plain(request.form.get(name, ""))
    if not value or len(value) > 200:
        raise Invalid(_("The field %(field)s is missing.", field=name))
    return value


def _number(name: str) -> int | None:
    value = request.form.get(name, "")
    if not value:
        return None
    number = whole_number(value, MOST_BIG)
    if number is None:
        raise Invalid(_("The field %(field)s is missing.", field=name))
    return number


def _back(id: UUID) -> ResponseReturnValue:
    """To where the button was: the list as it was filtered, or the job's page."""
    if request.form.get("from") == "list":
        state = request.form.get("state")
        keep: dict[str, Any] = {
            "state": state if state in console.STATES else None,
            "name": request.form.get("name") or None,
        }
        return redirect(url_for(".index", **keep), 303)
    return redirect(url_for(".job", id=id), 303)


def _to_events() -> ResponseReturnValue:
    return redirect(url_for(".event_list", handler=request.form.get("shown") or None), 303)


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]


@hookimpl
def register_settings_pages() -> list[SettingsPage]:
    return [
        SettingsPage("background", _l("Background work"), "settings_background.index", BACKGROUND_VIEW, 80, "progress")
    ]


@hookimpl
def register_widgets() -> list[Widget]:
    return [
        Widget("ossature.background", _l("Background work"), "settings_background.widget", BACKGROUND_VIEW, 90, "small")
    ]
