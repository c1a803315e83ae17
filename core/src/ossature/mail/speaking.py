"""SMTP (RFC 5321): a message handed to the server, and what that said of each recipient."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from email.message import EmailMessage
from urllib.parse import urlsplit

from email_validator import validate_email

from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.mail.server import MailServer

_, _l, _n = translator("ossature")

SECONDS = 30
"""The longest wait for each answer of the server."""
_LONGEST = 500
TAKEN = "250"


class NotNow(Exception):
    """The message was not taken, and may be later: no answer, a 4xx, a password that does not fit."""


class Refused(Exception):
    """The message was not taken, and trying again would not help."""


def on_the_wire(address: str) -> str:
    """An address with its domain in ASCII, as every server takes it."""
    local, _at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    return f"{local}@{validate_email(f'a@{domain}', check_deliverability=False).ascii_domain}"


def hand_over(server: MailServer, message: EmailMessage, sender: str, recipients: Sequence[str]) -> Mapping[str, str]:
    """Send a message; what the server said of each recipient: `250` where it took it, else its code and words.

    Raises `NotNow` and `Refused` where it took it for nobody, with the reason in words. A connection that is lost while
    the server's last word is awaited counts as `NotNow`: whether the message was taken is then not known.
    """
    wire = {on_the_wire(one): one for one in recipients}
    smtp = connect(server)
    try:
        refusals = smtp.send_message(message, sender, list(wire))
        said = {wire[one]: _words(*refusals[one]) if one in refusals else TAKEN for one in wire}
    except smtplib.SMTPRecipientsRefused as error:
        said = {wire[one]: _words(*answer) for one, answer in error.recipients.items()}
        if any(code == 421 for code, _text in error.recipients.values()):
            raise NotNow("\n".join(said.values())) from None
    except smtplib.SMTPNotSupportedError as error:
        raise Refused(str(error)) from None
    except smtplib.SMTPResponseException as error:
        words = _words(error.smtp_code, error.smtp_error)
        raise (Refused if words.startswith("5") else NotNow)(words) from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotNow(_lost(error)) from None
    finally:
        # The message is taken or not by now: what becomes of the farewell changes nothing.
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()
        smtp.close()
    return said


def connect(server: MailServer) -> smtplib.SMTP:
    """A connection that is ready for a message: encrypted and signed in as the server's address asks for. Raises `NotNow`."""
    hello = urlsplit(kernel().config.base_url).hostname or "localhost"
    smtp: smtplib.SMTP | None = None
    try:
        if server.tls:
            smtp = smtplib.SMTP_SSL(
                server.host, server.port, hello, timeout=SECONDS, context=ssl.create_default_context()
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, hello, timeout=SECONDS)
            _encrypt(smtp, server)
        if server.user:
            smtp.login(server.user, server.password)
        smtp.ehlo_or_helo_if_needed()
    except (smtplib.SMTPException, OSError, NotNow) as error:
        if smtp is not None:
            smtp.close()
        if isinstance(error, NotNow):
            raise
        raise NotNow(_lost(error)) from None
    return smtp


def _encrypt(smtp: smtplib.SMTP, server: MailServer) -> None:
    smtp.ehlo_or_helo_if_needed()
    if server.starttls == "never":
        return
    if smtp.has_extn("starttls"):
        context = ssl.create_default_context()
        if server.starttls == "offered":  # whoever could forge a certificate could as well offer no encryption
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        smtp.starttls(context=context)
    elif server.starttls == "required":
        raise NotNow(_("The mail server offers no encryption (STARTTLS); nothing is sent to it readable."))


def _lost(error: Exception) -> str:
    """Why there was no answer, or none that helps, in words."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        words = _words(error.smtp_code, error.smtp_error)
        return _("The mail server does not take our user and password: %(words)s", words=words)
    if isinstance(error, smtplib.SMTPResponseException):
        return _words(error.smtp_code, error.smtp_error)
    return _("The mail server cannot be reached or broke off: %(error)s", error=f"{type(error).__name__}: {error}")


def _words(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(f"{code} {said}".split())[:_LONGEST]
