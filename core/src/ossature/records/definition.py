"""What a list shows and how: columns, filter, order, groups and face. A view keeps it, an address spells it.

    /crm/contacts?columns=name:240,email,status&filter[status]=lead&sort=-created_at&group=status&face=list
    /crm/contacts?view=019...&sort=name        the view, in another order

Every element that an address gives takes the place of the view's own; what it leaves out is the view's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from ossature.errors import BadRequest, Detail, Invalid
from ossature.i18n.texts import translator
from ossature.records.aggregate import read_group
from ossature.records.fields import Field, Kind
from ossature.records.filters import NOTHING, Filter, condition, read_arguments, read_document, to_arguments, write
from ossature.records.ordering import read_orders
from ossature.records.owning import OWNER
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

Face = Literal["list", "board", "calendar"]
FACES: tuple[Face, ...] = get_args(Face)
MOST_COLUMNS = 40
NARROWEST, WIDEST = 60, 900
_COLUMN = re.compile(r"([a-z][a-z0-9_]{0,62})(?::(\d{1,4}))?")


@dataclass(frozen=True, slots=True)
class Definition:
    """How a list is looked at. Empty `columns` are those of the record's screens, `widths` are pixels of columns that
    were sized; `by` is the field that a board has columns of, or the date of a calendar."""

    columns: tuple[str, ...] = ()
    widths: Mapping[str, int] = field(default_factory=dict)
    filter: Filter = NOTHING
    sort: str = ""
    group: tuple[str, ...] = ()
    face: Face = "list"
    by: str = ""
    search: str = ""

    def arguments(self, base: Definition | None = None) -> dict[str, str]:
        """As parameters of an address, without what is the default; over a view, what differs from its `base`."""
        before = (base or Definition())._spelled()
        said = {name: value for name, value in self._spelled().items() if value != before[name]}
        if "face" in said or "by" in said:
            said = {**said, "face": self.face, "by": self.by}
        if base is None:
            said = {name: value for name, value in said.items() if value}
        if self.filter == (base or Definition()).filter:
            return said
        return said | (to_arguments(self.filter) or {"where": ""})

    def _spelled(self) -> dict[str, str]:
        columns = ",".join(f"{name}:{self.widths[name]}" if name in self.widths else name for name in self.columns)
        return {
            "columns": columns, "sort": self.sort, "group": ",".join(self.group), "face": self.face, "by": self.by,
            "q": self.search,
        }  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """As a view stores it and the API shows it."""
        return {
            "columns": [
                {"name": name, "width": self.widths[name]} if name in self.widths else {"name": name}
                for name in self.columns
            ],
            "where": write(self.filter), "sort": self.sort, "group": list(self.group), "face": self.face,
            "by": self.by, "search": self.search,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Any) -> Definition:
        """Raises `BadRequest` naming the element that cannot be read; `check` looks at what the elements name."""
        if not isinstance(document, dict):
            raise _wrong("definition", _("Give an object."))
        unknown = document.keys() - {"columns", "where", "sort", "group", "face", "by", "search"}
        if unknown:
            raise _wrong(sorted(unknown)[0][:80], _("A view has no such element."))
        columns, widths = [], {}
        for item in _list(document, "columns", MOST_COLUMNS):
            name, width = (item.get("name"), item.get("width")) if isinstance(item, dict) else (item, None)
            spelled = f"{name}:{width}" if width is not None else name
            read, wide = _read_column(spelled if isinstance(spelled, str) else "")
            columns.append(read)
            if wide:
                widths[read] = wide
        where = document.get("where")
        texts = {name: document.get(name, "") for name in ("sort", "by", "search")}
        for name, value in texts.items():
            if not isinstance(value, str) or len(value) > 200 or "\x00" in value:
                raise _wrong(name, _("Give a text of at most 200 characters."))
        group = _list(document, "group", 3)
        if not all(isinstance(one, str) for one in group):
            raise _wrong("group", _("Give a list of names."))
        return cls(
            tuple(dict.fromkeys(columns)), widths, read_document(where) if where else NOTHING, texts["sort"],
            tuple(group), _face(document.get("face", "list")), texts["by"], texts["search"],
        )  # fmt: skip

    def check(self, rt: RecordType) -> None:
        """Raises `Invalid` or `BadRequest` for what the record does not have, or not for the reader; names it."""
        known = listable(rt)
        faults = [
            Detail(f"columns.{name}", "unknown_column", _("Lists of %(records)s have no such column (any more); leave it out.", records=rt.plural))
            for name in self.columns if name not in known
        ]  # fmt: skip
        if self.by and self.face == "board" and self.by not in board_fields(rt):
            faults.append(Detail("by", "unknown_field", _name_one(board_fields(rt))))
        if self.by and self.face == "calendar" and self.by not in calendar_fields(rt):
            faults.append(Detail("by", "unknown_field", _name_one(calendar_fields(rt))))
        if faults:
            raise Invalid(_("The view names something that there is not."), faults)
        read_orders(rt, self.sort)
        condition(rt, self.filter)
        for name in self.group:
            read_group(rt, name)


def read_definition(rt: RecordType, arguments: Mapping[str, str], base: Definition | None = None) -> Definition:
    """The definition that an address asks for, over `base` (a view). Raises `BadRequest` or `Invalid`."""
    found = base or Definition()
    if "columns" in arguments:
        read = [_read_column(part) for part in arguments["columns"].split(",") if part][:MOST_COLUMNS]
        found = replace(found, columns=tuple(dict(read)), widths={name: width for name, width in read if width})
    if any(name == "where" or name.startswith("filter[") for name in arguments):
        found = replace(found, filter=read_arguments(arguments))
    if "sort" in arguments:
        found = replace(found, sort=arguments["sort"][:200])
    if "group" in arguments:
        found = replace(found, group=tuple(part for part in arguments["group"].split(",") if part))
    if "face" in arguments or "by" in arguments:
        face = _face(arguments.get("face", found.face))
        by = arguments.get("by", found.by if face == found.face else "")
        found = replace(found, face=face, by=by[:80])
    if "q" in arguments:
        found = replace(found, search=arguments["q"].strip()[:200])
    if len(found.group) > 3:
        raise _wrong("group", _("Group by at most 3 fields."))
    found.check(rt)
    return found


STAMPS = {
    "created_at": Field(Kind.DATETIME, _l("Created"), name="created_at", sort=True),
    "updated_at": Field(Kind.DATETIME, _l("Last changed"), name="updated_at"),
}


def listable(rt: RecordType) -> dict[str, Field]:
    """The columns that the reader may choose: fields, owner, when it was made and last changed."""
    from ossature.rbac.predicate import visible_fields

    fields = {name: item for name, item in visible_fields(rt).items() if not item.parent}
    return {**fields, **({"owner_id": OWNER} if rt.owned else {}), **STAMPS}


def board_fields(rt: RecordType) -> dict[str, Field]:
    """What a board may have columns of: choices, references, the owner."""
    return {name: item for name, item in listable(rt).items() if item.kind in (Kind.CHOICE, Kind.REFERENCE)}


def calendar_fields(rt: RecordType) -> dict[str, Field]:
    """The dates that a calendar may show."""
    return {name: item for name, item in listable(rt).items() if item.kind in (Kind.DATE, Kind.DATETIME)}


def _read_column(text: str) -> tuple[str, int]:
    match = _COLUMN.fullmatch(text)
    if match is None:
        raise _wrong("columns", _("Give names, each with a width in pixels if you wish: name:240,email."))
    return match[1], min(WIDEST, max(NARROWEST, int(match[2]))) if match[2] else 0


def _face(value: Any) -> Face:
    if value not in FACES:
        raise _wrong("face", _("Use one of: %(names)s.", names=", ".join(FACES)))
    found: Face = value
    return found


def _list(document: Mapping[str, Any], name: str, most: int) -> list[Any]:
    value = document.get(name) or []
    if not isinstance(value, list) or len(value) > most:
        raise _wrong(name, _("Give a list of at most %(n)d.", n=most))
    return value


def _name_one(fields: Mapping[str, Field]) -> str:
    return _("Use one of: %(names)s.", names=", ".join(fields))


def _wrong(where: str, message: str) -> BadRequest:
    return BadRequest(_("The list is asked for in a way that cannot be read."), [Detail(where, "invalid", message)])
