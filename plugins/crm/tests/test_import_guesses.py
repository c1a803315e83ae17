"""Files of other programs: what their columns are taken for."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from uuid import uuid4

import pytest
from flask import Flask

from ossature.context import Access, Context, Reach, TenantInfo, use_context
from ossature.imports.guessing import guess
from ossature.imports.mapping import Column, Mapping, check_mapping
from ossature.imports.mapping import targets as offered
from ossature.kernel import Kernel

ACCOUNTS = """account,sector,year_established,revenue,employees,office_location,subsidiary_of
Acme Corporation,technolgy,1996,1100.04,2822,United States,
Bluth Company,technolgy,1993,1242.32,3027,United States,Acme Corporation"""
PIPELINE = """opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value
1C1I7A6R,Moses Frase,GTX Plus Basic,Cancity,Won,10/20/2016,3/1/2017,1054
Z063OYW0,Darcel Schlecht,GTXPro,,Engaging,10/25/2016,,"""
CONTACTS = {
    "Odoo, French": """Nom:last_name | Société:company_id | Téléphone:phone | Mobile:mobile | E-mail:email
        | Rue:addresses.1.line1 | Rue 2:addresses.1.line2 | Code postal:addresses.1.postal_code
        | Ville:addresses.1.city | Pays:addresses.1.country | Étiquettes:tags | Poste:job_title | Vendeur:owner_id
        | ID externe:external_id | Site web: | Notes:notes""",
    "Odoo, English": """Name:last_name | Company:company_id | Phone:phone | Mobile:mobile | Email:email
        | Street:addresses.1.line1 | Street2:addresses.1.line2 | Zip:addresses.1.postal_code | City:addresses.1.city
        | State:addresses.1.state | Country:addresses.1.country | Tags:tags | Job Position:job_title
        | Salesperson:owner_id | External ID:external_id""",
    "HubSpot, English": """Record ID:external_id | First Name:first_name | Last Name:last_name | Email:email
        | Phone Number:phone | Contact owner:owner_id | Associated Company:company_id | Lead Status:status
        | Job Title:job_title | Mobile Phone Number:mobile | Street Address:addresses.1.line1 | City:addresses.1.city
        | State/Region:addresses.1.state | Postal Code:addresses.1.postal_code | Country/Region:addresses.1.country
        | Lifecycle Stage: | Original Source:source | Create Date:""",
    "HubSpot, French": """ID de l'objet:external_id | Prénom:first_name | Nom:last_name | E-mail:email
        | Numéro de téléphone:phone | Propriétaire du contact:owner_id | Nom de l'entreprise:company_id
        | Statut du lead:status | Intitulé du poste:job_title | Numéro de téléphone mobile:mobile
        | Adresse postale:addresses.1.line1 | Ville:addresses.1.city | Code postal:addresses.1.postal_code
        | Pays/Région:addresses.1.country""",
    "Salesforce, English": """Contact ID:external_id | First Name:first_name | Last Name:last_name | Title:job_title
        | Account Name:company_id | Account ID: | Email:email | Phone:phone | Mobile:mobile | Department:department
        | Lead Source:source | Mailing Street:addresses.1.line1 | Mailing City:addresses.1.city
        | Mailing State/Province:addresses.1.state | Mailing Zip/Postal Code:addresses.1.postal_code
        | Mailing Country:addresses.1.country | Contact Owner:owner_id | Description:notes""",
    "Salesforce, French": """ID du contact:external_id | Prénom:first_name | Nom:last_name | Titre:job_title
        | Nom du compte:company_id | E-mail:email | Téléphone:phone | Portable:mobile | Service:department
        | Origine de la piste:source | Rue (adresse postale):addresses.1.line1
        | Ville (adresse postale):addresses.1.city | Code postal:addresses.1.postal_code
        | Pays:addresses.1.country | Propriétaire du contact:owner_id""",
    "Outlook, English": """Title: | First Name:first_name | Middle Name: | Last Name:last_name | Suffix:
        | Company:company_id | Department:department | Job Title:job_title | Business Street:addresses.1.line1
        | Business Street 2:addresses.1.line2 | Business City:addresses.1.city | Business State:addresses.1.state
        | Business Postal Code:addresses.1.postal_code | Business Country/Region:addresses.1.country
        | Home Street:addresses.2.line1 | Home City:addresses.2.city | Home Postal Code:addresses.2.postal_code
        | Home Country/Region:addresses.2.country | Business Phone:phone | Home Phone:other_phones.1.phone
        | Mobile Phone:mobile | E-mail Address:email | E-mail 2 Address:other_emails.1.email
        | E-mail 3 Address:other_emails.2.email | Notes:notes | Web Page: | Categories:tags""",
    "Outlook, French": """Prénom:first_name | Deuxième prénom: | Nom:last_name | Suffixe: | Société:company_id
        | Service:department | Titre:job_title | Rue (bureau):addresses.1.line1 | Ville (bureau):addresses.1.city
        | Code postal (bureau):addresses.1.postal_code | Pays/Région (bureau):addresses.1.country
        | Rue (domicile):addresses.2.line1 | Ville (domicile):addresses.2.city | Téléphone (bureau):phone
        | Téléphone (domicile):other_phones.1.phone | Tél. mobile:mobile | Adresse de messagerie:email
        | Adresse de messagerie 2:other_emails.1.email | Notes:notes | Page Web: | Catégories:tags""",
    "Google Contacts": """Name: | Given Name:first_name | Additional Name: | Family Name:last_name
        | Group Membership:tags | E-mail 1 - Type: | E-mail 1 - Value:email | E-mail 2 - Value:other_emails.1.email
        | Phone 1 - Type: | Phone 1 - Value:phone | Phone 2 - Value:other_phones.1.phone
        | Address 1 - Street:addresses.1.line1 | Address 1 - City:addresses.1.city
        | Address 1 - Postal Code:addresses.1.postal_code | Address 1 - Country:addresses.1.country
        | Organization 1 - Name:company_id | Organization 1 - Title:job_title | Website 1 - Value: | Notes:notes""",
    "Google Contacts, of late": """First Name:first_name | Middle Name: | Last Name:last_name
        | Organization Name:company_id | Organization Title:job_title | Organization Department:department
        | Notes:notes | Labels:tags | E-mail 1 - Label: | E-mail 1 - Value:email | Phone 1 - Label:
        | Phone 1 - Value:phone | Address 1 - Street:addresses.1.line1 | Address 1 - City:addresses.1.city
        | Address 1 - Region:addresses.1.state | Address 1 - Postal Code:addresses.1.postal_code
        | Address 1 - Country:addresses.1.country""",
}
COMPANIES = {
    "Odoo, French": """Nom:name | Téléphone:phone | E-mail:email | Site web:website | Rue:addresses.1.line1
        | Code postal:addresses.1.postal_code | Ville:addresses.1.city | Pays:addresses.1.country | N° TVA:vat_number
        | SIRET:siret | Secteur d'activité:industry | Vendeur:owner_id | Étiquettes:tags""",
    "HubSpot, English": """Record ID:external_id | Company name:name | Company Domain Name:website
        | Industry:industry | Number of Employees:size | Annual Revenue:annual_revenue | Phone Number:phone
        | Street Address:addresses.1.line1 | City:addresses.1.city | Postal Code:addresses.1.postal_code
        | Country/Region:addresses.1.country | Company owner:owner_id | Description:notes""",
    "Salesforce, English": """Account ID:external_id | Account Name:name | Parent Account:parent_id
        | Industry:industry | Employees:size | Annual Revenue:annual_revenue | Phone:phone | Website:website
        | Billing Street:addresses.1.line1 | Billing City:addresses.1.city
        | Billing State/Province:addresses.1.state | Billing Zip/Postal Code:addresses.1.postal_code
        | Billing Country:addresses.1.country | Shipping Street:addresses.2.line1 | Shipping City:addresses.2.city
        | Shipping Zip/Postal Code:addresses.2.postal_code | Shipping Country:addresses.2.country
        | Account Owner:owner_id | Description:notes""",
    "a spreadsheet, French": """Raison sociale:name | SIREN:siren | SIRET:siret
        | N° TVA intracommunautaire:vat_number | Effectif:size | CA (€):annual_revenue | Tél.:phone | Courriel:email
        | Adresse:addresses.1.line1 | CP:addresses.1.postal_code | Ville:addresses.1.city | Secteur:industry
        | Maison mère:parent_id | Commercial:owner_id | Remarques:notes""",
    "a street without a city": "Nom:name | Rue: | Pays:",
}
DEALS = {
    "Odoo, English": """Opportunity:name | Customer:company_id | Contact Name:contact_id | Expected Revenue:value
        | Expected Closing:expected_close | Stage:stage_id | Probability:probability | Salesperson:owner_id
        | Tags:tags | Lost Reason:lost_reason""",
    "Odoo, French": """Opportunité:name | Client:company_id | Revenu espéré:value | Clôture prévue:expected_close
        | Étape:stage_id | Probabilité:probability | Vendeur:owner_id | Étiquettes:tags | Motif de perte:lost_reason""",
    "HubSpot, English": """Record ID:external_id | Deal Name:name | Deal Stage:stage_id | Pipeline:pipeline_id
        | Amount:value | Close Date:closed_on | Create Date:opened_on | Deal owner:owner_id
        | Associated Company:company_id | Associated Contact:contact_id | Closed Lost Reason:lost_reason
        | Deal Description:description""",
    "HubSpot, French": """ID de l'objet:external_id | Nom de la transaction:name | Étape de la transaction:stage_id
        | Pipeline:pipeline_id | Montant:value | Date de clôture:closed_on
        | Propriétaire de la transaction:owner_id | Entreprise associée:company_id""",
    "Salesforce, English": """Opportunity ID:external_id | Opportunity Name:name | Account Name:company_id
        | Stage:stage_id | Amount:value | Probability (%):probability | Close Date:closed_on
        | Created Date:opened_on | Lead Source:source | Opportunity Owner:owner_id | Description:description""",
    "with lines": """Deal:name | Quantity:lines.quantity | Description:lines.description
        | Unit price:lines.unit_price | Discount:lines.discount""",
}
FILES = [
    ("crm.contact", name, table) for name, table in CONTACTS.items()
] + [("crm.company", name, table) for name, table in COMPANIES.items()] + [
    ("crm.deal", name, table) for name, table in DEALS.items()
]  # fmt: skip


