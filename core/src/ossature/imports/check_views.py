"""What an import would do or has done, as its pages show it: in one sentence, by outcome, fault by fault, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode
from uuid import UUID

from flask import url_for

from ossature.context import current
from ossature.history.change_sets import undoings
from ossature.i18n.texts import translator
from ossature.imports.cells import storable
from ossature.imports.mapping import Column, place_of, targets
from ossature.imports.results import Fault, FaultGroup, RowShown, rows, summary
from ossature.imports.runs import Import
from ossature.imports.step_views import head_of
from ossature.records.clean import whole_number
from ossature.records.query import Label, labels
from ossature.records.views import page_endpoint, shown_at
from ossature.web.formats import as_number
from ossature.web.import_models import CellLine, CheckPage, FaultLine, Filter, RowLine
from ossature.web.models import Choice, Tone

_, _l, _n = translator("ossature")

PAGE, SHOWN_FAULTS = 50, 20
NAMED_BY = 2
"""Columns that name a row which has become no record."""
OUTCOMES = ("create", "update", "unchanged", "refused", "along")
NOT_HERE = ("not_found", "unknown_reference")
"""Codes of faults that say that what a cell names is not here."""


def check_page(imp: Import, asked: Mapping[str, str], error: str = "") -> CheckPage:
    """What the import would do."""
    return _page(imp, asked, error, url=url_for(page_endpoint(imp.rt, "import_check"), id=imp.id), step="check")


def done_page(imp: Import, asked: Mapping[str, str], error: str = "") -> CheckPage:
    """What it does or has done."""
    return _page(imp, asked, error, url=url_for(page_endpoint(imp.rt, "import_show"), id=imp.id), step="done")


def row_page(imp: Import, row: RowShown) -> tuple[CheckPage, RowLine]:
    """A row that was corrected, and what it is shown in."""
    page = check_page(imp, {})
    return page, _row(imp, row, _shown_columns(imp), {})


def _page(imp: Import, asked: Mapping[str, str], error: str, *, url: str, step: str) -> CheckPage:
    rt, before = imp.rt, step == "check"
    moving = imp.busy
    outcome = asked.get("outcome", "")
    outcome = outcome if outcome in OUTCOMES else "refused" if before and imp.refused and not asked else ""
    after_number = whole_number(asked.get("after", "")) or 0
    fault = _narrowed(imp, asked)
    columns = _shown_columns(imp)
    found = [] if moving else rows(imp, outcome or None, after_number, PAGE + 1, fault=fault)
    titles = labels(rt.key, [row.record_id for row in found if row.record_id is not None])
    kept = {name: asked[name] for name in ("outcome", "column", "value") if asked.get(name)}
    more = f"{url}?{urlencode({**kept, 'after': found[PAGE - 1].number})}" if len(found) > PAGE else None
    said = summary(imp) if imp.refused and not moving else None
    ready = before and not moving and imp.checked == imp.total
    may_run = (
        ready and bool(imp.created + imp.updated + imp.along) and not (imp.refused and imp.mapping.policy == "all")
    )
    undoing = undoings([imp.change_set_id])[imp.change_set_id] if step == "done" and not moving else None
    wrote = step == "done" and bool(imp.created + imp.updated)
    return CheckPage(
        head=head_of(imp, step), state=imp.state, moving=moving, done=imp.done, total=imp.total,
        sentence=(imp.note if moving else "") or (_would_do(imp) if before else _did(imp)), filters=tuple(_filters(imp, url, outcome, bool(fault), before)),
        faults=tuple(_faults(imp, said.faults[:SHOWN_FAULTS], url)) if said and before else (),
        headers=tuple(column.header for column in columns) if before else (),
        rows=tuple(_row(imp, row, columns, titles, before) for row in found[:PAGE]), url=url, more_url=more,
        first_url=f"{url}?{urlencode(kept)}" if after_number else None,
        stop_url=url_for(page_endpoint(rt, "import_stop"), id=imp.id), refused=imp.refused,
        refused_words=_n("Download the row that did not go in", "Download the %(n)s rows that did not go in",
                         imp.refused, n=as_number(imp.refused)),
        refused_url=url_for(page_endpoint(rt, "import_refused"), id=imp.id), policy=imp.mapping.policy,
        run_label=_run_label(imp) if may_run else "",
        without_label=_run_label(imp) if ready and not may_run and imp.created + imp.updated else "",
        error=error or (imp.error or _("It stopped before its end.") if imp.state == "stopped" else ""),
        undo_url=url_for("history.undo", id=imp.change_set_id) if wrote else "",
        undo_fields=(("back", url),), undone=bool(undoing and undoing.undone), fixable=before, kind=str(rt.label),
        narrowed=_("%(column)s is “%(value)s”", column=imp.headers[fault[0]], value=fault[1]) if fault else "",
    )  # fmt: skip


def _narrowed(imp: Import, asked: Mapping[str, str]) -> tuple[int, str] | None:
    """The column and the text whose faults are asked for."""
    column = whole_number(asked.get("column", ""), len(imp.headers) - 1)
    return None if column is None else (column, storable(asked.get("value", "")))


def _would_do(imp: Import) -> str:
    """ "Create 8,715 deals, change 40, leave 45 as they are; 0 rows cannot go in." """
    rt, parts = imp.rt, []
    if imp.created or not imp.updated:
        parts.append(_("Create %(n)s %(records)s", n=as_number(imp.created), records=rt.noun(imp.created)))
    if imp.updated:
        words = {"n": as_number(imp.updated), "records": rt.noun(imp.updated)}
        parts.append(_("change %(n)s", **words) if parts else _("Change %(n)s %(records)s", **words))
    if imp.unchanged:
        parts.append(_n("leave %(n)s as it is", "leave %(n)s as they are", imp.unchanged, n=as_number(imp.unchanged)))
    refused = _n("%(n)s row cannot go in", "%(n)s rows cannot go in", imp.refused, n=as_number(imp.refused))
    return _("%(parts)s; %(refused)s.", parts=", ".join(parts), refused=refused)


def _did(imp: Import) -> str:
    """What was written, in numbers."""
    if imp.state == "refused":
        return _("Nothing was imported.")
    parts = [_n("%(n)s %(records)s created", "%(n)s %(records)s created", imp.created, n=as_number(imp.created),
                records=imp.rt.noun(imp.created))]  # fmt: skip
    if imp.updated:
        parts.append(_n("%(n)s changed", "%(n)s changed", imp.updated, n=as_number(imp.updated)))
    if imp.unchanged:
        parts.append(_n("%(n)s left as it was", "%(n)s left as they were", imp.unchanged, n=as_number(imp.unchanged)))
    if imp.refused:
        parts.append(_n("%(n)s row left out", "%(n)s rows left out", imp.refused, n=as_number(imp.refused)))
    if not imp.busy and imp.written < imp.total:
        left = imp.total - imp.written
        parts.append(_n("%(n)s row not reached", "%(n)s rows not reached", left, n=as_number(left)))
    return ", ".join(parts)


def _run_label(imp: Import) -> str:
    created, updated = as_number(imp.created), as_number(imp.updated)
    noun = imp.rt.noun(imp.created or imp.updated)
    if imp.created and imp.updated:
        words = _("Create %(n)s and change %(m)s %(records)s", n=created, m=updated, records=str(imp.rt.plural).lower())
    elif imp.updated:
        words = _("Change %(n)s %(records)s", n=updated, records=noun)
    else:
        words = _("Create %(n)s %(records)s", n=created, records=noun)
    if not imp.refused:
        return words
    left = _n("leave out %(n)s row", "leave out %(n)s rows", imp.refused, n=as_number(imp.refused))
    return f"{words}, {left}"


def _filters(imp: Import, url: str, outcome: str, narrowed: bool, before: bool) -> Iterable[Filter]:
    said = {
        "create": _("Create") if before else _("Newly created"), "update": _("Change") if before else _("Changed"),
        "unchanged": _("Leave as it is") if before else _("Left as it was"),
        "refused": _("Cannot go in") if before else _("Left out"), "along": _("Part of the row above"),
    }  # fmt: skip
    counts = {"create": imp.created, "update": imp.updated, "unchanged": imp.unchanged, "refused": imp.refused,
              "along": imp.along}  # fmt: skip
    yield Filter(_("All"), imp.total, f"{url}?outcome=all", not outcome and not narrowed)
    for name, count in counts.items():
        if count:
            yield Filter(
                said[name], count, f"{url}?outcome={name}", outcome == name and not narrowed, name == "refused"
            )


def _faults(imp: Import, groups: Iterable[FaultGroup], url: str) -> Iterable[FaultLine]:
    known = {target.path: target for target in targets(imp.rt)}
    goes = {column.index: column for column in reversed(imp.mapping.columns) if column.to}
    for group in groups:
        column = goes.get(group.column) if group.column is not None else None
        target = known.get(column.to or "") if column else None
        place = place_of(imp.rt, column.to or "") if column else None
        choices = place.field.choices if place and place.field else {}
        may_map = column is not None and bool(group.value.strip())
        creates = target is not None and target.creates and group.code in NOT_HERE
        proposal = group.proposal if may_map else None
        asked = {"outcome": "refused", "column": str(group.column), "value": group.value}
        yield FaultLine(
            index=group.column, header=group.header, value=group.value, code=group.code, message=group.message,
            rows=_n("%(n)s row", "%(n)s rows", group.count, n=as_number(group.count)), number=group.count,
            proposal=proposal, choices=tuple(Choice(value, str(label)) for value, label in choices.items()),
            may_map=may_map, creates=_("Create all that are not here") if creates else "",
            url=f"{url}?{urlencode(asked)}#import-rows" if group.column is not None else f"{url}?outcome=refused#import-rows",
        )  # fmt: skip


def _shown_columns(imp: Import) -> list[Column]:
    """The columns that go somewhere, each once."""
    found: dict[int, Column] = {}
    for column in imp.mapping.columns:
        if column.to:
            found.setdefault(column.index, column)
    return list(found.values())


def _row(
    imp: Import, row: RowShown, columns: list[Column], titles: Mapping[UUID, Label], fixable: bool = True
) -> RowLine:
    """With its cells and their faults while they can be corrected, else with the faults alone."""
    before = not row.written
    states: dict[str | None, tuple[str, Tone]] = {
        "create": (_("create") if before else _("created"), "success"),
        "update": (_("change") if before else _("changed"), "info"),
        "unchanged": (_("leave as it is") if before else _("left as it was"), "neutral"),
        "refused": (_("cannot go in"), "danger") if fixable else (_("left out"), "warning"), "along": (_("part of the row above"), "neutral"),
        None: (_("not checked yet"), "neutral"),
    }  # fmt: skip
    state, tone = states[row.outcome]
    shown = {column.index for column in columns} if fixable else set()
    messages = [_told(fault) for fault in row.faults if fault.column is None or fault.column not in shown]
    label = titles.get(row.record_id) if row.record_id else None
    seen = label is not None and not label.hidden and current().access.allows(imp.rt.permission("view"))
    title = (label.title or _("Unnamed")) if label and seen else ""
    if not title and not fixable:
        title = " ".join(row.cells[column.index] for column in columns[:NAMED_BY] if column.index < len(row.cells))
    return RowLine(
        row.number, row.outcome or "", state, tone, tuple(_cells(row, columns)) if fixable else (), tuple(messages),
        shown_at(imp.rt, row.record_id) if seen and row.record_id else None, title,
    )  # fmt: skip


def _cells(row: RowShown, columns: list[Column]) -> Iterable[CellLine]:
    for column in columns:
        fault = row.fault_of(column.index)
        text = row.cells[column.index] if column.index < len(row.cells) else ""
        yield CellLine(
            column.index, column.header, text, fault.message if fault else "", fault.proposal if fault else None
        )


def _told(fault: Fault) -> str:
    return f"{fault.header}{_(': ')}{fault.message}" if fault.header else fault.message
