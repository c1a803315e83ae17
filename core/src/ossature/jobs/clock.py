"""When a cron comes, in a time zone whose clocks are changed twice a year, and what was missed of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

from ossature.jobs.types import Missed

MOST_MISSED = 100
"""Missed times that are still looked at, counted from the latest."""
LATE = timedelta(minutes=5)
"""After this a time counts as missed where the policy is `skip`."""

_SECOND_PASS = timedelta(hours=3)  # no zone sets its clocks back by more


def times(cron: str, time_zone: str, after: datetime) -> Iterator[datetime]:
    """The times of a cron after a moment, in UTC, in order.

    A time of day that the clocks jump over comes at the end of the jump, one that they show twice comes the first time
    alone. A cron for every hour goes on through both: it means an interval, not a time of day.
    """
    zone = ZoneInfo(time_zone)
    # cronsim's own rules differ by spelling (`0 */2` twice in autumn), so it counts without a zone.
    local_times = CronSim(cron, _local(after, zone))
    every_hour = len(local_times.hours) == 24
    last = after
    for local in local_times:
        moment = _moment(local, zone)
        if moment <= last:
            continue
        if every_hour:
            yield from _shown_again(cron, zone, last, moment)
        yield moment
        last = moment


def next_time(cron: str, time_zone: str, after: datetime) -> datetime | None:
    """The next time of a cron, in UTC; None when there is none within fifty years."""
    return next(times(cron, time_zone, after), None)


def passed(cron: str, time_zone: str, first: datetime, now: datetime) -> list[datetime]:
    """`first` and the times after it up to now; the latest hundred when there are more."""
    span = timedelta(days=1)
    while True:
        since = max(first, now - span)
        found = [first] if since == first else []
        for moment in times(cron, time_zone, since):
            if moment > now:
                break
            found.append(moment)
        if since == first or len(found) >= MOST_MISSED:
            return found[-MOST_MISSED:]
        span *= 8


def to_run(missed: Missed, due: Sequence[datetime], now: datetime) -> Sequence[datetime]:
    """Which of the times that have come are run, by the policy for missed ones."""
    if missed == "once":
        return due[-1:]
    if missed == "skip":
        return [moment for moment in due if now - moment <= LATE]
    return due


def plan_of(cron: str, time_zone: str) -> str:
    """What a next time was worked out from, as `schedule.planned_by` holds it."""
    return f"{cron}|{time_zone}"


def _moment(local: datetime, zone: ZoneInfo) -> datetime:
    while True:
        moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if _local(moment, zone) == local:
            return moment
        local += timedelta(minutes=1)


def _shown_again(cron: str, zone: ZoneInfo, after: datetime, before: datetime) -> Iterator[datetime]:
    """Times between two moments that the clocks show for the second time."""
    start, end = after - _SECOND_PASS, _local(before, zone)
    if (start.astimezone(zone).utcoffset() or timedelta()) <= (before.astimezone(zone).utcoffset() or timedelta()):
        return
    for local in CronSim(cron, _local(start, zone)):
        moment = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
        if local >= end:
            return
        if after < moment < before:
            yield moment


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)
