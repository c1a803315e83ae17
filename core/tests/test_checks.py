"""What is wrong with a deployment is told in one line each, with the next step, and never as a traceback."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import psycopg
import pytest

from ossature.config import Config
from ossature.context import Context, use_context
from ossature.db import Database, migrate
from ossature.testing.servers import Servers

pytestmark = pytest.mark.database

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_sound_deployment_is_well(ossature: Run) -> None:
    done = ossature("check")
    assert done.returncode == 0, done.stderr
    assert "All is well." in done.stdout


def test_a_database_that_cannot_be_reached_is_one_line_with_the_next_step(ossature: Run) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    for words in (("check",), ("migrate",), ("serve",)):
        done = ossature(*words, DATABASE_URL=nowhere, APP_DATABASE_URL=nowhere, SYSTEM_DATABASE_URL=nowhere)
        assert done.returncode != 0
        assert "cannot be reached" in done.stderr
        assert "OSSATURE_DATABASE_URL" in done.stderr
        assert "Traceback" not in done.stderr


def test_redis_that_is_away_is_named(ossature: Run) -> None:
    done = ossature("check", REDIS_URL="redis://127.0.0.1:1/0")
    assert done.returncode != 0
    assert "correct OSSATURE_REDIS_URL" in done.stderr


@pytest.mark.req("S3-121")
def test_a_database_behind_on_migrations_is_not_served_and_the_command_is_named(
    ossature: Run, servers: Servers, installed_plugins: tuple[str, ...]
) -> None:
    name = f"ossature_{servers.run}_behind"
    servers.clone(servers.template("all", installed_plugins), name)
    try:
        config = servers.config(name)
        urls = {
            "DATABASE_URL": config.database_url,
            "APP_DATABASE_URL": config.app_database_url,
            "SYSTEM_DATABASE_URL": config.system_database_url,
        }
        migrate.downgrade(config, "crm", "base")
        served = ossature("serve", **urls)
        assert served.returncode != 0
        assert "behind on migrations of crm; run: ossature migrate" in served.stderr
        checked = ossature("check", **urls)
        assert "crm is at nothing, the code at" in checked.stderr
        assert ossature("migrate", **urls).returncode == 0
        assert ossature("check", **urls).returncode == 0
    finally:
        servers.drop(name)


@pytest.mark.req("S0-63")
def test_a_server_older_than_15_is_refused_before_anything_is_written(
    ossature_config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ossature.db.migrate.OLDEST_VERSION", 990000)
    for act in (migrate.prepare, migrate.upgrade):
        with pytest.raises(migrate.DatabaseTooOld, match="too old: Ossature needs 99 or newer; upgrade the server"):
            act(ossature_config)


def test_roles_that_could_see_every_tenant_are_refused(
    ossature: Run, servers: Servers, ossature_config: Config
) -> None:
    done = ossature("check", APP_DATABASE_URL=ossature_config.database_url)
    assert done.returncode != 0
    assert "sees every tenant's rows" in done.stderr


def test_a_transaction_for_nobody_is_refused(ossature_config: Config) -> None:
    database = Database(ossature_config)
    with pytest.raises(RuntimeError, match="without a bound context"), database.app.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    with use_context(Context()), database.app.connect() as connection:
        assert connection.exec_driver_sql("SELECT current_setting('ossature.tenant')").scalar() == ""
        with pytest.raises(Exception, match="permission denied") as refused:
            connection.exec_driver_sql("CREATE TABLE ossature.mine (id int)")
        assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege)
    database.dispose()
