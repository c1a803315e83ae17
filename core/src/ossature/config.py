"""Process settings from the environment (`OSSATURE_*`) and from a `.env` file, typed, checked at start, listed by
`ossature config`.

Every field of `Config` is one variable: `database_url` is `OSSATURE_DATABASE_URL`. What is not given gets a default
that is right for a developer's own machine; in production a missing or weak secret is refused.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import os
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from dotenv import dotenv_values
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ossature.config_checks import DEFAULT_DEMO_PASSWORD, is_loopback, problems_of, sentence_of
from ossature.embedded.places import postgres_url, redis_url
from ossature.mail.server import MailServer

PREFIX = "OSSATURE_"

BACKGROUND = ("dispatcher", "worker", "scheduler")
"""The processes beside the serving one; each is a command of its own name."""
# Variables that other programs of this project read; named here so that they are not taken for spelling mistakes.
READ_ELSEWHERE = frozenset({"OSSATURE_TEST_DATA", "OSSATURE_REQUIREMENTS", "OSSATURE_REQUIRE_ALL", "OSSATURE_DEBUG"})
READ_ELSEWHERE_PREFIXES = ("OSSATURE_TEST_", "OSSATURE_BENCH_")

PROGRAMS = (
    "exe", "com", "scr", "pif", "cpl", "dll", "sys", "msi", "msp", "bat", "cmd", "ps1", "psm1", "vbs", "vbe", "js", "jse",
    "mjs", "wsf", "wsh", "hta", "lnk", "reg", "jar", "apk", "app", "elf", "deb", "rpm", "sh", "bash", "php", "py", "pl",
    "rb",
)  # fmt: skip
"""Endings of files that a computer runs when somebody opens them."""

Words = Annotated[tuple[str, ...], NoDecode]
Limit = Annotated[str, Field(pattern=r"^[1-9]\d* ?(/|per) ?(second|minute|hour|day)$")]


class ConfigError(Exception):
    """The configuration cannot be used; `problems` are sentences, each ending with the next step."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of `ossature config`; `value` is masked where the setting is a secret or holds a password."""

    name: str
    value: str
    source: str
    help: str


