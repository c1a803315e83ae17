"""Mine or theirs, of a row that an act was refused for because somebody else had changed the same field since."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import and_

from ossature.context import current
from ossature.db.kernel import mass as mass_table
from ossature.db.kernel import mass_row
from ossature.db.work import session
from ossature.errors import Conflict, NotFound, Refusal
from ossature.i18n.texts import translator
from ossature.records import service
from ossature.records.clean import clean, whole_number
from ossature.records.form_views import conflict_panel
from ossature.records.forms import RecordForm
from ossature.records.list_pages import list_crumbs
from ossature.records.mass import Act, RowResult, find_act, mass_fields, result_of
from ossature.records.mass_work import values_of
from ossature.records.merging import Stale, merge
from ossature.records.owning import OWNER, writable_fields
from ossature.records.query import Row, get_row
from ossature.records.types import RecordType
from ossature.records.views import page_endpoint
from ossature.web import Crumb, render
from ossature.web.mass_models import MassChoice

_, _l, _n = translator("ossature")

MEANWHILE = "changed_meanwhile"


def may_choose(result: RowResult) -> bool:
    """Whether a row waits for somebody to say whose value stays."""
    return result.outcome == "refused" and result.code == MEANWHILE


def mass_choice(rt: RecordType, id: UUID, record_id: UUID) -> ResponseReturnValue:
    """What each wrote of one row; posted, the choice is carried out and the rest of the result shown again."""
    act = find_act(rt, id)
    result = result_of(act, record_id)
    if not may_choose(result):
        raise NotFound(_("There is nothing to choose about this record (any more)."))
    row = get_row(rt, record_id)
    choice = request.form.get("choice")
    if choice == "theirs":
        settle(act, record_id, "unchanged")
    elif choice == "mine":
        version = whole_number(request.form.get("_version", "")) or row["version"]
        try:
            service.update(rt, record_id, _values(act, row), version=version)
        except Stale as stale:
            return _panel(rt, act, row, stale)
        except Refusal as refusal:
            session().rollback()
            return _panel(rt, act, get_row(rt, record_id), _conflict(rt, act, row, result), refusal)
        settle(act, record_id, "changed")
    else:
        return _panel(rt, act, row, _conflict(rt, act, row, result))
    return redirect(_back(rt, act), 303)


def settle(act: Act, record_id: UUID, outcome: str) -> None:
    """Give a row that was refused its outcome after all."""
    tenant_id = current().tenant_id
    done = session().execute(
        sa.update(mass_row)
        .where(
            mass_row.c.tenant_id == tenant_id, mass_row.c.mass_id == act.id, mass_row.c.record_id == record_id,
            mass_row.c.outcome == "refused",
        )
        .values(outcome=outcome, code=None, field=None, reason=None)
    )  # fmt: skip
    count: int = done.rowcount  # type: ignore[attr-defined]
    if count:
        session().execute(
            sa.update(mass_table)
            .where(and_(mass_table.c.tenant_id == tenant_id, mass_table.c.id == act.id))
            .values(
                refused=mass_table.c.refused - count,
                changed=mass_table.c.changed + (count if outcome == "changed" else 0),
            )
        )


def _back(rt: RecordType, act: Act) -> str:
    """The result as it was looked at."""
    arguments: dict[str, Any] = request.args.to_dict()
    return url_for(page_endpoint(rt, "mass_show"), id=act.id, **arguments)


def _values(act: Act, row: Row) -> dict[str, Any]:
    values = values_of(act.changes)
    return dict(values(row) if callable(values) else values)


def _conflict(rt: RecordType, act: Act, row: Row, result: RowResult) -> Conflict | None:
    """What the act and others wrote of the same fields; None where they agree by now."""
    mine, _faults = clean(writable_fields(rt), _values(act, row), partial=True)
    try:
        merge(rt, row, mine, {}, {}, result.version or row["version"], OWNER)
    except Conflict as conflict:
        return conflict
    return None


def _panel(
    rt: RecordType, act: Act, row: Row, conflict: Conflict | None, refusal: Refusal | None = None
) -> ResponseReturnValue:
    known = mass_fields(rt)
    form = RecordForm(rt, {name: known[name] for name in act.changes if name in known}, None, row, {})
    panel = conflict_panel(rt, row["id"], conflict or Stale("", []), form)
    said = [str(one.message) for one in refusal.details] or [str(refusal.message)] if refusal else []
    view = MassChoice(
        action=request.full_path.rstrip("?"),
        back_url=_back(rt, act),
        version=row["version"],
        conflict=panel,
        errors=tuple(said),
    )
    title = str(row.get(rt.title_field) or _("Unnamed"))
    part = "HX-Request" in request.headers
    template = "record/_mass_choice.html" if part else "record/mass_choice.html"
    page = render(template, title=title, breadcrumbs=[*list_crumbs(rt), Crumb(title)], choice=view)
    status = 200 if part or request.method == "GET" else 409
    headers = {"HX-Retarget": f"#mass-row-{row['id']}", "HX-Reswap": "innerHTML"} if request.method == "POST" else {}
    return Response(page, status, headers=headers)
