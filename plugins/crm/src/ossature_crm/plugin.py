"""What crm brings to the kernel."""

from __future__ import annotations

from ossature.api import (
    ApiAlias,
    Blueprint,
    DemoData,
    Handler,
    Part,
    Permission,
    PresetGrant,
    Record,
    Screens,
    Setting,
    SettingsPage,
    Widget,
    hookimpl,
)
from ossature_crm import demo, demo_deals, handlers, permissions, screens, settings, views
from ossature_crm.models.company import Company, CompanyAddress, CompanyEmail, CompanyPhone
from ossature_crm.models.contact import Contact, ContactAddress, ContactEmail, ContactPhone
from ossature_crm.models.deal import Deal, DealContact, DealLine
from ossature_crm.models.pipeline import Pipeline, Stage


@hookimpl
def register_records() -> list[type[Record] | type[Part]]:
    return [
        Company, CompanyAddress, CompanyEmail, CompanyPhone, Contact, ContactAddress, ContactEmail, ContactPhone,
        Pipeline, Stage, Deal, DealLine, DealContact,
    ]  # fmt: skip


@hookimpl
def register_screens() -> list[Screens]:
    return [screens.deal_screens, screens.contact_screens, screens.company_screens, screens.pipeline_screens]


@hookimpl
def register_permissions() -> list[Permission]:
    return [permissions.VIEW_REVENUE]


@hookimpl
def register_preset_grants() -> list[PresetGrant]:
    return permissions.PRESET_GRANTS


@hookimpl
def register_api_aliases() -> list[ApiAlias]:
    return [ApiAlias("contacts", "crm.contact"), ApiAlias("companies", "crm.company"), ApiAlias("deals", "crm.deal")]


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [views.blueprint]


@hookimpl
def register_widgets() -> list[Widget]:
    return views.WIDGETS


@hookimpl
def register_demo_data() -> list[DemoData]:
    return [demo.people_and_companies, demo_deals.deals]


@hookimpl
def register_handlers() -> list[Handler]:
    return [handlers.age_deals]


@hookimpl
def register_settings_pages() -> list[SettingsPage]:
    return [views.PIPELINES_PAGE]


@hookimpl
def register_settings() -> list[Setting]:
    return [settings.UNIQUE_CONTACT_EMAIL]