class Config(BaseSettings):
    """The settings of one process; immutable. Make one with `Config.load()`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file_encoding="utf-8", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    environment: Literal["development", "production", "test"] = Field("development", description="run mode")
    title: str = Field("Ossature", min_length=1, max_length=60, description="name shown on every page (white label)")
    base_url: str = Field("", description="public address, such as https://erp.example.com")
    api_url: str = Field("", description="address that browsers and the API's documentation use for the API")
    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on")
    home: Path = Field(Path(), description="folder for the embedded servers, keys and files")

    database_url: str = Field("", repr=False, description="PostgreSQL for migrations and backups (an owner)")
    app_database_url: str = Field("", repr=False, description="PostgreSQL for requests; derived when not given")
    system_database_url: str = Field("", repr=False, description="PostgreSQL for the kernel's own processes; derived")
    db_role_prefix: str = Field("ossature", pattern=r"^[a-z][a-z0-9_]{0,40}$", description="prefix of database roles")
    database_pool_size: int = Field(10, ge=1, le=200, description="connections kept open per process")
    statement_seconds: int = Field(20, ge=1, le=3600, description="longest that one statement of a request may take")
    redis_url: str = Field("", repr=False, description="Redis for sessions and rate limits")

    secret_key: str = Field("", repr=False, description="signs sessions; 32 characters or more")
    access_token_secret: str = Field("", repr=False, description="signs access tokens; derived from the secret key")
    refresh_token_secret: str = Field("", repr=False, description="signs refresh tokens; derived from the secret key")
    encryption_keys: str = Field("", repr=False, description="id:base64 of 32 bytes, comma separated, first encrypts")
    metrics_token: str = Field("", repr=False, description="bearer token for /metrics from beyond loopback")

    admin_email: str = Field("", description="first platform administrator")
    admin_password: str = Field("", repr=False, description="password of the first platform administrator")
    demo_password: str = Field(
        DEFAULT_DEMO_PASSWORD, min_length=1, repr=False, description="password of the demo tenant"
    )

    access_token_minutes: int = Field(60, ge=1, le=1440, description="life of an access token, minutes")
    session_days: int = Field(7, ge=1, le=365, description="life of a session, days")
    event_days: int = Field(90, ge=1, le=3650, description="days that events are kept")
    rate_limit: Limit = Field("1200/minute", description="requests per user or key")
    sign_in_limit: Limit = Field("100/minute", description="requests per address before sign-in")
    files_url: str = Field("", description="where files are kept: file:///folder or s3://bucket/prefix")
    files_max_bytes: int = Field(25_000_000, ge=1, le=5_000_000_000, description="largest file, bytes")
    files_tenant_bytes: int = Field(10_000_000_000, ge=1, description="room for the files of a tenant, bytes")
    files_denied: Words = Field(PROGRAMS, description="endings of files that are not taken, comma separated")
    import_max_mb: int = Field(100, ge=1, le=2_000, description="largest file that is imported, millions of bytes")
    import_max_rows: int = Field(500_000, ge=1, le=5_000_000, description="most rows of a file that is imported")
    s3_endpoint_url: str = Field("", description="address of an S3 other than Amazon's")
    s3_region: str = Field("", description="region of the S3 bucket")
    s3_access_key_id: str = Field("", description="access key of S3; the machine's own credentials when not given")
    s3_secret_key: str = Field("", repr=False, description="secret of the access key of S3")
    smtp_url: str = Field("", repr=False, description="mail server: smtp://user:password@host:587 or smtps://host")
    mail_from: str = Field("", description="address that mail comes from")
    max_body_bytes: int = Field(16 * 1024 * 1024, ge=1024, description="largest request body, bytes")
    cors_origins: Words = Field((), description="other sites allowed to call the API, comma separated")
    trusted_proxies: int = Field(0, ge=0, le=10, description="how many proxies in front set X-Forwarded-* headers")

    log_level: Literal["debug", "info", "warn", "error"] = Field("info", description="least level written")
    log_format: Literal["json", "console"] = Field("console", description="how log lines are written")
    strict: bool = Field(False, description="a plugin that fails to load stops the start")
    plugins: Words | None = Field(None, description="load exactly these plugins instead of the active ones")
    workers: int = Field(0, ge=0, le=64, description="serving processes; 0 chooses by the number of processors")
    threads: int = Field(3, ge=1, le=256, description="requests handled at once per serving process")

    # -- reading ------------------------------------------------------------------------------------------------------

    @classmethod
    def load(cls, env_file: str | Path | None = ".env", **overrides: Any) -> Config:
        """Read, fill in and check the settings. Raises `ConfigError` naming every problem at once.

        `overrides` win over the environment, the environment over `env_file`.
        """
        try:
            config = cls(_env_file=env_file, **overrides)
        except ValidationError as error:
            raise ConfigError([sentence_of(fault, cls.model_fields) for fault in error.errors()]) from None
        given = {name for name in cls.model_fields if os.environ.get((PREFIX + name).upper())}
        in_file = {key.lower().removeprefix(PREFIX.lower()) for key in _file_values(env_file)}
        sources = dict.fromkeys(in_file, "file") | dict.fromkeys(given, "environment")
        config.__dict__["sources"] = sources | dict.fromkeys(
            (name for name, value in overrides.items() if value not in (None, "")), "command"
        )
        if problems := list(problems_of(config)):
            raise ConfigError(problems)
        return config

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: dict[str, Any]) -> dict[str, Any]:
        values = {key: value for key, value in data.items() if value not in (None, "")}
        home = Path(values.get("home") or default_home()).expanduser().resolve()
        values["home"] = home
        environment = values.get("environment", "development")
        values.setdefault("base_url", f"http://localhost:{values.get('port', 8000)}")
        values["base_url"] = str(values["base_url"]).rstrip("/")
        values.setdefault("api_url", f"{values['base_url']}/api")
        values.setdefault("log_format", "json" if environment == "production" else "console")
        if environment != "production":
            values.setdefault("secret_key", _kept_secret(home))
        secret = str(values.get("secret_key", ""))
        values.setdefault("database_url", postgres_url(home))
        values.setdefault("redis_url", redis_url(home))
        values.setdefault("files_url", (home / "files").as_uri())
        prefix = values.get("db_role_prefix", "ossature")
        for role in ("app", "system"):
            password = derive(secret, f"database role {role}").hex()[:40]
            values.setdefault(
                f"{role}_database_url", _as_role(str(values["database_url"]), f"{prefix}_{role}", password)
            )
        values.setdefault("access_token_secret", derive(secret, "access token").hex())
        values.setdefault("refresh_token_secret", derive(secret, "refresh token").hex())
        if secret:
            key = base64.b64encode(derive(secret, "encryption")).decode()
            values.setdefault("encryption_keys", f"derived:{key}")
        return values

    @field_validator("cors_origins", "plugins", "files_denied", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("files_denied")
    @classmethod
    def _as_endings(cls, value: Words) -> Words:
        return tuple(one.lower().lstrip(".") for one in value)

    @field_validator("log_level", mode="before")
    @classmethod
    def _short_level(cls, value: object) -> object:
        return {"warning": "warn"}.get(value.lower(), value.lower()) if isinstance(value, str) else value

    # -- what follows from the settings ---------------------------------------------------------------------------------

    @property
    def import_max_bytes(self) -> int:
        return self.import_max_mb * 1_000_000

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def embedded_postgres(self) -> bool:
        """Whether this deployment runs its own PostgreSQL, under `home`."""
        return self.database_url == postgres_url(self.home)

    @property
    def embedded_redis(self) -> bool:
        """Whether this deployment runs its own Redis, under `home`."""
        return self.redis_url == redis_url(self.home)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback(self.host)

    @property
    def secure_cookies(self) -> bool:
        return self.base_url.startswith("https://")

    @cached_property
    def encryption_keyring(self) -> dict[str, bytes]:
        """Encryption keys of 32 bytes by id; the first one encrypts, all decrypt."""
        return _key_ring(self.encryption_keys)

    @cached_property
    def mail_server(self) -> MailServer | None:
        """Where mail is handed over; None where no server is set up and mail is kept."""
        return MailServer.read(self.smtp_url) if self.smtp_url else None

    def source(self, name: str) -> str:
        """Where a setting came from: environment, file, command or default."""
        found: str = self.__dict__.get("sources", {}).get(name, "default")
        return found

    def settings(self) -> list[Setting]:
        """Every setting with its source, secrets masked."""
        return [
            Setting(
                (PREFIX + name).upper(), mask(name, getattr(self, name)), self.source(name), field.description or ""
            )
            for name, field in type(self).model_fields.items()
        ]

    @classmethod
    def unknown_variables(cls, env_file: str | Path | None = ".env") -> list[str]:
        """Sentences about `OSSATURE_*` variables that no setting reads, with the nearest spelling."""
        known = {(PREFIX + name).upper() for name in cls.model_fields}
        given = {*os.environ, *_file_values(env_file)}
        sentences = []
        for name in sorted(key for key in given if key.upper().startswith(PREFIX)):
            if name.upper() in known | READ_ELSEWHERE or name.upper().startswith(READ_ELSEWHERE_PREFIXES):
                continue
            near = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"did you mean {near[0]}?" if near else "`ossature config` lists the settings."
            sentences.append(f"{name} is not a setting; {hint}")
        return sentences


def default_home() -> Path:
    """`.ossature` in a checkout, otherwise the user's data folder."""
    checkout = Path(__file__).resolve().parents[3]
    if (checkout / "core" / "pyproject.toml").is_file():
        return checkout / ".ossature"
    import platformdirs

    return Path(platformdirs.user_data_dir("ossature"))


