"""The format of a series: what a template may say, the numbers it makes, and the counter that a number has."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ossature_billing.documents import Document
from ossature_billing.numbers import DIGITS, LONGEST, Counted, NumberRefused, Reset, Template, TemplateRefused, parse
from ossature_billing.rules.france import check as french

whatever = settings(deadline=None, derandomize=True, max_examples=60)
MARCH = date(2026, 3, 9)
TEXTS = st.text("AZaz09+-_/", max_size=6)
DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))


@st.composite
def templates(draw: st.DrawFn) -> Template:
    reset = draw(st.sampled_from(Reset))
    year = draw(st.sampled_from(["{year}", "{yy}"]))
    wanted = [] if reset is Reset.NEVER else [year] if reset is Reset.YEARLY else [year, "{month}"]
    wanted += draw(st.lists(st.sampled_from([year, "{month}"]), max_size=2, unique=True))
    width = draw(st.integers(0, 12))
    placed = draw(st.permutations([*dict.fromkeys(wanted), f"{{number:0{width}}}" if width else "{number}"]))
    text = "".join(draw(TEXTS) + one for one in placed) + draw(TEXTS)
    try:
        return parse(text, reset)
    except TemplateRefused:
        assume(False)
        raise


def test_a_template_makes_numbers_of_a_day_and_a_counter() -> None:
    assert parse("FA-{year}-{number:05}").render(MARCH, 42) == "FA-2026-00042"
    assert parse("{yy}{month}/{number:3}", Reset.MONTHLY).render(MARCH, 1234) == "2603/1234"
    assert parse("A{number}", Reset.NEVER).render(MARCH, 7) == "A7"
    assert [reset.period(MARCH) for reset in Reset] == ["", "2026", "2026-03"]


@whatever
@given(templates(), DAYS, st.data())
def test_a_number_gives_its_counter_back_and_passes_the_official_rules(
    template: Template, day: date, data: st.DataObject
) -> None:
    counter = data.draw(st.one_of(st.integers(1, template.last), st.just(template.last)))
    number = template.render(day, counter)
    assert len(number) <= LONGEST
    assert list(french(Document(number=number, frame="S1"))) == list(french(Document(number="F1", frame="S1")))
    found = template.read(number)
    assert found.counter == counter
    assert found.year in (None, day.year)
    assert found.month in (None, day.month)
    assert template.reset is Reset.NEVER or found.year == day.year


@whatever
@given(templates(), DAYS, DAYS, st.integers(1, 10**6), st.integers(1, 10**6))
def test_another_period_or_another_counter_is_another_number(
    template: Template, day: date, other: date, counter: int, another: int
) -> None:
    assume((template.reset.period(day), counter) != (template.reset.period(other), another))
    assert template.render(day, counter) != template.render(other, another)


@pytest.mark.parametrize(
    ("text", "reset", "place", "words"),
    [
        ("FA {number}", Reset.NEVER, 3, "“ ” is not allowed"),
        ("FAÉ{number}", Reset.NEVER, 3, "letters without accents"),
        ("F{year", Reset.NEVER, 2, "not closed"),
        ("F}{number}", Reset.NEVER, 2, "not allowed"),
        ("F{day}{number}", Reset.NEVER, 2, "{day} is unknown"),
        ("F{number:0}", Reset.NEVER, 2, "width"),
        ("F{number:100}", Reset.NEVER, 2, "width"),
        ("{number}{number}", Reset.NEVER, 9, "there already"),
        ("{year}{yy}{number}", Reset.NEVER, 7, "there already"),
        ("FA-{year}", Reset.NEVER, 10, "counter is missing"),
        ("", Reset.NEVER, 1, "counter is missing"),
        ("F{number}", Reset.YEARLY, 10, "year is needed"),
        ("F{month}{number}", Reset.MONTHLY, 17, "year is needed"),
        ("F{year}{number}", Reset.MONTHLY, 16, "month is needed"),
        ("F" * 27 + "{number}", Reset.NEVER, 36, "up to 36 characters, 35 are allowed"),
        ("F" * 25 + "{number:011}", Reset.NEVER, 38, "11 of them"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_with_the_place(
    text: str, reset: Reset, place: int, words: str
) -> None:
    with pytest.raises(TemplateRefused) as refused:
        parse(text, reset)
    assert refused.value.place == place
    assert words in str(refused.value)
    assert str(refused.value).startswith(f"Character {place}: ")


def test_a_number_of_a_former_system_says_where_to_go_on() -> None:
    template = parse("F{yy}-{number:04}")
    assert template.read("F25-0117") == Counted(117, 2025)
    assert template.read("F25-12345") == Counted(12345, 2025)
    for other in ("F25-117", "F25-0000", "F25-00117", "G25-0117", "F25-0117 ", "F2x-0117", "", "F25-1" + "0" * DIGITS):
        with pytest.raises(NumberRefused, match="is not a number that"):
            template.read(other)


def test_a_counter_without_room_and_a_day_of_another_century_are_refused() -> None:
    template = parse("F{yy}-{number}")
    for counter in (0, -1, 10**9):
        with pytest.raises(NumberRefused, match="between 1 and 999999999"):
            template.render(MARCH, counter)
    with pytest.raises(NumberRefused, match="2000 to 2099"):
        template.render(date(1999, 12, 31), 1)
