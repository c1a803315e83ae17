"""The tags of the organisation's catalogue, offered while one types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from flask import Response, request
from pydantic import BaseModel, Field

from ossature.rbac.predicate import demand
from ossature.records.clean import plain
from ossature.records.tag_catalogue import list_tags
from ossature.records.types import RecordType
from ossature.web.api import known_arguments, success

OFFERED = 20


class TagsArguments(BaseModel):
    q: str | None = Field(None, max_length=200, description="How the tags begin; case and accents do not matter")


class TagName(BaseModel):
    name: str
    tone: str = Field(description="Its colour: neutral, accent, info, success, warning or danger")


class TagsMeta(BaseModel):
    more: bool = Field(description="There are others; type more letters")


class TagsAnswer(BaseModel):
    success: Literal[True] = True
    data: list[TagName]
    meta: TagsMeta


def tags_view(rt: RecordType) -> Callable[[], Response]:
    """The endpoint that offers tags."""

    def view() -> Response:
        known_arguments(("q",))
        demand(rt, "view")
        found = list_tags(plain(request.args.get("q", "")), begins=True, limit=OFFERED + 1)
        offered = [{"name": one.name, "tone": one.tone} for one in found[:OFFERED]]
        return success(offered, meta={"more": len(found) > OFFERED})

    return view
