"""Companies and other organisations that we deal with."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from ossature.api import (
    Detail,
    Mapped,
    Money,
    Part,
    Record,
    RecordChange,
    alike,
    choice,
    email_address,
    long_text,
    money,
    part_of,
    phone_number,
    reference,
    rules,
    same,
    text,
    translator,
    web_address,
)
from ossature_crm.models.reach import AddressFields, EmailFields, PhoneFields

_, _l, ngettext = translator("crm")


LEGAL_FORMS = (
    "sarl", "sas", "sasu", "sa", "eurl", "sci", "snc", "scop", "gmbh", "ag", "kg", "ltd", "plc", "llc", "inc", "corp",
    "bv", "nv", "srl", "spa", "sprl", "holding", "groupe", "group", "ste", "societe", "ets", "etablissements", "cie", "et",
)  # fmt: skip
"""Words of a company's name by which no two are told apart."""


class Company(Record):
    """A company, association or public body."""

    __key__ = "crm.company"
    __label__ = _l("Company")
    __plural__ = _l("Companies")
    __new_label__ = _l("New company")
    __slug__ = "companies"
    __icon__ = "building"

    name: Mapped[str] = text(_l("Name"), search=True, sort=True)
    legal_name: Mapped[str | None] = text(_l("Legal name"), search=True)
    status: Mapped[str] = choice(
        _l("Status"),
        {"prospect": _l("Prospect"), "active": _l("Active"), "inactive": _l("Inactive")},
        default="prospect",
    )
    industry: Mapped[str | None] = text(_l("Industry"), max_length=120, sort=True)
    size: Mapped[str | None] = choice(
        _l("Employees"),
        {
            "1-9": _l("1 to 9"),
            "10-49": _l("10 to 49"),
            "50-249": _l("50 to 249"),
            "250-999": _l("250 to 999"),
            "1000+": _l("1,000 or more"),
        },
    )
    annual_revenue: Mapped[Money | None] = money(_l("Annual revenue"), minimum=0, view="crm.company.view_revenue")
    email: Mapped[str | None] = email_address(_l("E-mail"), search=True)
    phone: Mapped[str | None] = phone_number(_l("Telephone"), search=True)
    website: Mapped[str | None] = web_address(_l("Website"))
    siren: Mapped[str | None] = text(
        _l("SIREN"), max_length=20, rule=rules.siren, search=True, help=_l("9 digits; spaces do no harm.")
    )
    siret: Mapped[str | None] = text(
        _l("SIRET"), max_length=24, rule=rules.siret, search=True, help=_l("14 digits, beginning with the SIREN.")
    )
    vat_number: Mapped[str | None] = text(
        _l("VAT number"), max_length=24, rule=rules.vat_number, search=True, help=_l("Such as FR83404833048.")
    )
    parent_id: Mapped[UUID | None] = reference("crm.company", _l("Parent company"))
    primary_contact_id: Mapped[UUID | None] = reference("crm.contact", _l("Main contact"))
    notes: Mapped[str | None] = long_text(_l("Notes"))

    __import_as__ = {
        "name": ("account", "account name", "compte", "nom du compte", "société", "entreprise", "company", "client"),
        "legal_name": ("dénomination sociale", "raison sociale légale", "registered name"),
        "industry": ("sector", "secteur", "secteur d'activité", "activité", "industrie"),
        "size": (
            "effectif", "effectifs", "number of employees", "nombre d'employés", "nombre de salariés", "salariés",
            "headcount", "company size", "tranche d'effectif",
        ),
        "external_id": ("account id", "id du compte", "customer id", "id client", "code client"),
        "annual_revenue": ("revenue", "turnover", "chiffre d'affaires", "CA", "CA annuel", "chiffre d'affaires annuel"),
    }  # fmt: skip
    __duplicates__ = (
        same("siren", score=95),
        same("vat_number", score=95),
        same("email"),
        same("phone", score=80),
        alike("name", ignoring=LEGAL_FORMS),
    )

    @classmethod
    def check(cls, change: RecordChange) -> Iterable[Detail]:
        from ossature_crm import services

        siren, siret = change.after.get("siren"), change.after.get("siret")
        if siren and siret and not siret.startswith(siren):
            yield Detail("siret", "other_siren", _("This SIRET does not begin with the SIREN given above."))
        if "parent_id" in change.changed:
            yield from services.refuse_own_ancestor(change)
        if "primary_contact_id" in change.changed:
            yield from services.refuse_contact_of_another(change)


class CompanyAddress(AddressFields, Part):
    __key__ = "crm.company_address"
    __label__ = _l("Address")
    __plural__ = _l("Addresses")

    company_id: Mapped[UUID] = part_of("crm.company", "addresses")


class CompanyEmail(EmailFields, Part):
    __key__ = "crm.company_email"
    __label__ = _l("Other e-mail")
    __plural__ = _l("Other e-mails")

    company_id: Mapped[UUID] = part_of("crm.company", "other_emails")


class CompanyPhone(PhoneFields, Part):
    __key__ = "crm.company_phone"
    __label__ = _l("Other telephone")
    __plural__ = _l("Other telephones")

    company_id: Mapped[UUID] = part_of("crm.company", "other_phones")
