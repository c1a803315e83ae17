"""`/api/<plugin>/<records>/imports`: files imported by other programs, in one request or step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import wraps
from typing import Any, BinaryIO, Literal, TypeVar
from uuid import UUID

from apiflask.fields import UploadFile
from flask import Response, request, url_for
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ossature.errors import Detail, Invalid, UnsupportedMediaType
from ossature.i18n.texts import translator
from ossature.imports import service
from ossature.imports.mapping import Mapping, targets
from ossature.imports.notation import Notation, Said
from ossature.imports.refused import refused_file
from ossature.imports.results import MOST_READ
from ossature.imports.runs import OUTCOMES, Import
from ossature.rbac import requires
from ossature.rbac.rules import takes_files
from ossature.records.clean import plain
from ossature.records.types import RecordType
from ossature.web.api import (
    after_argument,
    documented,
    known_arguments,
    limit_argument,
    one_of,
    read_object,
    success,
)

_, _l, _n = translator("ossature")

View = Callable[..., Any]
Model = TypeVar("Model", bound=BaseModel)
_ABSENT: Any = None  # a form leaves out what it has not, having no null


class ImportInput(BaseModel):
    """A file to import, as multipart/form-data; `mapping` and `notation` are JSON."""

    file: UploadFile
    mapping: str = Field(_ABSENT, description="What the columns mean; guessed if it is left out")
    notation: str = Field(_ABSENT, description="How the file is written; found out if it is left out")
    run: Literal["true", "false"] = Field(_ABSENT, description="true writes at once")
    check: Literal["true", "false"] = Field(_ABSENT, description="true finds out at once what would be done")


class ImportChange(BaseModel):
    """`notation` reads the file again; `mapping` says what its columns mean."""

    model_config = ConfigDict(extra="forbid")

    notation: Said | None = None
    mapping: Mapping | None = None


class NoteOut(BaseModel):
    """What was found out about the file, or is in doubt."""

    about: str
    code: str
    message: str
    doubt: bool


class ImportOut(BaseModel):
    id: UUID
    state: Literal["draft", "checking", "checked", "running", "done", "stopped", "cancelled", "refused"]
    filename: str
    size: int = Field(description="Bytes")
    created_at: datetime
    notation: Notation
    sheets: list[str]
    headers: list[str]
    notes: list[NoteOut]
    mapping: Mapping
    total: int = Field(description="Rows of the file")
    checked: int = Field(description="Rows of which it is known what becomes of them")
    written: int = Field(description="Rows that are behind it: written, unchanged or refused")
    create: int
    update: int
    unchanged: int
    refused: int
    along: int = Field(description="Further rows of a record that is counted already")
    change_set_id: UUID = Field(description="One for the whole import, in the history of each record")
    error: str | None


class ImportAnswer(BaseModel):
    success: bool = True
    data: ImportOut
    meta: dict[str, Any]


class ImportsAnswer(BaseModel):
    success: bool = True
    data: list[ImportOut]
    meta: dict[str, Any]


class FaultOut(BaseModel):
    """What is wrong with a cell, or with the row where `column` is null."""

    column: int | None
    header: str
    value: str
    code: str
    message: str
    proposal: str | None


class ImportRowOut(BaseModel):
    number: int = Field(description="As a spreadsheet shows it")
    outcome: Literal["create", "update", "unchanged", "refused", "along"] | None
    record_id: UUID | None
    written: bool
    cells: list[str]
    faults: list[FaultOut]


class ImportRowAnswer(BaseModel):
    success: bool = True
    data: ImportRowOut
    meta: dict[str, Any]


class ImportRowsAnswer(BaseModel):
    success: bool = True
    data: list[ImportRowOut]
    meta: dict[str, Any] = Field(description="next: the number to go on `after`, null at the end")


class ImportRowsQuery(BaseModel):
    outcome: Literal["create", "update", "unchanged", "refused", "along", "waiting"] | None = None
    after: int | None = Field(None, description="Go on after the row of this number")
    limit: int | None = None


class GroupOut(FaultOut):
    count: int = Field(description="Rows that have it")


class SummaryOut(BaseModel):
    create: int
    update: int
    unchanged: int
    refused: int
    along: int
    waiting: int
    faults: list[GroupOut]


class SummaryAnswer(BaseModel):
    success: bool = True
    data: SummaryOut
    meta: dict[str, Any]


class Correction(BaseModel):
    """Texts by column, counted from 0."""

    model_config = ConfigDict(extra="forbid")

    cells: dict[str, str]


class ValueInput(BaseModel):
    """What a text of a column stands for, in all rows."""

    model_config = ConfigDict(extra="forbid")

    column: int
    value: str
    to: str


class WayOut(BaseModel):
    by: str
    label: str


class TargetOut(BaseModel):
    path: str
    label: str
    group: str
    kind: str
    required: bool
    by: list[WayOut] = Field(description="How a reference may be named in the file")
    creates: bool = Field(description="Whether what it names may be created on the way")


class TargetsAnswer(BaseModel):
    success: bool = True
    data: list[TargetOut]
    meta: dict[str, Any]


class PresetInput(BaseModel):
    """Keeps the mapping of an import under a name."""

    model_config = ConfigDict(extra="forbid")

    import_id: UUID
    name: str


class PresetOut(BaseModel):
    id: UUID
    name: str
    headers: list[str]
    mapping: Mapping
    created_at: datetime


class PresetAnswer(BaseModel):
    success: bool = True
    data: PresetOut
    meta: dict[str, Any]


class PresetsAnswer(BaseModel):
    success: bool = True
    data: list[PresetOut]
    meta: dict[str, Any]


class GoneOut(BaseModel):
    id: UUID


class GoneAnswer(BaseModel):
    success: bool = True
    data: GoneOut
    meta: dict[str, Any]


def import_views(rt: RecordType) -> list[tuple[str, list[str], str, View]]:
    """The endpoints of a record's imports: what, methods, rest of the address, view."""
    here, one = "/imports", "/imports/<uuid:import_id>"
    plural, made = str(rt.plural).lower(), list[tuple[str, list[str], str, View]]()

    def start_view() -> Response:
        known_arguments(())
        name, source = _sent()
        mapping, said = _of_form("mapping", Mapping), _of_form("notation", Said)
        run, check = _told("run"), _told("check")
        imp = service.start(rt, name, source, said)
        with service.or_nothing(imp):
            if mapping is not None:
                imp = service.set_mapping(imp, mapping)
            if run or check:
                imp = service.run(imp) if run else service.check(imp)
        return success(_shown(imp), 202 if imp.busy else 201, headers={"Location": _url(rt, imp)})

    def list_view() -> Response:
        known_arguments(())
        return success([_shown(imp) for imp in service.own(rt)])

    def show_view(import_id: UUID) -> Response:
        known_arguments(())
        return success(_shown(service.find(rt, import_id)))

    def change_view(import_id: UUID) -> Response:
        known_arguments(())
        imp, change = service.find(rt, import_id), _read(ImportChange, read_object())
        if change.notation is not None:
            imp = service.set_notation(imp, change.notation)
        if change.mapping is not None:
            imp = service.set_mapping(imp, change.mapping)
        return success(_shown(imp))

    def check_view(import_id: UUID) -> Response:
        known_arguments(())
        return success(_shown(service.check(service.find(rt, import_id))), 202)

    def run_view(import_id: UUID) -> Response:
        known_arguments(())
        return success(_shown(service.run(service.find(rt, import_id))), 202)

    def cancel_view(import_id: UUID) -> Response:
        known_arguments(())
        return success(_shown(service.cancel(service.find(rt, import_id))))

    def rows_view(import_id: UUID) -> Response:
        known_arguments(("outcome", "after", "limit"))
        outcome = request.args.get("outcome")
        if outcome is not None:
            outcome = one_of((*OUTCOMES, "waiting"), "outcome", outcome)
        after = after_argument()
        limit = min(limit_argument(), MOST_READ)
        found = service.rows(service.find(rt, import_id), outcome, after, limit + 1)
        more = found[limit - 1].number if len(found) > limit else None
        return success([_row(row) for row in found[:limit]], meta={"next": more})

    def summary_view(import_id: UUID) -> Response:
        known_arguments(())
        return success(asdict(service.summary(service.find(rt, import_id))))

    def correct_view(import_id: UUID, number: int) -> Response:
        known_arguments(())
        imp, given = service.find(rt, import_id), _read(Correction, read_object()).cells
        wrong = next((name for name in given if not (name.isascii() and name.isdigit() and len(name) < 4)), None)
        if wrong is not None:
            raise Invalid(
                _("The input has faults."),
                [Detail(f"cells.{plain(wrong)}", "invalid", _("The file has no such column."))],
            )
        cells = {int(name): text for name, text in given.items()}
        return success(_row(service.correct(imp, number, cells)))

    def value_view(import_id: UUID) -> Response:
        known_arguments(())
        imp, given = service.find(rt, import_id), _read(ValueInput, read_object())
        return success(_shown(service.map_value(imp, given.column, given.value, given.to)))

    def refused_view(import_id: UUID) -> Response:
        known_arguments(())
        return refused_file(service.find(rt, import_id))

    def targets_view() -> Response:
        known_arguments(())
        return success([_target(target) for target in targets(rt)])

    def presets_view() -> Response:
        known_arguments(())
        return success([_preset(preset) for preset in service.presets(rt)])

    def preset_view() -> Response:
        known_arguments(())
        given = _read(PresetInput, read_object())
        return success(_preset(service.save_preset(service.find(rt, given.import_id), given.name)), 201)

    def preset_gone_view(preset_id: UUID) -> Response:
        known_arguments(())
        service.remove_preset(rt, preset_id)
        return success({"id": preset_id})

    def add(what: str, methods: list[str], tail: str, view: View, **documentation: Any) -> None:
        @wraps(view)
        def ruled(**arguments: Any) -> Any:
            service.demand_either(rt)
            return view(**arguments)

        ruled.__name__ = f"{rt.name}_{what}"
        documented(ruled, tag=str(rt.plural), operation_id=f"{what}_{rt.plugin}_{rt.name}", **documentation)
        made.append((what, methods, tail, requires(rt.permission("view"))(ruled)))

    reads, writes = (400, 401, 403, 404, 429), (400, 401, 403, 404, 409, 413, 415, 422, 429)
    add("import_list", ["GET"], here, list_view, summary=f"Your last imports of {plural}", answer=ImportsAnswer,
        refusals=reads)  # fmt: skip
    add("import_start", ["POST"], here, takes_files(start_view, "import_max_bytes"), summary=f"Import {plural} from a file", body=ImportInput,
        body_as="form_and_files", answer=ImportAnswer, status=201, also={202: "It is checked or written now"},
        refusals=writes)  # fmt: skip
    add("import_targets", ["GET"], here + "/targets", targets_view, summary=f"What columns of a file of {plural} may go to",
        answer=TargetsAnswer, refusals=reads)  # fmt: skip
    add("import_presets", ["GET"], here + "/presets", presets_view, summary=f"Kept mappings of files of {plural}",
        answer=PresetsAnswer, refusals=reads)  # fmt: skip
    add("import_preset", ["POST"], here + "/presets", preset_view, summary=f"Keep the mapping of an import of {plural}",
        body=PresetInput, answer=PresetAnswer, status=201, refusals=writes)  # fmt: skip
    add("import_preset_gone", ["DELETE"], here + "/presets/<uuid:preset_id>", preset_gone_view,
        summary=f"Forget a kept mapping of files of {plural}", answer=GoneAnswer, refusals=writes)  # fmt: skip
    add("import_show", ["GET"], one, show_view, summary=f"How far an import of {plural} is", answer=ImportAnswer,
        refusals=reads)  # fmt: skip
    add("import_change", ["PATCH"], one, change_view, summary=f"Say how a file of {plural} is read", body=ImportChange,
        answer=ImportAnswer, refusals=writes)  # fmt: skip
    add("import_check", ["POST"], one + "/check", check_view, summary=f"Find out what an import of {plural} would do",
        answer=ImportAnswer, status=202, refusals=writes)  # fmt: skip
    add("import_run", ["POST"], one + "/run", run_view, summary=f"Write an import of {plural}", answer=ImportAnswer,
        status=202, refusals=writes)  # fmt: skip
    add("import_cancel", ["POST"], one + "/cancel", cancel_view, summary=f"Stop an import of {plural}",
        answer=ImportAnswer, refusals=writes)  # fmt: skip
    add("import_rows", ["GET"], one + "/rows", rows_view, summary=f"What becomes of each row of a file of {plural}",
        query=ImportRowsQuery, answer=ImportRowsAnswer, refusals=reads)  # fmt: skip
    add("import_summary", ["GET"], one + "/summary", summary_view, summary=f"An import of {plural} in short, with its faults",
        answer=SummaryAnswer, refusals=reads)  # fmt: skip
    add("import_correct", ["PATCH"], one + "/rows/<int:number>", correct_view,
        summary=f"Correct cells of a row of a file of {plural}", body=Correction, answer=ImportRowAnswer,
        refusals=writes)  # fmt: skip
    add("import_value", ["POST"], one + "/values", value_view,
        summary=f"Say what a text in a file of {plural} stands for", body=ValueInput, answer=ImportAnswer,
        refusals=writes)  # fmt: skip
    add("import_refused", ["GET"], one + "/refused", refused_view,
        summary=f"The refused rows of a file of {plural}, to correct", sends="CSV, with a last column that says why",
        refusals=reads)  # fmt: skip
    return made