def derive(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose from a secret, by HKDF (RFC 5869): knowing one tells nothing of another."""
    return HKDF(SHA256(), 32, salt=None, info=f"ossature/{purpose}".encode()).derive(secret.encode())


def mask(name: str, value: object) -> str:
    """A setting's value as it may be shown: secrets as dots, passwords in addresses left out."""
    if value in (None, "", ()):
        return ""
    if name.endswith(("_url", "_urls")):
        parts = urlsplit(str(value))
        return str(value).replace(f":{parts.password}@", ":\u2022\u2022\u2022\u2022@") if parts.password else str(value)
    if name.endswith(("secret", "secret_key", "password", "_token", "_keys")):
        return "\u2022" * 8
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _key_ring(text: str) -> dict[str, bytes]:
    ring: dict[str, bytes] = {}
    for part in filter(None, (item.strip() for item in text.split(","))):
        key_id, _, encoded = part.partition(":")
        if not key_id.isalnum() or len(key_id) > 16:
            raise ValueError("an id must be 1 to 16 letters and digits")
        if key_id in ring:
            raise ValueError(f"the id {key_id} appears twice")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise ValueError(f"the key {key_id} is not base64") from None
        if len(key) != 32:
            raise ValueError(f"the key {key_id} has {len(key)} bytes instead of 32")
        ring[key_id] = key
    return ring


# -- reading, in detail -------------------------------------------------------------------------------------------------


def _file_values(env_file: str | Path | None) -> list[str]:
    if env_file is None or not Path(env_file).is_file():
        return []
    return [key for key, value in dotenv_values(env_file).items() if value and key.upper().startswith(PREFIX)]


def _as_role(url: str, user: str, password: str) -> str:
    """The same database as another role."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{quote(user)}:{password}@{place}{parts.path}{query}"


def _kept_secret(home: Path) -> str:
    """The secret of a development home: made once, kept beside its data, so that sessions outlive a restart."""
    path = home / "secret_key"
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({error.strerror}); set OSSATURE_SECRET_KEY or OSSATURE_HOME"
        ) from None
    try:
        home.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass  # another process of the same home was faster
    except OSError as error:
        raise ValueError(
            f"{home} cannot be written ({error.strerror}); set OSSATURE_HOME to a folder that can"
        ) from None
    return path.read_text(encoding="ascii").strip()
