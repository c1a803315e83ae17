"""How people and companies look."""

from __future__ import annotations

from ossature.api import Related, Screens, Section, translator
from ossature_crm.models.company import Company
from ossature_crm.models.contact import Contact

_, _l, ngettext = translator("crm")

contact_screens = Screens(
    Contact,
    list=["name", "company_id", "job_title", "email", "phone", "status", "owner_id"],
    facts=["company_id", "job_title", "email", "phone", "mobile", "owner_id"],
    sections=[
        Section(["first_name", "last_name", "company_id", "job_title", "department"], _l("Person")),
        Section(["email", "phone", "mobile", "other_emails", "other_phones"], _l("How to reach them")),
        Section(["addresses"], _l("Addresses")),
        Section(["status", "source", "owner_id", "tags", "notes"], _l("Relationship")),
    ],
    state="status",
    board="status",
    calendar="created_at",
    tones={"lead": "info", "prospect": "accent", "customer": "success", "inactive": "neutral"},
    person=True,
    short=["first_name", "last_name"],
    navigation="sales",
    weight=10,
)

company_screens = Screens(
    Company,
    list=["name", "industry", "size", "phone", "email", "status", "owner_id"],
    facts=["industry", "size", "phone", "email", "website", "primary_contact_id", "owner_id"],
    sections=[
        Section(
            ["name", "legal_name", "industry", "size", "annual_revenue", "parent_id", "primary_contact_id"],
            _l("Company"),
        ),
        Section(["email", "phone", "website", "other_emails", "other_phones"], _l("How to reach them")),
        Section(["addresses"], _l("Addresses")),
        Section(["siren", "siret", "vat_number"], _l("Registration")),
        Section(["status", "owner_id", "tags", "notes"], _l("Relationship")),
    ],
    related=[Related("crm.contact", "company_id"), Related("crm.company", "parent_id", _l("Subsidiaries"))],
    state="status",
    board="status",
    calendar="created_at",
    tones={"prospect": "accent", "active": "success", "inactive": "neutral"},
    navigation="sales",
    weight=20,
)
