"""`RecordType`: the plain description that screens, API, permissions and history read."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from ossature.duplicates.rules import Rule
from ossature.duplicates.rules import problems as rule_problems
from ossature.hooks.types import Permission
from ossature.i18n.texts import translator
from ossature.records.conditions import Condition, problems
from ossature.records.fields import Field, Kind, Label
from ossature.records.questions import tests_of
from ossature.records.record import DeclarationError, Part, Record, RecordBase, declared_fields

_, _l, _n = translator("ossature")

ACTIONS = ("view", "edit", "create", "delete", "export")
ACTION_LABELS = {
    "view": _l("View"), "edit": _l("Edit"), "create": _l("Create"), "delete": _l("Delete"), "export": _l("Export"),
}  # fmt: skip


@dataclass(frozen=True)
class RecordType:
    """One kind of record. `slug` is its plural in addresses (`contacts`); `parts` are the collections it owns. `ledger`: what
    was written stays, undo does not touch it. `duplicates`: what makes two of them look like one."""

    key: str
    cls: type[RecordBase]
    label: Label
    plural: Label
    new_label: Label
    slug: str
    icon: str
    title_field: str
    fields: Mapping[str, Field]
    parts: Mapping[str, RecordType] = field(default_factory=dict)
    parent: str | None = None
    parent_column: str | None = None
    conditions: tuple[Condition, ...] = ()
    elsewhere: Mapping[str, Field] = field(default_factory=dict)
    """What conditions ask of the records that this one refers to: `stage_id.kind` -> the field of the stage."""
    ledger: bool = False
    duplicates: tuple[Rule, ...] = ()

    @property
    def plugin(self) -> str:
        return self.key.split(".")[0]

    @property
    def name(self) -> str:
        return self.key.split(".")[1]

    @cached_property
    def table(self) -> sa.Table:
        table = self.cls.__table__
        assert isinstance(table, sa.Table)
        return table

    @cached_property
    def c(self) -> Any:
        return self.table.c

    def noun(self, number: int) -> str:
        """What so many of them are called within a sentence: `3 contacts`, `1 contact`."""
        return str(self.label if number == 1 else self.plural).lower()

    @cached_property
    def position(self) -> Field | None:
        """The field that keeps the order of a part's entries."""
        return next((item for item in self.fields.values() if item.orders), None)

    @property
    def entries_order(self) -> list[sa.Column[Any]]:
        """What the entries of a collection are ordered by: their place where they have one, else when they were added."""
        return [
            *([self.table.c[self.position.name]] if self.position else []),
            self.table.c.created_at,
            self.table.c.id,
        ]

    @cached_property
    def telling(self) -> tuple[str, ...]:
        """The fields of which rules look for others with the same value: unique ones, e-mail addresses, telephones."""
        return tuple(name for name, item in self.fields.items() if item.unique or item.kind in (Kind.EMAIL, Kind.PHONE))

    @cached_property
    def keys(self) -> frozenset[str]:
        """Its key and those of its parts."""
        return frozenset({self.key, *(part.key for part in self.parts.values())})

    @cached_property
    def writable(self) -> Mapping[str, Field]:
        """The fields that are written as they are given, by those who may see them."""
        return {name: item for name, item in self.fields.items() if item.writable}

    @cached_property
    def settled(self) -> frozenset[str]:
        """The fields that the database or the record itself sets, whatever is given."""
        return frozenset(name for name, item in self.fields.items() if not item.writable and not item.parent)

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The fields that are never read back."""
        return frozenset(name for name, item in self.fields.items() if item.secret)

    @cached_property
    def versioned(self) -> frozenset[str]:
        """The fields whose other value makes a new version; of secrets the database alone knows whether it is another."""
        return frozenset(name for name, item in self.fields.items() if item.tracked and not item.secret)

    @cached_property
    def guarded(self) -> bool:
        """Whether some fields take a permission of their own."""
        return any(item.view for item in self.fields.values())

    @cached_property
    def money(self) -> tuple[Field, ...]:
        """The fields that take two columns."""
        return tuple(item for item in self.fields.values() if item.kind is Kind.MONEY)

    @cached_property
    def statements(self) -> dict[Hashable, sa.Select[Any]]:
        """Statements that were put together before, by shape."""
        return {}

    @cached_property
    def worked_out(self) -> dict[str, Any]:
        """What takes long to find out about it and stays as it is while the process lives, by whom it serves."""
        return {}

    @cached_property
    def collected(self) -> Mapping[str, Field]:
        """Collections whose entries refer to one thing each, as the field that filters ask: `contacts` -> who is in it."""
        found: dict[str, Field] = {}
        for name, part in self.parts.items():
            to = list(part.references())
            if len(to) == 1 and not to[0].view:
                found[name] = Field(Kind.REFERENCE, part.plural, name=name, target=to[0].target)
        return found

    @cached_property
    def asked(self) -> Mapping[str, Field]:
        """What conditions may ask: the record's own fields and those of what it refers to."""
        return {**self.fields, **self.elsewhere}

    @property
    def searchable(self) -> bool:
        return any(item.search for item in self.fields.values())

    @property
    def keep_history(self) -> int | None:
        """Months after which the content of its changes is taken away, None to keep it."""
        return self.cls.__keep_history__

    @cached_property
    def owned(self) -> bool:
        """Whether rows have an owner, and with it the reaches own and team."""
        return "owner_id" in self.table.c

    def permission(self, action: str) -> str:
        """The permission that an action takes: `crm.contact.edit`; a part answers to its owner's."""
        return f"{self.parent or self.key}.{action}"

    def permissions(self) -> list[Permission]:
        return [Permission(self.permission(action), ACTION_LABELS[action], self.plural) for action in ACTIONS]

    def sortable(self) -> dict[str, sa.Column[Any]]:
        """What lists may be ordered by: name -> column that gives the order."""
        found = {name: self.table.c[item.sort_column] for name, item in self.fields.items() if item.sort}
        return {**found, "created_at": self.table.c.created_at}

    def references(self) -> Iterator[Field]:
        """The fields that point to another record; a part's to its owner is none."""
        return iter(self._references)

    @cached_property
    def _references(self) -> tuple[Field, ...]:
        return tuple(item for item in self.fields.values() if item.kind is Kind.REFERENCE and not item.parent)

    def field(self, name: str) -> Field:
        return self.fields[name]

    @property
    def kind_of_default_sort(self) -> str:
        return self.title_field if self.title_field in self.sortable() else "created_at"


