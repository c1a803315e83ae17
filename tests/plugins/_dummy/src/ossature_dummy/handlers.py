"""What is done when something happened to a pebble."""

from __future__ import annotations

from sqlalchemy import update

from ossature.api import Event, handles, session, translator
from ossature_dummy import jobs
from ossature_dummy.events import POLISHED
from ossature_dummy.models.pebble import Pebble

_, _l, ngettext = translator("_dummy")


@handles("_dummy.pebble.created", key="_dummy.polish_red", label=_l("Polish red pebbles"))
def polish_red(event: Event) -> None:
    """One event at a time: asks for work that takes long."""
    if event.data["changes"]["colour"]["after"] == "red":
        jobs.polish.enqueue(jobs.Polishing(colour="red"))


@handles(POLISHED.key, key="_dummy.tell_story", label=_l("Tell the story of polished pebbles"), batch=100)
def tell_story(events: list[Event]) -> None:
    """Many events at a time: one statement for those that lost as much."""
    for lost in {event.data["lost"] for event in events}:
        ids = [event.record_id for event in events if event.data["lost"] == lost]
        session().execute(update(Pebble).where(Pebble.id.in_(ids)).values(story=f"Polished, {lost} g lighter."))
