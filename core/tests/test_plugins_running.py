"""A broken plugin in a running application: named to administrators with the next step, and the rest runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ossature.testing.servers import SECRET, Servers

pytestmark = pytest.mark.database

Install = Callable[..., Path]

LOST = """
from flask import Blueprint
from ossature.api import NavItem, hookimpl, public

blueprint = Blueprint("lost", __name__, url_prefix="/lost")

@blueprint.get("/page")
@public
def page():
    return "lost"

@hookimpl
def register_blueprints():
    return [blueprint]

@hookimpl
def register_navigation():
    return [NavItem("lost.nowhere", "Nowhere", endpoint="lost.nowhere")]
"""

SEEN = """
import json, os
from ossature.app import create_app
from ossature.config import Config
from ossature.testing.people import new_tenant

app = create_app(Config.load(env_file=None))
tenant = new_tenant(app)
owner, viewer = tenant.member("owner"), tenant.member("viewer")
problems = app.extensions["ossature"].plugins.problems
print(json.dumps({
    "problems": {status.key: [status.reason, status.next_step] for status in problems},
    "home": owner.page.get("/").text,
    "viewers_home": viewer.page.get("/").text,
    "healthy": owner.page.get("/_dummy/pebbles").status_code,
    "lost": owner.page.get("/lost/page").status_code,
}))
"""


@pytest.fixture(scope="module")
def own_database(servers: Servers, worker_number: int) -> Iterator[dict[str, str]]:
    """The environment of a process on a database of its own."""
    name = f"ossature_{servers.run}_running_{worker_number}"
    servers.clone(servers.template("with_dummy", ("_dummy",)), name)
    config = servers.config(name)
    yield {
        **{key: value for key, value in os.environ.items() if not key.startswith("OSSATURE_")},
        "OSSATURE_HOME": str(config.home),
        "OSSATURE_DATABASE_URL": config.database_url,
        "OSSATURE_REDIS_URL": config.redis_url,
        "OSSATURE_SECRET_KEY": SECRET,
        "OSSATURE_DB_ROLE_PREFIX": config.db_role_prefix,
        "OSSATURE_ENVIRONMENT": "test",
        "OSSATURE_LOG_LEVEL": "error",
    }
    servers.drop(name)


def run(site: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**environment, "PYTHONPATH": str(site), "OSSATURE_PLUGINS": "_dummy,weeds,roots,lost"}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=environment, check=False)


@pytest.fixture
def site(install: Install) -> Path:
    """Three broken plugins: one that cannot be imported, one that requires it, one whose navigation leads nowhere."""
    install("weeds", code="import no_such_module")
    install("roots", requires=["weeds"])
    return install("lost", code=LOST).parent


def test_broken_plugins_are_named_to_administrators_and_the_rest_runs(site: Path, own_database: dict[str, str]) -> None:
    done = run(site, own_database, "-c", SEEN)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert set(seen["problems"]) == {"weeds", "roots", "lost"}
    assert all(next_step for _reason, next_step in seen["problems"].values())
    assert "no_such_module" in seen["problems"]["weeds"][0]
    assert "lost.nowhere" in seen["problems"]["lost"][0]
    assert seen["healthy"] == 200
    assert seen["lost"] == 404
    assert "weeds" in seen["home"]
    assert "weeds" not in seen["viewers_home"]


def test_strict_refuses_to_start(site: Path, own_database: dict[str, str]) -> None:
    done = run(site, {**own_database, "OSSATURE_STRICT": "1"}, "-c", SEEN)
    assert done.returncode != 0
    assert "plugin weeds: failed" in done.stderr
