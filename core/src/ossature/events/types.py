"""What plugins declare about events: the types they emit and the handlers that take them.

Every record has five events of its own, `KEY.created`, `.updated`, `.deleted`, `.restored` and `.purged`, which need no
declaration and no call: the database writes them with the change itself, whoever makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from ossature.hooks.types import Label
from ossature.versioned import KEY, Upgrades, check_upgrades

RECORD_EVENTS = ("created", "updated", "deleted", "restored", "purged")
MOST_IN_A_BATCH = 1000


@dataclass(frozen=True, slots=True)
class EventType:
    """A fact of the plugin's domain: `EventType("billing.invoice.paid", _l("Invoice paid"), InvoicePaid)`.

    `data` is the pydantic model of its content: ids and plain values. A change that readers would notice raises
    `version`; `upgrades` maps each former version to a function that lifts its content to the next one, so that events
    written before are read in the present form.
    """

    key: str
    label: Label
    data: type[BaseModel]
    version: int = 1
    upgrades: Upgrades = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not KEY.match(self.key):
            raise ValueError(f"event {self.key!r} is not spelled like `billing.invoice.paid`")
        check_upgrades(f"event {self.key!r}", self.version, self.upgrades)


@dataclass(frozen=True, slots=True)
class Event:
    """What a handler gets. `record` and `record_id` say what it is about; `data` is the content in its present version.

    The data of a record's own event is `{"version": int, "changes": {field: {"before": ..., "after": ...}}}`, as
    JSON values, without what is declared secret or untracked.
    """

    id: UUID
    type: str
    version: int
    at: datetime
    seq: int
    tenant_id: UUID
    record: str | None
    record_id: UUID | None
    data: Mapping[str, Any]
    actor_id: UUID | None = None
    handler: str = ""
    attempt: int = 1

    def first_time(self) -> bool:
        """True when this handler has not handled this event before; remembered with the handler's own writes.

        What a handler writes to the database happens once by itself. Ask this before effects that a replay must not
        repeat.
        """
        from ossature.events.delivery import first_time

        return first_time(self)

    def as_cloud_event(self) -> dict[str, Any]:
        """The event as others read it: CloudEvents 1.0 in JSON, its source the tenant, its subject the record."""
        return {
            "specversion": "1.0",
            "id": str(self.id),
            "source": f"/tenants/{self.tenant_id}",
            "type": self.type,
            "time": self.at.isoformat(),
            "datacontenttype": "application/json",
            **({"subject": f"{self.record}/{self.record_id}"} if self.record_id else {}),
            "dataversion": self.version,
            "data": dict(self.data),
        }


@dataclass(frozen=True, slots=True)
class Handler:
    """A function that takes events, made by the decorator `handles`.

    `batch` is 1 for a function of one event, else the most events it takes at once, in order. After `attempts` tries
    an event is put aside as dead.
    """

    key: str
    label: Label
    events: tuple[str, ...]
    run: Callable[..., None]
    batch: int = 1
    attempts: int = 8

    def __post_init__(self) -> None:
        if not KEY.match(self.key):
            raise ValueError(f"handler {self.key!r} is not spelled like `crm.greet_newcomers`")
        if not 1 <= self.batch <= MOST_IN_A_BATCH or self.attempts < 1:
            raise ValueError(f"handler {self.key!r}: batch is 1 to {MOST_IN_A_BATCH}, attempts at least 1")
        if not self.events:
            raise ValueError(f"handler {self.key!r} names no event")

    @property
    def plugin(self) -> str:
        return self.key.partition(".")[0]

    def pause_after(self, attempts: int) -> int:
        """Seconds to wait after so many failed attempts: 2, 6, 18 ... an hour at most."""
        pause: int = min(2 * 3 ** (attempts - 1), 3600)
        return pause


def handles(
    *events: str, key: str, label: Label, batch: int = 1, attempts: int = 8
) -> Callable[[Callable[..., None]], Handler]:
    """Make a handler of a function: `@handles("crm.contact.created", key="mail.greet", label=_l("Greet newcomers"))`.

    The function is called by the dispatcher, in a transaction of the event's tenant, as an actor of kind job that
    may do everything. With `batch` above 1 it takes a list of events of one tenant, in order. Quick work only: what
    takes long or talks to others is a job.
    """

    def declare(run: Callable[..., None]) -> Handler:
        return Handler(key, label, events, run, batch, attempts)

    return declare