@pytest.fixture
def kernel(app: Flask) -> Iterator[Kernel]:
    found: Kernel = app.extensions["ossature"]
    grants = {f"{rt.key}.{action}": Reach.ALL for rt in found.records.all() for action in ("view", "edit", "create")}
    access = Access(grants={**grants, "crm.company.view_revenue": Reach.ALL})
    with app.app_context(), use_context(Context(tenant=TenantInfo(uuid4(), "a", "A"), access=access, locale="en")):
        yield found


def targets(columns: list[Column]) -> dict[str, str]:
    return {column.header: column.to or "" for column in columns}


@pytest.mark.parametrize(("record", "program", "table"), FILES, ids=[f"{key} {name}" for key, name, _table in FILES])
def test_headers_of_other_programs_are_known(record: str, program: str, table: str, kernel: Kernel) -> None:
    expected = dict(one.strip().rsplit(":", 1) for one in table.split("|"))
    found = guess(kernel.records[record], list(expected), [])
    assert targets(found) == expected
    check_mapping(kernel.records[record], Mapping(columns=found), len(expected))
    assert {path for path in expected.values() if path} <= {target.path for target in offered(kernel.records[record])}


@pytest.mark.parametrize(
    ("record", "file", "expected"),
    [
        ("crm.company", ACCOUNTS, "name,industry,,annual_revenue,size,,parent_id"),
        ("crm.deal", PIPELINE, "external_id,owner_id,,company_id,stage_id,opened_on,closed_on,value"),
    ],
    ids=["accounts", "pipeline"],
)
def test_the_files_of_a_sales_pipeline_are_known(record: str, file: str, expected: str, kernel: Kernel) -> None:
    headers, *samples = csv.reader(file.splitlines())
    assert list(targets(guess(kernel.records[record], headers, samples)).values()) == expected.split(",")


