"""Pages that are not a record's default ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ossature.api import Blueprint, get_row, link, public, record_type, render, requires, translator, update
from ossature_dummy.queries import heaviest

_, _l, ngettext = translator("_dummy")

blueprint = Blueprint("_dummy", __name__, url_prefix="/_dummy", template_folder="templates")


@blueprint.get("/heaviest")
@requires("_dummy.pebble.view")
def show_heaviest() -> str:
    return render("_dummy/heaviest.html", pebbles=heaviest())


@blueprint.get("/heavier/<uuid:id>")
@requires("_dummy.pebble.view")
def show_heavier(id: UUID) -> str:
    pebble = get_row(record_type("_dummy.pebble"), id)
    return render("_dummy/heaviest.html", title=_("Heavier"), pebbles=heaviest(above=pebble["weight"]))


@blueprint.get("/settings")
@requires("_dummy.pebble.polish")
def settings() -> str:
    return render("_dummy/settings.html", title=_("Pebbles"))


@blueprint.get("/pebbles/p/<token>")
@link("_dummy.pebble.share")
def show_shared(pebble: Mapping[str, Any]) -> str:
    """A pebble as a stranger sees it."""
    return render("_dummy/shared.html", title=pebble["name"], pebble=pebble)


@blueprint.post("/pebbles/p/<token>/like")
@link("_dummy.pebble.share", may=["_dummy.pebble.edit"])
def like_shared(pebble: Mapping[str, Any]) -> str:
    """A pebble that a stranger likes turns red."""
    liked = update(record_type("_dummy.pebble"), pebble["id"], {"colour": "red"}).row
    return render("_dummy/shared.html", title=liked["name"], pebble=liked)


@blueprint.get("/about")
@public
def about() -> str:
    """What anybody may read, where the plugin is enabled."""
    return _("A collection of pebbles.")