def describe(cls: type[RecordBase]) -> RecordType:
    """The description of a declared class, without its parts."""
    fields: dict[str, Field] = {}
    parent = parent_column = None
    table = cls.__table__
    assert isinstance(table, sa.Table)
    for name, (_value, declared) in declared_fields(cls).items():
        nullable = not declared.required if declared.kind is Kind.MONEY else bool(table.c[name].nullable)
        required = not nullable and declared.default is None and declared.writable
        if declared.personal and not nullable and not declared.textual:
            raise DeclarationError(
                f"{cls.__key__}.{name}: what is personal and no text may stay empty, since erasing a person empties it"
            )
        if required and declared.view:
            raise DeclarationError(
                f"{cls.__key__}.{name}: a field with a view permission cannot be required, since those without the "
                "permission could create no record; make it optional or give it a default"
            )
        if declared.secret and issubclass(cls, Part):
            raise DeclarationError(f"{cls.__key__}.{name}: a part cannot hold a secret; put it on the record itself")
        fields[name] = declared.named(name, required)
        if declared.parent:
            parent, parent_column = declared.target, name
    return RecordType(
        key=cls.__key__,
        cls=cls,
        label=getattr(cls, "__label__", cls.__name__),
        plural=getattr(cls, "__plural__", cls.__name__),
        new_label=getattr(cls, "__new_label__", None) or _l("New record"),
        slug=getattr(cls, "__slug__", cls.__key__.split(".")[1].replace("_", "-") + "s"),
        icon=cls.__icon__,
        title_field=cls.__title__,
        fields=fields,
        parent=parent,
        parent_column=parent_column,
        conditions=tuple(cls.__when__),
        ledger=cls.__ledger__,
        duplicates=tuple(cls.__duplicates__),
    )


class RecordTypes:
    """All record types of a running application, by key."""

    def __init__(self) -> None:
        self._types: dict[str, RecordType] = {}

    def add(self, classes: list[type[RecordBase]]) -> None:
        """Describe and add the classes of one plugin, parts after their owners. Raises `DeclarationError`."""
        from dataclasses import replace

        described = [describe(cls) for cls in classes]
        for rt in described:
            if rt.key in self._types:
                raise ValueError(f"record {rt.key} is declared twice")
            self._types[rt.key] = rt
        for rt in described:
            if rt.parent is None:
                continue
            owner = self._types.get(rt.parent)
            if owner is None:
                raise ValueError(f"part {rt.key} belongs to {rt.parent}, which is not registered")
            assert rt.parent_column is not None
            collection = rt.fields[rt.parent_column].parent
            assert collection is not None
            self._types[rt.parent] = replace(owner, parts={**owner.parts, collection: rt})
        for rt in described:
            if elsewhere := self._elsewhere(rt):
                self._types[rt.key] = replace(self._types[rt.key], elsewhere=elsewhere)
        for rt in described:
            for problem in (*problems(self._types[rt.key]), *rule_problems(rt.duplicates, rt.fields)):
                raise DeclarationError(f"{rt.key}: {problem}")

    def _elsewhere(self, rt: RecordType) -> dict[str, Field]:
        found: dict[str, Field] = {}
        for name in (one.field for condition in rt.conditions for one in tests_of(condition.filter)):
            reference, _dot, field = name.partition(".")
            target = self._types.get((item.target or "") if (item := rt.fields.get(reference)) else "")
            if field and target and field in target.fields:
                found[name] = target.fields[field]
        return found

    def __getitem__(self, key: str) -> RecordType:
        return self._types[key]

    def get(self, key: str) -> RecordType | None:
        return self._types.get(key)

    def __iter__(self) -> Iterator[RecordType]:
        """Records, without parts."""
        return (rt for rt in self._types.values() if rt.parent is None)

    def all(self) -> Iterator[RecordType]:
        """Records and parts."""
        return iter(self._types.values())

    def pointing_at(self, key: str) -> Iterator[tuple[RecordType, Field]]:
        """Every reference of a record or part to the given record."""
        for rt in self._types.values():
            for item in rt.references():
                if item.target == key:
                    yield rt, item


__all__ = ["ACTIONS", "Part", "Record", "RecordType", "RecordTypes", "describe"]
