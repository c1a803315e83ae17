"""`ossature plugin ...` as an operator types it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

pytestmark = pytest.mark.database

Run = Callable[..., subprocess.CompletedProcess[str]]


def line_of(listing: str, key: str) -> str:
    return next(line for line in listing.splitlines() if line.startswith(f"{key} "))


def test_activating_and_deactivating_shows_in_the_list(ossature: Run) -> None:
    assert "installed" in line_of(ossature("plugin", "list").stdout, "_dummy")
    done = ossature("plugin", "activate", "_dummy")
    assert "Active: _dummy." in done.stdout
    assert "ossature migrate" in done.stdout
    assert "active already" in ossature("plugin", "activate", "_dummy").stdout
    assert "active" in line_of(ossature("plugin", "list").stdout, "_dummy")
    assert "its data is kept" in ossature("plugin", "deactivate", "_dummy").stdout
    assert "installed" in line_of(ossature("plugin", "list").stdout, "_dummy")


def test_enabling_and_disabling_concerns_one_tenant(ossature: Run) -> None:
    ossature("plugin", "activate", "_dummy")
    made = ossature("tenant", "create", "grove", "--name", "Grove")
    assert made.returncode == 0, made.stderr
    assert "Disabled for grove: _dummy." in ossature("plugin", "disable", "_dummy", "--tenant", "grove").stdout
    assert "Enabled for grove: _dummy." in ossature("plugin", "enable", "_dummy", "--tenant", "grove").stdout
    assert "enabled for grove already" in ossature("plugin", "enable", "_dummy", "--tenant", "grove").stdout
    refused = ossature("plugin", "enable", "_dummy", "--tenant", "field")
    assert refused.returncode != 0
    assert "there is no tenant 'field'" in refused.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("activate", "weeds"), "The plugin weeds is not installed."),
        (("deactivate", "weeds"), "The plugin weeds is not active."),
        (("revision", "weeds", "-m", "x"), "no plugin 'weeds' is installed"),
    ],
)
def test_what_cannot_be_done_is_one_line_with_the_next_step(ossature: Run, words: tuple[str, ...], says: str) -> None:
    refused = ossature("plugin", *words)
    assert refused.returncode != 0
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.req("S0-13", "S3-121")
def test_a_schema_that_matches_its_declarations_needs_no_revision(ossature: Run) -> None:
    ossature("plugin", "activate", "_dummy")
    assert "nothing to write" in ossature("plugin", "revision", "_dummy", "-m", "Nothing").stdout


def test_a_plugin_that_does_not_run_gets_no_revision_which_would_drop_its_tables(ossature: Run) -> None:
    ossature("plugin", "activate", "_dummy")
    ossature("plugin", "deactivate", "_dummy")
    refused = ossature("plugin", "revision", "_dummy", "-m", "Nothing")
    assert refused.returncode != 0
    assert "run `ossature plugin activate _dummy`, then write the revision" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_database_that_is_away_is_one_line(ossature: Run) -> None:
    away = ossature("plugin", "list", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert away.returncode != 0
    assert "Traceback" not in away.stderr
    assert "OSSATURE_DATABASE_URL" in away.stderr
