"""What is done when something happened to what crm holds."""

from __future__ import annotations

from ossature.api import Event, handles, translator
from ossature_crm import pipelines

_, _l, ngettext = translator("crm")


@handles("crm.stage.updated", key="crm.age_deals", label=_l("Say anew from when deals are stale"), batch=100)
def age_deals(events: list[Event]) -> None:
    """Deals are as old as they were; what counts as stale has changed."""
    stages = [event.record_id for event in events if "rotting_days" in event.data["changes"]]
    if stages:
        pipelines.age_anew([id for id in stages if id is not None])
