"""Rendering pages, fragments, notices and error pages; installs everything a template may use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask import Flask, current_app, flash, render_template
from markupsafe import Markup, escape

from ossature.context import current_or_none
from ossature.i18n.templates import install_texts
from ossature.web import assets
from ossature.web.cells import write_cell, write_row
from ossature.web.csp import install_security_headers
from ossature.web.error_pages import describe_error
from ossature.web.formats import install_formats
from ossature.web.models import Action
from ossature.web.shell import Crumb, Shell

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, /, *, title: object = "", breadcrumbs: Sequence[Crumb] = (), **values: Any) -> str:
    """A page in the frame; only its `content` block when htmx asks for a part.

    `title` heads the browser's tab, `breadcrumbs` lead back; both are texts in the reader's language.
    """
    shell: Shell = current_app.extensions["ossature.web"]
    return render_template(template, page=shell.page(str(title), breadcrumbs), title=str(title), **values)


def render_error(status: int, request_id: str = "", *, subject: str = "", details: Sequence[str] = ()) -> str:
    """The page of a refusal or a failure: what happened, to what, what to do."""
    context = current_or_none()
    error = describe_error(status, request_id or (context.request_id if context else ""), subject, tuple(details))
    return render("error.html", title=error.title, error=error)


def notify(text: object, tone: str = "success", undo: Action | None = None, saved: str = "") -> None:
    """A notice on the next page; with `undo` it offers to take the deed back, for ten seconds.

    `saved` names a form whose draft the browser need not keep any longer.
    """
    notice: dict[str, Any] = {"text": str(text), "tone": tone, "saved": saved}
    if undo:
        notice |= {"undo_url": undo.url, "undo_label": str(undo.label), "undo_fields": dict(undo.fields)}
    flash(notice, "notice")  # type: ignore[arg-type]


def html_attributes(values: dict[str, Any]) -> Markup:
    """Attributes from keyword arguments: `hx_get` -> `hx-get`, `class_` -> `class`; True stands alone, None and False are left out."""
    written = []
    for name, value in values.items():
        if value is None or value is False:
            continue
        key = escape(name.rstrip("_").replace("_", "-"))
        written.append(f" {key}" if value is True else f' {key}="{escape(value)}"')
    return Markup("".join(written))  # noqa: S704 - escaped above


def input_text(value: Any) -> str:
    """A value as an input holds it: ISO dates, plain numbers, nothing for None."""
    if value is None:
        return ""
    if hasattr(value, "isoformat"):
        text = str(value.isoformat())
        return text[:16] if "T" in text else text
    return str(value)


def install_templates(app: Flask) -> None:
    """Globals and filters of every template, whichever plugin it belongs to."""
    environment = app.jinja_env
    environment.trim_blocks = environment.lstrip_blocks = True
    install_texts(environment)
    install_formats(app)
    environment.filters["attributes"] = html_attributes
    environment.filters["input_text"] = input_text
    environment.globals.update(asset=assets.asset, icon=assets.icon, write_cell=write_cell, write_row=write_row)


def install_web(app: Flask, shell: Shell) -> None:
    """Make an application able to render pages: templates, assets, headers, and the frame."""
    app.extensions["ossature.web"] = shell
    install_templates(app)
    install_security_headers(app)
    app.register_blueprint(assets.blueprint)