@pytest.mark.parametrize(
    ("record", "values", "expected"),
    [
        ("crm.contact", ["anna@example.org", "zoe@example.org"], "email"),
        ("crm.contact", ["01 23 45 67 89", "+33 1 98 76 54 32"], "phone"),
        ("crm.contact", ["06 12 34 56 78", "+33 7 98 76 54 32"], "mobile"),
        ("crm.contact", ["Anna", "Zoé"], None), ("crm.company", ["552 008 443", "732829320"], "siren"),
        ("crm.company", ["https://example.org", "www.example.com"], "website"),
        ("crm.company", ["73282932000074", "732 829 320 00074"], "siret"),
    ],
)  # fmt: skip
def test_values_tell_what_a_header_does_not(
    record: str, values: list[str], expected: str | None, kernel: Kernel
) -> None:
    assert [column.to for column in guess(kernel.records[record], ["Xyz"], [[one] for one in values])] == [expected]


def test_values_contradict_a_header(kernel: Kernel) -> None:
    found = guess(kernel.records["crm.contact"], ["E-mail", "Tél"], [["yes", "two"], ["no", "three"]])
    assert targets(found) == {"E-mail": "", "Tél": ""}


def test_a_slip_of_the_pen_is_read(kernel: Kernel) -> None:
    assert targets(guess(kernel.records["crm.contact"], ["Prenmo", "Deparment"], [])) == {
        "Prenmo": "", "Deparment": "department",
    }  # fmt: skip


