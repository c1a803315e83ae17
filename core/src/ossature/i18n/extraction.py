"""Finding the texts of a package in its Python code, its templates and its manifest."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "_l": None, "_n": (1, 2), "ngettext": (1, 2)}
METHODS = [("**/templates/**.html", "jinja2"), ("**/templates/**.txt", "jinja2"), ("**.py", "python")]
SKIPPED = frozenset({"node_modules", "tests", "skeleton", "__pycache__"})
HEADER = "# Translations of {title}. Texts are found by `python -m ossature.i18n update`."


@dataclass(frozen=True, slots=True)
class Package:
    """A folder of code whose texts make one domain."""

    domain: str
    directory: Path

    @property
    def translations(self) -> Path:
        return self.directory / "translations"

    def catalogue(self, locale: str) -> Path:
        return self.translations / f"{locale}.po"


def extract(package: Package) -> Catalog:
    """All texts of a package, each with the files that use it."""
    catalogue = Catalog(project=package.domain, charset="utf-8")
    for file, _line, message, comments, _context in extract_from_dir(
        package.directory, METHODS, keywords=KEYWORDS, comment_tags=("Translators:",), directory_filter=_wanted,
        options_map={"**/templates/**": {"silent": "false"}},
    ):  # fmt: skip
        catalogue.add(message, locations=[(file, 0)], auto_comments=comments)
    for text in _manifest_texts(package):
        catalogue.add(text, locations=[("manifest.toml", 0)])
    return catalogue


def _wanted(directory: str) -> bool:
    return Path(directory).name not in SKIPPED


def _manifest_texts(package: Package) -> Iterator[str]:
    """The title and the summary, shown where plugins are switched on and off."""
    path = package.directory / "manifest.toml"
    if path.is_file():
        values = tomllib.loads(path.read_text("utf-8"))
        yield from (values[name] for name in ("title", "summary") if values.get(name))
