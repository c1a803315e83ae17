"""A mail as it goes over the wire (RFC 5322): the same one each time it is made."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import urlsplit

from ossature.files.queries import bytes_of, files_by_id
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.mail.speaking import Refused, on_the_wire
from ossature.mail.table import Mail

_, _l, _n = translator("ossature")

_NO_PART = {"message", "multipart"}
"""Kinds that may not be encoded as an attachment has to be (RFC 2046)."""


def from_address() -> str:
    """The address that mail comes from: `OSSATURE_MAIL_FROM`; without a mail server one of this site that leads nowhere."""
    config = kernel().config
    return on_the_wire(config.mail_from or f"noreply@{urlsplit(config.base_url).hostname}")


def as_message(mail: Mail) -> EmailMessage:
    """The message. Its Message-ID follows from the mail's id, so that a repeat is known as the same message.

    Raises `Refused` where an attachment is gone, and `Unavailable` where its bytes cannot be read for now.
    """
    message = EmailMessage(policy=SMTP)
    sender = from_address()
    message["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2]}>"
    message["Date"] = format_datetime(mail.asked_at)
    message["From"] = Address(mail.sender, *_parts(sender))
    message["To"] = [Address("", *_parts(on_the_wire(one))) for one in mail.recipients]
    if mail.reply_to:
        message["Reply-To"] = Address("", *_parts(on_the_wire(mail.reply_to)))
    message["Subject"] = mail.subject
    message.set_content(mail.text or "")
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    files = files_by_id(mail.files)
    if len(files) < len(mail.files):
        raise Refused(_("An attachment is not there any more."))
    for file in files:
        main, _slash, sub = file.media_type.partition(";")[0].strip().partition("/")
        if not sub or main in _NO_PART:
            main, sub = "application", "octet-stream"
        with bytes_of(file) as source:
            message.add_attachment(source.read(), maintype=main, subtype=sub, filename=file.name)
    return message


def _parts(address: str) -> tuple[str, str]:
    local, _at, domain = address.rpartition("@")
    return local, domain
