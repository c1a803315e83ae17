"""When a cron comes: changes of the clocks both ways, ends of months, and what was missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from ossature.jobs.clock import next_time, passed, times, to_run


def utc(said: str) -> datetime:
    return datetime.fromisoformat(said).replace(tzinfo=UTC)


def coming(cron: str, zone: str, after: str, count: int) -> list[str]:
    return [f"{moment:%Y-%m-%d %H:%M}" for moment in islice(times(cron, zone, utc(after)), count)]


@pytest.mark.req("S2-124")
@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # Paris leaves out 02:00 to 03:00 on 29 March 2026: at the end of the gap, 03:00 CEST, which is 01:00 UTC.
        ("30 2 * * *", "Europe/Paris", "2026-03-27 12:00", ["2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"]),
        ("15,45 2 * * *", "Europe/Paris", "2026-03-28 12:00", ["2026-03-29 01:00", "2026-03-30 00:15"]),
        ("0 */2 * * *", "Europe/Paris", "2026-03-28 22:30", ["2026-03-28 23:00", "2026-03-29 01:00", "2026-03-29 02:00"]),
        ("0 2,3 * * *", "Europe/Paris", "2026-03-28 12:00", ["2026-03-29 01:00", "2026-03-30 00:00"]),
        ("30 3 * * *", "Europe/Paris", "2026-03-28 12:00", ["2026-03-29 01:30", "2026-03-30 01:30"]),
        # New York leaves out 02:00 to 03:00 on 8 March 2026; 03:00 EDT is 07:00 UTC.
        ("30 2 * * *", "America/New_York", "2026-03-07 12:00", ["2026-03-08 07:00", "2026-03-09 06:30"]),
        # Santiago leaves out the first hour of a day, 6 September 2026: 01:00 is 04:00 UTC.
        ("0 0 * * *", "America/Santiago", "2026-09-05 12:00", ["2026-09-06 04:00", "2026-09-07 03:00"]),
    ],
)  # fmt: skip
def test_a_time_that_the_change_to_summer_time_leaves_out_comes_at_the_end_of_the_gap(
    cron: str, zone: str, after: str, expected: list[str]
) -> None:
    assert coming(cron, zone, after, len(expected)) == expected


@pytest.mark.req("S2-124")
@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # Paris shows 02:00 to 03:00 twice on 25 October 2026; the first 02:30 is 00:30 UTC.
        ("30 2 * * *", "Europe/Paris", "2026-10-24 12:00", ["2026-10-25 00:30", "2026-10-26 01:30"]),
        ("30 2 * * *", "Europe/Paris", "2026-10-25 00:30", ["2026-10-26 01:30"]),
        ("30 2 * * *", "Europe/Paris", "2026-10-25 01:10", ["2026-10-26 01:30"]),
        ("0 */2 * * *", "Europe/Paris", "2026-10-24 21:30", ["2026-10-24 22:00", "2026-10-25 00:00", "2026-10-25 03:00"]),
        ("0 1-4 * * *", "Europe/Paris", "2026-10-24 12:00",
         ["2026-10-24 23:00", "2026-10-25 00:00", "2026-10-25 02:00", "2026-10-25 03:00"]),
        # New York shows 01:00 to 02:00 twice on 1 November 2026; the first 01:30 is 05:30 UTC.
        ("30 1 * * *", "America/New_York", "2026-10-31 12:00", ["2026-11-01 05:30", "2026-11-02 06:30"]),
    ],
)  # fmt: skip
def test_a_time_that_the_change_to_winter_time_repeats_comes_once(
    cron: str, zone: str, after: str, expected: list[str]
) -> None:
    assert coming(cron, zone, after, len(expected)) == expected


@pytest.mark.parametrize("cron", ["*/15 * * * *", "*/15 0-23 * * *"])
def test_an_interval_goes_on_evenly_through_both_changes(cron: str) -> None:
    for start in ("2026-03-28 20:00", "2026-10-24 20:00", "2026-10-25 00:50", "2026-10-25 01:20"):
        first = next(times(cron, "Europe/Paris", utc(start)))
        found = list(islice(times(cron, "Europe/Paris", utc(start)), 60))
        assert found == [first + timedelta(minutes=15 * number) for number in range(60)]


def test_where_the_clocks_are_never_changed_each_day_has_its_time() -> None:
    found = list(islice(times("30 2 * * *", "Africa/Tunis", utc("2026-01-01 00:00")), 365))
    assert found == [utc("2026-01-01 01:30") + timedelta(days=number) for number in range(365)]


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize("cron", ["30 2 * * *", "*/20 * * * *", "0 */3 * * *", "15 1-3 * * *", "0 0 1 * *"])
def test_times_do_not_depend_on_where_one_begins_to_look(cron: str, zone: str) -> None:
    for start in (utc("2026-03-27 00:00"), utc("2026-10-23 00:00")):
        end = start + timedelta(days=4)
        whole = [moment for moment in islice(times(cron, zone, start), 300) if moment <= end]
        for minutes in range(0, 4 * 24 * 60, 50):
            begin = start + timedelta(minutes=minutes, seconds=7)
            assert next_time(cron, zone, begin) == next(
                (moment for moment in whole if moment > begin), next_time(cron, zone, end)
            )


def test_months_end_where_they_end_and_leap_days_come_in_leap_years() -> None:
    assert coming("0 12 31 * *", "UTC", "2027-01-01 00:00", 3) == [
        "2027-01-31 12:00", "2027-03-31 12:00", "2027-05-31 12:00",
    ]  # fmt: skip
    assert coming("0 12 L * *", "UTC", "2027-01-01 00:00", 2) == ["2027-01-31 12:00", "2027-02-28 12:00"]
    assert coming("0 0 29 2 *", "UTC", "2027-01-01 00:00", 2) == ["2028-02-29 00:00", "2032-02-29 00:00"]
    assert coming("0 8 * * MON#1", "UTC", "2027-03-01 12:00", 1) == ["2027-04-05 08:00"]


def test_of_a_long_absence_the_latest_hundred_times_count() -> None:
    first, now = utc("2026-01-01 00:00"), utc("2027-01-01 00:00")
    found = passed("* * * * *", "Europe/Paris", first, now)
    assert (len(found), found[0], found[-1]) == (100, now - timedelta(minutes=99), now)
    assert len(passed("0 3 1 * *", "Europe/Paris", utc("2026-01-01 02:00"), now)) == 12
    assert passed("0 3 1 * *", "UTC", utc("2026-01-01 03:00"), utc("2026-01-01 03:00")) == [utc("2026-01-01 03:00")]


def test_a_policy_says_which_missed_times_are_run() -> None:
    now = utc("2026-05-01 10:00")
    came = [now - timedelta(minutes=minutes) for minutes in (30, 20, 4)]
    assert to_run("all", came, now) == came
    assert to_run("once", came, now) == came[-1:]
    assert to_run("skip", came, now) == came[-1:]
    assert to_run("skip", came[:2], now) == []
