"""The landing page for visitors, the home page for members."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from ossature.auth.request import caller
from ossature.context import current
from ossature.hooks.calls import WIDGETS
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.kernel import kernel
from ossature.plugins.offered import offered
from ossature.rbac import public
from ossature.web import render
from ossature.web.formats import as_date
from ossature.web.models import WidgetBox

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("home", __name__)


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]


@blueprint.get("/")
@public
def index() -> ResponseReturnValue:
    """What the product is, or, for a member, what is going on."""
    context, found = current(), caller()
    if found is None or context.actor is None:
        return render(
            "landing.html", title=kernel().config.title, signed_in=found is not None,
            canonical_url=f"{kernel().config.base_url}/", api_docs_url=url_for("documentation.docs"),
        )  # fmt: skip
    hour = datetime.now(ZoneInfo(context.time_zone)).hour
    name = (found.user.name if found.user else context.actor.label).split(" ")[0]
    greeting = _("Good evening, %(name)s", name=name) if hour >= 18 else _("Hello, %(name)s", name=name)
    widgets = [
        WidgetBox(entry.value.key, str(entry.value.title), url_for(entry.value.endpoint), entry.value.size)
        for entry in offered(WIDGETS)
    ]
    today = as_date(datetime.now(ZoneInfo(context.time_zone)), "full")
    return render(
        "home.html", title=_("Home"), greeting=greeting, subtitle=today[:1].upper() + today[1:], widgets=widgets
    )