def test_ids_are_those_of_this_product_or_of_another(kernel: Kernel) -> None:
    company = kernel.records["crm.company"]
    own = guess(company, ["Id", "Name"], [[str(uuid4()), "A"], [str(uuid4()), "B"]])
    assert [column.to for column in own] == ["id", "name"]
    odoo = guess(company, ["External ID"], [["__export__.res_partner_7"], ["__export__.res_partner_8"]])
    assert [(column.to, column.source) for column in odoo] == [("external_id", "odoo")]
    salesforce = guess(company, ["Account ID"], [["0015g00000Abc12AAB"], ["0015g00000Abc13AAB"]])
    assert [(column.to, column.source) for column in salesforce] == [("external_id", "salesforce")]


def test_amounts_have_the_currency_of_their_header(kernel: Kernel) -> None:
    found = guess(kernel.records["crm.deal"], ["Amount (USD)", "Name"], [["1,234.50", "A"]])
    assert [(column.to, column.currency) for column in found] == [("value", "USD"), ("name", "")]


def test_a_reference_by_e_mail_is_read_by_it(kernel: Kernel) -> None:
    found = guess(kernel.records["crm.deal"], ["Deal", "Contact"], [["A", "anna@example.org"]])
    assert [(column.to, column.by) for column in found] == [("name", ""), ("contact_id", "email")]


def test_what_an_export_of_everything_has_beside_fields_is_known(kernel: Kernel) -> None:
    row = [str(uuid4()), "Martin", '[{"id": "1"}]', "12\n13", "K-1", "secret"]
    headers = ["id", "last_name", "addresses", "external_id:hubspot", "external_id:my shop", "external_id:a/b"]
    columns = guess(kernel.records["crm.contact"], headers, [row])
    assert [(column.to, column.source) for column in columns[:5]] == [
        ("id", ""), ("last_name", ""), ("addresses", ""), ("external_id", "hubspot"), ("external_id", "my shop"),
    ]  # fmt: skip
    assert columns[5].to != "external_id"
    by_hand = guess(kernel.records["crm.contact"], ["last_name", "addresses"], [["Martin", "1 rue Haute"]])
    assert by_hand[1].to != "addresses"