def _sent() -> tuple[str, BinaryIO]:
    """The one file of a request and its name."""
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(_("Send the file as multipart/form-data, in a part named file."))
    sent = request.files.getlist("file")
    if len(sent) != 1 or request.files.keys() - {"file"}:
        message = _("Send one file, in a part named file.")
        raise Invalid(message, [Detail("file", "required" if not sent else "repeated", message)])
    unknown = request.form.keys() - {"mapping", "notation", "run", "check"}
    if unknown:
        name = plain(min(one or "" for one in unknown))  # a part without a name has None
        raise Invalid(_("The input has faults."), [Detail(name, "unknown_field", _("This field is unknown."))])
    return sent[0].filename or "", sent[0].stream  # type: ignore[return-value]


def _of_form(name: str, model: type[Model]) -> Model | None:
    text = request.form.get(name)
    if text is None:
        return None
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise _invalid(error, name) from None


def _read(model: type[Model], body: dict[str, Any]) -> Model:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: ValidationError, within: str = "") -> Invalid:
    details = [
        Detail(
            plain(".".join(str(one) for one in [*([within] if within else []), *found["loc"]])),
            "unknown_field" if found["type"] == "extra_forbidden" else "invalid",
            found["msg"],
        )
        for found in error.errors(include_url=False, include_input=False, include_context=False)[:50]
    ]
    return Invalid(_("The input has faults."), details)


