"""Pydantic models of a record, made from its declaration: what OpenAPI says and what answers are checked against."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from ossature.records import conditions
from ossature.records import fields as declared
from ossature.records.fields import LONGEST_TAG, MOST_TAGS, Kind
from ossature.records.query import ACTOR, BASE
from ossature.records.record import TAGS
from ossature.records.types import RecordType


class MoneyValue(BaseModel):
    """An amount in major units as a decimal string, and its ISO 4217 currency."""

    model_config = ConfigDict(extra="forbid")

    amount: str = Field(pattern=r"^-?\d{1,15}(\.\d{1,4})?$", examples=["1250.00"])
    currency: str = Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])


class OptionArguments(BaseModel):
    q: str | None = Field(None, max_length=200, description="What was typed")
    tell: str | None = Field(None, description="Fields of each option to answer as well: choices, and yes or no")


class Option(BaseModel):
    value: str = Field(description="The id to send as reference")
    label: str
    hint: str = ""
    tells: dict[str, Any] = Field({}, description="What `tell` asked for, by field; only then")


class OptionAnswer(BaseModel):
    success: bool = True
    data: list[Option]
    meta: dict[str, bool] = Field(description="`more`: there are others; type more letters")


class Named(BaseModel):
    """Somebody or something that acts: a member, an API key, a job."""

    id: UUID
    label: str


class Deleted(BaseModel):
    id: UUID
    deleted_at: datetime
    version: int


class DeletedAnswer(BaseModel):
    success: bool = True
    data: Deleted
    meta: dict[str, Any]


class Counted(BaseModel):
    value: int
    more: bool = Field(description="There are more than `value`")


class Meta(BaseModel):
    """What accompanies a list."""

    next: str | None = Field(None, description="Cursor of the next page; null on the last")
    previous: str | None = None
    limit: int
    capped: bool = Field(False, description="The search stopped at its most matches; use more letters")
    count: Counted | None = Field(None, description="Of the whole list, where `count` asked for it")


_IF_INCLUDED = "Where `include` asks for it"


def camel(rt: RecordType) -> str:
    return "".join(part.capitalize() for part in rt.key.replace(".", "_").split("_"))


class _Same:
    """A record type as a cache key: one per key and class."""

    def __init__(self, rt: RecordType) -> None:
        self.rt = rt

    def __hash__(self) -> int:
        return hash(self.rt.cls)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.rt.cls is self.rt.cls and set(other.rt.parts) == set(self.rt.parts)


def _type(item: declared.Field, *, writing: bool) -> Any:
    made: Any
    match item.kind:
        case Kind.INTEGER:
            made = Annotated[int, Field(ge=item.minimum, le=item.maximum)]
        case Kind.DECIMAL:
            made = Annotated[str, StringConstraints(pattern=_decimal(item))] if writing else str
        case Kind.MONEY:
            made = MoneyValue
        case Kind.BOOLEAN:
            made = bool
        case Kind.DATE:
            made = date
        case Kind.DATETIME:
            made = datetime
        case Kind.CHOICE:
            made = Literal[tuple(item.choices)]
        case Kind.REFERENCE:
            made = UUID
        case Kind.TAGS:
            made = Annotated[list[Tag], Field(max_length=MOST_TAGS)] if writing else list[str]
        case Kind.SECRET if not writing:
            made = bool
        case _ if writing:
            least = 1 if item.required else None
            made = Annotated[str, StringConstraints(min_length=least, max_length=item.max_length)]
            if item.kind is Kind.EMAIL:
                made = Annotated[made, Field(json_schema_extra={"format": "email"})]
        case _:
            made = str
    return made


def _decimal(item: declared.Field) -> str:
    sign = "" if item.minimum is not None and item.minimum >= 0 else "-?"  # type: ignore[operator]
    return rf"^{sign}\d{{1,15}}" + (rf"(\.\d{{1,{item.places}}})?$" if item.places else "$")


def _described(record: RecordType, item: declared.Field) -> dict[str, Any]:
    extra: dict[str, Any] = conditions.documented(record, item.name)
    if item.unit:
        extra["x-unit"] = item.unit
    if item.target:
        extra["x-references"] = item.target
    return {"title": str(item.label), "description": str(item.help) or None, "json_schema_extra": extra or None}


Tag = Annotated[str, StringConstraints(max_length=LONGEST_TAG)]
Version = Annotated[int, Field(ge=1, lt=2**31)]


def id_of(rt: RecordType) -> Any:
    """The id of a record that exists."""
    return Annotated[UUID, Field(json_schema_extra={"x-references": rt.key})]


@cache
def _fields(rt: _Same, *, partial: bool) -> type[BaseModel]:
    """The fields that create and put (or patch, when `partial`) take."""
    record = rt.rt
    made: dict[str, Any] = {}
    for name, item in record.fields.items():
        if not item.writable:
            continue
        kind = _type(item, writing=True)
        if item.required and not partial:
            made[name] = (kind, Field(**_described(record, item)))
        elif item.default is not None or item.kind is Kind.BOOLEAN:
            made[name] = (kind, Field(default=None if partial else item.default, **_described(record, item)))
        else:
            made[name] = (kind | None, Field(default=None, **_described(record, item)))
    for collection, part in record.parts.items():
        one = _written(_Same(part), partial=False)
        made[collection] = (list[one], Field(default_factory=list))  # type: ignore[valid-type]
    if record.owned:
        made["owner_id"] = (
            UUID | None,
            Field(None, description="Who looks after the record", json_schema_extra={"x-references": ACTOR}),
        )
    name = camel(record) + ("Changes" if partial else "Fields")
    return create_model(name, __config__=ConfigDict(extra="forbid"), **made)


@cache
def _written(rt: _Same, *, partial: bool) -> type[BaseModel]:
    """The same with the id and the version of the record, or of the entry of a part."""
    record, made = rt.rt, dict[str, Any]()
    if record.parent:
        made["id"] = (UUID | None, Field(None, description="Of an entry that exists; without it one is added"))
    elif not partial:
        made["id"] = (UUID | None, Field(None, description="Chosen by the client, on creation only"))
    if not record.parent:
        told = "The version that was read; merges with later changes"
        made["version"] = (Version | None, Field(None, description=told))
    name = camel(record) + ("Patch" if partial else "Input")
    return create_model(name, __base__=_fields(rt, partial=partial), **made)


@cache
def _shown(rt: _Same, *, listed: bool) -> type[BaseModel]:
    """What answers hold; lists leave the parts out."""
    record = rt.rt
    made: dict[str, Any] = {"id": (UUID, ...)}
    for name, item in record.fields.items():
        if item.parent:
            continue
        kind = _type(item, writing=False)
        always = item.required or item.kind is Kind.BOOLEAN or item.default is not None
        made[name] = (kind if always or item.secret else kind | None, Field(default=None, **_described(record, item)))
    if not record.parent:
        types = {"owner_id": UUID | None, "created_at": datetime, "created_by_id": UUID | None,
                 "updated_at": datetime, "updated_by_id": UUID | None, "version": int,
                 "deleted_at": datetime | None}  # fmt: skip
        made |= {name: (types[name], Field(default=None)) for name in BASE if name in types and name in record.c}
    for collection, part in record.parts.items():
        one = _shown(_Same(part), listed=True)
        made[collection] = (list[one], Field(default=None, description=_IF_INCLUDED) if listed else ...)  # type: ignore[valid-type]
    for item in record.references():
        if item.relation not in made:
            told = Field(default=None, description=_IF_INCLUDED, json_schema_extra={"x-record": item.target})
            made[item.relation] = (dict[str, Any] | None, told)
    if "owner_id" in made:
        made["owner"] = (Named | None, Field(default=None, description=_IF_INCLUDED))
    return create_model(camel(record) + ("Row" if listed and record.parts else ""), **made)


def input_model(rt: RecordType, *, partial: bool = False) -> type[BaseModel]:
    return _written(_Same(rt), partial=partial)


def fields_model(rt: RecordType, *, partial: bool = False) -> type[BaseModel]:
    """What `input_model` takes but for the record's id and version."""
    return _fields(_Same(rt), partial=partial)


