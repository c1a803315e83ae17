"""Structured logs: one line per event, JSON for machines or plain for a terminal, secrets and personal data hidden.

    log = get_logger(__name__)
    log.info("contact merged", action="crm.contact.merge", kept=str(kept), merged=str(merged))

Every line has `timestamp` (UTC), `level` (error, warn, info, debug), `service`, `logger` and `message`; within a
request or job also `request_id`, `tenant` and `actor`; a request's own line has `action` (method and endpoint),
`status` and `duration_ms`. Lines go to standard error. The standard library's loggers come out the same way.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from typing import IO, Any, TextIO

import orjson
import structlog

from ossature.config import Config
from ossature.context import Context, current_or_none
from ossature.redaction import HIDDEN, is_secret_name, redact

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
_NAMES = {"warning": "warn", "critical": "error", "exception": "error", "fatal": "error", "notset": "debug"}
# Written by the kernel itself from values of a known shape; not searched for secrets.
_TRUSTED = frozenset(
    {"timestamp", "level", "service", "logger_name", "request_id", "tenant", "actor", "action", "status", "duration_ms"}
)

Line = MutableMapping[str, Any]


def configure_logging(config: Config, service: str, stream: TextIO | None = None) -> None:
    """Route all logging of this process to `stream` (standard error). `service` is serve, up, or a command's name."""
    level = LEVELS[config.log_level]
    target = stream or sys.stderr
    console = config.log_format == "console"
    structlog.configure(
        processors=[
            _surroundings(service),
            structlog.processors.format_exc_info,
            hide_secrets,
            _in_order,
            _ConsoleLine(colours=target.isatty()) if console else _json_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_WriterFactory(target),
        cache_logger_on_first_use=True,
    )
    global _request_log
    _request_log = get_logger("ossature.request").bind()
    root = logging.getLogger()
    root.handlers[:] = [_ToStructlog()]
    root.setLevel(level)
    for noisy in ("granian", "_granian", "watchfiles", "alembic", "faker", "urllib3", "sqlalchemy.engine"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING) if level > logging.DEBUG else logging.INFO)


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines say `name`; bind further fields with `.bind(...)`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(logger_name=name)
    return logger


_request_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(logger_name="ossature.request")


def log_request(status: int, *, method: str, endpoint: str, path: str, started: float, size: int | None = None) -> None:
    """Write the line of one answered request.

    Called once per request by the application's outermost hook, with the context still bound. `started` is
    `time.perf_counter()` at the request's begin. A failure of the server (5xx) is an error, a slow answer (over a
    second) a warning.
    """
    duration = round((time.perf_counter() - started) * 1000, 2)
    write: Callable[..., Any] = _request_log.info
    if status >= 500:
        write = _request_log.error
    elif duration > 1000:
        write = _request_log.warning
    write("request", action=f"{method} {endpoint}", path=path, status=status, duration_ms=duration, size=size)


def hide_secrets(_logger: Any, _method: str, line: Line) -> Line:
    """Processor: hide secrets and personal data, by key and by shape."""
    for key, value in line.items():
        if key in _TRUSTED:
            continue
        if is_secret_name(key) and value:
            line[key] = HIDDEN
        else:
            line[key] = redact(value)
    return line


def _surroundings(service: str) -> Callable[[Any, str, Line], Line]:
    def add(_logger: Any, method: str, line: Line) -> Line:
        line["timestamp"] = datetime.now(UTC).isoformat(timespec="milliseconds")
        line["level"] = _NAMES.get(method, method)
        line["service"] = service
        context = current_or_none()
        if context is not None:
            _say_who(context, line)
        return line

    return add


def _say_who(context: Context, line: Line) -> None:
    if context.request_id:
        line.setdefault("request_id", context.request_id)
    if context.tenant is not None:
        line.setdefault("tenant", context.tenant.slug)
    if context.actor is not None:
        line.setdefault("actor", str(context.actor.id))


_FIRST = ("timestamp", "level", "service", "message", "request_id", "tenant", "actor", "action", "duration_ms")


def _in_order(_logger: Any, _method: str, line: Line) -> Line:
    line["message"] = line.pop("event", "")
    line["logger"] = line.pop("logger_name", "ossature")
    ordered = {key: line[key] for key in _FIRST if key in line}
    ordered.update((key, value) for key, value in line.items() if key not in ordered and value is not None)
    return ordered


def _json_line(_logger: Any, _method: str, line: Line) -> bytes:
    return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS)


class _ConsoleLine:
    """`09:12:44.120 info   request  action=GET crm.contacts status=200`"""

    _COLOURS = {"error": "\x1b[31m", "warn": "\x1b[33m", "info": "\x1b[32m", "debug": "\x1b[2m"}

    def __init__(self, colours: bool) -> None:
        self.colours = colours

    def __call__(self, _logger: Any, _method: str, line: Line) -> bytes:
        level = str(line["level"])
        shown = f"{self._COLOURS.get(level, '')}{level:<5}\x1b[0m" if self.colours else f"{level:<5}"
        told = {"timestamp", "level", "service", "message", "logger", "exception"}
        fields = " ".join(f"{key}={value}" for key, value in line.items() if key not in told)
        text = f"{line['timestamp'][11:23]} {shown} {line['message']}  {fields}".rstrip()
        if "exception" in line:
            text += f"\n{line['exception']}"
        return text.encode("utf-8", "backslashreplace")


class _Writer:
    """Writes finished lines; each with one call, so that lines of several threads and processes do not mix."""

    def __init__(self, stream: TextIO) -> None:
        self._buffer: IO[bytes] | None = getattr(stream, "buffer", None)
        self._stream = stream

    def msg(self, line: bytes) -> None:
        try:
            if self._buffer is not None:
                self._buffer.write(line + b"\n")
                self._buffer.flush()
            else:
                self._stream.write(line.decode() + "\n")
        except (BrokenPipeError, ValueError):
            pass  # the reader of our standard error is gone; logging must not end the work

    debug = info = warning = warn = error = critical = exception = fatal = log = msg


class _WriterFactory:
    def __init__(self, stream: TextIO) -> None:
        self._writer = _Writer(stream)

    def __call__(self, *_args: Any) -> _Writer:
        return self._writer


class _ToStructlog(logging.Handler):
    """Hands the standard library's records to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            logger = structlog.get_logger(logger_name=record.name)
            level = record.levelno if record.levelno in {10, 20, 30, 40, 50} else logging.INFO
            fields: dict[str, Any] = {"exc_info": record.exc_info} if record.exc_info else {}
            logger.log(level, record.getMessage(), **fields)
        except Exception:  # as logging.Handler asks: a log line that fails must not fail its caller
            self.handleError(record)
