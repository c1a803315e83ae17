"""What makes a configuration unusable: each problem is one sentence that ends with the next step."""

from __future__ import annotations

import importlib.util
import ipaddress
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ossature.config import Config

DEFAULT_DEMO_PASSWORD = "ossature-demo-1"  # noqa: S105 - works on loopback only, see `_problems_of_the_demo`
SHORTEST_SECRET = 32
SHORTEST_PASSWORD = 12
NEW_SECRET = 'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'  # noqa: S105


def problems_of(config: Config) -> Iterator[str]:
    for name in ("database_url", "app_database_url", "system_database_url"):
        if not getattr(config, name).startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
            yield f"OSSATURE_{name.upper()} is not a PostgreSQL address; give postgresql://user:password@host/database."
    if not config.redis_url.startswith(("redis://", "rediss://", "unix://")):
        yield "OSSATURE_REDIS_URL is not a Redis address; give redis://host:6379/0 or unix:///path/to/socket?db=0."
    yield from _problems_of_files(config)
    yield from _problems_of_mail(config)
    for name in ("base_url", "api_url"):
        parts = urlsplit(getattr(config, name))
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            yield f"OSSATURE_{name.upper()} is not a web address; give something like https://erp.example.com."
    for origin in config.cors_origins:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
            yield (
                f"OSSATURE_CORS_ORIGINS: {origin!r} is not an origin; give scheme and host alone, such as "
                "https://app.example.com (a star is never accepted)."
            )
    if bool(config.admin_email) != bool(config.admin_password):
        yield "OSSATURE_ADMIN_EMAIL and OSSATURE_ADMIN_PASSWORD go together; give both or neither."
    if config.access_token_secret == config.refresh_token_secret:
        yield (
            "OSSATURE_ACCESS_TOKEN_SECRET and OSSATURE_REFRESH_TOKEN_SECRET are the same; give two different ones, or "
            "neither: both are then derived from OSSATURE_SECRET_KEY."
        )
    try:
        config.encryption_keyring  # noqa: B018 - reading it checks it
    except ValueError as error:
        yield f"OSSATURE_ENCRYPTION_KEYS: {error}; give id:base64 of 32 random bytes."
    yield from _weak_secrets(config)
    yield from _weak_password(config)
    if config.production:
        yield from _problems_in_production(config)
    else:
        yield from _problems_of_the_demo(config)


def _problems_of_files(config: Config) -> Iterator[str]:
    parts = urlsplit(config.files_url)
    folder = parts.scheme == "file" and not parts.netloc and parts.path not in ("", "/")
    if not folder and (parts.scheme != "s3" or not parts.netloc):
        yield "OSSATURE_FILES_URL names no place for files; give file:///absolute/folder or s3://bucket/prefix."
    elif not folder and importlib.util.find_spec("boto3") is None:
        yield "OSSATURE_FILES_URL is on S3, which takes boto3; install it with: pip install 'ossature[s3]'."
    if bool(config.s3_access_key_id) != bool(config.s3_secret_key):
        yield "OSSATURE_S3_ACCESS_KEY_ID and OSSATURE_S3_SECRET_KEY go together; give both or neither."


def _problems_of_mail(config: Config) -> Iterator[str]:
    try:
        config.mail_server  # noqa: B018 - reading it checks it
    except ValueError as error:
        yield f"OSSATURE_SMTP_URL {error}."
    if config.smtp_url and not config.mail_from:
        yield "OSSATURE_MAIL_FROM is missing; give the address that mail comes from, such as erp@example.com."
    elif config.mail_from:
        from email_validator import EmailNotValidError, validate_email  # of use to those few who set this

        try:
            validate_email(config.mail_from, check_deliverability=False, test_environment=True)
        except EmailNotValidError:
            yield "OSSATURE_MAIL_FROM is no e-mail address; give one such as erp@example.com, without a name."


def _weak_secrets(config: Config) -> Iterator[str]:
    """Secrets that are given are held to the same measure everywhere; only production may not leave one out."""
    for name in ("secret_key", "access_token_secret", "refresh_token_secret"):
        value = getattr(config, name)
        variable = f"OSSATURE_{name.upper()}"
        if not value:
            if config.production:
                yield f"{variable} is missing; make one with: {NEW_SECRET}"
        elif len(value) < SHORTEST_SECRET:
            yield f"{variable} has {len(value)} characters, {SHORTEST_SECRET} are needed; make one with: {NEW_SECRET}"
        elif len(set(value)) < 10 or _looks_like_an_example(value):
            yield f"{variable} is easy to guess; make one with: {NEW_SECRET}"


def _looks_like_an_example(value: str) -> bool:
    lowered = value.lower()
    return any(
        word in lowered for word in ("change-me", "changeme", "change_me", "secret-key", "your-", "example", "insecure")
    )


def _problems_in_production(config: Config) -> Iterator[str]:
    if config.source("base_url") == "default":
        yield "OSSATURE_BASE_URL is missing; give the public address, such as https://erp.example.com."
    elif not config.secure_cookies and not is_loopback(urlsplit(config.base_url).hostname or ""):
        yield "OSSATURE_BASE_URL is not https, so passwords would travel readable; give an https:// address."


def _weak_password(config: Config) -> Iterator[str]:
    given = config.admin_password
    if given and (len(given) < SHORTEST_PASSWORD or len(set(given)) < 6 or _known_password(given)):
        yield (
            f"OSSATURE_ADMIN_PASSWORD is too easy to guess; give at least {SHORTEST_PASSWORD} characters that are not a "
            "well-known password, and change it after the first sign-in."
        )


def _problems_of_the_demo(config: Config) -> Iterator[str]:
    if len(config.demo_password) < SHORTEST_PASSWORD:
        yield f"OSSATURE_DEMO_PASSWORD is too short; give at least {SHORTEST_PASSWORD} characters."
    if not config.loopback and config.demo_password == DEFAULT_DEMO_PASSWORD:
        yield (
            f"OSSATURE_HOST is {config.host}, but the default demo password works on loopback only; set "
            "OSSATURE_DEMO_PASSWORD, or OSSATURE_ENVIRONMENT=production, which has no demo tenant."
        )


def _known_password(password: str) -> bool:
    plain = "".join(character for character in password.lower() if character.isalpha())
    return plain in {"", "admin", "administrator", "password", "motdepasse", "ossature", "ossaturedemo", "changeme"}


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def sentence_of(fault: Any, fields: dict[str, Any]) -> str:
    name = str(fault["loc"][0]) if fault["loc"] else ""
    field = fields.get(name)
    message = str(fault["msg"]).removeprefix("Value error, ")
    if not name:
        return f"{message}."
    return f"OSSATURE_{name.upper()}: {message[:1].lower()}{message[1:]}; set it to {_wanted(field)}."


def _wanted(field: Any) -> str:
    if field is None:
        return "a known value"
    limits = {type(item).__name__: item for item in field.metadata}
    if "Ge" in limits and "Le" in limits:
        return f"a whole number from {limits['Ge'].ge} to {limits['Le'].le}"
    return f"a valid value ({field.description})"
