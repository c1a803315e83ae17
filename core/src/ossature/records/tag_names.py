"""The tags that a kind of record has: offered while one types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from flask import Response, request
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from ossature.context import current
from ossature.db.kernel import tag, tagging
from ossature.db.work import session
from ossature.rbac.predicate import demand
from ossature.records.clean import plain
from ossature.records.rules import folded
from ossature.records.types import RecordType
from ossature.web.api import known_arguments, success

OFFERED = 20


class TagsArguments(BaseModel):
    q: str | None = Field(None, max_length=200, description="How the tags begin; case and accents do not matter")


class TagName(BaseModel):
    name: str


class TagsMeta(BaseModel):
    more: bool = Field(description="There are others; type more letters")


class TagsAnswer(BaseModel):
    success: Literal[True] = True
    data: list[TagName]
    meta: TagsMeta


def tag_names(rt: RecordType, beginning: str = "", limit: int = OFFERED) -> list[str]:
    """Tags that records carry and that begin so, in order, as they were first written.

    Words are shared by all who see records of the kind, whichever rows they reach.
    """
    demand(rt, "view")
    here, named = current().tenant_id, folded(beginning.strip())
    carried = select(tagging.c.fold).where(
        tagging.c.tenant_id == here, tagging.c.record == rt.key, tagging.c.fold == tag.c.fold
    )
    statement = select(tag.c.name).where(tag.c.tenant_id == here, tag.c.record == rt.key, carried.exists())
    if named:
        statement = statement.where(func.starts_with(tag.c.fold, named))
    return list(session().execute(statement.order_by(tag.c.fold).limit(limit)).scalars())


def tags_view(rt: RecordType) -> Callable[[], Response]:
    """The endpoint that offers tags."""

    def view() -> Response:
        known_arguments(("q",))
        found = tag_names(rt, plain(request.args.get("q", "")), OFFERED + 1)
        return success([{"name": name} for name in found[:OFFERED]], meta={"more": len(found) > OFFERED})

    return view
