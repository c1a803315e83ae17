"""Saved views: what a list shows, kept under a name for oneself, for a team or for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from ossature.records.definition import Definition, read_definition
from ossature.records.types import RecordType

Audience = Literal["private", "team", "all"]
WITHOUT = "none"
"""What `view` is in the address of a list that is shown without a view, though one is the default."""


@dataclass(frozen=True, slots=True)
class SavedView:
    """A view as its reader may use it."""

    id: UUID
    record: str
    name: str
    audience: Audience
    owner_id: UUID
    document: Mapping[str, Any]

    @property
    def definition(self) -> Definition:
        """Raises `BadRequest` when it was stored in a way that can no longer be read."""
        return Definition.from_json(self.document)


@dataclass(frozen=True, slots=True)
class Look:
    """How a list is looked at now: what it shows, and the view that this began with."""

    definition: Definition
    view: SavedView | None = None

    def arguments(self, **elements: Any) -> dict[str, str]:
        """Parameters of the address of this list, with other elements: `look.arguments(sort="-name")`.

        The view stays; what differs from it is spelled out.
        """
        wanted = replace(self.definition, **elements)
        if self.view is None:
            return wanted.arguments()
        return {"view": str(self.view.id), **wanted.arguments(self.view.definition)}


def read_look(rt: RecordType, arguments: Mapping[str, str]) -> Look:
    """How an address asks to look at a list. Raises `BadRequest`, `Invalid`, and `NotFound` for a view."""
    return Look(read_definition(rt, arguments))
