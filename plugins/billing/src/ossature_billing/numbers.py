"""The format of a series of numbers: a template such as `FA-{year}-{number:05}`, and which counter a number has.

A number has at most 35 characters, letters, digits and `+ - _ /` (BR-FR-01, BR-FR-02), is unique and, within its
series, unbroken (CGI annex II, art. 242 nonies A, I, 7°). So a template holds exactly one counter, and where the
counter begins again it also holds the period: then no two of its numbers are alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ossature.api import translator

_, _l, _n = translator("billing")

LONGEST = 35
DIGITS = 9
"""Room that is kept for a counter, unless its width is more."""
PLACEHOLDERS = ("year", "yy", "month", "number")
_WIDTHS = {"year": 4, "yy": 2, "month": 2}

_LITERAL = re.compile(r"[A-Za-z0-9+\-_/]")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_COUNTER = re.compile(r"number(?::0?([1-9][0-9]?))?")


class Reset(StrEnum):
    """When the counter of a series begins again at one."""

    NEVER = "never"
    YEARLY = "yearly"
    MONTHLY = "monthly"

    def period(self, day: date) -> str:
        """The period that a day belongs to, whose counter is one: empty, `2026` or `2026-11`."""
        return {Reset.NEVER: "", Reset.YEARLY: f"{day:%Y}", Reset.MONTHLY: f"{day:%Y-%m}"}[self]


class TemplateRefused(ValueError):
    """A template that cannot be used: `place` counts its characters from one; the text is for whoever wrote it."""

    def __init__(self, place: int, problem: str) -> None:
        super().__init__(_("Character %(place)s: %(problem)s", place=place, problem=problem))
        self.place = place


class NumberRefused(ValueError):
    """A number that a template does not make; the text is for whoever gave it."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a number says: its counter, and of the day that it was given on what the template holds."""

    counter: int
    year: int | None = None
    month: int | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read; `parse` makes it."""

    text: str
    reset: Reset
    parts: tuple[str, ...]
    """Literal text and the names of placeholders, in turn, beginning with text"""
    width: int
    """To which the counter is filled with zeros"""

    @property
    def last(self) -> int:
        """The highest counter that has room."""
        return int(10 ** max(self.width, DIGITS)) - 1

    def render(self, day: date, counter: int) -> str:
        """The number of a counter on a day. Raises NumberRefused for one below 1 or without room, and for a
        year outside 2000 to 2099 (BR-FR-03)."""
        if not 2000 <= day.year <= 2099:
            raise NumberRefused(_("Numbers are given in the years 2000 to 2099."))
        if not 1 <= counter <= self.last:
            raise NumberRefused(
                _("The counter of this series is between 1 and %(last)s, not %(counter)s.", last=self.last, counter=counter)
            )  # fmt: skip
        values = {
            "year": f"{day.year:04}", "yy": f"{day.year % 100:02}", "month": f"{day.month:02}",
            "number": f"{counter:0{self.width}}",
        }  # fmt: skip
        return "".join(values[part] if at % 2 else part for at, part in enumerate(self.parts))

    def read(self, number: str) -> Counted:
        """Which counter a number has, to go on from the last one of a former system. Raises NumberRefused."""
        found = self._pattern().fullmatch(number)
        if found is None or not int(found["number"]):
            raise NumberRefused(
                _("%(number)s is not a number that %(template)s makes.", number=number, template=self.text)
            )
        said = found.groupdict()
        year = int(said["year"]) if "year" in said else 2000 + int(said["yy"]) if "yy" in said else None
        return Counted(int(said["number"]), year, int(said["month"]) if "month" in said else None)

    def _pattern(self) -> re.Pattern[str]:
        more = f"[0-9]{{{self.width}}}"
        if self.width < DIGITS:  # what is wider than its width is not filled with zeros
            more += f"|[1-9][0-9]{{{self.width},{DIGITS - 1}}}"
        digits = {
            "year": "20[0-9]{2}", "yy": "[0-9]{2}", "month": "0[1-9]|1[0-2]", "number": more,
        }  # fmt: skip
        return re.compile(
            "".join(f"(?P<{part}>{digits[part]})" if at % 2 else re.escape(part) for at, part in enumerate(self.parts))
        )


def parse(text: str, reset: Reset = Reset.YEARLY) -> Template:
    """The template that a text writes. Raises TemplateRefused, which names the place and what is wrong there."""
    parts, width, end = _parts(text)
    placed = parts[1::2]
    if "number" not in placed:
        raise TemplateRefused(end, _("the counter is missing: write {number}."))
    if reset is not Reset.NEVER and not {"year", "yy"} & set(placed):
        raise TemplateRefused(
            end, _("the counter begins again every year, so the year is needed: write {year} or {yy}.")
        )
    if reset is Reset.MONTHLY and "month" not in placed:
        raise TemplateRefused(end, _("the counter begins again every month, so the month is needed: write {month}."))
    longest = sum(len(part) for part in parts[0::2]) + sum(_WIDTHS.get(part, max(width, DIGITS)) for part in placed)
    if longest > LONGEST:
        raise TemplateRefused(
            end,
            _(
                "numbers would have up to %(longest)s characters, %(most)s are allowed; %(digits)s of them are for the counter.",
                longest=longest, most=LONGEST, digits=max(width, DIGITS),
            ),
        )  # fmt: skip
    return Template(text, reset, parts, width)


def _parts(text: str) -> tuple[tuple[str, ...], int, int]:
    """Literal text and placeholders in turn, the width of the counter, and the place after the last character."""
    parts: list[str] = []
    literal, width, at = "", 1, 0
    while at < len(text):
        if text[at] == "{":
            found = _PLACEHOLDER.match(text, at)
            if found is None:
                raise TemplateRefused(at + 1, _("the brace is not closed."))
            name, counted = found[1], _COUNTER.fullmatch(found[1])
            if counted is not None:
                name, width = "number", int(counted[1] or 1)
            _placed(name, parts[1::2], at + 1)
            parts += [literal, name]
            literal, at = "", found.end()
        elif _LITERAL.fullmatch(text[at]):
            literal, at = literal + text[at], at + 1
        else:
            raise TemplateRefused(
                at + 1,
                _(
                    "“%(character)s” is not allowed: letters without accents, digits and + - _ / only.",
                    character=text[at],
                ),
            )
    return (*parts, literal), width, len(text) + 1


def _placed(name: str, before: list[str], place: int) -> None:
    if name.partition(":")[0] == "number" != name:
        raise TemplateRefused(place, _("the width of the counter is a number from 1 to 99, as in {number:05}."))
    if name not in PLACEHOLDERS:
        raise TemplateRefused(
            place, _("{%(name)s} is unknown; there are {year}, {yy}, {month} and {number}.", name=name)
        )
    if name in before or ({name, *before} >= {"year", "yy"}):
        raise TemplateRefused(place, _("{%(name)s} says what stands there already.", name=name))
