"""The repository itself: separate distributions, and tools that refuse what is untyped, unused or unformatted."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNTYPED = "def double(value):\n    return value * 2\n"
UNUSED = "import json\n"
UNFORMATTED = "value = {  'a':1 }\n"


def run_tool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.req("S3-003")
def test_kernel_and_plugins_are_distributions_of_their_own() -> None:
    core = tomllib.loads((ROOT / "core" / "pyproject.toml").read_text())
    assert core["project"]["name"] == "ossature"
    plugins = sorted((ROOT / "plugins").glob("*/pyproject.toml"))
    assert plugins
    suite = (ROOT / "setup.cfg").read_text()
    for path in plugins:
        project = tomllib.loads(path.read_text())["project"]
        key = path.parent.name
        assert project["name"] == f"ossature-{key}"
        offered = (path.parent / "src" / f"ossature_{key}" / "plugin.py").is_file()
        points = {key: f"ossature_{key}.plugin"} if offered else None
        assert project.get("entry-points", {}).get("ossature.plugins") == points
        assert f"ossature-{key}==" in suite
    assert not any("ossature-" in dependency for dependency in core["project"]["dependencies"])


@pytest.mark.req("S3-156")
def test_the_tools_refuse_what_is_untyped_unused_or_unformatted(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    for text, arguments, said in (
        (UNTYPED, ("mypy", "--config-file", ROOT / "setup.cfg"), "no-untyped-def"),
        (UNUSED, ("ruff", "check", "--config", ROOT / "pyproject.toml"), "F401"),
        (UNFORMATTED, ("ruff", "format", "--check", "--config", ROOT / "pyproject.toml"), "would be reformatted"),
    ):
        sample.write_text(text)
        done = run_tool(*arguments, sample)
        assert done.returncode == 1, done.stderr
        assert said in done.stdout


def test_everything_that_is_installed_is_pinned() -> None:
    pins = {
        line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    named = [
        dependency
        for path in (ROOT / "core" / "pyproject.toml", *(ROOT / "plugins").glob("*/pyproject.toml"))
        for dependency in _dependencies(tomllib.loads(path.read_text())["project"])
    ]
    missing = {name for name in named if name not in pins and not name.startswith("ossature")}
    assert missing == set()


def _dependencies(project: dict[str, object]) -> list[str]:
    extras = project.get("optional-dependencies", {})
    assert isinstance(extras, dict)
    plain = project.get("dependencies", [])
    assert isinstance(plain, list)
    every = [*plain, *(one for group in extras.values() for one in group)]
    return [dependency.split(">")[0].split("=")[0].split("[")[0].strip().lower() for dependency in every]


def test_the_ci_script_is_sound_bash() -> None:
    done = subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
