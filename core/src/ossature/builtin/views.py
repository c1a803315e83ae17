"""Pages of saved views: keeping what a list shows, naming, sharing and deleting it, choosing what lists begin with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, HiddenField, RadioField, StringField

from ossature.builtin.forms import Form, at_most, options, required, stripped
from ossature.context import current
from ossature.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.kernel import kernel
from ossature.rbac import signed_in
from ossature.rbac.permissions import VIEWS_SHARE
from ossature.rbac.predicate import demand
from ossature.records import saving
from ossature.records.clean import whole_number
from ossature.records.saved import (
    WITHOUT,
    Audience,
    BrokenView,
    Look,
    SavedView,
    any_view,
    listed,
    own_teams,
    read_look,
    view_by_id,
)
from ossature.records.types import RecordType
from ossature.records.views import page_endpoint
from ossature.web import Crumb, notify, render
from ossature.web.api import failure
from ossature.web.error_pages import describe_error
from ossature.web.models import Action

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("saved_views", __name__, url_prefix="/ossature/views")


class ViewForm(Form):
    name = StringField(_l("Name"), [required(), at_most(saving.LONGEST_NAME)], filters=[stripped])
    audience = RadioField(_l("Who sees it"), default="private")
    look = HiddenField()
    record = HiddenField()
    version = HiddenField()


class NewViewForm(ViewForm):
    default = BooleanField(_l("Open my list with this view"))


@blueprint.route("/new", methods=["GET", "POST"])
@signed_in
def new() -> ResponseReturnValue:
    rt = _record(request.values.get("record", ""))
    look = _look(rt)
    form = NewViewForm(data={"record": rt.key, "look": request.values.get("look", "")})
    form.audience.choices = options(_audiences())
    if form.validate_on_submit():
        try:
            view = saving.save(rt, form.name.data, look.definition, *_chosen(form.audience.data))
            if form.default.data:
                saving.choose_default(rt, view)
        except (Invalid, Conflict, Forbidden) as refusal:
            form.refuse(refusal)
        else:
            notify(_("“%(name)s” is saved.", name=view.name))
            return redirect(_list(rt, view), 303)
    return _form(rt, form, _("Save as a view"), _("Save the view"))


@blueprint.route("/<uuid:id>/edit", methods=["GET", "POST"])
@signed_in
def edit(id: UUID) -> ResponseReturnValue:
    view = any_view(id)
    rt = kernel().records[view.record]
    if not view.may_edit:
        raise Forbidden(_("This view belongs to %(owner)s; save it as your own to change it.", owner=view.owner))
    form = ViewForm(
        data={
            "name": view.name, "audience": _spelled(view), "version": str(view.version), "record": rt.key,
            "look": request.values.get("look", ""),
        }
    )  # fmt: skip
    form.audience.choices = options(_audiences(view))
    if form.validate_on_submit():
        try:
            audience, team_id = _chosen(form.audience.data)
            changed = saving.change(
                view, name=form.name.data, audience=audience, team_id=team_id, version=_version(form.version.data)
            )
        except (Invalid, Conflict, Forbidden) as refusal:
            form.refuse(refusal)
        else:
            notify(_("“%(name)s” is saved.", name=changed.name))
            return redirect(_back(rt, form.look.data or "") or _list(rt, changed), 303)
    return _form(rt, form, _("Rename and share “%(name)s”", name=view.name), _("Save the view"))


@blueprint.post("/<uuid:id>/save")
@signed_in
def save(id: UUID) -> ResponseReturnValue:
    """Have a view show what the list shows now."""
    view = any_view(id)
    rt = kernel().records[view.record]
    changed = saving.change(view, definition=_look(rt).definition, version=_version(request.form.get("version")))
    notify(_("“%(name)s” is saved.", name=changed.name))
    return redirect(_list(rt, changed), 303)


@blueprint.post("/<uuid:id>/delete")
@signed_in
def delete(id: UUID) -> ResponseReturnValue:
    view = any_view(id)
    saving.remove(view)
    notify(_("The view “%(name)s” is deleted.", name=view.name))
    return redirect(url_for(page_endpoint(kernel().records[view.record], "list")), 303)


@blueprint.post("/default")
@signed_in
def default() -> ResponseReturnValue:
    """Choose what lists begin with: a view, the list without one, or nothing, which is what everybody has."""
    rt = _record(request.form.get("record", ""))
    asked, for_all = request.form.get("view", ""), request.form.get("for_all") == "1"
    if asked == "":
        saving.forget_default(rt, for_all=for_all)
    else:
        saving.choose_default(rt, None if asked == WITHOUT else view_by_id(rt, asked), for_all=for_all)
    if not asked:
        notify(_("Saved"))
    elif for_all:
        notify(_("Everybody’s list opens so from now on, except for those who chose otherwise."))
    else:
        notify(_("Your list opens so from now on."))
    return redirect(_back(rt, request.form.get("look", "")) or _list(rt), 303)


@blueprint.app_errorhandler(BrokenView)
def broken(error: BrokenView) -> ResponseReturnValue:
    """Say what a view names that is not there, and the ways on."""
    if request.path.startswith("/api/"):
        return failure(error)
    page = describe_error(
        error.status, subject=str(error.message), details=tuple(str(one.message) for one in error.details)
    )
    url = request.path
    ways = [Action(_("Open without the view"), f"{url}?view={WITHOUT}")]
    if error.left:
        ways.insert(0, Action(_("Open what is left of it"), f"{url}?{urlencode(error.left)}", tone="accent"))
    advice = _("Open what is left of it, then save it so; or open the list without it.") if error.left else ""
    page = replace(page, title=_("This view needs a repair"), advice=advice, actions=tuple(ways))
    return render("error.html", title=page.title, error=page), error.status


def _form(rt: RecordType, form: ViewForm, title: str, submit_label: str) -> ResponseReturnValue:
    """The form as a page, or alone for the dialog."""
    alone = request.headers.get("HX-Target") == "view-dialog"
    template = "record/_view_form.html" if alone else "record/view_form.html"
    back = _back(rt, form.look.data or "") or _list(rt)
    crumbs = [Crumb(str(rt.plural), _list(rt)), Crumb(title)]
    page = render(
        template, title=title, breadcrumbs=crumbs, form=form, submit_label=submit_label, back=back, alone=alone,
        action=request.path,
    )  # fmt: skip
    return Response(page, 422 if form.is_submitted() else 200)


def _audiences(view: SavedView | None = None) -> Iterator[tuple[str, str]]:
    """Whom the view can be shared with, and whom it is shared with now."""
    teams = {str(id): name for id, name in own_teams().items()}
    if view is not None and view.team_id is not None:
        teams.setdefault(str(view.team_id), view.team)
    if view is None or view.mine:
        yield "private", _("Only me")
    for id, name in teams.items():
        yield id, _("The team %(name)s", name=name)
    if current().access.allows(VIEWS_SHARE) or (view is not None and view.audience == "all"):
        yield "all", _("Everybody in the organisation")


def _chosen(spelled: str) -> tuple[Audience, UUID | None]:
    shared: dict[str, Audience] = {"private": "private", "all": "all"}
    if spelled in shared:
        return shared[spelled], None
    return "team", UUID(spelled)


def _spelled(view: SavedView) -> str:
    return str(view.team_id) if view.audience == "team" else view.audience


def _record(key: str) -> RecordType:
    rt = listed(key)
    if rt is None:
        raise NotFound(_("There is no such list."))
    demand(rt, "view")
    return rt


def _look(rt: RecordType) -> Look:
    return read_look(rt, _arguments(request.values.get("look", "")))


def _arguments(look: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(look, keep_blank_values=True, max_num_fields=200))
    except ValueError:
        raise BadRequest(_("The list is asked for in a way that cannot be read.")) from None


def _back(rt: RecordType, look: str) -> str:
    """The list as it was; empty when it was not looked at in any particular way."""
    return f"{_list(rt)}?{urlencode(_arguments(look))}" if look else ""


def _list(rt: RecordType, view: SavedView | None = None) -> str:
    values: dict[str, Any] = {"view": str(view.id)} if view else {}
    return url_for(page_endpoint(rt, "list"), **values)


def _version(text: str | None) -> int | None:
    return whole_number(text or "")


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]
