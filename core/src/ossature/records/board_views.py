"""Boards as their templates show them: columns with cards, the next cards of a column, the sums of the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue

from ossature.context import current
from ossature.errors import BadRequest, Detail
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.predicate import reaches_owner
from ossature.records.boards import (
    MOST_ASKED,
    BoardColumn,
    Owners,
    board,
    board_sums,
    column_query,
    column_test,
    declared,
    ordered_entries,
    owners_of,
)
from ossature.records.definition import listable
from ossature.records.face_parts import asked_of, face_around, measures, narrowed, sum_of, today, total_of
from ossature.records.fields import Field
from ossature.records.filters import Group, Question, equalities, outermost
from ossature.records.list_address import ListAddress
from ossature.records.list_pages import list_labels
from ossature.records.list_views import list_columns
from ossature.records.owning import writable_fields
from ossature.records.query import ACTOR, Label, ListQuery, Row, list_rows
from ossature.records.saved import Look
from ossature.records.types import RecordType
from ossature.records.views import cell, shown_at
from ossature.web import formats, render
from ossature.web.face_models import BoardPage, Card, Column, FaceLink, Sum, Sums

_, _l, _n = translator("ossature")

FACTS = 2
"""Facts of a card between its title and its owner."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """What a board is made of: its field, whether cards may be moved, and the owner whose entries are the columns."""

    by: Field
    movable: bool
    owners: Owners | None = None

    @property
    def values(self) -> list[UUID] | None:
        return ordered_entries(self.by, self.owners.chosen) if self.owners else None


def lanes(rt: RecordType, look: Look, by: Field) -> Lanes:
    """How the columns of a board come about. Cards are moved by who may write the field that the board is by."""
    movable = current().access.allows(rt.permission("edit")) and by.name in writable_fields(rt)
    asked = equalities(look.definition.filter)
    return Lanes(by, movable, owners_of(rt, by, asked))


def board_page(rt: RecordType, look: Look, query: ListQuery, by: Field) -> ResponseReturnValue:
    """The board, or the page around it."""
    of = lanes(rt, look, by)
    found = board(rt, replace(query, fields=card_fields(rt, look, by)), by, of.values)
    rows: list[Row] = [row for column in found.columns for row in column.rows]
    heads: list[Row] = [{by.name: column.value} for column in found.columns]
    labels = list_labels(rt, look, [*rows, *heads], Question(by.name, "filled"))
    columns = tuple(_column(rt, look, of, place, column, labels) for place, column in enumerate(found.columns))
    shown = [("shown", "" if column.value is None else str(column.value)) for column in found.columns]
    to = ListAddress(rt, look)
    face = BoardPage(
        str(by.label), columns, to([("part", "sums"), *shown], by=by.name),
        to(face="list", by="", group=(by.name,)) if found.more else None,
        len(measures(rt, look)), _moves(rt, look, by) if of.movable else None, _switch(rt, look, of.owners),
    )  # fmt: skip
    return face_around(rt, look, query, labels, found.reach, "record/_board.html", board=face)


def more_cards(rt: RecordType, look: Look, query: ListQuery, by: Field) -> ResponseReturnValue:
    """The next cards of one column."""
    value = request.args.get("column") or None
    page = list_rows(rt, replace(column_query(query, by, value), fields=card_fields(rt, look, by)))
    cards = cards_of(rt, look, lanes(rt, look, by), page.rows, list_labels(rt, look, page.rows))
    return render("record/_cards.html", cards=cards, more_url=_more_url(rt, look, by, value, page.next))


def sums_part(rt: RecordType, look: Look, query: ListQuery, by: Field) -> Sums:
    """Of the columns that the page says it shows."""
    values = [text or None for text in request.args.getlist("shown")]
    if not values or len(values) > MOST_ASKED:
        raise BadRequest(
            _("The sums are asked for in a way that cannot be read."),
            [Detail("shown", "invalid", _("Give a list of at most %(n)d.", n=MOST_ASKED))],
        )
    measured = measures(rt, look)
    groups = board_sums(rt, query, by, values, asked_of(measured))
    by_text = {None if key is None else str(key): row for key, row in groups.items()}
    items = [sum_of(str(place), by_text.get(value), measured) for place, value in enumerate(values)]
    total = replace(total_of("count", groups.values(), measured), amounts=()) if declared(by) else None
    return Sums(tuple(items), total, str(measured[0].label) if measured else "")


def sums_by_value(
    rt: RecordType, look: Look, query: ListQuery, by: Field, values: Sequence[str | None]
) -> dict[str, Sum]:
    """The sums of some columns by what their rows have in common, for who moves a card between them."""
    measured = measures(rt, look)
    groups = {str(key or ""): row for key, row in board_sums(rt, query, by, values, asked_of(measured)).items()}
    return {text: sum_of(text, groups.get(text), measured) for text in {value or "" for value in values}}


def card_fields(rt: RecordType, look: Look, by: Field) -> tuple[str, ...]:
    """What a card needs to be read."""
    owner = ("owner_id",) if rt.owned else ()
    stale = kernel().screens[rt.key].stale
    marked = (stale,) if stale in listable(rt) else ()
    return tuple(dict.fromkeys((rt.title_field, by.name, *_facts(rt, look, by), *marked, *owner)))


def cards_of(
    rt: RecordType, look: Look, of: Lanes, rows: Sequence[Row], labels: Mapping[UUID, Label]
) -> tuple[Card, ...]:
    """Rows as cards: title, facts, owner, and a mark on what is stale."""
    fields, screens, by = listable(rt), kernel().screens[rt.key], of.by
    facts = [fields[name] for name in _facts(rt, look, by)]
    stale, now = fields.get(screens.stale or ""), today()

    def owner(row: Row) -> str | None:
        label = labels.get(row.get("owner_id") or row["id"])
        return label.title if label and not label.hidden and by.target != ACTOR else None

    def mark(row: Row) -> str | None:
        since = row.get(stale.name) if stale else None
        return f"{stale.label} {formats.as_date(since)}" if stale and since and since <= now else None

    return tuple(
        Card(
            shown_at(rt, row["id"]), row.get(rt.title_field) or _("Unnamed"),
            tuple(shown for item in facts if not (shown := cell(rt, item, row, labels, screens)).empty), owner(row),
            row["version"], of.movable and reaches_owner(rt, "edit", row.get("owner_id")), mark(row),
        )
        for row in rows
    )  # fmt: skip


def _column(
    rt: RecordType, look: Look, of: Lanes, place: int, column: BoardColumn, labels: Mapping[UUID, Label]
) -> Column:
    by, screens = of.by, kernel().screens[rt.key]
    title = cell(rt, by, {by.name: column.value}, labels, screens)
    test = column_test(by, column.value)
    return Column(
        place,
        _("Without %(field)s", field=str(by.label).lower()) if column.value is None else str(title.label or title.value),
        cards_of(rt, look, of, column.rows, labels), ListAddress(rt, look)(face="list", by="", filter=narrowed(look, test)),
        _more_url(rt, look, by, column.value, column.next),
        title.tone if by.name == screens.state and column.value is not None else None,
        title.struck, column.value is None, "" if column.value is None else str(column.value),
    )  # fmt: skip


def _moves(rt: RecordType, look: Look, by: Field) -> str:
    """What the address of a card's move ends with: the board that it is moved on."""
    return "?" + ListAddress(rt, look)(by=by.name).partition("?")[2]


def _switch(rt: RecordType, look: Look, owners: Owners | None) -> tuple[FaceLink, ...]:
    """The owners whose entries may be the columns, where the record says which it belongs to."""
    if owners is None or not owners.field:
        return ()
    others = [one for one in outermost(look.definition.filter) if getattr(one, "field", "") != owners.field]

    def to(id: UUID) -> str:
        return ListAddress(rt, look)(filter=Group("all", (*others, Question(owners.field, "is", str(id)))))

    return tuple(FaceLink(label.title, to(label.id), active=label.id == owners.chosen) for label in owners.labels)


def _more_url(rt: RecordType, look: Look, by: Field, value: Any, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    where = [("part", "column"), ("column", "" if value is None else str(value)), ("cursor", cursor)]
    return ListAddress(rt, look)(where, by=by.name)


def _facts(rt: RecordType, look: Look, by: Field) -> list[str]:
    """The first columns of the list besides the title, the owner and what the board is by."""
    shown_already = {rt.title_field, "owner_id", by.name}
    return [name for name in list_columns(rt, look.definition) if name not in shown_already][:FACTS]
