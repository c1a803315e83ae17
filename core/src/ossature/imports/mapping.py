"""What the columns of a file mean: which field each goes to, how records are matched, and what is done with them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic import Field as Said

from ossature.context import current
from ossature.errors import Detail, Invalid
from ossature.i18n.texts import translator
from ossature.imports.cells import storable
from ossature.kernel import kernel
from ossature.records.clean import CURRENCIES, Wrong
from ossature.records.external_ids import clean_source
from ossature.records.fields import Field, Kind
from ossature.records.owning import writable_fields
from ossature.records.query import ACTOR
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

ID, EXTERNAL, OWNER_ID = "id", "external_id", "owner_id"
BY_EXTERNAL = "external:"
MOST_ENTRIES = 50
OFFERED = (1, 2)
"""Entries that stand beside each other in a row which are offered; others are named, as `addresses.3.city`. Entries with
an order of their own are rows of the file."""
_NO_KEY = frozenset({Kind.MONEY, Kind.TAGS, Kind.SECRET, Kind.LONG_TEXT})
_NUMBER = re.compile(r"[1-9]\d?")

MOST_VALUES = 2000
LONGEST_WORDS = 1000
LONGEST_CELL = 32_767
"""As in a spreadsheet."""
Text = Annotated[str, AfterValidator(storable)]
Words = Annotated[str, StringConstraints(max_length=LONGEST_WORDS), AfterValidator(storable)]
Default = Annotated[str, StringConstraints(max_length=LONGEST_CELL), AfterValidator(storable)]
Mode = Literal["create", "update", "both"]
Policy = Literal["all", "good"]


class Column(BaseModel):
    """One column of a file, counted from 0, and where it goes; `to` None leaves it out.

    `by` says how a reference is named in the file: a field of the record referred to, `external:<source>`, `id`; its
    title if nothing is said. `values` are put in the place of what the file says. `empty` clear empties the field of a
    record where the cell is empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: int = Said(ge=0, lt=500)
    header: Text = Said("", max_length=1000)
    to: str | None = Said(None, max_length=200)
    by: Text = Said("", max_length=100, description="Of a reference: the field it is named by, external:<source> or id")
    missing: Literal["refuse", "create", "empty"] = Said("refuse", description="What is done where it names nothing")
    values: dict[Words, Words] = Said(
        default_factory=dict, max_length=MOST_VALUES, description="What stands for what in the file"
    )
    others: Literal["keep", "refuse", "empty"] = Said("keep", description="What is done with values not among these")
    empty: Literal["keep", "clear"] = Said("keep", description="What an empty cell does to a record that is there")
    decimal: Literal[".", ","] | None = None
    dates: Literal["dmy", "mdy", "ymd"] | None = None
    currency: str = Said("", max_length=3, description="Of amounts that do not name theirs")
    source: Text = Said("", max_length=60, description="Of external_id: whose ids they are")


class Mapping(BaseModel):
    """What a whole file means. `defaults` are texts by target, for what a new record has no value for; `key` are the
    targets that a record which is there is known by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: list[Column] = Said(default_factory=list, max_length=500)
    defaults: dict[Words, Default] = Said(default_factory=dict, max_length=200)
    key: list[str] = Said(default_factory=list, max_length=5)
    mode: Mode = "create"
    policy: Policy = "good"

    def to(self, target: str) -> Column | None:
        """The column that goes to a target."""
        return next((column for column in self.columns if column.to == target), None)


@dataclass(frozen=True, slots=True)
class Place:
    """A target taken apart. `what` is field, currency, related (a field of a new record that `reference` names), entry
    (a field of the entries of `collection`, of its `number`-th one from 1 or of one a row), collection, external or id."""

    path: str
    what: Literal["field", "currency", "related", "entry", "collection", "external", "id"]
    field: Field | None = None
    reference: str = ""
    collection: str = ""
    number: int | None = None

    @property
    def kind(self) -> str:
        return self.field.kind.value if self.field and self.what != "currency" else self.what


@dataclass(frozen=True)
class Target:
    """What may be chosen for a column. `kind` is that of the field (`text`, `reference` ...), or `currency`, `collection`,
    `external`, `id`; `by` are the ways a reference may be named, with what each is called."""

    path: str
    label: str
    kind: str
    group: str
    required: bool = False
    by: tuple[tuple[str, str], ...] = ()
    creates: bool = False
    """Whether a record that a reference names may be created on the way."""

    @cached_property
    def name(self) -> str:
        """With its group, as one text to look for."""
        return f"{self.group} › {self.label}"


def targets(rt: RecordType) -> list[Target]:
    """Everything that columns of a file may go to, for the bound actor: the record's own fields first."""
    own, others = str(rt.label), list[Target]()
    found = []
    for name, item in importable(rt).items():
        found.append(_target(name, item, own))
        if item.kind is Kind.MONEY:
            found.append(Target(f"{name}_currency", _("%(field)s: currency", field=item.label), "currency", own))
        elif (target := referred(item)) is not None and may_create(target):
            others += [
                Target(f"{name}.{sub}", str(one.label), one.kind.value, str(item.label))
                for sub, one in _plain(target).items()
            ]
    for collection, part in rt.parts.items():
        group = str(part.plural)
        for number in () if part.position else OFFERED:
            beside = f"{group} {number}"
            others += [
                _target(f"{collection}.{number}.{name}", item, beside) for name, item in importable(part).items()
            ]
        others += [_target(f"{collection}.{name}", item, group) for name, item in importable(part).items()]
        others.append(Target(collection, _("%(collection)s, as JSON", collection=part.plural), "collection", group))
    found.append(Target(EXTERNAL, _("External id"), "external", own))
    found.append(Target(ID, _("Id"), "id", own))
    return [*found, *others]


