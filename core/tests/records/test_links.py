"""Routes for links that are declared wrongly are told when the application starts, and fail their plugin alone."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

from ossature.plugins.loading import load_plugins
from ossature.records.links import check_links, link
from ossature.records.types import RecordTypes
from ossature.redaction import HIDDEN, redact_text
from ossature_dummy.models.pebble import Pebble

ROOT = Path(__file__).parents[3]
SEE = "_dummy.pebble.see"


@pytest.mark.parametrize(
    ("routes", "says"),
    [
        ([("/_dummy/p/<token>", SEE, ())], ""),
        ([("/_dummy/stones/p/<token>", SEE, ()), ("/_dummy/stones/p/<token>/pdf", SEE, ())], ""),
        ([("/_dummy/p/<token>", "_dummy.stone.see", ())], "is not a record of the plugin"),
        ([("/_dummy/p/<token>", "ossature.team.see", ())], "is not a record of the plugin"),
        ([("/_dummy/p/<token>", SEE, ("_dummy.pebble.eat",))], "there is no permission '_dummy.pebble.eat'"),
        ([("/p/<token>", SEE, ())], "does not begin with `/_dummy`"),
        ([("/_dummy/see/<token>", SEE, ())], "and hold `/p/<token>`"),
        ([("/_dummy/p/<token>/pdf", SEE, ())], "no page is where links"),
        ([("/_dummy/p/<token>", SEE, ()), ("/_dummy/b/p/<token>", SEE, ())], "begins at two pages"),
    ],
)
def test_the_routes_of_a_purpose_are_looked_at(routes: list[tuple[str, str, tuple[str, ...]]], says: str) -> None:
    plugins, records = load_plugins(("_dummy",)), RecordTypes()
    records.add([Pebble])
    kernel = SimpleNamespace(plugins=plugins, records=records, extras={})
    app = Flask(__name__)
    for number, (rule, purpose, may) in enumerate(routes):
        app.add_url_rule(rule, f"_dummy.page{number}", link(purpose, may=may)(lambda row: str(row)))
    check_links(app, kernel)  # type: ignore[arg-type]
    assert says in plugins.statuses["_dummy"].reason
    assert ("_dummy" in plugins) is not bool(says)
    assert not says or SEE not in kernel.extras["links"] or "two pages" in says


def test_the_page_for_authors_shows_what_runs() -> None:
    page = (ROOT / "docs/authors/links.md").read_text("utf-8")
    example = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    views = (ROOT / "tests/plugins/_dummy/src/ossature_dummy/views.py").read_text("utf-8")
    assert example in views


def test_the_secret_of_an_address_is_not_logged() -> None:
    secret = "Ab-_" + "x1" * 20
    assert redact_text(f"/_dummy/pebbles/p/{secret}/like") == f"/_dummy/pebbles/p/{HIDDEN}/like"
