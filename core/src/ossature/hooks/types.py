"""What hooks return: small frozen objects, never HTML, dictionaries or tuples.

The kernel sorts them (weight, then plugin order, then key), checks their permission and renders them. A `Label` is an
English string or a lazy text made with `_l`, translated when it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from ossature.context import Reach
from ossature.i18n.texts import Text

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from ossature.records.screens import Related

Label = str | Text

NAV_GROUPS = ("main", "sales", "billing", "stock", "training", "reports", "settings")
"""The groups of the side bar, in the order they are shown."""

_PERMISSION = re.compile(r"^_?[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")
_ALIAS = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
_RECORD = re.compile(r"^_?[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")


@dataclass(frozen=True, slots=True)
class Permission:
    """A right that roles may grant: `crm.contact.edit`, beginning with the plugin's key; `group` heads it on screen."""

    key: str
    label: Label
    group: Label = ""
    help: Label = ""

    def __post_init__(self) -> None:
        if not _PERMISSION.match(self.key):
            raise ValueError(f"permission {self.key!r} is not spelled like `crm.contact.edit`")


@dataclass(frozen=True, slots=True)
class PresetGrant:
    """A permission that a preset role holds from the start, and how far it reaches."""

    role: str
    permission: str
    reach: Reach = Reach.ALL


@dataclass(frozen=True, slots=True)
class NavItem:
    """A line of the side bar, shown to those who hold `permission` (everybody when None)."""

    key: str
    label: Label
    endpoint: str | None = None
    url: str | None = None
    icon: str = "circle"
    group: str = "main"
    permission: str | None = None
    weight: int = 100

    def __post_init__(self) -> None:
        if (self.endpoint is None) == (self.url is None):
            raise ValueError(f"navigation item {self.key!r} needs either an endpoint or a url, not both")
        if self.group not in NAV_GROUPS:
            raise ValueError(f"navigation item {self.key!r}: group {self.group!r} is none of {', '.join(NAV_GROUPS)}")


@dataclass(frozen=True, slots=True)
class Widget:
    """A box of the home page; `endpoint` answers its inside in a request of its own."""

    key: str
    title: Label
    endpoint: str
    permission: str | None = None
    weight: int = 100
    size: Literal["small", "medium", "large"] = "medium"

    def __post_init__(self) -> None:
        if self.size not in ("small", "medium", "large"):
            raise ValueError(f"widget {self.key!r}: size {self.size!r} is none of small, medium, large")


@dataclass(frozen=True, slots=True)
class RecordTab:
    """A tab on the page of a `record`, beside what the record shows of itself.

    Either `related`, the records of this plugin that point to it, listed; or `endpoint`, which is given the record's
    `id` and answers the inside. The title of a list is theirs unless given, and it is for those who may see them.
    """

    key: str
    record: str
    title: Label = ""
    endpoint: str | None = None
    related: Related | None = None
    permission: str | None = None
    weight: int = 100

    def __post_init__(self) -> None:
        if (self.endpoint is None) == (self.related is None):
            raise ValueError(f"tab {self.key!r} needs either an endpoint or related records, not both")
        if self.endpoint is not None and not self.title:
            raise ValueError(f"tab {self.key!r} needs a title")


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """An entry of the settings, shown to those who hold `permission`."""

    key: str
    label: Label
    endpoint: str
    permission: str | None = None
    weight: int = 100
    icon: str = "settings"


@dataclass(frozen=True, slots=True)
class ApiAlias:
    """A short name of a record's API: `/api/contacts` for `/api/crm/contacts`. Two plugins cannot share one."""

    alias: str
    record: str

    def __post_init__(self) -> None:
        if not _ALIAS.match(self.alias):
            raise ValueError(f"API alias {self.alias!r} is not lower-case words joined by hyphens")
        if not _RECORD.match(self.record):
            raise ValueError(f"API alias {self.alias!r}: {self.record!r} is not a record key like `crm.contact`")


class DemoSize(StrEnum):
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


@dataclass(frozen=True, slots=True)
class DemoData:
    """Sample records of one subject, loaded into the tenant of the bound context and removed from it.

    `load` draws everything from the given `Random`, so that the same seed gives the same data. `remove` deletes what
    `load` made and nothing else.
    """

    key: str
    load: Callable[[DemoSize, Session, Random], None]
    remove: Callable[[Session], None]


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """Something a plugin depends on. `check` returns None when well, else one sentence: what is wrong, what to do."""

    name: str
    check: Callable[[], str | None]


class ChangeKind(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class RecordChange:
    """A change about to be written: fields by name, as Python values.

    `before` is empty for a creation; `after` holds the whole record as it is going to be. References are ids.
    """

    record: str
    id: UUID
    kind: ChangeKind
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> frozenset[str]:
        """Names of the fields that differ."""
        before, after = self.before, self.after
        names = before.keys() | after.keys() if before else after
        return frozenset([name for name in names if before.get(name) != after.get(name)])