def place_of(rt: RecordType, path: str) -> Place | None:
    """What a target names; None where there is nothing of that name for the bound actor."""
    fields = importable(rt)
    if path == ID:
        return Place(path, "id")
    if path == EXTERNAL:
        return Place(path, "external")
    if path in fields:
        return Place(path, "field", fields[path])
    if path in rt.parts:
        return Place(path, "collection", collection=path)
    if (amount := fields.get(path.removesuffix("_currency"))) and amount.kind is Kind.MONEY:
        return Place(path, "currency", amount)
    first, _dot, rest = path.partition(".")
    if first in rt.parts:
        number, dot, name = rest.partition(".")
        if dot and not _NUMBER.fullmatch(number):
            return None
        return _entry(rt, path, first, int(number) if dot else None, name if dot else rest)
    if (item := fields.get(first)) and (target := referred(item)) and rest in _plain(target) and may_create(target):
        return Place(path, "related", _plain(target)[rest], reference=first)
    return None


def _entry(rt: RecordType, path: str, collection: str, number: int | None, name: str) -> Place | None:
    fields = importable(rt.parts[collection])
    if name in fields:
        return Place(path, "entry", fields[name], collection=collection, number=number)
    if (amount := fields.get(name.removesuffix("_currency"))) and amount.kind is Kind.MONEY:
        return Place(path, "currency", amount, collection=collection, number=number)
    return None


def importable(rt: RecordType) -> dict[str, Field]:
    """What the bound actor may fill from a file: no secrets, which would lie about in it."""
    return {name: item for name, item in writable_fields(rt).items() if not item.secret}


def referred(item: Field) -> RecordType | None:
    """The record that a reference points at; None for people, and for other fields."""
    return kernel().records.get(item.target or "") if item.kind is Kind.REFERENCE else None


def may_create(rt: RecordType) -> bool:
    return rt.parent is None and current().access.allows(rt.permission("create"))


def ways(item: Field) -> dict[str, str]:
    """How a reference may be named in a file, with what each way is called; the first one is meant if none is said."""
    if item.target == ACTOR:
        return {"": _("Name or e-mail address"), ID: _("Id")}
    target = referred(item)
    if target is None:
        return {}
    title = target.fields.get(target.title_field)
    found = {target.title_field: str(title.label if title else _("Name"))}
    found |= {
        name: str(one.label)
        for name, one in importable(target).items()
        if (one.unique or one.search) and one.textual and one.kind is not Kind.LONG_TEXT
    }
    return {**found, ID: _("Id"), **({} if target.parent else {BY_EXTERNAL: _("External id")})}


def _target(path: str, item: Field, group: str) -> Target:
    target = referred(item)
    return Target(
        path, str(item.label), item.kind.value, group, item.required, tuple(ways(item).items()),
        creates=target is not None and may_create(target) and "." not in path,
    )  # fmt: skip


def _plain(rt: RecordType) -> dict[str, Field]:
    """The fields of a record that is created on the way: those that stand for themselves."""
    return {
        name: item
        for name, item in importable(rt).items()
        if item.kind not in (Kind.REFERENCE, Kind.TAGS) and name != OWNER_ID
    }


# -- what is wrong with a mapping ---------------------------------------------------------------------------------------


