"""What a browser posts of a record's form, before it is read: rows of parts put in order, drafts taken back."""

from __future__ import annotations

import re
from uuid import UUID

from flask import request
from werkzeug.datastructures import MultiDict

from ossature.errors import Detail, Invalid
from ossature.i18n.texts import translator
from ossature.rbac.rules import unproven
from ossature.records.clean import whole_number
from ossature.records.drafts import kept
from ossature.records.part_writes import MOST_PARTS
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

_PART_FIELD = re.compile(r"[^-]+-[0-9]{1,6}-")


def saves() -> bool:
    """Whether what was posted is to be written, and not only shown again: with a row more, taken back from a draft, or
    since its page was of a session that has ended."""
    asks = any(request.form.get(name) for name in ("_add", "_remove", "_move", "_take"))
    return request.method == "POST" and not asks and not unproven()


def note() -> str:
    """Why the form is shown again, where the reader did not ask for it or may have forgotten."""
    if unproven():
        return _("This page was of a session that has ended, so nothing was saved yet. Look it over and save again.")
    return _("This is what you were writing. It is not saved yet.") if request.form.get("_take") else ""


def posted_version(posted: MultiDict[str, str] | None, stored: int) -> int:
    """The version that the writer saw."""
    version = whole_number(posted.get("version", "")) if posted is not None else None
    return stored if version is None else version


def posted_form(rt: RecordType, record_id: UUID | None) -> MultiDict[str, str] | None:
    """The posted form, rows of parts numbered as they stand in it; without scripts, its buttons add, remove and move
    them first, and a draft that is taken back stands for what was sent.

    Raises `Invalid` for more rows than a collection holds: nothing is read of some and left of others.
    """
    if request.method != "POST":
        return None
    posted: MultiDict[str, str] = MultiDict(request.form)
    if request.form.get("_take") == "kept" and (draft := kept(rt, record_id)) is not None:
        posted = MultiDict(draft.values)
        if draft.version is not None:
            posted["version"] = str(draft.version)
    for key in [key for key in posted if key.partition("-")[0] in rt.parts and not _PART_FIELD.match(key)]:
        del posted[key]
    added, removed, moved = (posted.get(name, "") for name in ("_add", "_remove", "_move"))
    if added in rt.parts:
        posted.add(f"{added}-{max(_numbers(posted, added), default=-1) + 1}-id", "")
    if removed.rpartition("-")[0] in rt.parts:
        for key in [key for key in posted if key.startswith(f"{removed}-")]:
            del posted[key]
    for collection, part in rt.parts.items():
        numbers = list(_numbers(posted, collection))
        if len(numbers) > MOST_PARTS:
            fault = _("Give at most %(n)s entries.", n=MOST_PARTS)
            raise Invalid(
                _("%(entries)s: at most %(n)s fit here. Nothing was saved; go back, where all is as you left it.",
                  entries=part.plural, n=MOST_PARTS), [Detail(collection, "too_many", fault)],
            )  # fmt: skip
        if moved.startswith(f"{collection}-"):
            _move(numbers, moved.removeprefix(f"{collection}-"))
        if numbers != sorted(numbers):
            posted = _renumbered(posted, collection, numbers)
    return posted


def _numbers(posted: MultiDict[str, str], collection: str) -> dict[int, None]:
    """The numbers of a collection's rows, in the order in which they were sent."""
    return {int(key.split("-")[1]): None for key in posted if key.startswith(f"{collection}-")}


def _move(numbers: list[int], which: str) -> None:
    """Change a row's place with the one before or after it: `3-up`."""
    number, _dash, way = which.partition("-")
    at = numbers.index(found) if (found := whole_number(number)) in numbers else -1
    to = at + (-1 if way == "up" else 1)
    if at >= 0 and 0 <= to < len(numbers):
        numbers[at], numbers[to] = numbers[to], numbers[at]


def _renumbered(posted: MultiDict[str, str], collection: str, numbers: list[int]) -> MultiDict[str, str]:
    places = {number: place for place, number in enumerate(numbers)}
    made: MultiDict[str, str] = MultiDict()
    for key, values in posted.lists():
        if key.startswith(f"{collection}-"):
            _name, number, field = key.split("-", 2)
            key = f"{collection}-{places[int(number)]}-{field}"
        made.setlist(key, values)
    return made
