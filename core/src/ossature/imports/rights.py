"""Who may import: whoever may create the records or change them, and each only what they may."""

from __future__ import annotations

from ossature.context import current
from ossature.errors import Forbidden
from ossature.i18n.texts import translator
from ossature.imports.mapping import Mapping, Mode
from ossature.rbac.predicate import demand
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

ASKS: dict[Mode, tuple[str, ...]] = {"create": ("create",), "both": ("create", "edit"), "update": ("edit",)}
"""What an import that creates, changes or does both asks of who begins it."""


def may_import(rt: RecordType) -> bool:
    return may_be(rt, "create") or may_be(rt, "update")


def may_be(rt: RecordType, mode: Mode) -> bool:
    """Whether an import of whoever asks may do this."""
    return all(current().access.allows(rt.permission(action)) for action in ASKS[mode])


def demand_either(rt: RecordType) -> None:
    """Raises `Forbidden` for those who may neither see and create the records nor see and change them."""
    demand(rt, "view")
    if not may_import(rt):
        permission = rt.permission("create")
        raise Forbidden(
            _("You do not have the permission %(permission)s.", permission=permission), permission=permission
        )


def demand_mode(rt: RecordType, mode: Mode) -> None:
    """Raises `Forbidden` for those who may not do what an import does."""
    for action in ASKS[mode]:
        demand(rt, action)


def permitted(rt: RecordType, mapping: Mapping) -> Mapping:
    """A mapping that was guessed or kept, doing only what whoever asks may."""
    if may_be(rt, mapping.mode):
        return mapping
    return mapping.model_copy(update={"mode": "create" if may_be(rt, "create") else "update"})
