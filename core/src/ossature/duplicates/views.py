"""Pairs and merges as templates show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from flask import url_for
from sqlalchemy import select

from ossature.context import current
from ossature.db.work import session
from ossature.duplicates.matching import Reason
from ossature.duplicates.moving import what_moves
from ossature.duplicates.pairs import Pair
from ossature.duplicates.planning import Plan, hinders, mergeable
from ossature.duplicates.rules import Same, fields_of
from ossature.duplicates.similar import Similar
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.predicate import reaches, reaches_owner
from ossature.records.fields import Field
from ossature.records.query import Label, Row, columns, labels_of, to_row
from ossature.records.record import TAGS
from ossature.records.rules import folded
from ossature.records.types import RecordType
from ossature.records.views import all_fields, cell, page_endpoint, shown_at
from ossature.web.duplicate_models import LookAlike, MergeCell, MergePage, MergeRow, PairCard, PairFact, Side
from ossature.web.formats import as_number
from ossature.web.models import Action

_, _l, _n = translator("ossature")

MOST_FACTS = 12
VERY, QUITE = 90, 75


def side(rt: RecordType, row: Row, *, stays: bool = False) -> Side:
    title = row.get(rt.title_field) or _("Unnamed")
    return Side(
        row["id"], title, shown_at(rt, row["id"]), row["created_at"], row["updated_at"], row["version"], stays
    )  # fmt: skip


def in_words(rt: RecordType, reasons: Iterable[Reason]) -> tuple[str, ...]:
    """Why two records look like one."""
    return tuple(
        _("Same: %(field)s", field=rt.fields[one.field].label)
        if one.ratio == 100
        else _("%(field)s alike: %(n)s%%", field=rt.fields[one.field].label, n=one.ratio)
        for one in reasons
        if one.field in rt.fields
    )


def how_likely(score: int) -> tuple[str, str]:
    """A score in words, and its tone."""
    if score >= VERY:
        return _("Very likely the same"), "warning"
    return (_("Probably the same"), "info") if score >= QUITE else (_("Perhaps the same"), "neutral")


def pair_cards(rt: RecordType, pairs: Sequence[Pair]) -> tuple[PairCard, ...]:
    """Pairs with what the records say, two statements for all of them."""
    rows = rows_by_id(rt, {id for pair in pairs for id in pair.ids})
    names = facts_shown(rt)
    labels = labels_of(rt, list(rows.values()), names)
    fields = all_fields(rt)
    cards = []
    for pair in pairs:
        a, b = rows[pair.a_id], rows[pair.b_id]
        matching = _matching(rt, pair, a, b)
        facts = [
            _fact(rt, fields[name], a, b, labels, name in matching)
            for name in names
            if name != rt.title_field
            if a.get(name) not in (None, "", []) or b.get(name) not in (None, "", [])
        ]
        likely, tone = how_likely(pair.score)
        open_ = pair.state == "open"
        decide = Action(
            _("Not the same") if open_ else _("Look at it again"),
            url_for(page_endpoint(rt, "duplicate_decide"), id=pair.id), "post", "x" if open_ else "restore",
            fields={"state": "dismissed" if open_ else "open"},
        )  # fmt: skip
        edits, deletes = (
            [reaches_owner(rt, action, row.get("owner_id")) for row in (a, b)] for action in ("edit", "delete")
        )
        merges = mergeable(rt) and ((edits[0] and deletes[1]) or (edits[1] and deletes[0]))
        merge_url = url_for(page_endpoint(rt, "merge"), id=[str(id) for id in pair.ids]) if merges else None
        cards.append(
            PairCard(
                pair.id, side(rt, a), side(rt, b), likely, tone, in_words(rt, pair.reasons), tuple(facts[:MOST_FACTS]),
                merge_url, decide if any(edits) else None, pair.dismissed_by, pair.dismissed_at,
            )
        )  # fmt: skip
    return tuple(cards)


def _matching(rt: RecordType, pair: Pair, a: Row, b: Row) -> set[str]:
    """The fields that a rule holds for: of a value that two of them share, both."""
    found = {one.field for one in pair.reasons}
    for rule in rt.duplicates:
        if isinstance(rule, Same) and found.intersection(rule.fields):
            spelled = [{folded(row[name]) for name in rule.fields if row.get(name)} for row in (a, b)]
            shared = spelled[0] & spelled[1]
            found |= {name for name in rule.fields for row in (a, b) if row.get(name) and folded(row[name]) in shared}
    return found


def _fact(
    rt: RecordType, item: Field, a: Row, b: Row, labels: Mapping[UUID, Label], matches: bool
) -> PairFact:  # fmt: skip
    same = a.get(item.name) == b.get(item.name)
    return PairFact(str(item.label), cell(rt, item, a, labels), cell(rt, item, b, labels), same, matches)


def facts_shown(rt: RecordType) -> list[str]:
    """What two records are told apart by: what the rules look at, then what lists and pages show."""
    screens, fields = kernel().screens[rt.key], all_fields(rt)
    wanted = [*fields_of(rt.duplicates), *screens.list, *screens.facts, "owner_id", "created_at"]
    return [name for name in dict.fromkeys(wanted) if name in fields and not fields[name].secret]


def rows_by_id(rt: RecordType, ids: Iterable[UUID]) -> dict[UUID, Row]:
    where = (rt.c.tenant_id == current().tenant_id, rt.c.id.in_(list(ids)), reaches(rt))
    rows = [to_row(rt, row) for row in session().execute(select(*columns(rt)).where(*where)).mappings()]
    return {row["id"]: row for row in rows}


def look_alikes(rt: RecordType, found: Sequence[Similar], but: UUID | None) -> tuple[LookAlike, ...]:
    """What is shown beside a form while somebody types."""
    rows = [one.row for one in found]
    fields = all_fields(rt)
    reasons = {reason.field for one in found for reason in one.reasons}
    names = [
        name for name in facts_shown(rt) if name != rt.title_field and (name in reasons or name in fields_of(rt.duplicates))
    ][:4]  # fmt: skip
    labels = labels_of(rt, rows, names)
    access = current().access
    merges = (
        but is not None and all(access.allows(rt.permission(action)) for action in ("edit", "delete")) and not rt.ledger
    )
    return tuple(
        LookAlike(
            one.row.get(rt.title_field) or _("Unnamed"), shown_at(rt, one.row["id"]), in_words(rt, one.reasons),
            tuple(cell(rt, fields[name], one.row, labels) for name in names if one.row.get(name)),
            url_for(page_endpoint(rt, "merge"), id=[str(but), str(one.row["id"])]) if merges else None,
        )
        for one in found
    )  # fmt: skip


def merge_page(
    rt: RecordType, made: Plan, errors: Sequence[str] = (), faults: Mapping[str, str] | None = None
) -> MergePage:
    """A merge before it is done."""
    rows, into = list(made.rows.values()), made.rows[made.into]
    labels = labels_of(rt, rows)
    screens = kernel().screens[rt.key]
    shown = [
        MergeRow(
            choice.field.name, str(choice.field.label),
            tuple(
                MergeCell(id, cell(rt, choice.field, {**row, choice.field.name: choice.values[id]}, labels, screens), id == choice.taken)
                for id, row in made.rows.items()
            ),
            (faults or {}).get(choice.field.name, ""),
        )
        for choice in made.choices
        if any(value not in (None, "", []) for value in choice.values.values())
    ]  # fmt: skip
    differing = {choice.field.name for choice in made.choices if choice.differs}
    stays = side(rt, into, stays=True)
    others = [side(rt, made.rows[id]) for id in made.others]
    count = as_number(len(rows))
    return MergePage(
        title=_("Merge %(n)s %(records)s", n=count, records=rt.noun(len(rows))), url=url_for(page_endpoint(rt, "merge")),
        cancel_url=url_for(page_endpoint(rt, "list")), records=(stays, *others), into=stays,
        going=", ".join(one.title for one in others), rows=tuple(row for row in shown if row.name in differing or row.error),
        same=tuple(row for row in shown if row.name not in differing and not row.error), moves=_moves(rt, made),
        submit_label=_("Merge into %(name)s", name=stays.title), hindrance=hinders(rt, made.rows, made.into),
        errors=tuple(errors),
    )  # fmt: skip


def _moves(rt: RecordType, made: Plan) -> tuple[str, ...]:
    said = [f"{as_number(move.number)} {move.what}" for move in what_moves(rt, made.others, made.into)]
    own = set(made.rows[made.into].get(TAGS) or [])
    tags = {tag for id in made.others for tag in made.rows[id].get(TAGS) or []} - own
    if tags:
        said.append(_n("%(num)d tag", "%(num)d tags", len(tags)))
    return tuple(said)
