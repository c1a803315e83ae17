"""Rules of series: numbers never come twice, and what has given some goes on as it began."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import sqlalchemy as sa

from ossature.api import ChangeKind, Detail, RecordChange, current, record_type, session, translator
from ossature_billing.ledger import issued
from ossature_billing.numbers import Reset, TemplateRefused, parse

_, _l, ngettext = translator("billing")

SETTLED = ("legal_entity_id", "template", "restarts", "first")
"""What does not change once a number was given."""


def complete(change: RecordChange) -> dict[str, UUID]:
    """The legal entity for who names none: the one that the organisation began with."""
    if change.after.get("legal_entity_id") is not None:
        return {}
    rt = record_type("ossature.legal_entity")
    first = (
        sa.select(rt.c.id)
        .where(rt.c.tenant_id == current().tenant_id, rt.c.deleted_at.is_(None))
        .order_by(rt.c.created_at, rt.c.id)
        .limit(1)
    )
    found = session().scalar(first)
    return {"legal_entity_id": found} if found else {}


def refuse(change: RecordChange) -> Iterator[Detail]:
    """Numbers that begin anew say of what year or month they are, and nothing that matters to numbers given changes."""
    try:
        parse(change.after["template"], Reset(change.after["restarts"]))
    except TemplateRefused as refused:
        yield Detail("restarts", "template", str(refused))
    if change.after.get("legal_entity_id") is None:
        yield Detail("legal_entity_id", "required", _("Choose whose numbers these are."))
    if change.kind is ChangeKind.UPDATED and (settled := change.changed & set(SETTLED)) and _used(change):
        for name in SETTLED:
            if name in settled:
                yield Detail(name, "used", _("This series has given numbers; make a new one to number otherwise."))


def _used(change: RecordChange) -> bool:
    here = sa.select(issued.c.id).where(issued.c.tenant_id == current().tenant_id, issued.c.series_id == change.id)
    return session().scalar(here.limit(1)) is not None
