"""The built assets: names with fingerprints, the icon sprite, and how both are served.

`python -m ossature.web.build` writes the files and `static/dist/manifest.json`; this module only reads them.
"""

from __future__ import annotations

import json
import logging
import mimetypes
import time
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, abort
from markupsafe import Markup

WEB = Path(__file__).parent
DIST = WEB / "static" / "dist"
MANIFEST = DIST / "manifest.json"
ASSETS_PATH = "/static/dist"
ONE_YEAR = 31_536_000
FALLBACK_ICON = "point"

log = logging.getLogger(__name__)
blueprint = Blueprint("assets", __name__)


class AssetsMissing(RuntimeError):
    """The assets were never built; the message says how to."""


@lru_cache(maxsize=2)
def _read_manifest(path: Path, modified: int) -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = json.loads(path.read_text("utf-8"))
    return loaded


def manifest() -> dict[str, dict[str, str]]:
    """`files` maps a plain name to its fingerprinted one; `icons` lists what the sprite holds."""
    return _manifest_of(MANIFEST, int(time.monotonic()))


@lru_cache(maxsize=1)
def _manifest_of(path: Path, _second: int) -> dict[str, dict[str, str]]:
    """A page asks a hundred times; the file is looked at once a second."""
    try:
        return _read_manifest(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        raise AssetsMissing("the web assets are not built; run `python -m ossature.web.build`") from None


def asset(name: str) -> str:
    """The address of a built file, `asset("app.css")`."""
    try:
        return f"{ASSETS_PATH}/{manifest()['files'][name]}"
    except KeyError:
        raise AssetsMissing(f"no built asset is called {name!r}; run `python -m ossature.web.build`") from None


@lru_cache(maxsize=256)
def _missing(name: str | None) -> str:
    """Said once per name: a plugin's icon that is neither in `icons.txt` nor found by the build."""
    if name:
        log.warning("icon %r is not in the sprite; run `python -m ossature.web.build`, or choose one that is", name)
    return FALLBACK_ICON


def icon(name: str | None, label: str = "", css: str = "") -> Markup:
    """A Tabler icon from the sprite. Decorative unless `label` names it for readers who do not see it."""
    return _drawn(name if name in manifest()["icons"] else _missing(name), str(label), css, asset("icons.svg"))


@lru_cache(maxsize=2048)
def _drawn(name: str, label: str, css: str, sprite: str) -> Markup:
    said = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="{}" {} width="18" height="18"><use href="{}#{}"/></svg>').format(
        f"os-icon {css}".rstrip(), said, sprite, name
    )


@blueprint.get(f"{ASSETS_PATH}/<path:name>")
def built(name: str) -> Response:
    """A fingerprinted file never changes, so browsers may keep it for a year."""
    if name not in manifest()["files"].values():
        abort(404)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    response = Response((DIST / name).read_bytes(), mimetype=kind)
    response.headers["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable"
    return response
