"""What may be written: records that are there. Of others it is said whether to restore them, or where they live on."""

from __future__ import annotations

from uuid import UUID

from ossature.duplicates.redirects import stands_for
from ossature.errors import Conflict, Detail
from ossature.i18n.texts import translator
from ossature.records.query import Row, labels
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")


def demand_living(rt: RecordType, id: UUID, deleted_at: object) -> None:
    """Raises `Conflict` for a record in the bin; with the code `merged`, where it lives on as another one."""
    if deleted_at is None:
        return
    demand_unmerged(rt, id)
    raise Conflict(_("This record is deleted; restore it before changing it."), code="deleted")


def demand_unmerged(rt: RecordType, id: UUID) -> None:
    """Raises `Conflict` for what was merged into another record within the bound actor's reach, naming that one."""
    to = stands_for(rt, id)
    if to is None:
        return
    name = labels(rt.key, [to])[to].title or _("Unnamed")
    message = _("This record was merged into %(name)s. Write to that one, %(id)s, or undo the merge.", name=name, id=to)
    raise Conflict(message, [Detail("id", "merged", _("Use the id %(id)s.", id=to), {"id": str(to)})], code="merged")


def demand_live(rt: RecordType, row: Row) -> None:
    demand_living(rt, row["id"], row["deleted_at"])
