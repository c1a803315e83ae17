"""Statements are counted as the server saw them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ossature.testing.servers import Servers
from ossature.testing.statements import StatementLog

HEAD = "2026-01-01 10:00:00.000 UTC [7] app@grove LOG:  "


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "postgres.log"
    path.write_text(f"{HEAD}statement: SELECT 'before'\n")
    return path


def counted(log: Path, text: str, user: str | None = None) -> list[str]:
    with StatementLog(log, "grove").counting(user) as found:
        with log.open("a") as file:
            file.write(text)
        assert len(found) == 0
    return found.texts


def test_statements_of_the_block_are_counted_simple_and_prepared(log: Path) -> None:
    lines = f"{HEAD}statement: SELECT 1\n{HEAD}execute <unnamed>: SELECT $1\n{HEAD}execute _pg3_0: SELECT 2\n"
    assert counted(log, lines) == ["SELECT 1", "SELECT $1", "SELECT 2"]


def test_a_statement_over_several_lines_is_one(log: Path) -> None:
    assert counted(log, f"{HEAD}statement: SELECT\n\t  1,\n\t  2\n") == ["SELECT 1, 2"]


def test_the_frame_of_a_transaction_is_left_aside(log: Path) -> None:
    frame = ("BEGIN", "SET LOCAL ossature.tenant = ''", "COMMIT", "ROLLBACK")
    assert counted(log, "".join(f"{HEAD}statement: {text}\n" for text in frame)) == []


def test_other_databases_and_other_messages_are_left_aside(log: Path) -> None:
    other = HEAD.replace("@grove", "@field")
    lines = f"{other}statement: SELECT 1\n{HEAD}duration: 2 ms\n{HEAD.replace('LOG', 'ERROR')}no\n\tat all\n"
    assert counted(log, lines) == []


def test_one_role_can_be_looked_at_alone(log: Path) -> None:
    owner = HEAD.replace("app@", "owner@")
    assert counted(log, f"{owner}statement: SELECT 1\n{HEAD}statement: SELECT 2\n", user="app") == ["SELECT 2"]


@pytest.mark.database
def test_the_servers_own_log_is_read(servers: Servers, database: str, statements: StatementLog) -> None:
    with servers.connect(database) as connection:
        connection.execute("SELECT 1")
        with statements.counting() as counted:
            connection.execute("SELECT 2")
            connection.execute("SELECT\n%s::int", [3])
    assert counted.texts == ["SELECT 2", "SELECT $1::int"]