class TagChanges(BaseModel):
    """Tags to add to those that a row has, and to take away."""

    model_config = ConfigDict(extra="forbid")

    add: list[Tag] = Field(default_factory=list)
    remove: list[Tag] = Field(default_factory=list)


def mass_model(rt: RecordType) -> type[BaseModel]:
    """What can be set for many rows at once: no secrets, no parts, nothing that no two rows may share."""
    fields = fields_model(rt, partial=True).model_fields
    set_alone = {name for name, item in rt.fields.items() if item.kind is Kind.SECRET or item.unique}
    made: dict[str, Any] = {
        name: (item.annotation, item) for name, item in fields.items() if name not in {*set_alone, *rt.parts}
    }
    tags = Annotated[list[Tag], Field(max_length=MOST_TAGS)]
    made[TAGS] = (tags | TagChanges, Field(None, **_described(rt, rt.fields[TAGS])))
    several = ConfigDict(extra="forbid", json_schema_extra={"minProperties": 1})
    return create_model(f"{camel(rt)}MassFields", __config__=several, **made)


def row_model(rt: RecordType, *, listed: bool = False) -> type[BaseModel]:
    return _shown(_Same(rt), listed=listed)


def list_answer(rt: RecordType) -> type[BaseModel]:
    one = row_model(rt, listed=True)
    return create_model(f"{camel(rt)}List", success=(bool, True), data=(list[one], ...), meta=(Meta, ...))  # type: ignore[valid-type]


