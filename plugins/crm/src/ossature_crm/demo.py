"""Sample people and companies with French names; the same seed gives the same data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from ossature.api import DemoData, DemoSize, current, insert_rows, record_type, translator
from ossature_crm.demo_names import CITIES, DEPARTMENTS, FIRST_NAMES, INDUSTRIES, JOBS, LAST_NAMES, STREETS, WORDS

_, _l, ngettext = translator("crm")

CONTACTS = {DemoSize.SMALL: 200, DemoSize.MEDIUM: 10_000, DemoSize.LARGE: 100_000}
CONTACTS_PER_COMPANY = 5
MARK = {"sample": "crm"}
EPOCH = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def load(size: DemoSize, session: Session, random: Random) -> None:
    """Companies first, then people who work there; an address for most, a second telephone for some."""
    owners = owners_of_samples(session)
    companies = [_company(random, owners, number) for number in range(CONTACTS[size] // CONTACTS_PER_COMPANY)]
    insert_rows(record_type("crm.company"), (row for row, _address in companies))
    insert_rows(record_type("crm.company_address"), (address for _row, address in companies))
    ids = [row["id"] for row, _address in companies]
    addresses: list[dict[str, Any]] = []
    phones: list[dict[str, Any]] = []

    def people() -> Iterator[dict[str, Any]]:
        for number in range(CONTACTS[size]):
            contact = _contact(random, owners, ids, number)
            if random.random() < 0.6:
                addresses.append(
                    {**_address(random, contact["created_at"]), "kind": "home", "contact_id": contact["id"]}
                )
            if random.random() < 0.1:
                phones.append(
                    {"id": sample_id(random, contact["created_at"]), "contact_id": contact["id"], "phone": _phone(random, "1"),
                     "label": "Standard", "custom": MARK}
                )  # fmt: skip
            yield contact

    insert_rows(record_type("crm.contact"), people())
    insert_rows(record_type("crm.contact_address"), addresses)
    insert_rows(record_type("crm.contact_phone"), phones)


def remove(session: Session) -> None:
    """Take away what `load` wrote; parts go with their owners. What people linked to samples stays, unlinked."""
    tenant_id = current().tenant_id
    for key in ("crm.contact", "crm.company"):
        rt = record_type(key)
        session.execute(delete(rt.table).where(rt.c.tenant_id == tenant_id, rt.c.custom.contains(MARK)))


people_and_companies = DemoData("crm.people_and_companies", load, remove)


def owners_of_samples(session: Session) -> list[UUID | None]:
    rows = session.execute(
        text("SELECT id FROM ossature.actor WHERE tenant_id = :tenant AND kind = 'member' AND active ORDER BY id"),
        {"tenant": current().tenant_id},
    )
    return [row.id for row in rows] or [None]


def sample_id(random: Random, at: datetime) -> UUID:
    """A UUID version 7 whose random part is drawn, so that the same seed gives the same ids."""
    value = int(at.timestamp() * 1000) << 80 | 7 << 76 | random.getrandbits(12) << 64 | 2 << 62 | random.getrandbits(62)
    return UUID(int=value)


def _moment(random: Random) -> datetime:
    return EPOCH - timedelta(minutes=random.randrange(2 * 365 * 24 * 60))


def _phone(random: Random, first: str) -> str:
    return f"+33{first}{random.randrange(10**8):08d}"


def _siren(random: Random) -> str:
    """Nine digits whose Luhn sum is a multiple of ten."""
    digits = [random.randrange(10) for _n in range(8)]
    total = sum(d if n % 2 == 0 else (d * 2 - 9 if d > 4 else d * 2) for n, d in enumerate(digits))
    return "".join(map(str, digits)) + str(-total % 10)


def _slug(text: str) -> str:
    plain = text.lower().translate(str.maketrans("éèêëàâäîïôöùûüçœ '", "eeeeaaaiioouuuco--"))
    return "".join(ch for ch in plain if ch.isalnum() or ch == "-").strip("-")


def _address(random: Random, at: datetime) -> dict[str, Any]:
    city, code = random.choice(CITIES)
    street = f"{random.randrange(1, 180)} {random.choice(STREETS)}"
    return {
        "id": sample_id(random, at),
        "line1": street,
        "postal_code": code,
        "city": city,
        "country": "FR",
        "custom": MARK,
    }


def _company(random: Random, owners: list[UUID | None], number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    at = _moment(random)
    industry = random.choice(INDUSTRIES)
    name = f"{random.choice(WORDS)} {random.choice(LAST_NAMES)}"
    siren = _siren(random)
    slug = f"{_slug(name)}-{number + 1}"
    id = sample_id(random, at)
    row = {
        "id": id, "name": name, "legal_name": f"{name} {random.choice(['SAS', 'SARL', 'SA', 'SCOP'])}",
        "status": random.choices(["prospect", "active", "inactive"], [3, 5, 1])[0], "industry": industry,
        "size": random.choices(["1-9", "10-49", "50-249", "250-999", "1000+"], [5, 4, 2, 1, 1])[0],
        "annual_revenue_minor": random.randrange(50, 90_000) * 100_000, "annual_revenue_currency": "EUR",
        "email": f"contact@{slug}.example", "phone": _phone(random, random.choice("12345")),
        "website": f"https://{slug}.example", "siren": siren, "owner_id": random.choice(owners), "created_at": at,
        "custom": MARK,
    }  # fmt: skip
    return row, {**_address(random, at), "kind": "headquarters", "company_id": id}


def _contact(random: Random, owners: list[UUID | None], companies: list[UUID], number: int) -> dict[str, Any]:
    at = _moment(random)
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    return {
        "id": sample_id(random, at), "first_name": first, "last_name": last,
        "company_id": random.choice(companies) if random.random() < 0.9 else None, "job_title": random.choice(JOBS),
        "department": random.choice(DEPARTMENTS), "email": f"{_slug(first)}.{_slug(last)}{number + 1}@exemple.example",
        "phone": _phone(random, random.choice("12345")) if random.random() < 0.7 else None,
        "mobile": _phone(random, "6") if random.random() < 0.8 else None,
        "status": random.choices(["lead", "prospect", "customer", "inactive"], [4, 3, 5, 1])[0],
        "source": random.choice(["website", "referral", "cold_call", "event", "partner", "advertisement", None]),
        "owner_id": random.choice(owners), "created_at": at, "custom": MARK,
    }  # fmt: skip
