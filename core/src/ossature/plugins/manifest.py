"""Finding plugins and reading what they say about themselves, before any of their code runs."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

GROUP = "ossature.plugins"
KERNEL = "ossature"
API_VERSION = "1"
"""What plugins are written against; grows by a new major only when something that plugins use goes away."""

RESERVED = frozenset(
    {
        *("admin", "api", "auth", "events", "files", "health", "healthz", "home", "jobs", "layout", "livez", "metrics"),
        *("ossature", "platform", "public", "readyz", "records", "search", "settings", "sign_in", "sign_out"),
        *("static", "tasks", "teams", "ui"),
    }
)
"""Keys that would clash with an address, a template folder or a schema of the kernel."""

_KEY = re.compile(r"^_?[a-z][a-z0-9_]*$")
_VERSION = re.compile(r"^\d+(\.\d+)?$")
_FIELDS = frozenset({"key", "title", "version", "api", "requires", "after", "conflicts", "summary"})
_NEEDED = ("key", "title", "api")


def is_on(plugin: str, enabled: Collection[str]) -> bool:
    """Whether a plugin works where these are enabled; the kernel's own parts always do."""
    return plugin == KERNEL or plugin in enabled


class ManifestError(Exception):
    """A manifest that cannot be used: what is wrong, and the next step."""

    def __init__(self, problem: str, next_step: str) -> None:
        super().__init__(f"{problem}; {next_step}")
        self.problem = problem
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a plugin says about itself in `manifest.toml`; `version` is its distribution's unless written there."""

    key: str
    title: str
    version: str
    api: str
    requires: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    summary: str = ""


@dataclass(frozen=True, slots=True)
class FoundPlugin:
    """An installed plugin: where it lies, and its manifest or the reason why it has none."""

    key: str
    module: str
    distribution: str
    directory: Path | None
    manifest: Manifest | None
    error: ManifestError | None = None

    @property
    def package(self) -> str:
        """The package that holds the plugin: `ossature_crm` of `ossature_crm.plugin`."""
        return self.module.rpartition(".")[0] or self.module

    @property
    def translations(self) -> Path | None:
        return self.directory / "translations" if self.directory else None


def discover(points: Iterable[EntryPoint] | None = None) -> tuple[FoundPlugin, ...]:
    """All installed plugins by name; reads metadata and manifests only, imports nothing of theirs."""
    found: dict[str, FoundPlugin] = {}
    for point in sorted(entry_points(group=GROUP) if points is None else points, key=lambda point: point.name):
        plugin = _examine(point)
        twin = found.get(plugin.key)
        if twin and (twin.module, twin.distribution) != (plugin.module, plugin.distribution):
            error = ManifestError(
                f"two distributions provide the plugin {plugin.key!r}: {twin.distribution} and {plugin.distribution}",
                f"uninstall one of them with `pip uninstall {plugin.distribution}`",
            )
            plugin = FoundPlugin(plugin.key, twin.module, twin.distribution, twin.directory, None, error)
        found[plugin.key] = plugin
    return tuple(found.values())


def _examine(point: EntryPoint) -> FoundPlugin:
    distribution = point.dist.name if point.dist else point.name
    directory: Path | None = None
    try:
        directory = package_directory(point.module)
        manifest = read_manifest(directory / "manifest.toml", point.dist.version if point.dist else None)
        if manifest.key != point.name:
            raise ManifestError(
                f"the entry point is named {point.name!r} but manifest.toml says key = {manifest.key!r}",
                "spell the key the same in both",
            )
    except ManifestError as error:
        return FoundPlugin(point.name, point.module, distribution, directory, None, error)
    return FoundPlugin(point.name, point.module, distribution, directory, manifest)


def package_directory(module: str) -> Path:
    """The folder of the package that holds `module`, found without executing any of it."""
    top, *inner = module.split(".")[:-1] or [module]
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    for location in (spec.submodule_search_locations or ()) if spec else ():
        directory = Path(location).joinpath(*inner)
        if directory.is_dir():
            return directory
    raise ManifestError(
        f"its package {'.'.join([top, *inner])!r} is not there, the installation is incomplete",
        "reinstall it with `pip install --force-reinstall`",
    )


def read_manifest(path: Path, version: str | None = None) -> Manifest:
    """Read and check one manifest; raises `ManifestError`."""
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ManifestError(f"{path} is missing", "write one, and include it in the wheel as package data") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ManifestError(f"{path} cannot be read: {error}", "correct the file") from None
    unknown = sorted(values.keys() - _FIELDS)
    if unknown:
        raise ManifestError(
            f"{path} has unknown fields: {', '.join(unknown)}", f"use only {', '.join(sorted(_FIELDS))}"
        )
    for name in _NEEDED:
        if name not in values:
            raise ManifestError(f"{path} lacks {name!r}", f"add a line `{name} = ...`")
    manifest = Manifest(
        key=_text(path, values, "key"),
        title=_text(path, values, "title"),
        version=_text(path, values, "version") or version or "0",
        api=_text(path, values, "api"),
        requires=_keys(path, values, "requires"),
        after=_keys(path, values, "after"),
        conflicts=_keys(path, values, "conflicts"),
        summary=_text(path, values, "summary"),
    )
    _check(path, manifest)
    return manifest


def _check(path: Path, manifest: Manifest) -> None:
    if not _KEY.match(manifest.key) or len(manifest.key) > 40:
        raise ManifestError(
            f"{path}: the key {manifest.key!r} is not lower-case letters, digits and underscores, 40 at most",
            "choose a key like `crm` or `fleet_care`",
        )
    if manifest.key in RESERVED or manifest.key.startswith("pg_"):
        raise ManifestError(f"{path}: the key {manifest.key!r} is kept for the kernel", "choose another key")
    if not manifest.title.strip():
        raise ManifestError(f"{path}: the title is empty", "give the plugin a name people will read")
    if not _VERSION.match(manifest.api):
        raise ManifestError(f"{path}: api = {manifest.api!r} is not a version", f'write `api = "{API_VERSION}"`')
    clash = set(manifest.requires) & set(manifest.conflicts)
    if clash:
        raise ManifestError(f"{path} both requires and conflicts with {', '.join(sorted(clash))}", "remove one of them")
    if manifest.key in {*manifest.requires, *manifest.after, *manifest.conflicts}:
        raise ManifestError(f"{path} names itself in requires, after or conflicts", "remove it there")


def _text(path: Path, values: dict[str, Any], name: str) -> str:
    value = values.get(name, "")
    if not isinstance(value, str):
        raise ManifestError(f"{path}: {name} is not a text", f'write `{name} = "..."`')
    return value


def _keys(path: Path, values: dict[str, Any], name: str) -> tuple[str, ...]:
    value = values.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and _KEY.match(item) for item in value):
        raise ManifestError(f"{path}: {name} is not a list of plugin keys", f'write `{name} = ["crm"]`')
    return tuple(value)


def compatible(api: str, offered: str = API_VERSION) -> bool:
    """Same major, and no newer minor than the kernel offers."""
    wanted, given = (tuple(map(int, f"{version}.0".split(".")[:2])) for version in (api, offered))
    return wanted[0] == given[0] and wanted[1] <= given[1]
