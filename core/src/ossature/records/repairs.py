"""What is left of a saved definition when fields that it names are gone, or not for the reader."""

from __future__ import annotations

from dataclasses import replace

from ossature.errors import Detail, Invalid, Refusal
from ossature.i18n.texts import translator
from ossature.records.aggregate import read_group
from ossature.records.definition import Definition, board_fields, calendar_fields, listable
from ossature.records.filters import NOTHING, Filter, Group, condition
from ossature.records.ordering import read_orders
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")


def repair(rt: RecordType, definition: Definition) -> tuple[Definition, list[Detail]]:
    """The definition without what cannot be shown, and for each thing left out what it is."""
    faults: list[Detail] = []
    known = listable(rt)
    for name in definition.columns:
        if name not in known:
            faults.append(_fault(f"columns.{name}", "unknown_column", _l("The column “%(name)s”"), name))
    columns = tuple(name for name in definition.columns if name in known)

    sorts = []
    for name in filter(None, definition.sort.split(",")):
        try:
            read_orders(rt, name)
            sorts.append(name)
        except Refusal:
            faults.append(_fault("sort", "unknown_sort", _l("The order by “%(name)s”"), name.lstrip("-")))

    groups = []
    for name in definition.group:
        try:
            read_group(rt, name)
            groups.append(name)
        except Refusal:
            faults.append(_fault("group", "unknown_group", _l("The grouping by “%(name)s”"), name))

    by = definition.by
    possible = {"board": board_fields, "calendar": calendar_fields}.get(definition.face)
    if by and possible and by not in possible(rt):
        faults.append(_fault("by", "unknown_field", _l("The board or calendar by “%(name)s”"), by))
        by = ""

    wanted, wrong = _filter(rt, definition.filter)
    widths = {name: width for name, width in definition.widths.items() if name in columns}
    left = replace(
        definition,
        columns=columns,
        widths=widths,
        sort=",".join(sorts),
        group=tuple(groups),
        by=by,
        filter=NOTHING if wanted is None else wanted,
    )
    return left, [*faults, *wrong]


def _filter(rt: RecordType, node: Filter) -> tuple[Filter | None, list[Detail]]:
    """Question by question where all of them must be true; else the filter stands or falls as a whole."""
    try:
        condition(rt, node)
    except Refusal as refusal:
        if isinstance(node, Group) and node.join == "all":
            read = [_filter(rt, item) for item in node.items]
            kept = tuple(item for item, _faults in read if item is not None)
            return Group("all", kept), [fault for _item, faults in read for fault in faults]
        return None, [_unasked(refusal)]
    return node, []


def _unasked(refusal: Refusal) -> Detail:
    detail = refusal.details[0]
    name = detail.field.removeprefix("filter[").removesuffix("]")
    if isinstance(refusal, Invalid):
        said = _("The filter by “%(name)s” cannot be used any more: %(reason)s", name=name, reason=detail.message)
        return Detail(detail.field, detail.code, said)
    return _fault(detail.field, detail.code, _l("The filter by “%(name)s”"), name)


def _fault(field: str, code: str, what: object, name: str) -> Detail:
    named = str(what) % {"name": name[:80]}
    return Detail(field, code, _("%(what)s is no longer there, or not for you to see.", what=named))
