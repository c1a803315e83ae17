"""`make requirements` tells which row has which test, and refuses claims that cannot be true."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "requirements.py"
TABLE = """
| id | issue | kind | requirement | same as |
|---|---|---|---|---|
| S0-01 | frame | function | Lists contacts |  |
| S0-02 | frame | operation | Runs over TLS |  |
| S0-03 | later: docs | quality | Has a guide |  |

| id | issue | feature | how others do | value |
|---|---|---|---|---|
| A-001 | frame | Demo data | Odoo | 2 |
"""


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("requirements/core.md", TABLE)

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, TOOL, "--root", self.folder, *arguments],
            env={"OSSATURE_REQUIREMENTS": str(self.folder / "requirements")},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_rows_are_listed_with_the_tests_and_pages_that_prove_them(project: Project) -> None:
    project.write(
        "core/tests/test_a.py",
        'import pytest\n@pytest.mark.req("S0-01", "A-001")\ndef test_lists():\n    pass\n',
    )
    project.write("docs/operators/tls.md", "# TLS\n\nRequirements: S0-02\n")
    done = project.run("--issue", "frame")
    assert done.returncode == 0, done.stderr
    assert "ok  S0-01   Lists contacts\n            core/tests/test_a.py::test_lists" in done.stdout
    assert "docs/operators/tls.md" in done.stdout
    assert "3 of 3 rows have a test or a page." in done.stdout


def test_an_issue_with_a_row_that_nothing_proves_fails(project: Project) -> None:
    done = project.run("--issue", "frame")
    assert done.returncode == 1
    assert "Without: S0-01, S0-02, A-001" in done.stdout
    assert project.run().returncode == 0


def test_marks_on_classes_and_modules_count(project: Project) -> None:
    project.write(
        "plugins/crm/tests/test_b.py",
        'import pytest\npytestmark = [pytest.mark.req("S0-01")]\n'
        '@pytest.mark.req("A-001")\nclass TestIt:\n    def test_one(self):\n        pass\n',
    )
    done = project.run()
    assert done.stdout.count("plugins/crm/tests/test_b.py::TestIt::test_one") == 2


def test_a_page_does_not_prove_a_function(project: Project) -> None:
    project.write("docs/a.md", "Requirements: S0-01, S0-02\n")
    done = project.run()
    assert done.returncode == 1
    assert "docs/a.md names S0-01, a function row: a test must prove it" in done.stderr
    assert "1 of 4" in done.stdout


def test_an_unknown_id_is_an_error(project: Project) -> None:
    project.write("core/tests/test_c.py", 'import pytest\n@pytest.mark.req("S9-99")\ndef test_it():\n    pass\n')
    done = project.run()
    assert done.returncode == 1
    assert "core/tests/test_c.py::test_it names S9-99, which is no row" in done.stderr


def test_a_test_that_claims_more_than_three_rows_is_an_error(project: Project) -> None:
    project.write(
        "core/tests/test_d.py",
        'import pytest\n@pytest.mark.req("S0-01", "S0-02", "S0-03", "A-001")\ndef test_it():\n    pass\n',
    )
    done = project.run()
    assert done.returncode == 1
    assert "claims 4 rows" in done.stderr
