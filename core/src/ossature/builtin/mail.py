"""Outgoing mail: what was sent to whom, what failed and why; without a mail server, the mailbox that it is kept in."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ossature.builtin.settings import render_settings
from ossature.errors import BadRequest, NotFound
from ossature.files.queries import files_by_id
from ossature.files.sending import disposition, download
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import SettingsPage
from ossature.i18n import Text, translator
from ossature.ids import as_id
from ossature.jobs.types import Job
from ossature.mail.message import as_message
from ossature.mail.queries import COUNTED_TO, checked_state, find_mail, find_mails, mail_counts
from ossature.mail.sending import can_send_mail, send, send_again
from ossature.mail.speaking import Refused
from ossature.mail.table import Mail
from ossature.rbac import requires
from ossature.rbac.permissions import MAIL_MANAGE
from ossature.records.query import labels
from ossature.records.views import record_url
from ossature.web import Crumb, notify, render
from ossature.web.formats import as_bytes
from ossature.web.list_models import Count
from ossature.web.models import Badge, Tone
from ossature.web.shell import wants_fragment

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("settings_mail", __name__, url_prefix="/settings/mail")

_STATES: Final[dict[str, tuple[Text, Tone]]] = {
    "queued": (_l("To be sent"), "info"),
    "sent": (_l("Sent"), "success"),
    "failed": (_l("Failed"), "danger"),
    "kept": (_l("Not sent"), "warning"),
}
# What somebody wrote into a mail runs nothing here and fetches nothing; its links open in a tab of their own.
_IN_A_BOX: Final = "allow-popups allow-popups-to-escape-sandbox"
_SHOWN: Final = (
    f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox {_IN_A_BOX}; frame-ancestors 'self'"
)


@blueprint.context_processor
def texts() -> dict[str, Any]:
    """What the templates of these pages write with."""
    return {"badge_of": badge_of, "can_send": can_send_mail()}


def badge_of(mail: Mail) -> Badge:
    """The state of a mail; one that was tried in vain and waits is told apart."""
    if mail.state == "queued" and mail.reason:
        return Badge(_("Tried again"), "warning")
    label, tone = _STATES[mail.state]
    return Badge(str(label), tone)


@blueprint.get("")
@requires(MAIL_MANAGE)
def index() -> ResponseReturnValue:
    state = checked_state(request.args["state"]) if request.args.get("state") else None
    page = find_mails(state, before=_place("before"), after=_place("after"))
    counts = mail_counts()
    values: dict[str, Any] = {
        "mails": page.rows,
        "states": [
            (key, str(label), Count(min(counts[key], COUNTED_TO), counts[key] > COUNTED_TO))
            for key, (label, _tone) in _STATES.items()
        ],
        "state": state,
        "previous_url": url_for(".index", state=state, after=page.previous) if page.previous else None,
        "next_url": url_for(".index", state=state, before=page.next) if page.next else None,
        "poll_url": request.full_path.rstrip("?") if any(_moves(mail) for mail in page.rows) else None,
    }
    if wants_fragment():
        return render("mail/_list.html", **values)
    return render_settings("mail/list.html", "mail", title=_("Outgoing mail"), **values)


@blueprint.get("/<uuid:id>")
@requires(MAIL_MANAGE)
def show(id: UUID) -> ResponseReturnValue:
    mail, asked_by = find_mail(id)
    files = {file.id: file for file in files_by_id(mail.files)}
    values: dict[str, Any] = {
        "mail": mail,
        "asked_by": asked_by or _("The system"),
        "about": _about(mail),
        "files": [
            (number, files.get(file_id), as_bytes(files[file_id].size) if file_id in files else "")
            for number, file_id in enumerate(mail.files, 1)
        ],
        "sandbox": _IN_A_BOX,
        "poll_url": url_for(".show", id=id) if _moves(mail) else None,
    }
    if wants_fragment():
        return render("mail/_mail.html", **values)
    crumbs = [Crumb(_("Settings"), url_for("settings.index")), Crumb(_("Outgoing mail"), url_for(".index"))]
    return render_settings(
        "mail/mail.html", "mail", title=mail.subject, breadcrumbs=[*crumbs, Crumb(mail.subject)], **values
    )


@blueprint.get("/<uuid:id>/html")
@requires(MAIL_MANAGE)
def html(id: UUID) -> ResponseReturnValue:
    """The HTML of a mail, for a frame of ours."""
    mail, _asked_by = find_mail(id)
    if not mail.html:
        raise NotFound(_("This mail has no HTML."))
    response = Response(f'<base target="_blank">{mail.html}', mimetype="text/html")
    response.headers["Content-Security-Policy"] = _SHOWN
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.get("/<uuid:id>/attachments/<int:number>")
@requires(MAIL_MANAGE)
def attachment(id: UUID, number: int) -> ResponseReturnValue:
    mail, _asked_by = find_mail(id)
    found = files_by_id(mail.files[number - 1 : number] if number else ())
    if not found:
        raise NotFound(_("An attachment is not there any more."))
    return download(found[0])


@blueprint.get("/<uuid:id>/message")
@requires(MAIL_MANAGE)
def message(id: UUID) -> ResponseReturnValue:
    """The whole message, as mail programs open it."""
    mail, _asked_by = find_mail(id)
    if mail.text is None:
        raise NotFound(_("The text of this mail is not kept any more."))
    try:
        content = as_message(mail).as_bytes()
    except Refused as refused:
        raise NotFound(str(refused)) from None
    response = Response(content, mimetype="message/rfc822")
    response.headers["Content-Disposition"] = disposition("attachment", f"{mail.id}.eml")
    return response


@blueprint.post("/<uuid:id>/send")
@requires(MAIL_MANAGE)
def again(id: UUID) -> ResponseReturnValue:
    send_again(id)
    notify(_("The mail is handed to the mail server again."))
    return redirect(url_for(".show", id=id), 303)


def _moves(mail: Mail) -> bool:
    """Whether it is about to change by itself, so that a page asks again."""
    return mail.state == "queued" and not mail.reason


def _about(mail: Mail) -> tuple[str, str] | None:
    """The title and address of what a mail is about, for who may see it."""
    if mail.record is None or mail.record_id is None:
        return None
    url = record_url(mail.record, mail.record_id)
    label = labels(mail.record, [mail.record_id])[mail.record_id]
    return (label.title, url) if url and not label.hidden else None


def _place(name: str) -> UUID | None:
    given = request.args.get(name)
    if not given:
        return None
    if (found := as_id(given)) is None:
        raise BadRequest(_("The cursor is not valid; start again without it."), code="bad_cursor")
    return found


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]


@hookimpl
def register_settings_pages() -> list[SettingsPage]:
    return [SettingsPage("mail", _l("Outgoing mail"), "settings_mail.index", MAIL_MANAGE, 78, "mail")]


@hookimpl
def register_jobs() -> list[Job[Any]]:
    return [send]
