"""The plugin that the authors' pages build, built, installed and used as they say, step by step."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from babel.messages import pofile

from ossature.testing.servers import Servers

pytestmark = [pytest.mark.processes, pytest.mark.long]

# In the order in which a reader meets them: later pages add to the plugin of earlier ones.
PAGES = (
    "quickstart.md", "records.md", "permissions.md", "events.md", "jobs.md", "mail.md", "translations.md", "testing.md",
)  # fmt: skip
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
SHORTEST_WAIT = 0.1


class Workshop:
    """A folder, a virtual environment and a deployment of its own, in which the pages' commands run."""

    def __init__(self, folder: Path, servers: Servers, database: str) -> None:
        self.folder = folder
        self.environment = folder / "environment"
        config = servers.config(database)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        settings = {
            "ENVIRONMENT": "development",
            "HOME": str(servers.home),
            "DATABASE_URL": config.database_url,
            "REDIS_URL": config.redis_url,
            "SECRET_KEY": config.secret_key,
            "DB_ROLE_PREFIX": config.db_role_prefix,
            "PORT": str(self.port),
            "LOG_LEVEL": "error",
            "WORKERS": "1",
            "TEST_DATABASE_URL": servers.database_url.render_as_string(hide_password=False),
            "TEST_REDIS_URL": servers.redis_url,
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OSSATURE_")}
        self.variables = {
            **kept,
            **{f"OSSATURE_{name}": value for name, value in settings.items()},
            "PATH": f"{self.environment / 'bin'}:{os.environ['PATH']}",
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say: without isolation
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        self._make_environment()

    def _make_environment(self) -> None:
        """A virtual environment that sees what is installed here, and keeps what is installed there."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.environment], check=True)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        site = self.environment / "lib" / version / "site-packages"
        (site / "outer.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
        modules = {"pip": "pip", "ossature": "ossature", "pytest": "pytest"}
        for name, module in modules.items():
            script = self.environment / "bin" / name
            script.write_text(f'#!/bin/sh\nexec "{self.environment}/bin/python" -m {module} "$@"\n')
            script.chmod(0o755)

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")

    def run(self, line: str) -> str:
        done = subprocess.run(
            shlex.split(line), cwd=self.folder, env=self.variables, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def serving(self) -> Iterator[str]:
        """The application on its port, as `ossature serve` runs it."""
        process = subprocess.Popen(
            [self.environment / "bin" / "ossature", "serve"], cwd=self.folder, env=self.variables, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        address = f"http://localhost:{self.port}"
        try:
            for _attempt in range(200):
                try:
                    requests.get(f"{address}/healthz", timeout=5)
                    break
                except requests.ConnectionError:
                    assert process.poll() is None, process.communicate()[0]
                    time.sleep(SHORTEST_WAIT)
            yield address
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def translate(catalogue: Path) -> None:
    """What a reader does in an editor: fill in what is empty."""
    with catalogue.open("rb") as file:
        texts = pofile.read_po(file, locale="fr")
    for number, text in enumerate(texts):
        if text.id and not text.string:
            text.string = " ".join([f"Texte {number}", *PLACEHOLDER.findall(text.id)])
    with catalogue.open("wb") as file:
        pofile.write_po(file, texts)


@pytest.fixture
def workshop(tmp_path: Path, servers: Servers, worker_number: int) -> Iterator[Workshop]:
    name = f"ossature_{servers.run}_docs_{worker_number}"
    servers.drop(name)
    with servers.connect("postgres") as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield Workshop(tmp_path, servers, name)
    servers.drop(name)


@pytest.mark.req("S0-13", "S4-114", "S3-122")
def test_the_plugin_of_the_pages_is_built_as_they_say(docs: Any, workshop: Workshop) -> None:
    for module in ("", "models/"):
        workshop.write(f"garage/src/ossature_garage/{module}__init__.py", "")
    workshop.run("ossature setup")
    scopes = "garage.vehicle.view garage.vehicle.create garage.vehicle.edit garage.vehicle.delete"
    key, known = "", {}
    for page in PAGES:
        spoken = False
        for block in docs.blocks(f"authors/{page}"):
            if block.file:
                workshop.write(block.file, block.text)
            elif block.language == "sh":
                for line in block.text.strip().splitlines():
                    workshop.run(line)
                    if ".i18n update" in line:
                        translate(workshop.folder / line.split()[-1] / "translations" / "fr.po")
            elif block.language == "http" and not spoken:
                spoken = True
                if not key:
                    options = " ".join(f"--scope {scope}" for scope in scopes.split())
                    key = known["key"] = workshop.run(f"ossature token create docs --tenant demo {options}").strip()
                with workshop.serving() as address:

                    def send(
                        verb: str, path: str, headers: dict[str, str], body: str, address: str = address
                    ) -> tuple[int, dict[str, str], str]:
                        answer = requests.request(verb, address + path, headers=headers, data=body.encode(), timeout=20)
                        return answer.status_code, dict(answer.headers), answer.text

                    assert docs.converse(f"authors/{page}", send, known)
    # What was made goes away again, as the quickstart says.
    workshop.run("ossature migrate --plugin garage --to -1")