def _told(name: str) -> bool:
    value = request.form.get(name, "false")
    if value not in ("true", "false"):
        raise Invalid(_("The input has faults."), [Detail(name, "invalid", _("Give true or false."))])
    return value == "true"


def _url(rt: RecordType, imp: Import) -> str:
    return url_for(f"{rt.plugin}_records_api.{rt.name}_import_show", import_id=imp.id)


def _shown(imp: Import) -> dict[str, Any]:
    found = {
        name: getattr(imp, name)
        for name in ImportOut.model_fields
        if name not in ("create", "update", "notation", "mapping", "notes")
    }
    return {
        **found, "create": imp.created, "update": imp.updated, "notation": imp.notation.model_dump(mode="json"),
        "mapping": imp.mapping.model_dump(mode="json"), "notes": [asdict(note) for note in imp.notes],
        "headers": list(imp.headers), "sheets": list(imp.sheets),
    }  # fmt: skip


def _row(row: service.RowShown) -> dict[str, Any]:
    return {
        "number": row.number, "outcome": row.outcome, "record_id": row.record_id, "written": row.written,
        "cells": list(row.cells), "faults": [asdict(fault) for fault in row.faults],
    }  # fmt: skip


def _target(target: Any) -> dict[str, Any]:
    ways = [{"by": by, "label": label} for by, label in target.by]
    return {name: getattr(target, name) for name in TargetOut.model_fields if name != "by"} | {"by": ways}


def _preset(preset: service.Preset) -> dict[str, Any]:
    return {
        "id": preset.id, "name": preset.name, "headers": list(preset.headers),
        "mapping": preset.mapping.model_dump(mode="json"), "created_at": preset.created_at,
    }  # fmt: skip
