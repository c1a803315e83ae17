"""One value as HTML, in its kind's manner. Written in Python because a list writes hundreds of them.

Inside, HTML is plain text whose every value went through `escape`; what leaves is `Markup`.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from markupsafe import Markup

from ossature.i18n import translator
from ossature.web.assets import icon
from ossature.web.formats import ago, as_date, as_money, as_number, as_percent, exact, hue, initials
from ossature.web.list_models import Row
from ossature.web.models import Cell

_, _l, _n = translator("ossature")


def write_row(row: Row, pick: bool = False) -> Markup:
    """A row of a list; its first value leads to the record. `pick` adds the box that selects it."""
    first, *rest = row.cells
    url = escape(row.url)
    deleted = ' class="os-deleted"' if row.deleted else ""
    marks = f' data-version="{row.version}"{" data-fixed" if row.fixed else ""}{deleted}'
    cells = "".join(f"{_CELL_BEGINS[cell.numeric]}{_written(cell)}</td>" for cell in rest)
    name = _written(first, plain=True) or escape(_("Unnamed"))
    box = f'<input type="checkbox" class="os-pick form-check-input" aria-label="{escape(_("Select"))}">' if pick else ""
    return Markup(  # noqa: S704
        f'<tr data-href="{url}"{marks}><th scope="row">{box}<a class="os-row-link" href="{url}">{name}</a></th>'
        f"{cells}</tr>"
    )


def write_cell(cell: Cell, plain: bool = False) -> Markup:
    """`plain` leaves links out, inside something that is a link already. Nothing at all for an empty value."""
    return Markup(_written(cell, plain))  # noqa: S704


_CELL_BEGINS = {False: "<td>", True: '<td class="os-num">'}


def _written(cell: Cell, plain: bool = False) -> str:
    if cell.empty:
        return ""
    return _WRITERS.get(cell.kind, _text)(cell, plain)


def _words(cell: Cell) -> str:
    return escape(str(cell.value if cell.label is None else cell.label))


def _text(cell: Cell, plain: bool) -> str:
    return _words(cell)


def _long_text(cell: Cell, plain: bool) -> str:
    return f'<span class="os-prewrap">{_words(cell)}</span>'


def _choice(cell: Cell, plain: bool) -> str:
    return f'<span class="os-badge os-tone-{escape(cell.tone)}">{_words(cell)}</span>'


def _linked(words: str, url: str | None, plain: bool) -> str:
    return words if plain or not url else f'<a href="{escape(url)}">{words}</a>'


def _reference(cell: Cell, plain: bool) -> str:
    words = _words(cell)
    if cell.struck:
        words = f'<s title="{escape(_("Deleted"))}">{words}</s>'
    return _linked(words, cell.url, plain)


def _person(cell: Cell, plain: bool) -> str:
    name = str(cell.value if cell.label is None else cell.label)
    inside = _linked(escape(name), cell.url, plain)
    if plain or not cell.url:
        inside = f"<span>{inside}</span>"
    mark = (
        f'<span class="os-avatar os-hue-{hue(name)} os-avatar-small" aria-hidden="true">{escape(initials(name))}</span>'
    )
    return f'<span class="os-person">{mark}{inside}</span>'


def _number(cell: Cell, plain: bool) -> str:
    return _words(cell) if cell.label is not None else escape(as_number(cell.value, cell.unit))


def _percent(cell: Cell, plain: bool) -> str:
    return _words(cell) if cell.label is not None else escape(as_percent(cell.value))


def _money(cell: Cell, plain: bool) -> str:
    return _words(cell) if cell.label is not None else escape(as_money(cell.value, cell.currency))


def _date(cell: Cell, plain: bool) -> str:
    day: Any = cell.value
    return f'<time datetime="{day.isoformat()}" title="{escape(exact(day))}">{escape(as_date(day))}</time>'


def _moment(cell: Cell, plain: bool) -> str:
    return str(ago(cell.value))


def _email(cell: Cell, plain: bool) -> str:
    return _linked(_words(cell), f"mailto:{cell.value}", plain)


def _phone(cell: Cell, plain: bool) -> str:
    if plain:
        return _words(cell)
    number = "".join(char for char in str(cell.value) if char.isdigit() or char == "+")
    return f'<a href="tel:{escape(number)}" class="os-nowrap">{_words(cell)}</a>'


def _url(cell: Cell, plain: bool) -> str:
    """Only web addresses become links: `javascript:` and the like stay text."""
    address = str(cell.value)
    scheme, separator, rest = address.partition("://")
    if plain or not separator or scheme.lower() not in ("http", "https"):
        return _words(cell)
    mark = icon("external-link", label=_("opens in a new tab"))
    shown = escape(rest.rstrip("/") if cell.label is None else cell.label)
    return f'<a href="{escape(address)}" rel="noopener noreferrer" target="_blank">{shown}{mark}</a>'


def _boolean(cell: Cell, plain: bool) -> str:
    if cell.value:
        return str(icon("check", label=_("Yes")))
    return f'<span class="os-muted">{escape(_("No"))}</span>'


def _tags(cell: Cell, plain: bool) -> str:
    tones = cell.tones or ("neutral",) * len(cell.value)
    return "".join(
        f'<span class="os-tag os-tone-{escape(tone)}">{escape(tag)}</span>'
        for tag, tone in zip(cell.value, tones, strict=True)
    )


_WRITERS: dict[str, Callable[[Cell, bool], str]] = {
    "longtext": _long_text,
    "choice": _choice,
    "reference": _reference,
    "person": _person,
    "integer": _number,
    "number": _number,
    "percent": _percent,
    "money": _money,
    "date": _date,
    "datetime": _moment,
    "email": _email,
    "phone": _phone,
    "url": _url,
    "boolean": _boolean,
    "tags": _tags,
}
