"""`ossature serve`: pages and API by granian, in worker processes that end with it."""

from __future__ import annotations

import gc
import os
import resource
import shutil
import socket
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ossature.config import Config, ConfigError
from ossature.embedded import places
from ossature.embedded.children import die_with_parent
from ossature.memory import collected_later

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_STOP_WITHIN = 10  # seconds that a request may go on for after a stop was asked
_CONNECTIONS = 10_000
"""Open at once per process: every browser keeps several, and only what is asked for takes a thread."""
_WATCHED = frozenset({".py", ".html", ".po", ".toml", ".txt", ".css", ".js", ".svg"})


def serve(config: Config, *, reload: bool = False) -> None:
    """Serve until told to stop (SIGINT, SIGTERM). With `reload`, start again when code, templates or texts change."""
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server
    from watchfiles import DefaultFilter

    class Watched(DefaultFilter):
        def __call__(self, change: Any, path: str) -> bool:
            return Path(path).suffix in _WATCHED and super().__call__(change, path)

    require_free_port(config)
    require_migrations(config)
    workers = 1 if reload else workers_of(config)
    prepare_metrics(config, workers)
    allow_open_files(_CONNECTIONS + 1_000)
    server = Server(
        "ossature.app:create_app",
        address=config.host,
        port=config.port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=config.threads,
        backpressure=_CONNECTIONS,
        log_enabled=True,
        log_level=LogLevels.error,
        log_dictconfig=_THROUGH_OURS,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=_STOP_WITHIN,
        websockets=False,
        reload=reload,
        reload_paths=watched_folders(),
        reload_filter=Watched,
        reload_ignore_worker_failure=True,
    )
    server.serve(target_loader=partial(_load, os.getpid()), wrap_loader=False)


def require_migrations(config: Config) -> None:
    """Raises `ConfigError` when the database is behind. Asked in a child, whose memory the workers do not inherit."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with os.fdopen(writer, "w") as answer:
            answer.write("\n".join(_missing_migrations(config)))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        problems = answer.read().splitlines()
    os.waitpid(child, 0)
    if problems:
        raise ConfigError(problems)


def _missing_migrations(config: Config) -> list[str]:
    from ossature.cli import explain
    from ossature.plugins import migrations

    try:
        late = migrations.behind(migrations.status(config))
    except Exception as error:  # told by the parent
        return explain(error)
    return [f"the database is behind on migrations of {', '.join(late)}; run: ossature migrate"] if late else []


def workers_of(config: Config) -> int:
    """How many processes serve: as set, otherwise one per processor, at most four."""
    return config.workers or max(1, min(4, os.cpu_count() or 1))


def require_free_port(config: Config) -> None:
    """Raises `ConfigError` when something else listens already."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            raise ConfigError(
                [
                    f"Port {config.port} on {config.host} cannot be used ({error.strerror}); set OSSATURE_PORT to another."
                ]
            ) from None


def allow_open_files(number: int) -> None:
    """Let this process and its children open so many files, or as many as it may."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number if most == resource.RLIM_INFINITY else min(number, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def prepare_metrics(config: Config, workers: int) -> None:
    """Let several workers count together, through files of this start; see `ossature.health.metrics`."""
    folder = places.run_folder(config.home) / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    if workers > 1:
        folder.mkdir(parents=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    else:
        os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)


def watched_folders() -> list[Path]:
    """Where the code of the kernel and of every installed plugin lies."""
    from importlib.metadata import entry_points

    packages = {"ossature"} | {point.module.partition(".")[0] for point in entry_points(group="ossature.plugins")}
    specs = filter(None, (find_spec(package) for package in sorted(packages)))
    return [Path(place) for spec in specs for place in spec.submodule_search_locations or ()]


# granian sets logging up by itself; this hands its lines to ours.
_THROUGH_OURS: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"propagate": True}, "granian.access": {"propagate": True}},
}


def _load(parent: int) -> WSGIApplication:
    """Make the application; runs in each worker."""
    die_with_parent(parent=parent)
    with collected_later():
        from ossature.app import create_app
        from ossature.logs import configure_logging, get_logger

    config = Config.load()
    configure_logging(config, "serve")
    try:
        make: Callable[..., WSGIApplication] = create_app
        application = make(config)
    except Exception:
        get_logger(__name__).exception("the application cannot start")
        sys.exit(1)
    gc.freeze()  # all that lives as long as the process: a full collection then takes 5 ms instead of 60
    return application
