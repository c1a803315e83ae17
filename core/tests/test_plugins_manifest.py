"""What plugins say about themselves, read before any of their code runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from ossature.plugins.manifest import FoundPlugin, ManifestError, compatible, discover, read_manifest

Install = Callable[..., Path]


def found(key: str) -> FoundPlugin:
    return {plugin.key: plugin for plugin in discover()}[key]


def write(folder: Path, text: str) -> Path:
    path = folder / "manifest.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_manifest_is_read_without_running_the_plugin(install: Install) -> None:
    crash = "raise AssertionError('plugin code ran')"
    install("garden", code=crash, package_code=crash, requires=["crm"], summary="Grows things")
    plugin = found("garden")
    assert plugin.manifest is not None
    assert (plugin.manifest.title, plugin.manifest.requires) == ("Garden", ("crm",))
    assert "test_garden" not in sys.modules


def test_the_version_is_the_distributions(install: Install) -> None:
    install("garden")
    manifest = found("garden").manifest
    assert manifest is not None
    assert manifest.version == "1.2"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('title = "X"\napi = "1"', "lacks 'key'"),
        ('key = "Garden"\ntitle = "X"\napi = "1"', "the key 'Garden' is not lower-case"),
        ('key = "api"\ntitle = "X"\napi = "1"', "kept for the kernel"),
        ('key = "pg_garden"\ntitle = "X"\napi = "1"', "kept for the kernel"),
        ('key = "garden"\ntitle = " "\napi = "1"', "the title is empty"),
        ('key = "garden"\ntitle = "X"\napi = "one"', "is not a version"),
        ('key = "garden"\ntitle = "X"\napi = 1', "api is not a text"),
        ('key = "garden"\ntitle = "X"\napi = "1"\nrequires = "crm"', "requires is not a list"),
        ('key = "garden"\ntitle = "X"\napi = "1"\nneeds = ["crm"]', "unknown fields: needs"),
        ('key = "garden"\ntitle = "X"\napi = "1"\nafter = ["garden"]', "names itself"),
        ('key = "garden"\ntitle = "X"\napi = "1"\nrequires = ["a"]\nconflicts = ["a"]', "both requires and conflicts"),
        ("key = ", "cannot be read"),
    ],
)
def test_a_bad_manifest_says_what_is_wrong_and_what_to_do(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read_manifest(write(tmp_path, text))
    assert problem in caught.value.problem
    assert caught.value.next_step


def test_an_entry_point_named_otherwise_than_the_key_is_refused(install: Install) -> None:
    install("garden", manifest='key = "orchard"\ntitle = "Orchard"\napi = "1"')
    error = found("garden").error
    assert error is not None
    assert "spell the key the same in both" in error.next_step


def test_a_package_that_is_gone_is_named() -> None:
    (plugin,) = discover([EntryPoint("garden", "no_such_package.plugin", "ossature.plugins")])
    assert plugin.error is not None
    assert "no_such_package" in plugin.error.problem
    assert "pip install" in plugin.error.next_step


def test_two_distributions_with_one_key_are_both_named(install: Install) -> None:
    install("garden", package="test_garden_one", distribution="garden-one")
    install("garden", package="test_garden_two", distribution="garden-two")
    error = found("garden").error
    assert error is not None
    assert "garden-one" in error.problem
    assert "garden-two" in error.problem


@pytest.mark.parametrize(
    ("wanted", "offered", "works"),
    [("1", "1", True), ("1", "1.4", True), ("1.4", "1.3", False), ("2", "1", False), ("1", "2", False)],
)
def test_a_plugin_works_with_the_same_major_and_an_equal_or_newer_minor(wanted: str, offered: str, works: bool) -> None:
    assert compatible(wanted, offered) is works
