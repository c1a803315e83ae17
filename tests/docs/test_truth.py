"""The documentation says what the product says: its settings, commands, options, words on screen, decisions."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import click
import pytest
from babel.messages import pofile

from ossature import api, cli
from ossature.config import READ_ELSEWHERE, READ_ELSEWHERE_PREFIXES, Config
from ossature.events.types import Event
from ossature.records import fields

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
USERS = sorted(path.name for path in (DOCS / "users/en").glob("*.md"))
CATALOGUES = (
    "core/src/ossature/translations/fr.po",
    "plugins/billing/src/ossature_billing/translations/fr.po",
    "plugins/crm/src/ossature_crm/translations/fr.po",
)
_BOLD = re.compile(r"\*\*([^*]+)\*\*")


def everything() -> dict[str, str]:
    """All pages, and the files beside them that readers are sent to."""
    paths = [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / ".env.example"]
    return {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in paths}


def texts() -> list[tuple[str, str]]:
    """English and French of every text of the product."""
    found = []
    for path in CATALOGUES:
        with (ROOT / path).open("rb") as file:
            for entry in pofile.read_po(file):
                if entry.id:
                    ids = [entry.id] if isinstance(entry.id, str) else list(entry.id)
                    strings = [entry.string] if isinstance(entry.string, str) else list(entry.string)
                    found += list(zip(ids, strings, strict=False))
    return found


# -- tables that follow from the code ---------------------------------------------------------------------------------


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_pages", ROOT / "tools/reference_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tables_are_what_the_code_says() -> None:
    made = tool()
    late = [name for name, text in everything().items() if made.written(text) != text]
    assert not late, f"{', '.join(late)}: run `python tools/reference_pages.py`"


def test_every_setting_has_a_line() -> None:
    page = (DOCS / "operators/configuration.md").read_text("utf-8")
    for name in Config.model_fields:
        assert f"| `OSSATURE_{name.upper()}` |" in page


def test_no_page_names_a_setting_that_is_none() -> None:
    known = {f"OSSATURE_{name.upper()}" for name in Config.model_fields} | READ_ELSEWHERE | {"OSSATURE_NEW_PASSWORD"}
    for page, text in everything().items():
        for name in set(re.findall(r"\bOSSATURE_[A-Z0-9_]+[A-Z0-9]", text)):
            assert name in known or name.startswith(READ_ELSEWHERE_PREFIXES), f"{page} names {name}"


KINDS = [name for name in api.__all__ if getattr(getattr(api, name), "__module__", "") == fields.__name__]


@pytest.mark.parametrize("function", KINDS)
def test_every_kind_of_field_is_described_with_its_options(function: str) -> None:
    page = (DOCS / "authors/records.md").read_text("utf-8")
    line = re.search(rf"^\| `{function}` \|[^|]*\|(.*)\|$", page, re.MULTILINE)
    assert line, f"{function} has no line"
    parameters = inspect.signature(getattr(fields, function)).parameters.values()
    options = {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}
    assert set(re.findall(r"`(\w+)`", line[1])) == options
    described = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", page, re.MULTILINE))))
    assert options <= described


def test_the_facade_has_a_line_for_every_name() -> None:
    page = (DOCS / "reference/facade.md").read_text("utf-8")
    for name in api.__all__:
        assert re.search(rf"^\| `{name}` \| \S", page, re.MULTILINE), f"{name} says not what it is"


def test_fixtures_named_for_authors_exist() -> None:
    from ossature.testing import plugin

    page = (DOCS / "authors/testing.md").read_text("utf-8")
    named = [
        name for cell in re.findall(r"^\| (`[^|]+) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)", cell)
    ]
    assert "member" in named
    assert not [name for name in named if not hasattr(plugin, name)]


def test_the_cloud_event_shown_to_authors_has_the_form_of_ours(docs: Any) -> None:
    (block,) = docs.blocks("authors/events.md", "json")
    shown = json.loads(block.text)
    _tenants, tenant_id = shown["source"].strip("/").split("/")
    record, record_id = shown["subject"].split("/")
    event = Event(
        UUID(shown["id"]), shown["type"], shown["dataversion"], datetime.fromisoformat(shown["time"]), 1,
        UUID(tenant_id), record, UUID(record_id), shown["data"],
    )  # fmt: skip
    assert event.as_cloud_event() == shown


# -- commands ---------------------------------------------------------------------------------------------------------


def commands() -> Iterator[tuple[str, str]]:
    """Every line of code and every word in code that calls `ossature` or `make`."""
    for page, text in everything().items():
        lines = [
            line.strip() for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()
        ]
        lines += [line.strip() for line in re.findall(r"^    (?:ossature|make) .*$", text, re.MULTILINE)]
        lines += re.findall(r"`((?:ossature|make) [^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
        for line in lines:
            if line.startswith(("ossature ", "make ")):
                yield page, " ".join(line.partition(" #")[0].split())


def complaint(line: str) -> str | None:
    """What is wrong with a call of `ossature`, None when command and options exist."""
    group: click.Command = cli.root
    words = re.findall(r'"[^"]*"|\S+', line)[1:]
    while words and isinstance(group, click.Group) and not words[0].startswith("-"):
        name = words.pop(0)
        if name in {"KEY", "garage", "_dummy", "..."}:
            return None  # a plugin's own commands
        alternatives = name.split("|")
        if group is cli.root and (plugin := entry_points(group="ossature.plugins", name=name)):
            (module,) = {point.load() for point in plugin}
            group = click.Group(name, {one.name: one for one in module.register_commands()})
            continue
        found = [group.get_command(click.Context(group), one) for one in alternatives]
        if None in found:
            return f"no command {name}"
        group = found[0]  # type: ignore[assignment]
    options = {name for parameter in group.params for name in (*parameter.opts, *parameter.secondary_opts)}
    wrong = [
        word
        for word in words
        if word.startswith("--") and word.partition("=")[0] not in {*options, "--help", "--debug"}
    ]
    return f"no option {wrong[0]}" if wrong else None


def test_every_command_exists_with_its_options() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    seen = 0
    for page, line in commands():
        seen += 1
        if line.startswith("make "):
            assert line.split()[1] in targets, f"{page}: {line}"
        else:
            problem = complaint(line)
            assert problem is None, f"{page}: {line}: {problem}"
    assert seen > 30


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", USERS)
@pytest.mark.parametrize(("language", "which"), [("en", 0), ("fr", 1)])
def test_what_is_set_bold_stands_on_a_screen(page: str, language: str, which: int) -> None:
    shown = [
        re.compile(".+".join(map(re.escape, re.split(r"%\(\w+\)[sd]", pair[which]))))
        for pair in texts()
        if len(pair[which]) < 120 and len(re.findall(r"[^\W\d_]", re.sub(r"%\(\w+\)[sd]", "", pair[which]))) > 1
    ]
    text = (DOCS / "users" / language / page).read_text("utf-8")
    said = [term.replace("\n", " ") for term in _BOLD.findall(text)]
    unknown = [term for term in said if not any(one.fullmatch(term) for one in shown)]
    assert not unknown, f"no screen says {', '.join(unknown)}"


@pytest.mark.parametrize("page", USERS)
def test_both_languages_have_the_same_pages_with_the_same_chapters(page: str) -> None:
    english, french = ((DOCS / "users" / language / page).read_text("utf-8") for language in ("en", "fr"))
    levels = [re.findall(r"^(#+) ", text, re.MULTILINE) for text in (english, french)]
    assert levels[0] == levels[1]


def test_french_pages_are_set_as_french() -> None:
    """Like the texts of the product: vous, ’ and narrow no-break spaces."""
    for path in (DOCS / "users/fr").glob("*.md"):
        text = re.sub(r"`[^`]*`|\]\([^)]*\)|^\|[-|]+\|$", "…", path.read_text("utf-8"), flags=re.MULTILINE)
        assert "'" not in text, f"{path.name}: use ’"
        assert not re.search(r"\b(tu|ton|ta|tes|toi)\b", text), f"{path.name}: say vous"
        loose = re.findall(r"[^\u202f\n]{12}[^\u202f][:;!?»](?= |$)|«[^\u202f]", text, re.MULTILINE)
        assert not loose, f"{path.name}: a narrow no-break space (U+202F) is missing in {loose}"


def test_the_glossary_has_the_products_words() -> None:
    page = (DOCS / "reference/glossary.md").read_text("utf-8")
    pairs = texts()
    for english, french in re.findall(r"^\| ([^|]+?) \| ([^|]+?) \| [^|]+ \|$", page, re.MULTILINE):
        said = [other.casefold() for one, other in pairs if one == english]
        assert not said or any(french.casefold() in other for other in said), f"{english} is {said}, not {french}"


# -- decisions --------------------------------------------------------------------------------------------------------


def test_decisions_are_dated_and_short_and_listed() -> None:
    listed = (DOCS / "decisions/index.md").read_text("utf-8")
    for path in (DOCS / "decisions").glob("0*.md"):
        lines = path.read_text("utf-8").splitlines()
        assert lines[0].startswith("# ")
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", lines[2]), f"{path.name} has no date below its title"
        assert len(lines) <= 40, f"{path.name} is longer than half a screen"
        assert f"]({path.name})" in listed, f"{path.name} is missing in decisions/index.md"


def test_code_blocks_name_their_language(docs: Any) -> None:
    """Code blocks say which language they hold, so that none escapes the tests by accident."""
    for page in docs.pages():
        for block in docs.blocks(page):
            assert block.language or block.text.startswith(("garage/", "core/", "README")), f"{block.place} names none"
