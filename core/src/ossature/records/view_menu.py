"""The title of a list as a menu of its views."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from flask import url_for

from ossature.context import current
from ossature.i18n.texts import translator
from ossature.imports.rights import may_import
from ossature.rbac.permissions import VIEWS_SHARE
from ossature.records.saved import WITHOUT, Look, SavedView
from ossature.records.types import RecordType
from ossature.records.views import page_endpoint
from ossature.web.models import Action
from ossature.web.view_models import ViewEntry, ViewGroup, ViewsMenu

_, _l, _n = translator("ossature")

SEARCHED_FROM = 9
"""How many views there are before the menu offers to search among them."""


def views_menu(rt: RecordType, look: Look) -> ViewsMenu:
    """The menu of a list that is looked at so."""
    url = url_for(page_endpoint(rt, "list"))
    view, plural = look.view, str(rt.plural)

    def entries(views: Iterable[SavedView]) -> tuple[ViewEntry, ...]:
        return tuple(
            ViewEntry(
                one.name, f"{url}?view={one.id}", view is not None and one.id == view.id, one is look.start, _whose(one)
            )
            for one in views
        )  # fmt: skip

    groups = (
        ViewGroup(_("My views"), entries(one for one in look.views if one.mine and one.audience == "private")),
        ViewGroup(_("My teams"), entries(one for one in look.views if one.audience == "team")),
        ViewGroup(_("Everybody"), entries(one for one in look.views if one.audience == "all")),
    )
    plain = ViewEntry(plural, f"{url}?view={WITHOUT}" if look.start else url, view is None)
    shown = look.arguments()
    state = {"record": rt.key, "look": urlencode(shown)}
    changed = look.changed
    skipped = look.skipped
    return ViewsMenu(
        name=view.name if view else plural, kind=plural if view else "", plain=plain,
        groups=tuple(group for group in groups if group.entries), searchable=len(look.views) >= SEARCHED_FROM,
        changed=changed, link=f"{url}?{urlencode(shown)}" if shown else url,
        save_as=f"{url_for('saved_views.new')}?{urlencode(state)}",
        save=_save(view, state) if view and changed and view.may_edit else None,
        discard=f"{url}?view={view.id}" if view and changed else plain.url if changed else None,
        edit=f"{url_for('saved_views.edit', id=view.id)}?{urlencode({'look': urlencode(shown)})}"
        if view and view.may_edit else None,
        export=f"{url_for(page_endpoint(rt, 'export'))}?{urlencode(shown)}"
        if current().access.allows(rt.permission("export")) else None,
        import_=url_for(page_endpoint(rt, "imports")) if may_import(rt) else None,
        defaults=tuple(_defaults(look, state)) if view or look.start else (),
        delete=_delete(view) if view and view.may_edit else None,
        warning=_("Your list usually opens with “%(name)s”, which names something that is no longer there.", name=skipped.name)
        if skipped else "",
    )  # fmt: skip


def _whose(view: SavedView) -> str:
    if view.audience == "team":
        return view.team
    return "" if view.mine else view.owner


def _save(view: SavedView, state: Mapping[str, str]) -> Action:
    fields = {"look": state["look"], "version": str(view.version)}
    label = _("Save changes")
    if view.audience != "private":
        label = _("Save changes for everybody") if view.audience == "all" else _("Save changes for the team")
    return Action(label, url_for("saved_views.save", id=view.id), "post", icon="device-floppy", fields=fields)


def _defaults(look: Look, state: Mapping[str, str]) -> Iterable[Action]:
    """What lists begin with: the reader's own choice, and everybody's for who may choose it."""
    view, url = look.view, url_for("saved_views.default")
    which = {**state, "view": str(view.id) if view else WITHOUT}
    if view is not None and view.default:
        yield Action(_("No longer open my list with it"), url, "post", icon="star-off", fields={**state, "view": ""})
    elif view is not look.start:
        label = _("Open my list with it") if view else _("Open my list without a view")
        yield Action(label, url, "post", icon="star", fields=which)
    if view is not None and view.audience == "all" and current().access.allows(VIEWS_SHARE):
        if view.default_for_all:
            gone = {**state, "view": "", "for_all": "1"}
            yield Action(_("No longer open everybody’s list with it"), url, "post", icon="star-off", fields=gone)
        else:
            yield Action(
                _("Open everybody’s list with it"), url, "post", icon="stars", fields={**which, "for_all": "1"}
            )


def _delete(view: SavedView) -> Action:
    question = _("The view “%(name)s” is deleted; the records that it shows stay.", name=view.name)
    if view.audience != "private":
        question = _(
            "“%(name)s” disappears for everybody it is shared with; the records that it shows stay.", name=view.name
        )
    return Action(
        _("Delete the view"),
        url_for("saved_views.delete", id=view.id),
        "post",
        icon="trash",
        tone="danger",
        confirm=question,
    )
