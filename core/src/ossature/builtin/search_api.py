"""`GET /api/search`: one search over all records that the caller may see."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, Field

from ossature.errors import BadRequest, Detail, Invalid
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.rbac import signed_in
from ossature.records.clean import plain
from ossature.records.searching import LONGEST
from ossature.records.types import RecordType
from ossature.search.everywhere import Hit, by_tier, search_everywhere, searched_records
from ossature.web.api import documented, known_arguments, limit_argument, success
from ossature.web.versions import translation

_, _l, ngettext = translator("ossature")

EACH, MOST = 5, 50

blueprint = APIBlueprint("search_api", __name__, url_prefix="/api/search")

Marks = Annotated[
    list[tuple[int, int]], Field(description="Begin and end of each match, in characters", examples=[[[0, 4]]])
]


class SearchQuery(BaseModel):
    q: str = Field(description="What to look for: at least one letter or digit", max_length=LONGEST)
    records: str | None = Field(
        None, description="Comma separated, such as `crm.contact,crm.company`; all that you may see unless given"
    )
    limit: Annotated[int, Field(ge=1, le=MOST)] | None = Field(None, description="Hits of each record, 5 unless given")


class MatchedOut(BaseModel):
    field: str = Field(examples=["email"])
    label: str
    text: str
    marks: Marks


class HitOut(BaseModel):
    record: str = Field(examples=["crm.contact"])
    label: str = Field(description="The record's name in your language")
    id: UUID
    title: str
    marks: Marks
    tier: Literal["exact", "title", "words", "within", "similar"]
    matched: MatchedOut | None = Field(description="What matched, where it is not the title")
    fact: str = Field(description="What tells records of one title apart; may be empty")
    url: str = Field(description="Path of its page")


class SearchedOut(BaseModel):
    record: str
    label: str
    more: bool = Field(description="There are hits beyond `limit`")
    reach: Literal["all", "words", "similar"] = Field(
        description="Which tiers were answered: only beginnings of words where too many records contain the text, and what "
        "is spelled alike where none does"
    )
    said: str = Field(description="The same in words; empty where all tiers were answered")


class SearchMeta(BaseModel):
    records: list[SearchedOut]


class SearchAnswer(BaseModel):
    success: bool = True
    data: list[HitOut]
    meta: SearchMeta


@blueprint.get("")
@signed_in
def search() -> Response:
    """Whole codes, e-mail addresses and telephone numbers first, then titles that begin so, words that begin so, and any
    part of a word where the database searches parts. Blind to accents and case."""
    known_arguments(("q", "records", "limit"))
    text = request.args.get("q", "")
    if len(text) > LONGEST or "\x00" in text:
        raise BadRequest(
            _("The parameter %(name)s is wrong.", name="q"),
            [Detail("q", "invalid", _("Search for at most %(count)s characters.", count=LONGEST))],
        )
    found = search_everywhere(text, _records(request.args.get("records", "")), limit_argument(EACH, MOST))
    searched = [
        {
            "record": one.rt.key,
            "label": str(one.rt.plural),
            "more": one.more,
            "reach": one.reach,
            "said": one.said(text),
        }
        for one in found
    ]
    return success([_hit(hit) for hit in by_tier(found)], meta={"records": searched})


def _hit(hit: Hit) -> dict[str, Any]:
    written = asdict(hit)
    matched = None
    if hit.field:
        (name,) = translation(hit.record).older_names([hit.field])
        matched = {"field": name, "label": hit.field_label, "text": hit.text, "marks": hit.text_marks}
    kept = {name: written[name] for name in ("record", "label", "id", "title", "tier", "fact", "url")}
    return {**kept, "marks": hit.title_marks, "matched": matched}


def _records(given: str) -> list[RecordType] | None:
    """The records that were named. Raises `Invalid` for one that is not there or cannot be searched."""
    there = {rt.key: rt for rt in searched_records()}
    names = list(dict.fromkeys(name for name in given.split(",") if name))
    unknown = [name for name in names if name not in there]
    if unknown:
        raise Invalid(
            _("The input has faults."),
            [
                Detail(
                    "records", "unknown_record",
                    _("There is no record %(name)s that you may search.", name=plain(unknown[0])[:80]),
                )
            ],
        )  # fmt: skip
    return [there[name] for name in names] or None


documented(search, summary="Search all records", tag="Search", operation_id="search", query=SearchQuery,
           answer=SearchAnswer, refusals=(400, 401, 403, 422, 429))  # fmt: skip


@hookimpl
def register_blueprints() -> list[APIBlueprint]:
    return [blueprint]
