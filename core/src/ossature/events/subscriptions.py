"""Who takes which event, told to the database, which fans events out by itself."""

from __future__ import annotations

import difflib

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ossature.context import Context
from ossature.db.kernel import subscription
from ossature.db.work import transaction
from ossature.events.types import RECORD_EVENTS
from ossature.hooks.calls import EVENTS, HANDLERS, HookError
from ossature.kernel import Kernel


def known_events(kernel: Kernel) -> set[str]:
    """Every event that may happen here: those declared, and those of each record and part."""
    own = {f"{rt.key}.{verb}" for rt in kernel.records.all() for verb in RECORD_EVENTS}
    return own | {entry.value.key for entry in kernel.plugins.registered(EVENTS)}


def check_handlers(kernel: Kernel) -> None:
    """A handler of an event that a running plugin should have and has not makes its own plugin failed."""
    known = known_events(kernel)
    for entry in kernel.plugins.registered(HANDLERS):
        for event in entry.value.events:
            owner = event.partition(".")[0]
            if event not in known and (owner == "ossature" or owner in kernel.plugins):
                near = difflib.get_close_matches(event, sorted(known), 1)
                with kernel.plugins.guard(entry.plugin, "checking events"):
                    raise HookError(
                        entry.plugin, HANDLERS.hook, f"handler {entry.value.key} takes {event!r}, which nobody emits",
                        f"did you mean {near[0]!r}?" if near else "correct its name",
                    )  # fmt: skip


def tell_database(kernel: Kernel) -> None:
    """Add what is declared and take away what a running plugin declares no longer.

    What an absent plugin subscribed to stays: its events wait until the plugin is back or is purged.
    """
    declared = {
        (event, handler.key): handler.plugin
        for handler in kernel.background.handlers.values()
        for event in handler.events
    }
    running = {"ossature", *kernel.plugins.keys}
    with transaction(Context(means="system"), role="system", database=kernel.db) as work:
        known = {(row.event, row.handler): row.plugin for row in work.execute(sa.select(subscription))}
        gone = [pair for pair, plugin in known.items() if pair not in declared and plugin in running]
        new = [pair for pair in declared if pair not in known]
        if gone:
            work.execute(
                sa.delete(subscription).where(sa.tuple_(subscription.c.event, subscription.c.handler).in_(gone))
            )
        if new:
            rows = [{"event": event, "handler": key, "plugin": declared[event, key]} for event, key in new]
            work.execute(insert(subscription).on_conflict_do_nothing(), rows)