def check_mapping(rt: RecordType, mapping: Mapping, width: int) -> None:
    """Raises `Invalid` naming what cannot be done with a file of so many columns."""
    faults = list(_faults(rt, mapping, width))
    if faults:
        raise Invalid(_("The columns cannot be read like this."), faults)


def _faults(rt: RecordType, mapping: Mapping, width: int) -> Iterator[Detail]:
    seen: dict[str, str] = {}
    for number, column in enumerate(mapping.columns):
        at = f"columns.{number}."
        if column.index >= width:
            yield Detail(at + "index", "invalid", _("The file has %(n)d columns.", n=width))
        if column.to is None:
            continue
        place = place_of(rt, column.to)
        if place is None:
            yield Detail(at + "to", "unknown_field", _("Choose what this column goes to."))
            continue
        key = f"{column.to} {column.source}" if place.what == "external" else column.to
        if key in seen:
            yield Detail(at + "to", "repeated", _("The column “%(other)s” goes there already.", other=seen[key]))
        seen[key] = column.header or str(column.index + 1)
        yield from _column_faults(rt, mapping, column, place, at)
    for path in mapping.defaults:
        place = place_of(rt, path)
        if place is None or place.what in ("id", "external", "collection"):
            yield Detail(f"defaults.{path}", "unknown_field", _("Name a field of the record."))
        elif place.what == "related" and not _creates(rt, mapping, place.reference):
            what = rt.fields[place.reference].label
            message = _("Choose a column for “%(field)s” that creates what is not there yet.", field=what)
            yield Detail(f"defaults.{path}", "no_reference", message)
    yield from _key_faults(rt, mapping)


def _creates(rt: RecordType, mapping: Mapping, reference: str) -> bool:
    """Whether records that a reference names are created on the way."""
    title = getattr(referred(rt.fields[reference]), "title_field", "")
    column = mapping.to(reference) or mapping.to(f"{reference}.{title}")
    return column is not None and column.missing == "create"


def _column_faults(rt: RecordType, mapping: Mapping, column: Column, place: Place, at: str) -> Iterator[Detail]:
    item = place.field
    if place.what == "external" and not column.source.strip():
        yield Detail(at + "source", "required", _("Name the system whose ids these are."))
    elif place.what == "external" and (wrong := _wrong_source(column.source)):
        yield Detail(at + "source", wrong.code, str(wrong))
    if column.currency and column.currency not in CURRENCIES:
        yield Detail(at + "currency", "unknown_currency", _("Choose a currency, such as EUR."))
    if place.what == "related" and mapping.to(place.reference) is None:
        title = getattr(referred(rt.fields[place.reference]), "title_field", "")
        if place.path != f"{place.reference}.{title}" and mapping.to(f"{place.reference}.{title}") is None:
            what = rt.fields[place.reference].label
            yield Detail(at + "to", "no_reference", _("Choose a column for “%(field)s” as well.", field=what))
    if item is None or item.kind is not Kind.REFERENCE:
        return
    known = ways(item)
    if column.by and column.by not in known and not (BY_EXTERNAL in known and _external(column.by)):
        yield Detail(at + "by", "unknown_field", _("Use one of: %(names)s.", names=", ".join(filter(None, known))))
    elif column.by.startswith(BY_EXTERNAL) and (wrong := _wrong_source(column.by.removeprefix(BY_EXTERNAL))):
        yield Detail(at + "by", wrong.code, str(wrong))
    target = referred(item)
    if column.missing == "create" and (target is None or not may_create(target) or place.what == "entry"):
        yield Detail(at + "missing", "forbidden", _("You may not create these on the way."))


def _wrong_source(source: str) -> Wrong | None:
    try:
        clean_source(source)
    except Wrong as wrong:
        return wrong
    return None


def _external(by: str) -> bool:
    return by.startswith(BY_EXTERNAL) and bool(by.removeprefix(BY_EXTERNAL).strip())


def _key_faults(rt: RecordType, mapping: Mapping) -> Iterator[Detail]:
    if mapping.mode != "create" and not mapping.key:
        yield Detail("key", "required", _("Say what a record that is there already is known by."))
    for number, path in enumerate(mapping.key):
        place = place_of(rt, path)
        fits = place is not None and (
            place.what in ("id", "external") or (place.what == "field" and place.kind not in _NO_KEY)
        )
        if not fits or (len(mapping.key) > 1 and path in (ID, EXTERNAL)):
            yield Detail(f"key.{number}", "invalid", _("Records are not known by this."))
        elif mapping.to(path) is None:
            yield Detail(f"key.{number}", "required", _("Choose the column that it stands in."))
