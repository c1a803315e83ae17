"""Pages that are not a record's default ones."""

from __future__ import annotations

from uuid import UUID

from ossature.api import Blueprint, get_row, public, record_type, render, requires, translator
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


@blueprint.get("/about")
@public
def about() -> str:
    """What anybody may read, where the plugin is enabled."""
    return _("A collection of pebbles.")
