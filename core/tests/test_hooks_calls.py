"""Calling hooks: one implementation at a time, each policy as it says."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pluggy
import pytest

from ossature.errors import Detail
from ossature.hooks import specs
from ossature.hooks.calls import refusals
from ossature.hooks.types import ApiAlias, ChangeKind, NavItem, Permission, RecordChange, Widget

CHANGE = RecordChange(
    "crm.contact", uuid4(), ChangeKind.UPDATED, {"name": "A", "city": "Lyon"}, {"name": "B", "city": "Lyon"}
)


def managing(**checks: Callable[[RecordChange], object]) -> pluggy.PluginManager:
    """A manager in which each named plugin checks changes with the given function; the last one is asked first."""
    manager = pluggy.PluginManager(specs.PROJECT)
    manager.add_hookspecs(specs)
    for key, check in checks.items():

        class Part:
            def __init__(self, check: Callable[[RecordChange], object]) -> None:
                self.check = check

            @specs.hookimpl
            def check_record_change(self, change: RecordChange) -> object:
                return self.check(change)

        manager.register(Part(check), name=key)
    return manager


def crash(change: RecordChange) -> list[Detail]:
    raise RuntimeError("no")


def test_a_check_that_crashes_refuses_and_the_others_are_still_asked() -> None:
    refuse = Detail("name", "taken", "This name is taken.")
    details = refusals(
        managing(a=lambda change: [refuse], b=crash, c=lambda change: []), "check_record_change", change=CHANGE
    )
    assert [detail.code for detail in details] == ["check_failed", "taken"]
    assert details[0].extra == {"plugin": "b"}


def test_a_check_that_answers_nonsense_refuses() -> None:
    (detail,) = refusals(managing(a=lambda change: "fine"), "check_record_change", change=CHANGE)
    assert detail.code == "check_failed"


def test_only_the_given_plugins_are_asked() -> None:
    assert refusals(managing(a=crash), "check_record_change", plugins=(), change=CHANGE) == []


def test_a_change_names_the_fields_that_differ() -> None:
    assert CHANGE.changed == {"name"}


@pytest.mark.parametrize(
    "make",
    [
        lambda: Permission("contact edit", "Edit"),
        lambda: NavItem("a", "A", endpoint="x", url="/x"),
        lambda: Widget("a", "A", "x", size="huge"),  # type: ignore[arg-type]
        lambda: ApiAlias("Contacts", "crm.contact"),
        lambda: ApiAlias("contacts", "contact"),
    ],
)
def test_an_object_that_makes_no_sense_cannot_be_made(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError):
        make()
