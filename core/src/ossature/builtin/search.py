"""The search page, what the command palette shows, and pins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ossature.builtin.settings import settings_entries
from ossature.context import current
from ossature.errors import BadRequest, NotFound
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.kernel import kernel
from ossature.rbac import signed_in
from ossature.records.clean import plain
from ossature.records.query import get_row
from ossature.records.saved import listed, views_of
from ossature.records.searching import LONGEST
from ossature.records.views import page_endpoint, record_url
from ossature.search import pins
from ossature.search.everywhere import TIERS, OfRecord, by_tier, search_everywhere
from ossature.search.reach import within_reach
from ossature.search.recent import recent
from ossature.web import render
from ossature.web.shell import wants_fragment

_, _l, ngettext = translator("ossature")

EACH, EACH_IN_PALETTE = 20, 5
TIER_LABELS = {
    "exact": _l("Exactly this"), "title": _l("Begins with it"), "words": _l("A word begins with it"),
    "within": _l("Contains it"), "similar": _l("Spelled alike"),
}  # fmt: skip

blueprint = Blueprint("search", __name__, url_prefix="/search")


@dataclass(frozen=True, slots=True)
class Place:
    """A record at hand: pinned, or seen not long ago."""

    title: str
    label: str
    icon: str
    url: str


@blueprint.get("")
@signed_in
def index() -> ResponseReturnValue:
    """Everything that a text finds, by tier; what is at hand where nothing is looked for."""
    text, refusal, found = _text(), "", []
    if text:
        try:
            found = search_everywhere(text, limit=EACH)
        except BadRequest as refused:
            refusal = " ".join(str(detail.message) for detail in refused.details)
    hits = by_tier(found)
    tiers = [(TIER_LABELS[tier], [hit for hit in hits if hit.tier == tier]) for tier in TIERS]
    return render(
        "search/page.html", title=_("Search"), text=text, refusal=refusal, tiers=[one for one in tiers if one[1]],
        notes=_notes(found, text), more=_more(found, text), pinned=places(pins.pinned()), recent=_unpinned_recent(),
    )  # fmt: skip


@blueprint.get("/hits")
@signed_in
def hits() -> ResponseReturnValue:
    """The records that the palette shows for a text."""
    text = _text()
    found = search_everywhere(text, limit=EACH_IN_PALETTE)
    exact = [hit for hit in by_tier(found) if hit.tier == "exact"]
    groups = [(str(_("Exactly this")), exact)] if exact else []
    for one in found:
        others = [hit for hit in one.hits if hit.tier != "exact"]
        if others:
            groups.append((str(one.rt.plural), others))
    return render("search/_hits.html", title=_("Search"), groups=groups, notes=_notes(found, text))


@blueprint.get("/places")
@signed_in
def palette() -> ResponseReturnValue:
    """What the palette offers besides records that are searched: what is at hand, screens, things to create."""
    return render(
        "search/_places.html", title=_("Search"), pinned=places(pins.pinned()), recent=_unpinned_recent(),
        settings=settings_entries(), views=list(_views()),
    )  # fmt: skip


@blueprint.post("/pins")
@signed_in
def set_pin() -> ResponseReturnValue:
    """Pin a record that the reader may see, or unpin it."""
    rt = listed(request.form.get("record", ""))
    try:
        id = UUID(request.form.get("id", ""))
    except ValueError:
        rt = None
    if rt is None:
        raise NotFound(_("There is no such record, or you may not see it."))
    get_row(rt, id)
    wanted = request.form.get("pinned") == "1"
    if wanted:
        pins.pin(rt.key, id)
    else:
        pins.unpin(id)
    if wants_fragment():
        return render("search/_pin.html", record_key=rt.key, record_id=id, pinned=wanted)
    return redirect(url_for(page_endpoint(rt, "show"), id=id), 303)


def places(found: Iterable[tuple[str, UUID]]) -> list[Place]:
    """Those of some records that the reader may see and that are not deleted, in their order."""
    return [
        Place(label.title or _("Unnamed"), str(rt.label), rt.icon, url)
        for rt, label in within_reach(found)
        if (url := record_url(rt.key, label.id)) is not None
    ]


def _unpinned_recent() -> list[Place]:
    held = set(pins.pinned())
    return places(one for one in recent() if one not in held)


def _views() -> Iterator[Place]:
    """The views of the lists that the navigation leads to."""
    access, screens = current().access, kernel().screens
    listed_here = [rt for key in screens if screens[key].navigation is not None and (rt := listed(key))]
    types = [rt for rt in listed_here if access.allows(rt.permission("view"))]
    views = views_of(types)
    for rt in types:
        for view in views[rt.key]:
            yield Place(view.name, str(rt.plural), rt.icon, url_for(page_endpoint(rt, "list"), view=view.id))


def _text() -> str:
    return plain(" ".join(request.args.get("q", "").split()))[:LONGEST]


def _notes(found: Iterable[OfRecord], text: str) -> list[str]:
    """Which kinds of record could not be searched in every tier."""
    return [f"{one.rt.plural}: {said}" for one in found if (said := one.said(text))]


def _more(found: Iterable[OfRecord], text: str) -> list[tuple[str, str]]:
    """The lists that hold all of what was found, where it is more than is shown."""
    return [
        (str(one.rt.plural), url_for(page_endpoint(one.rt, "list"), q=text))
        for one in found
        if one.more and one.rt.key in kernel().screens
    ]


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]
