"""The external ids of a record over the API: `/api/<plugin>/<records>/<id>/external-ids`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from flask import Response
from pydantic import BaseModel, Field

from ossature.records.external_ids import (
    LONGEST_SOURCE,
    LONGEST_VALUE,
    ExternalId,
    add_external_id,
    external_ids_of,
    read_external_ids,
    remove_external_id,
)
from ossature.records.types import RecordType
from ossature.web.api import known_arguments, success


class ExternalPlace(BaseModel):
    source: str = Field(
        min_length=1, max_length=LONGEST_SOURCE, description="The system that calls the record so, in any case"
    )
    value: str = Field(min_length=1, max_length=LONGEST_VALUE, description="What it is called there, letter by letter")


class ExternalIdShown(BaseModel):
    source: str
    value: str
    created_at: datetime


class ExternalIdsAnswer(BaseModel):
    success: Literal[True] = True
    data: list[ExternalIdShown]
    meta: dict[str, Any]


View = Callable[..., Response]


def external_views(rt: RecordType) -> dict[str, View]:
    """The three endpoints of one record's external ids, by name; each answers all that it has."""

    def list_view(id: UUID) -> Response:
        known_arguments(())
        return _answer(read_external_ids(rt, id))

    def add_view(id: UUID, source: str, value: str) -> Response:
        made = add_external_id(rt, id, source, value)
        return _answer(external_ids_of(rt, [id]).get(id, []), 201 if made else 200)

    def remove_view(id: UUID, source: str, value: str) -> Response:
        remove_external_id(rt, id, source, value)
        return _answer(external_ids_of(rt, [id]).get(id, []))

    return {"list": list_view, "add": add_view, "remove": remove_view}


def _answer(found: list[ExternalId], status: int = 200) -> Response:
    shown = [{"source": one.source, "value": one.value, "created_at": one.created_at} for one in found]
    return success(shown, status)
