"""Which imports a plugin may make: the facade, itself, and the public module of what it requires."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ossature.plugins.manifest import FoundPlugin


@dataclass(frozen=True, slots=True)
class Import:
    """One import, as `module` or `module.name`, and where it is written."""

    target: str
    path: Path
    line: int

    @property
    def top(self) -> str:
        return self.target.partition(".")[0]


def imports_of(package: Path) -> Iterator[Import]:
    """All imports in the Python files of a package, inside functions too; its own relative ones left out."""
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, path, node.lineno)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    yield Import(f"{node.module}.{alias.name}", path, node.lineno)


def forbidden_imports(plugin: FoundPlugin, others: Collection[FoundPlugin]) -> list[str]:
    """Sentences, one for each import that reaches past the facade or into another plugin's inside."""
    if plugin.directory is None or plugin.manifest is None:
        return []
    packages = {other.package.partition(".")[0]: other for other in others if other.key != plugin.key}
    faults = []
    for found in imports_of(plugin.directory):
        where = f"{found.path}:{found.line}: {found.target}"
        owner = packages.get(found.top)
        if found.top == "ossature" and not _is_or_in(found.target, "ossature.api"):
            faults.append(f"{where}: import it from ossature.api")
        elif owner is not None and owner.key not in plugin.manifest.requires:
            faults.append(f"{where}: {owner.key} is not in requires")
        elif owner is not None and not _is_or_in(found.target, f"{owner.package}.public"):
            faults.append(f"{where}: import it from {owner.package}.public")
    return faults


def domains_of(package: Path) -> Iterator[tuple[str, str]]:
    """(text domain, place) of each `translator("...")` in a package."""
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "translator":
                for argument in node.args[:1]:
                    if isinstance(argument, ast.Constant):
                        yield str(argument.value), f"{path}:{node.lineno}"


def _is_or_in(target: str, module: str) -> bool:
    return target == module or target.startswith(f"{module}.")
