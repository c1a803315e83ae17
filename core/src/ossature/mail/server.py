"""The mail server as `OSSATURE_SMTP_URL` names it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

StartTls = Literal["required", "offered", "never"]
_PORTS = {"smtps": 465, "smtp": 25, "smtp with a password": 587}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over. `tls` speaks TLS from the first byte; otherwise `starttls` says what is asked of it:
    `required` sends nothing readable and checks the certificate, `offered` encrypts with whatever it has."""

    host: str
    port: int
    tls: bool
    starttls: StartTls
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def read(cls, url: str) -> MailServer:
        """`smtp://user:password@host:587`, `smtps://host`, `smtp://host?starttls=never`. Raises `ValueError` in words."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError("is not the address of a mail server; give smtp://user:password@host:587 or smtps://host")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if bool(user) != bool(password):
            raise ValueError("has a user or a password alone; give both or neither")
        if not (user + password).isascii():
            raise ValueError("has a user or a password with letters outside ASCII, which SMTP does not take")
        asked = parse_qs(parts.query).get("starttls", ["required" if user else "offered"])[0]
        if asked not in ("required", "offered", "never"):
            raise ValueError("asks for an unknown starttls; give required, offered or never")
        scheme = "smtp with a password" if parts.scheme == "smtp" and user else parts.scheme
        try:
            port = parts.port or _PORTS[scheme]
        except ValueError:
            raise ValueError("has no port from 1 to 65535") from None
        return cls(parts.hostname, port, parts.scheme == "smtps", asked, user, password)  # type: ignore[arg-type]
