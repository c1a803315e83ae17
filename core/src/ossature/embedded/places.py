"""Where the embedded servers keep their data and sockets: follows from `OSSATURE_HOME` alone, needs no running server.

A Unix socket's path may have about 108 bytes, less than many a checkout's, hence a short folder under /tmp when the
home's own path is too long.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

DATABASE = "ossature"
_LONGEST_SOCKET = 100
_LONGEST_NAME = "/run/postgres/.s.PGSQL.5432"


def run_folder(home: Path) -> Path:
    """Folder of sockets and process records."""
    if len(os.fsencode(home)) + len(_LONGEST_NAME) <= _LONGEST_SOCKET:
        return home / "run"
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"ossature-{os.getuid()}-{digest}" / "run"


def postgres_socket_folder(home: Path) -> Path:
    return run_folder(home) / "postgres"


def redis_socket(home: Path) -> Path:
    return run_folder(home) / "redis.sock"


def postgres_url(home: Path, database: str = DATABASE) -> str:
    return f"postgresql://postgres@/{database}?host={quote(str(postgres_socket_folder(home)))}"


def redis_url(home: Path) -> str:
    return f"unix://{quote(str(redis_socket(home)))}?db=0"
