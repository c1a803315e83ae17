"""People: who they are, where they work, how to reach them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from ossature.api import (
    Detail,
    Mapped,
    Part,
    Record,
    RecordChange,
    alike,
    choice,
    derived,
    email_address,
    long_text,
    part_of,
    phone_number,
    reference,
    same,
    text,
    translator,
)
from ossature_crm.models.reach import SOURCES, AddressFields, EmailFields, PhoneFields

_, _l, ngettext = translator("crm")


class Contact(Record):
    """A person."""

    __key__ = "crm.contact"
    __label__ = _l("Contact")
    __plural__ = _l("Contacts")
    __new_label__ = _l("New contact")
    __slug__ = "contacts"
    __icon__ = "users"

    name: Mapped[str | None] = derived(
        _l("Name"),
        "trim(coalesce(first_name, '') || ' ' || last_name)",
        sort=True,
        sort_sql="last_name || ' ' || coalesce(first_name, '')",
    )
    first_name: Mapped[str | None] = text(_l("First name"), max_length=100, search=True, personal=True)
    last_name: Mapped[str] = text(_l("Last name"), max_length=100, search=True, personal=True)
    company_id: Mapped[UUID | None] = reference("crm.company", _l("Company"))
    job_title: Mapped[str | None] = text(_l("Job title"), max_length=120, personal=True)
    department: Mapped[str | None] = text(_l("Department"), max_length=120)
    email: Mapped[str | None] = email_address(_l("E-mail"), search=True, sort=True)
    phone: Mapped[str | None] = phone_number(_l("Telephone"), search=True, sort=True)
    mobile: Mapped[str | None] = phone_number(_l("Mobile"), search=True)
    status: Mapped[str] = choice(
        _l("Status"),
        {
            "lead": _l("Lead"),
            "prospect": _l("Prospect"),
            "customer": _l("Customer"),
            "inactive": _l("Inactive"),
        },
        default="lead",
    )
    source: Mapped[str | None] = choice(_l("Source"), SOURCES)
    notes: Mapped[str | None] = long_text(_l("Notes"), personal=True)

    __duplicates__ = (same("email"), same("phone", "mobile"), alike("name", beside=("company_id",)))

    @classmethod
    def check(cls, change: RecordChange) -> Iterable[Detail]:
        from ossature_crm import services

        return services.refuse_known_email(change)

    @classmethod
    def warn(cls, change: RecordChange) -> Iterable[Detail]:
        from ossature_crm import services

        return services.warn_of_known_email(change)


class ContactAddress(AddressFields, Part):
    __key__ = "crm.contact_address"
    __label__ = _l("Address")
    __plural__ = _l("Addresses")

    contact_id: Mapped[UUID] = part_of("crm.contact", "addresses")


class ContactEmail(EmailFields, Part):
    __key__ = "crm.contact_email"
    __label__ = _l("Other e-mail")
    __plural__ = _l("Other e-mails")

    contact_id: Mapped[UUID] = part_of("crm.contact", "other_emails")


class ContactPhone(PhoneFields, Part):
    __key__ = "crm.contact_phone"
    __label__ = _l("Other telephone")
    __plural__ = _l("Other telephones")

    contact_id: Mapped[UUID] = part_of("crm.contact", "other_phones")