def one_answer(rt: RecordType) -> type[BaseModel]:
    return create_model(
        f"{camel(rt)}Answer", success=(bool, True), data=(row_model(rt), ...), meta=(dict[str, Any], ...)
    )


def aggregate_arguments(rt: RecordType) -> type[BaseModel]:
    text = (str | None, Field(None))
    said = {
        "group": "Up to three fields, comma separated; dates as `created_at:month` (day, week, month, quarter, year)",
        "measure": "Comma separated: `sum:`, `avg:`, `min:` or `max:` and a number or amount of money",
        "where": "A filter as JSON, as lists take it",
        "view": "A view: its filter and groups, where the address does not say them itself",
    }
    made: dict[str, Any] = {name: (str | None, Field(None, description=words)) for name, words in said.items()}
    made["deleted"] = (Literal["true", "false"] | None, Field(None))
    if rt.searchable:
        made["search"] = text
    return create_model(f"{camel(rt)}AggregateQuery", **made)


class GroupFound(BaseModel):
    """One group; what its rows have in common, how many they are, and what was measured."""

    keys: dict[str, Any] = Field(description="By group: a value, the first day of a span, or null where it is empty")
    count: int
    values: dict[str, Any] = Field(description="By measure; amounts of money are a list, one a currency")


class AggregateAnswer(BaseModel):
    success: bool = True
    data: list[GroupFound]
    meta: dict[str, bool] = Field(description="`more`: there are more than 1,000 groups; the largest are given")


def one_arguments(rt: RecordType) -> type[BaseModel]:
    """What reading one record takes."""
    return create_model(f"{camel(rt)}OneQuery", include=(str | None, Field(None, description=_offered(rt))))


def key_arguments(rt: RecordType, unique: Sequence[str]) -> type[BaseModel]:
    """What the address of a record says that is named by a unique value."""
    made: dict[str, Any] = {
        "field": (Literal[tuple(unique)], Field(description="A field whose value no two records share")),
        "value": (str, Field(min_length=1, description="The value of the record that is meant")),
    }
    return create_model(f"{camel(rt)}Key", **made)


def _offered(rt: RecordType) -> str:
    references = [item.relation for item in rt.references()]
    names = ", ".join([*references, *(["owner"] if rt.owned else []), *rt.parts])
    return f"Comma separated, with one dot for what these refer to: {names}" if names else "Nothing can be included"


def list_arguments(rt: RecordType) -> type[BaseModel]:
    made: dict[str, Any] = {
        "sort": (
            str | None,
            Field(
                None,
                description="Up to three fields, comma separated; `-` before one turns its "
                f"order. Indexed: {', '.join(rt.sortable())}; others sort up to 10,000 rows",
            ),
        ),
        "limit": (Annotated[int, Field(ge=1, le=200)] | None, Field(None, description="Rows a page, 20 unless given")),
        "cursor": (str | None, Field(None, description="`meta.next` or `meta.previous` of another page")),
        "fields": (str | None, Field(None, description="Comma separated names; everything unless given")),
        "include": (str | None, Field(None, description=_offered(rt))),
        "count": (
            Literal["exact", "some"] | None,
            Field(None, description="`exact` counts the whole list, `some` up to 1,000; not counted unless given"),
        ),
        "where": (
            str | None,
            Field(None, description="A filter as JSON: groups all, any, none; tests field, op, value"),
        ),
        "deleted": (Literal["true", "false"] | None, Field(None, description="The bin instead of live records")),
        "view": (
            UUID | None,
            Field(
                None, description="A view: its filter, order and columns, where the address does not say them itself"
            ),
        ),
    }
    if rt.searchable:
        made["search"] = (Annotated[str, StringConstraints(max_length=200)] | None, Field(None))
    return create_model(f"{camel(rt)}Query", **made)
