"""Asking for a mail to be sent, and the job that sends it.

A mail is taken under a lock on its row, handed to the server, and what the server said is committed at once, before
anything else is done. Between the server's last word and that commit lies a window in which a process or machine may die:
the message is then sent once more, under the same Message-ID, by which mailboxes know it. Nothing closes that window, since
SMTP takes a message without asking whether it has had it before (RFC 1047).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel

from ossature.context import current
from ossature.db.work import session, transaction
from ossature.errors import Conflict, Detail, Invalid, NotFound, Unavailable
from ossature.files.queries import files_by_id
from ossature.files.table import StoredFile
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.jobs import queue
from ossature.jobs.run import JobRun
from ossature.jobs.types import job
from ossature.kernel import kernel
from ossature.logs import get_logger
from ossature.mail.message import as_message, from_address
from ossature.mail.speaking import NotNow, Refused, hand_over
from ossature.mail.table import COLUMNS, WITHOUT_TEXTS, Mail, as_mail, table
from ossature.records.clean import Wrong, clean_text
from ossature.records.rules import email_address
from ossature.redaction import redact_text
from ossature.web.formats import as_bytes

_, _l, _n = translator("ossature")
log = get_logger(__name__)

ATTEMPTS = 30
"""Tries of one mail, with the pauses of jobs between them: about a day."""
MOST_RECIPIENTS = 50
MOST_BYTES = 20_000_000
"""Of all attachments of a mail: more than most servers take once it is encoded."""
LONGEST_SUBJECT, LONGEST_NAME, LONGEST_BODY = 250, 200, 500_000
_NOW = sa.text("clock_timestamp()")


class WhichMail(BaseModel):
    """The mail to be sent."""

    id: UUID


class TriedAgain(Exception):
    """A mail was not taken for now: the job is planned once more."""


def can_send_mail() -> bool:
    """Whether a mail server is set up. Without one a mail that is asked for is kept, and administrators read it."""
    return kernel().config.mail_server is not None


def send_mail(
    to: str | Iterable[str],
    subject: str,
    text: str,
    *,
    html: str | None = None,
    attachments: Iterable[StoredFile] = (),
    reply_to: str | None = None,
    sender: str | None = None,
    record: str | None = None,
    record_id: UUID | None = None,
) -> UUID:
    """Send a mail once the present transaction has committed, or never; returns its id.

    All of `to` see each other's addresses. `text` is plain text, `html` the same for those who read HTML. `sender` is the
    name in front of the address, the organisation's unless given; answers go to `reply_to`. `record` and `record_id` say
    what it is about, for whoever looks it up. Attachments are sent as they are now, whatever version comes later.
    What fails for now is tried again for about a day; what the server has taken is never sent again, but for a process
    that dies right between its word and our commit. Raises `Invalid` for addresses that are none, line ends in a subject,
    and attachments of more than 20 MB.
    """
    if (record is None) != (record_id is None):
        raise TypeError("record and record_id go together")
    if record is not None and kernel().records.get(record) is None:
        raise LookupError(f"there is no record {record!r} for a mail to be about")
    tenant = current().tenant
    if tenant is None:
        raise RuntimeError("a mail is asked for where no tenant is bound")
    files = _attachments(attachments)
    id = new_id()
    values = {
        "tenant_id": tenant.id, "id": id, "recipients": _recipients(to),
        "subject": _words("subject", subject, LONGEST_SUBJECT),
        "text": _words("text", text, LONGEST_BODY, lines=True),
        "html": _words("html", html, LONGEST_BODY, lines=True) if html is not None else None,
        "sender": _words("sender", sender or tenant.name, LONGEST_NAME),
        "reply_to": _address("reply_to", reply_to) if reply_to else None,
        "files": [file.id for file in files], "record": record, "record_id": record_id,
    }  # fmt: skip
    session().execute(sa.insert(table).values(**values))
    send.enqueue(WhichMail(id=id))
    return id


def send_again(id: UUID) -> None:
    """Send a mail that failed, or was kept, to those who have not had it; one that waits for its next try at once.

    Raises `NotFound`, and `Conflict` for one that was sent, is being sent or whose text is forgotten.
    """
    mail = _locked(id)
    if mail is None and _state(id) == "gone":
        raise NotFound(_("There is no such mail."))
    if mail is None:
        raise _busy()
    if mail.state == "sent":
        raise Conflict(_("This mail was sent already."), code="sent")
    if mail.text is None:
        raise Conflict(_("The text of this mail is not kept any more."), code="forgotten")
    if mail.state != "queued":
        had = {one: mail.answers[one] for one in mail.delivered}
        _write(mail, state="queued", reason=None, answers=had, asked_at=_NOW, ended_at=None)
    job_id = send.enqueue(WhichMail(id=id))
    match queue.locked(job_id)["state"]:
        case "queued":
            pass
        case "failed":
            queue.retry(job_id)
        case _other:  # the run that has just come to an end holds the job: it would not look at the mail once more
            raise _busy()


def mails_about(record: str, record_id: UUID) -> list[Mail]:
    """Mails about a record without their texts, the newest first, 50 at most. Whether the reader may know of them is for the
    caller to ask."""
    here = (table.c.tenant_id == current().tenant_id, table.c.record == record, table.c.record_id == record_id)
    rows = session().execute(sa.select(*WITHOUT_TEXTS).where(*here).order_by(table.c.id.desc()).limit(50))
    return [as_mail(row) for row in rows.mappings()]


@job(
    "ossature.send_mail", _l("Send a mail"), args=WhichMail, attempts=ATTEMPTS, time_limit=240, priority="high",
    unique=lambda args: str(args.id), as_system=True,
)  # fmt: skip
def send(run: JobRun, args: WhichMail) -> dict[str, str]:
    """Hand a mail to the server and commit what it said, in a transaction of its own; one that is sent stays as it is."""
    with transaction():
        mail = _locked(args.id)
        if mail is None or mail.state != "queued":
            ended = _state(args.id)
        else:
            ended = _write(mail, **_sent(mail, last=run.attempt >= ATTEMPTS))
    if ended == "queued":
        with transaction():
            reason = session().scalar(sa.select(table.c.reason).where(*_is(args.id)))
        raise TriedAgain(redact_text(reason or "another process is sending it"))
    return {"state": ended}


def _sent(mail: Mail, *, last: bool) -> dict[str, Any]:
    """What becomes of a mail by trying to send it; nothing escapes, since what was sent has to be written down."""
    server = kernel().config.mail_server
    if server is None:
        return {"state": "kept", "ended_at": _NOW}
    tried = {"attempts": mail.attempts + 1}
    try:
        said = hand_over(server, as_message(mail), from_address(), mail.undelivered)
    except Refused as refused:
        return {**tried, "state": "failed", "reason": str(refused), "ended_at": _NOW}
    except Exception as error:
        in_words = isinstance(error, (NotNow, Unavailable))
        if not in_words:
            log.exception("a mail could not be sent", mail=str(mail.id))
        reason = str(error) if in_words else type(error).__name__
        ended = {"state": "failed", "ended_at": _NOW} if last else {}
        return {**tried, **ended, "reason": reason}
    answers = {**mail.answers, **said}
    troubles = [f"{one}: {answers[one]}" for one in mail.recipients if not answers.get(one, "2").startswith("2")]
    values = {**tried, "answers": answers, "reason": "\n".join(troubles) or None}
    if not last and any(words.startswith("4") for words in said.values()):
        return values
    return {**values, "state": "failed" if troubles else "sent", "ended_at": _NOW}


def _busy() -> Conflict:
    return Conflict(_("This mail is being sent just now; look again in a moment."), code="busy")


# -- rows ----------------------------------------------------------------------------------------------------------------


def _is(id: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.tenant_id == current().tenant_id, table.c.id == id


def _locked(id: UUID) -> Mail | None:
    """A mail, locked until the end of the transaction; None where another one has it, or it is gone."""
    statement = sa.select(*COLUMNS).where(*_is(id)).with_for_update(skip_locked=True)
    row = session().execute(statement).mappings().one_or_none()
    return as_mail(row) if row is not None else None


def _state(id: UUID) -> str:
    return session().scalar(sa.select(table.c.state).where(*_is(id))) or "gone"


def _write(mail: Mail, **values: Any) -> str:
    state: str = session().execute(
        sa.update(table).where(*_is(mail.id)).values(**values).returning(table.c.state)
    ).scalar_one()  # fmt: skip
    return state


# -- what is given -------------------------------------------------------------------------------------------------------


def _recipients(to: str | Iterable[str]) -> list[str]:
    """Addresses, each once."""
    given = [to] if isinstance(to, str) else list(to)
    found = list({one.lower(): one for one in reversed([_address("to", one) for one in given])}.values())[::-1]
    if not found:
        raise _invalid("to", "required", _("Say to whom the mail goes."))
    if len(found) > MOST_RECIPIENTS:
        raise _invalid("to", "too_many", _("A mail goes to %(most)d addresses at most.", most=MOST_RECIPIENTS))
    return found


def _address(field: str, value: str) -> str:
    try:
        return email_address(value.strip())
    except ValueError as error:
        raise _invalid(field, "invalid", str(error)) from None


def _words(field: str, value: str, longest: int, *, lines: bool = False) -> str:
    try:
        found = clean_text(value, lines=lines)
    except Wrong as wrong:
        raise _invalid(field, wrong.code, str(wrong)) from None
    if not found:
        raise _invalid(field, "required", _("A mail needs a subject and a text."))
    if len(found) > longest:
        raise _invalid(field, "too_long", _("This is too long: %(most)d characters at most.", most=longest))
    return found


def _attachments(given: Iterable[StoredFile]) -> list[StoredFile]:
    ids = [file.id for file in given]
    files = files_by_id(ids)
    if len(files) < len(ids):
        raise _invalid("attachments", "not_found", _("An attachment is not there any more."))
    if sum(file.size for file in files) > MOST_BYTES:
        message = _("The attachments are too large for a mail: %(most)s at most.", most=as_bytes(MOST_BYTES))
        raise _invalid("attachments", "too_large", message)
    return files


def _invalid(field: str, code: str, message: str) -> Invalid:
    return Invalid(message, [Detail(field, code, message)])
