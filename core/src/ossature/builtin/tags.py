"""The catalogue of tags: on how many records each is, and what is done to one on all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from wtforms import RadioField, StringField

from ossature.builtin.forms import Form, Option, at_most, required, stripped
from ossature.builtin.settings import render_settings
from ossature.context import current
from ossature.errors import Conflict, Invalid
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import SettingsPage
from ossature.i18n import translator
from ossature.ids import as_id
from ossature.kernel import kernel
from ossature.rbac import requires, signed_in
from ossature.rbac.permissions import TAGS_MANAGE
from ossature.records import tag_catalogue
from ossature.records.clean import plain
from ossature.records.fields import LONGEST_TAG
from ossature.records.mass import Act, acts_of
from ossature.records.tag_catalogue import COUNTED, TONES, Change, Tag, counts_of, find_tag, list_tags, tagged_kinds
from ossature.records.views import page_endpoint
from ossature.web import Crumb, notify
from ossature.web.formats import as_number
from ossature.web.models import Cell

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("settings_tags", __name__, url_prefix="/settings/tags")

PAGE = 50


class TagForm(Form):
    name = StringField(_l("Name"), [required(), at_most(LONGEST_TAG)], filters=[stripped])
    tone = RadioField(_l("Colour"), default="neutral")


@dataclass(frozen=True, slots=True)
class Count:
    """How many records of a kind carry a tag, in words, and where they are listed."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Work:
    """How far a change of a tag is on all the records that carry it; `acts` are those that refused something."""

    title: str
    total: int
    done: int
    changed: int
    refused: int
    over: bool
    undo_url: str | None
    acts: tuple[Count, ...]


@blueprint.get("")
@signed_in
def index() -> ResponseReturnValue:
    asked, after = plain(request.args.get("q", "")), plain(request.args.get("after", ""))
    found = list_tags(asked, after=after, limit=PAGE + 1)
    tags, change = found[:PAGE], as_id(request.args.get("change", ""))
    further = {"q": asked, "after": tags[-1].name} if len(found) > PAGE else None
    counts = _counts(tags)
    return render_settings(
        "settings/tags.html",
        "tags",
        title=_("Tags"),
        tags=[(tag, _chip(tag), counts[tag.fold]) for tag in tags],
        asked=asked,
        next_url=f"{url_for('settings_tags.index')}?{urlencode(further)}" if further else None,
        may_manage=current().access.allows(TAGS_MANAGE),
        work=_work(change) if change else None,
        here=request.full_path,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@requires(TAGS_MANAGE)
def new() -> ResponseReturnValue:
    form = _form()
    if form.validate_on_submit():
        try:
            tag = tag_catalogue.create_tag(form.name.data, form.tone.data)
        except (Invalid, Conflict) as refusal:
            form.refuse(refusal)
        else:
            notify(_("The tag “%(name)s” is entered.", name=tag.name))
            return redirect(url_for("settings_tags.index"), 303)
    return _page(form, _("New tag")), 422 if form.is_submitted() else 200


@blueprint.route("/<uuid:id>", methods=["GET", "POST"])
@requires(TAGS_MANAGE)
def edit(id: UUID) -> ResponseReturnValue:
    tag, other = find_tag(id), None
    form = _form(data={"name": tag.name, "tone": tag.tone})
    if form.validate_on_submit():
        try:
            if into := as_id(request.form.get("into", "")):
                changed, change = tag_catalogue.merge_tags(id, into)
            else:
                changed, change = tag_catalogue.change_tag(id, name=form.name.data, tone=form.tone.data)
        except Conflict as refusal:
            other = find_tag(UUID((refusal.details[0].extra or {})["id"]))
        except Invalid as refusal:
            form.refuse(refusal)
        else:
            return _done(change, _("The tag “%(name)s” is saved.", name=changed.name))
    return _page(form, tag.name, tag, other), 422 if form.is_submitted() else 200


@blueprint.post("/<uuid:id>/delete")
@requires(TAGS_MANAGE)
def delete(id: UUID) -> ResponseReturnValue:
    tag = find_tag(id)
    return _done(tag_catalogue.delete_tag(id), _("The tag “%(name)s” is deleted.", name=tag.name))


def _done(change: Change, said: str) -> ResponseReturnValue:
    """Back to the catalogue, which tells how far the work is where there is any."""
    if not change.acts:
        notify(said)
        return redirect(url_for("settings_tags.index"), 303)
    return redirect(url_for("settings_tags.index", change=change.change_set_id), 303)


def _page(form: TagForm, title: str, tag: Tag | None = None, other: Tag | None = None) -> str:
    shown = [one for one in (tag, other) if one]
    counts = _counts(shown)
    crumbs = [Crumb(_("Settings"), url_for("settings.index")), Crumb(_("Tags"), url_for("settings_tags.index"))]
    return render_settings(
        "settings/tag.html",
        "tags",
        title=title,
        breadcrumbs=[*crumbs, Crumb(title)],
        form=form,
        tag=tag,
        other=other,
        chips={one.id: _chip(one) for one in shown},
        counts={one.id: counts[one.fold] for one in shown},
    )


def _form(data: Mapping[str, str] | None = None) -> TagForm:
    form = TagForm(data=data)
    form.tone.choices = [
        Option(tone, Markup('<span class="os-tag os-tone-{}">{}</span>').format(tone, name))
        for tone, name in TONES.items()
    ]
    return form


def _chip(tag: Tag) -> Cell:
    return Cell("tags", [tag.name], tones=(tag.tone,))


def _counts(tags: list[Tag]) -> dict[str, list[Count]]:
    """Of each tag, by its fold, the kinds of record that carry it."""
    found, kinds = counts_of(tags), tagged_kinds()
    return {
        tag.fold: [
            Count(_many(rt.key, found[tag.fold][rt.key]), _list_url(rt.key, tag.name))
            for rt in kinds
            if rt.key in found[tag.fold]
        ]
        for tag in tags
    }


def _many(key: str, number: int) -> str:
    words = kernel().records[key].noun(number)
    return f"{as_number(min(number, COUNTED))}{'+' if number > COUNTED else ''} {words}"


def _list_url(key: str, name: str) -> str:
    return f"{url_for(page_endpoint(kernel().records[key], 'list'))}?{urlencode({'filter[tags]': name})}"


def _work(change: UUID) -> Work | None:
    acts = [act for act in acts_of(change) if kernel().records.get(act.record)]
    renamed = acts[0].changes.get("tags", {}) if acts else {}
    if not isinstance(renamed, Mapping) or "rename" not in renamed:
        return None
    old, new = renamed["rename"]
    title = (
        _("“%(old)s” becomes “%(new)s”", old=old, new=new) if new else _("“%(old)s” is taken off its records", old=old)
    )
    over, changed = all(act.over for act in acts), sum(act.changed for act in acts)
    return Work(
        title=title, total=sum(act.total for act in acts), done=sum(act.done for act in acts), changed=changed,
        refused=sum(act.refused for act in acts), over=over,
        undo_url=url_for("history.show", id=change, undo=1) if over and changed else None,
        acts=tuple(Count(_many(act.record, act.total), _act_url(act)) for act in acts),
    )  # fmt: skip


def _act_url(act: Act) -> str:
    return url_for(page_endpoint(kernel().records[act.record], "mass_show"), id=act.id)


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]


@hookimpl
def register_settings_pages() -> list[SettingsPage]:
    return [SettingsPage("tags", _l("Tags"), "settings_tags.index", None, 55, "tags")]
