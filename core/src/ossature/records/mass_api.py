"""Acts on many records by the API: asked for with 202, then read until they are over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field, create_model

from ossature.errors import Conflict, Detail, Invalid, TooLarge
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.jobs.queue import cancel
from ossature.records.mass import (
    MOST_NAMED,
    MOST_READ,
    Act,
    Selection,
    find_act,
    results,
    start_delete,
    start_edit,
)
from ossature.records.query import ListQuery
from ossature.records.schemas import Version, camel, id_of, mass_model
from ossature.records.types import RecordType
from ossature.web.api import after_argument, known_arguments, limit_argument, one_of, read_object, success

_, _l, _n = translator("ossature")

OUTCOMES = ("changed", "unchanged", "refused", "waiting")
_KNOWN = frozenset({"rows", "ids", "all", "set", "delete", "overwrite"})


class _MassInput(BaseModel):
    """What is to be done to which records: `ids`, `rows` or `all`; and `set` or `delete`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [
                {"required": ["ids"]},
                {"required": ["rows"]},
                {"required": ["all"], "properties": {"all": {"const": True}}},
            ],
            "anyOf": [{"required": ["set"]}, {"required": ["delete"], "properties": {"delete": {"const": True}}}],
        },
    )

    all: bool = Field(False, description="All that the query string asks for, as a list does")
    delete: bool = Field(False, description="Put them into the bin")
    overwrite: bool = Field(False, description="Also what others changed in the meantime")


def mass_input(rt: RecordType) -> type[BaseModel]:
    """The same for one kind of record."""
    read = Field(None, description="The version that was read: a field that others changed since is refused")
    row = create_model(f"{camel(rt)}MassRow", id=(id_of(rt), ...), version=(Version | None, read))
    id: Any = id_of(rt)
    some = Field(min_length=1, max_length=MOST_NAMED)
    each = "Records, each with the version that was read"
    said = 'Values by field, null empties; tags may be {"add": [...], "remove": [...]}'
    made: dict[str, Any] = {
        "ids": (Annotated[list[id], some], Field(None, description="Records")),
        "rows": (Annotated[list[row], some], Field(None, description=each)),
        "set": (mass_model(rt), Field(None, description=said)),
    }
    return create_model(f"{camel(rt)}MassInput", __base__=_MassInput, __doc__=_MassInput.__doc__, **made)


class MassShown(BaseModel):
    id: UUID
    state: Literal["waiting", "running", "done", "stopped", "cancelled"]
    total: int
    done: int = Field(description="Rows that have an outcome")
    changed: int
    unchanged: int
    refused: int
    created_at: datetime
    change_set_id: UUID = Field(description="One for the whole act, in the history of each record")


class MassAnswer(BaseModel):
    success: bool = True
    data: MassShown
    meta: dict[str, Any]


class MassRowShown(BaseModel):
    """What became of one record."""

    number: int
    id: UUID
    outcome: Literal["changed", "unchanged", "refused"] | None
    code: str | None
    field: str | None
    reason: str | None


class MassRows(BaseModel):
    success: bool = True
    data: list[MassRowShown]
    meta: dict[str, Any] = Field(description="next: the number to go on `after`, null at the end")


class RowArguments(BaseModel):
    outcome: Literal["changed", "unchanged", "refused", "waiting"] | None = None
    after: int | None = Field(None, description="Go on after the row of this number")
    limit: int | None = None


def start(rt: RecordType, listed: Callable[[RecordType], ListQuery]) -> Response:
    """Begin an act; `listed` reads what the query string asks for."""
    body = read_object()
    if unknown := body.keys() - _KNOWN:
        raise Invalid(
            _("The input has faults."), [Detail(sorted(unknown)[0][:80], "unknown_field", _("Leave it out."))]
        )
    chosen = [name for name in ("ids", "rows", "all") if body.get(name)]
    if len(chosen) != 1:
        raise Invalid(_("The input has faults."), [Detail("ids", "required", _("Give ids, rows or all, one of them."))])
    selection = Selection(query=listed(rt)) if chosen == ["all"] else Selection(_named(body[chosen[0]], chosen[0]))
    deleting, values = body.get("delete") is True, body.get("set")
    if deleting is (values is not None):
        raise Invalid(_("The input has faults."), [Detail("set", "required", _("Give set or delete, one of them."))])
    if deleting:
        id = start_delete(rt, selection)
    elif isinstance(values, Mapping):
        id = start_edit(rt, values, selection, overwrite=body.get("overwrite") is True)
    else:
        raise Invalid(_("The input has faults."), [Detail("set", "wrong_type", _("Give values by field."))])
    return success(_shown(find_act(rt, id)), 202, headers={"Location": f"{request.path}/{id}"})


def show(rt: RecordType, id: UUID) -> Response:
    known_arguments(())
    return success(_shown(find_act(rt, id)))


def rows(rt: RecordType, id: UUID) -> Response:
    known_arguments(("outcome", "after", "limit"))
    outcome = request.args.get("outcome")
    if outcome is not None:
        outcome = one_of(OUTCOMES, "outcome", outcome)
    after = after_argument()
    limit = min(limit_argument(), MOST_READ)
    found = results(find_act(rt, id), outcome, after, limit + 1)
    data = [
        {
            "number": row.number, "id": row.record_id, "outcome": row.outcome, "code": row.code, "field": row.field,
            "reason": row.reason,
        }
        for row in found[:limit]
    ]  # fmt: skip
    return success(data, meta={"next": found[limit - 1].number if len(found) > limit else None})


def stop(rt: RecordType, id: UUID) -> Response:
    """Cancel: rows that are done stay as they are."""
    act = find_act(rt, id)
    if not act.over:
        with suppress(Conflict):  # it has ended meanwhile
            cancel(act.job_id)
    return success(_shown(find_act(rt, id)))


def _named(given: Any, name: str) -> dict[UUID, int | None]:
    if not isinstance(given, list):
        raise Invalid(_("The input has faults."), [Detail(name, "wrong_type", _("Give a list of records."))])
    if len(given) > MOST_NAMED:
        raise TooLarge(_("At most %(n)d records can be named one by one; select all that match.", n=MOST_NAMED))
    found: dict[UUID, int | None] = {}
    for number, one in enumerate(given):
        one = {"id": one} if name == "ids" else one
        id, version = (one.get("id"), one.get("version")) if isinstance(one, Mapping) else (None, None)
        parsed = as_id(id) if isinstance(id, str) else None
        whole = isinstance(version, int) and not isinstance(version, bool) and 0 < version < 2**31
        if parsed is None or not (version is None or whole):
            message = _("Give the id of a record, and the version that you read.")
            raise Invalid(_("The input has faults."), [Detail(f"{name}.{number}", "invalid", message)])
        found[parsed] = version
    return found


def _shown(act: Act) -> dict[str, Any]:
    return {
        "id": act.id, "state": act.state, "total": act.total, "done": act.done, "changed": act.changed,
        "unchanged": act.unchanged, "refused": act.refused, "created_at": act.created_at,
        "change_set_id": act.change_set_id,
    }  # fmt: skip
