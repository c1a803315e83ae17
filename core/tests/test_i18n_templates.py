"""Every word that a template shows goes through a translation."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import ossature
from ossature.plugins.manifest import discover

KERNEL = Path(ossature.__file__).parent / "web"
FOLDERS = [KERNEL, *(plugin.directory for plugin in discover() if plugin.directory)]
TEMPLATES = sorted(path for folder in FOLDERS for path in folder.glob("templates/**/*.html"))

SHOWN = frozenset({"title", "placeholder", "alt", "aria-label", "aria-description", "label", "summary"})
CODE = frozenset({"script", "style", "code", "kbd", "pre", "svg"})
NAMES = frozenset({"Ossature", "OpenAPI", "JSON"})
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
# Class names and attributes that a template puts together piece by piece look like text once its tags are gone.
_PIECE = re.compile(r'[\w-]+="[^"]*"?|\b[a-z]+(?:-[a-z0-9]+)+-?|\bbtn\b')
_WORD = re.compile(r"[^\W\d_]{2,}")


class Words(HTMLParser):
    """Collects the words of text and of attributes that people see or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._code = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._code += tag in CODE
        for name, value in attributes:
            if name in SHOWN and value:
                self._keep(value)

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in CODE

    def handle_data(self, data: str) -> None:
        if not self._code:
            self._keep(data)

    def _keep(self, text: str) -> None:
        self.found += [word for word in _WORD.findall(_PIECE.sub(" ", text)) if word not in NAMES]


def untranslated(source: str) -> list[str]:
    words = Words()
    words.feed(_JINJA.sub(" ", source))
    return words.found


@pytest.mark.req("S3-102")
@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: "/".join(path.parts[-2:]))
def test_a_template_shows_no_word_outside_a_translation(path: Path) -> None:
    assert untranslated(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>{{ _('Save') }}</p>", []),
        ("<p>Save {{ name }}</p>", ["Save"]),
        ('<a title="Back to {{ place }}">…</a>', ["Back", "to"]),
        ('<a class="button" title="{{ _("Back") }}">…</a>', []),
        ("<code>pip install</code> {# a remark #} {% if wide %} 12 {% endif %}", []),
    ],
)
def test_a_word_outside_a_translation_is_found(source: str, words: list[str]) -> None:
    assert untranslated(source) == words
