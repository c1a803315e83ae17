"""The endpoint for many writes at once: reading its body, and telling what came of each operation."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Any, Literal, cast
from uuid import UUID

from flask import Response
from pydantic import BaseModel, ConfigDict, Field, create_model

from ossature.errors import Detail, Forbidden, Invalid
from ossature.i18n.texts import translator
from ossature.records.batch import MOST_OPERATIONS, OPS, Op, Operation, Outcome, faults_of, write_batch
from ossature.records.clean import plain
from ossature.records.schemas import Version, camel, fields_model, id_of
from ossature.records.types import RecordType
from ossature.web.api import ErrorDetail, read_object, success
from ossature.web.versions import older_details, translation

_, _l, _n = translator("ossature")

TOLD = 200
"""Faults that a refusal names; more are left out."""


def bulk_input(rt: RecordType) -> type[BaseModel]:
    """Operations on one kind of record, each with what it takes."""
    chosen: Any = (UUID | None, Field(None, description="Chosen by the client"))
    version: Any = (Version | None, Field(None, description="The version that was read"))
    whole: Any = (fields_model(rt), Field(description="Fields, as create takes them"))
    some: Any = (fields_model(rt, partial=True), Field(description="Fields, as patch takes them"))

    forbid = ConfigDict(extra="forbid")

    def operation(name: str, *ops: Op, **fields: Any) -> type[BaseModel]:
        made: dict[str, Any] = {"op": (Literal[ops], ...), **fields}
        return create_model(f"{camel(rt)}Bulk{name}", __config__=forbid, **made)

    kinds = [
        operation("Create", "create", id=chosen, data=whole),
        operation("Update", "update", id=(id_of(rt), ...), version=version, data=some),
        operation("Deletion", "delete", "restore", id=(id_of(rt), ...), version=version),
    ]
    if unique := tuple(name for name, item in rt.fields.items() if item.unique):
        by = (Literal[unique], Field(description="The unique field to go by"))
        kinds.append(operation("Upsert", "upsert", by=by, id=chosen, version=version, data=some))
    one: Any = reduce(or_, kinds)
    made: dict[str, Any] = {
        "operations": (list[one], Field(min_length=1, max_length=MOST_OPERATIONS)),
        "atomic": (bool, Field(True, description="Write nothing unless all succeed; else those that succeed hold")),
    }
    return create_model(f"{camel(rt)}BulkInput", __config__=forbid, **made)


class BulkError(BaseModel):
    code: str
    message: str
    details: list[ErrorDetail]


class BulkOutcome(BaseModel):
    """What came of one operation."""

    index: int
    status: int = Field(description="As the operation would have been answered alone")
    id: UUID | None
    version: int | None
    error: BulkError | None = None
    merged: list[str] | None = Field(None, description="Fields that others had changed since `version`")
    warnings: list[ErrorDetail] | None = None


class BulkMeta(BaseModel):
    succeeded: int
    failed: int


class BulkAnswer(BaseModel):
    success: Literal[True] = True
    data: list[BulkOutcome]
    meta: BulkMeta


def bulk_answer(rt: RecordType) -> Response:
    """Do what the body asks. Raises `Invalid`, nothing being written, for a body that cannot be read and, where it is
    atomic, for any operation that is refused; `Forbidden` where that is for want of a permission."""
    body = read_object()
    operations, atomic = _read(rt, body)
    outcomes = write_batch(rt, operations, atomic=atomic)
    failed = sum(1 for outcome in outcomes if outcome.refusal is not None)
    if failed and atomic:
        faults, forbidden = faults_of(outcomes)
        kind = Forbidden if forbidden else Invalid
        message = _("%(n)d of %(total)d operations cannot be done, so that nothing was.", n=failed, total=len(outcomes))
        raise kind(message, faults[:TOLD], code="bulk_refused", failed=failed)
    data = [_told(rt, number, outcome) for number, outcome in enumerate(outcomes)]
    return success(data, meta={"succeeded": len(outcomes) - failed, "failed": failed})


def _told(rt: RecordType, number: int, outcome: Outcome) -> dict[str, Any]:
    told: dict[str, Any] = {
        "index": number, "status": outcome.status, "id": outcome.id, "version": outcome.version,
    }  # fmt: skip
    if (refusal := outcome.refusal) is not None:
        details = [one.as_dict() for one in older_details(refusal.details, named=True)]
        code = refusal.extra.get("code", refusal.code)
        return {**told, "error": {"code": code, "message": str(refusal.message), "details": details}}
    if outcome.written and outcome.written.merged:
        told["merged"] = translation(rt.key).older_names(outcome.written.merged)
    if outcome.written and outcome.written.warnings:
        told["warnings"] = [one.as_dict() for one in older_details(outcome.written.warnings, named=True)]
    return told


def _read(rt: RecordType, body: dict[str, Any]) -> tuple[list[Operation], bool]:
    given, atomic = body.get("operations"), body.get("atomic", True)
    faults = [
        Detail(plain(name), "unknown_field", _("There is no such field, or it is read-only."))
        for name in body.keys() - {"operations", "atomic"}
    ]
    if not isinstance(atomic, bool):
        faults.append(Detail("atomic", "wrong_type", _("Answer yes or no.")))
    if not isinstance(given, list) or not 0 < len(given) <= MOST_OPERATIONS:
        said = _("Give a list of 1 to %(n)d operations.", n=MOST_OPERATIONS)
        faults.append(Detail("operations", "invalid", said))
        given = []
    read = [_operation(rt, number, one, faults) for number, one in enumerate(given)]
    if faults:
        raise Invalid(_("The input has faults."), faults[:TOLD])
    return [one for one in read if one is not None], bool(atomic)


def _operation(rt: RecordType, number: int, given: Any, faults: list[Detail]) -> Operation | None:
    """One operation as it was written; what is wrong with it is added to `faults`."""
    where, before = f"operations.{number}", len(faults)

    def wrong(name: str, code: str, message: str) -> None:
        faults.append(Detail(f"{where}.{name}".rstrip("."), code, message))

    if not isinstance(given, dict):
        wrong("", "wrong_type", _("Give an object."))
        return None
    for name in given.keys() - {"op", "id", "version", "by", "data"}:
        wrong(plain(name), "unknown_field", _("There is no such field, or it is read-only."))
    op, version, by = given.get("op"), given.get("version"), given.get("by")
    if op not in OPS:
        wrong("op", "unknown_choice", _("Choose one of: %(values)s.", values=", ".join(OPS)))
    id = _uuid(given.get("id"))
    if (given.get("id") is not None and id is None) or (id is None and op in ("update", "delete", "restore")):
        wrong("id", "invalid", _("Give a UUID."))
    if version is not None and (isinstance(version, bool) or not isinstance(version, int) or not 0 < version < 2**31):
        wrong("version", "invalid", _("Give the version you read."))
    if (by is not None or op == "upsert") and not isinstance(by, str):
        wrong("by", "required", _("Name the unique field to go by."))
    data = given.get("data", {})
    if not isinstance(data, dict):
        wrong("data", "wrong_type", _("Give an object."))
    if len(faults) > before:
        return None
    translated = translation(rt.key)
    operation = Operation(cast(Op, op), id, translated.newer_body(data), version)
    return replace(operation, by=translated.newer_name(by)) if by else operation


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        return None
