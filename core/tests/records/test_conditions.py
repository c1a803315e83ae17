"""Fields that are shown, required or locked by others: asked by the service of every write, and told to the page."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Mapped

from ossature.db.tenancy import Base
from ossature.db.types import Money
from ossature.records import DeclarationError, Record, RecordTypes, boolean, choice, secret, text
from ossature.records.conditions import Condition, holds, when
from ossature.records.fields import Field, Kind
from ossature.testing.people import Person

pytestmark = pytest.mark.database

NEW = "/_kinds/samples/new"
FORM = {"name": "Quartz", "state": "raw"}


def faults(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.json
    return [(one["field"], one["code"]) for one in answer.json["error"]["details"]]


def test_what_a_condition_requires_is_demanded_of_every_write(samples: Any) -> None:
    assert faults(samples.post({"name": "Quartz", "lost": True})) == [("loss", "required")]
    made = samples.add(lost=True, loss="Fell into the lake")
    assert faults(samples.patch(made["id"], {"loss": None})) == [("loss", "required")]
    assert samples.patch(made["id"], {"lost": False, "loss": None}).status_code == 200
    assert faults(samples.patch(made["id"], {"lost": True})) == [("loss", "required")]


def test_questions_are_joined(samples: Any) -> None:
    assert samples.add(state="gone", pieces=10)["code"] is None
    assert faults(samples.post({"name": "Quartz", "state": "gone", "pieces": 11})) == [("code", "required")]


def test_what_is_locked_is_changed_only_by_a_write_that_ends_the_lock(samples: Any) -> None:
    made = samples.add(lost=True, loss="Fell", sealed=True, lines=[{"finding": "gold", "share": 3}])
    assert faults(samples.patch(made["id"], {"loss": "Stolen"})) == [("loss", "locked")]
    assert faults(samples.patch(made["id"], {"lines": []})) == [("lines", "locked")]
    lines = [{name: line[name] for name in ("id", "finding", "share")} for line in made["lines"]]
    assert samples.patch(made["id"], {"loss": "Fell", "name": "Opal", "lines": lines}).status_code == 200
    assert samples.patch(made["id"], {"sealed": False, "loss": "Stolen"}).status_code == 200


def test_entries_of_a_collection_have_conditions_of_their_own(samples: Any) -> None:
    lines = [{"finding": "tin", "share": 20}, {"finding": "iron", "share": 80}]
    assert faults(samples.post({"name": "Quartz", "lines": lines})) == [("lines.1.doubt", "required")]
    made = samples.add(lines=[{"finding": "Gold", "share": 20}])
    line = {"id": made["lines"][0]["id"], "finding": "gold", "share": 30}
    assert faults(samples.patch(made["id"], {"lines": [line]})) == [("lines.0.share", "locked")]
    assert samples.patch(made["id"], {"lines": [{**line, "finding": "tin"}]}).status_code == 200


def test_the_form_says_what_is_shown_required_and_locked(owner: Person, samples: Any) -> None:
    page = owner.page.get(NEW).text
    assert re.search(r"<div [^>]*data-off>\s*<label [^>]*for=\"f-loss\"", page)
    told = json.loads(html.unescape(re.search(r'<form [^>]*data-conditions="([^"]*)"', page)[1]))  # type: ignore[index]
    when_lost = {"field": "lost", "op": "is", "values": ["true"], "as": "flag"}
    assert told[0] == {"when": when_lost, "shows": ["loss"], "requires": ["loss"], "locks": []}
    assert told[1]["locks"] == []  # nothing that is new is locked

    answer = owner.page.post(NEW, data={**FORM, "lost": "1"})
    assert answer.status_code == 422
    assert 'href="#f-loss"' in answer.text
    assert not re.search(r"data-off>\s*<label [^>]*for=\"f-loss\"", answer.text)

    made = samples.add(lost=True, loss="Fell", sealed=True)
    page = owner.page.get(f"/_kinds/samples/{made['id']}/edit").text
    assert re.search(r'id="f-loss"[^>]* readonly', page)
    assert re.search(r'id="f-lost"[^>]* disabled', page)


def test_a_form_keeps_what_is_not_shown_and_what_is_locked(owner: Person, samples: Any) -> None:
    made = samples.add(lost=True, loss="Fell", sealed=False, lines=[{"finding": "gold", "share": 30}])
    edit = f"/_kinds/samples/{made['id']}/edit"
    assert owner.page.post(edit, data={**FORM, "loss": "not shown, so not meant"}).status_code == 303
    assert samples.read(made["id"])["loss"] == "Fell"
    assert samples.read(made["id"])["lost"] is False

    samples.patch(made["id"], {"lost": True, "sealed": True, "lines": [{"finding": "gold", "share": 30}]})
    # What a browser sends when these are disabled: nothing of them.
    assert owner.page.post(edit, data={**FORM, "name": "Opal", "sealed": "1"}).status_code == 303
    stored = samples.read(made["id"])
    assert (stored["name"], stored["lost"], stored["loss"]) == ("Opal", True, "Fell")
    assert [line["share"] for line in stored["lines"]] == [30]
    answer = owner.page.post(edit, data={**FORM, "sealed": "1", "lost": "1", "loss": "Forged"})
    assert answer.status_code == 422
    assert "can no longer be changed" in answer.text


def test_the_api_tells_its_conditions(owner: Person) -> None:
    schema = owner.api.get("/api/openapi.json").json["components"]["schemas"]["KindsSampleInput"]["properties"]
    assert schema["loss"]["x-required-when"] == {"field": "lost", "op": "is", "value": "true"}
    assert schema["loss"]["x-locked-when"] == {"field": "sealed", "op": "is", "value": "true"}
    assert schema["loss"]["x-shown-when"] == schema["loss"]["x-required-when"]


ROW = {
    "state": "won", "size": 10, "share": Decimal("2.5"), "price": Money(1050, "EUR"), "day": date(2026, 1, 31),
    "name": "Élodie", "yes": True, "none": None,
}  # fmt: skip
KINDS = {
    "state": Kind.CHOICE, "size": Kind.INTEGER, "share": Kind.DECIMAL, "price": Kind.MONEY, "day": Kind.DATE,
    "name": Kind.TEXT, "yes": Kind.BOOLEAN, "none": Kind.INTEGER,
}  # fmt: skip
FIELDS = {name: Field(kind, name, name=name) for name, kind in KINDS.items()}


@pytest.mark.parametrize(
    ("condition", "true"),
    [
        (when("state").is_("won"), True),
        (when("state").is_not("won"), False),
        (when("state").in_("lost", "won"), True),
        (when("size").at_least(10) & when("size").below(11), True),
        (when("size").above(10) | when("share").at_most(Decimal("2.50")), True),
        (~when("price").above(10), False),
        (when("price").is_(Decimal("10.5")), True),
        (when("day").since(date(2026, 1, 31)) & when("day").until(date(2026, 1, 31)), True),
        (when("day").before(date(2026, 1, 31)) | when("day").after(date(2026, 1, 31)), False),
        (when("name").is_("elodie"), True),
        (when("yes").is_(True), True),
        (when("yes").is_(False), False),
        (when("none").empty(), True),
        (when("none").below(3), False),
        (when("none").is_not(3), True),
        (when("name").filled(), True),
    ],
)
def test_what_is_true_of_a_row(condition: Condition, true: bool) -> None:
    assert holds(condition.filter, ROW, FIELDS) is true


@pytest.mark.filterwarnings("ignore:This declarative base already contains")
@pytest.mark.parametrize(
    ("condition", "says"),
    [
        (lambda: when("state").is_("won"), "shows, requires or locks nothing"),
        (lambda: when("colour").filled().shows("reason"), "'colour', which is no field"),
        (lambda: when("state.kind").is_("lost").shows("reason"), "'state.kind', which is no field"),
        (lambda: when("state").is_("open").shows("reason"), "'open', which it never is"),
        (lambda: when("state").above(3).shows("reason"), "cannot ask 'state' 'above'"),
        (lambda: when("hidden").filled().shows("reason"), "not everybody may see"),
        (lambda: when("state").is_("won").shows("resaon"), "names 'resaon', which is no field"),
        (lambda: when("state").is_("won").requires("hidden"), "requires 'hidden', which not everybody may fill in"),
        (lambda: when("state").is_("won").locks("code"), "never read back"),
        (lambda: when("state").is_("won").requires("yes"), "always yes or no"),
    ],
)
def test_a_condition_that_cannot_work_is_refused(condition: Callable[[], Condition], says: str) -> None:
    try:

        class Odd(Record):
            __key__ = "odd.conditions"
            __when__ = (condition(),)
            state: Mapped[str | None] = choice("State", {"won": "Won"})
            reason: Mapped[str | None] = text("Reason")
            hidden: Mapped[str | None] = text("Hidden", view="odd.conditions.see")
            code: Mapped[str | None] = secret("Code")
            yes: Mapped[bool] = boolean("Yes")

        with pytest.raises(DeclarationError, match=says):
            RecordTypes().add([Odd])
    finally:
        for name in [name for name in Base.metadata.tables if name.startswith("odd.")]:
            Base.metadata.remove(Base.metadata.tables[name])
