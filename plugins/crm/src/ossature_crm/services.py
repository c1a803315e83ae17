"""Rules of crm that look beyond one record."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import func, select, text, true

from ossature.api import ChangeKind, Detail, RecordChange, current, reaches, record_type, rules, session, translator
from ossature_crm.settings import UNIQUE_CONTACT_EMAIL

_, _l, ngettext = translator("crm")


def refuse_own_ancestor(change: RecordChange) -> Iterator[Detail]:
    """A company cannot stand above itself, however long the chain."""
    parent_id = change.after.get("parent_id")
    if parent_id is None:
        return
    company = record_type("crm.company")
    tenant_id = current().tenant_id
    # One change of the hierarchy at a time, so that two together cannot close a circle.
    session().execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"crm.company.parent {tenant_id}", 0))))
    above = (
        select(company.c.id, company.c.parent_id)
        .where(company.c.tenant_id == tenant_id, company.c.id == parent_id)
        .cte("above", recursive=True)
    )
    above = above.union(
        select(company.c.id, company.c.parent_id).where(
            company.c.tenant_id == tenant_id, company.c.id == above.c.parent_id
        )
    )
    if session().execute(select(above.c.id).where(above.c.id == change.id)).first() is not None:
        yield Detail("parent_id", "own_ancestor", _("A company cannot be above itself; choose another parent."))


def refuse_contact_of_another(change: RecordChange) -> Iterator[Detail]:
    """The main contact of a company works there."""
    contact_id = change.after.get("primary_contact_id")
    if contact_id is None:
        return
    contact = record_type("crm.contact")
    at = session().execute(
        select(contact.c.company_id).where(contact.c.tenant_id == current().tenant_id, contact.c.id == contact_id)
    )
    if at.scalar() != change.id:
        yield Detail("primary_contact_id", "other_company", _("Choose a contact of this company."))


def refuse_known_email(change: RecordChange) -> Iterator[Detail]:
    """Where the tenant asks for it, no two contacts share an e-mail address."""
    email = change.after.get("email")
    appears = email != change.before.get("email") or change.kind is ChangeKind.RESTORED
    if not email or not appears or not UNIQUE_CONTACT_EMAIL.read():
        return
    session().execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))"),
        {"what": f"crm.contact.email {current().tenant_id} {rules.folded(email)}"},
    )
    if same_email(email, change.id):
        yield Detail("email", "taken", _("Another contact has this e-mail address already; open that one instead."))


def warn_of_known_email(change: RecordChange) -> Iterator[Detail]:
    """Otherwise the writer is told, since two entries are often one person."""
    email = change.after.get("email")
    if email and "email" in change.changed and (known := same_email(email, change.id, seen=True)):
        others = [str(id) for id in known]
        yield Detail("email", "duplicate", _("Another contact has the same e-mail address."), {"contacts": others})


def same_email(email: str, but: UUID, *, seen: bool = False) -> list[UUID]:
    """Live contacts with that address, whatever its case; at most five. `seen` leaves out those beyond the actor."""
    contact = record_type("crm.contact")
    return list(
        session()
        .execute(
            select(contact.c.id)
            .where(
                contact.c.tenant_id == current().tenant_id,
                contact.c.email_fold == func.ossature.fold(email),
                contact.c.deleted_at.is_(None),
                contact.c.id != but,
                reaches(contact) if seen else true(),
            )
            .limit(5)
        )
        .scalars()
    )
