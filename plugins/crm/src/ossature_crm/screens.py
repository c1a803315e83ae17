"""How people and companies look."""

from __future__ import annotations

from ossature.api import Grid, Related, Screens, Section, translator
from ossature_crm.models.company import Company
from ossature_crm.models.contact import Contact
from ossature_crm.models.deal import Deal
from ossature_crm.models.pipeline import Pipeline

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
    related=[Related("crm.deal", "contact_id", also=["contacts"])],
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
    related=[
        Related("crm.deal", "company_id"),
        Related("crm.contact", "company_id"),
        Related("crm.company", "parent_id", _l("Subsidiaries")),
    ],
    state="status",
    board="status",
    calendar="created_at",
    tones={"prospect": "accent", "active": "success", "inactive": "neutral"},
    navigation="sales",
    weight=20,
)

deal_screens = Screens(
    Deal,
    list=["name", "company_id", "value", "stage_id", "expected_close", "probability", "owner_id"],
    facts=["value", "stage_id", "probability", "expected_close", "company_id", "contact_id", "owner_id"],
    sections=[
        Section(["name", "company_id", "contact_id", "owner_id", "source", "tags"], _l("Deal")),
        Section(
            [
                "pipeline_id",
                "stage_id",
                "won_reason",
                "lost_reason",
                "probability",
                "opened_on",
                "expected_close",
                "closed_on",
                "days_to_close",
            ],
            _l("Progress"),
        ),
        Section(["lines", "value"], _l("What is offered")),
        Section(["contacts"], _l("Other contacts")),
        Section(["description"], _l("More")),
    ],
    state="status",
    tones={"open": "info", "won": "success", "lost": "neutral"},
    board="stage_id",
    calendar="expected_close",
    sums=["value", "weighted_value"],
    stale="stale_from",
    grids=[Grid("lines", totals=["total"])],
    navigation="sales",
    weight=5,
)

pipeline_screens = Screens(
    Pipeline,
    list=["name", "created_at"],
    sections=[Section(["name", "stages"], _l("Pipeline"))],
    grids=[Grid("stages")],
)
