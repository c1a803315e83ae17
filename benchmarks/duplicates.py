"""The search of 100,000 contacts for duplicates, and merging two of them with much that refers to them.

Run by itself, `python benchmarks/duplicates.py`, or as part of `make bench-writing`'s table.
"""

from __future__ import annotations

import random
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from data import Filled, fill
from deployments import embedded
from run import say
from sqlalchemy import text

from ossature.db import transaction
from ossature.duplicates.merging import merge
from ossature.duplicates.scan import scan
from ossature.history.undo import undo
from ossature.hooks.types import DemoSize
from ossature.ids import new_id
from ossature.records import service
from ossature.records.bulk import insert_rows
from ossature.records.lookup import record_type

CONTACTS = 100_000
DOUBLES = 5_000
MERGES = 30
REFERENCES = 200


@dataclass(frozen=True)
class Searched:
    """Seconds, pairs that were found, how many of the doubles made on purpose, and by how many MB the process grew."""

    seconds: float
    pairs: int
    known: int
    megabytes: float


def search(filled: Filled, tell: Callable[[str], None] = say) -> Searched:
    """Contacts with e-mail, telephone and company, every twentieth written a second time with a slip."""
    _contacts(filled, tell)
    contact = record_type("crm.contact")
    before = _resident()
    begun = time.perf_counter()
    with transaction(filled.context):
        pairs = scan(contact)
    seconds = time.perf_counter() - begun
    held = _resident() - before
    with transaction(filled.context) as work:
        known = work.scalar(
            text(
                "SELECT count(*) FROM ossature.duplicate d JOIN crm.contact a ON a.id = d.a_id JOIN crm.contact b ON b.id = d.b_id "
                "WHERE d.record = 'crm.contact' AND a.notes = b.notes AND a.notes LIKE 'double %'"
            )
        )
    return Searched(seconds, pairs, int(known or 0), held)


def merging(filled: Filled) -> tuple[list[float], list[float]]:
    """Seconds of merges of two contacts, each with deals, as main and other contact, notes and addresses; and of undoing them."""
    merged, undone = [], []
    contact = record_type("crm.contact")
    for _number in range(MERGES):
        stays, goes = _with_references(filled), _with_references(filled)
        begun = time.perf_counter()
        with transaction(filled.context) as work:
            merge(contact, stays, [goes])
            made = work.connection().info["change_set_id"]
        merged.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        with transaction(filled.context):
            undo(made)
        undone.append(time.perf_counter() - begun)
    return merged, undone


def _contacts(filled: Filled, tell: Callable[[str], None]) -> None:
    chance = random.Random(11)
    contact, company = record_type("crm.contact"), record_type("crm.company")
    companies = [{"id": new_id(), "name": f"Atelier {_word(chance)} {number}"} for number in range(CONTACTS // 20)]
    with transaction(filled.context):
        insert_rows(company, companies)
    rows = []
    for number in range(CONTACTS - DOUBLES):
        first, last = _word(chance).capitalize(), _word(chance).capitalize()
        rows.append(
            {
                "id": new_id(), "first_name": first, "last_name": last, "email": f"{first}.{last}.{number}@example.com".lower(),
                "phone": f"+331{number:08d}", "company_id": companies[number % len(companies)]["id"], "notes": f"single {number}",
                "mobile": None,
            }
        )  # fmt: skip
    for number in range(DOUBLES):
        one = rows[number * 19]
        one["notes"] = f"double {number}"
        slip = dict(one, id=new_id(), email=None, phone=None)
        if number % 3 == 0:
            slip["email"] = str(one["email"]).upper()
        elif number % 3 == 1:
            slip["mobile"] = one["phone"]
        else:
            place = chance.randrange(len(str(one["last_name"])))
            slip["last_name"] = str(one["last_name"])[:place] + "x" + str(one["last_name"])[place + 1 :]
        rows.append(slip)
    for start in range(0, len(rows), 5_000):
        with transaction(filled.context):
            insert_rows(contact, rows[start : start + 5_000])
    tell(f"{len(rows)} contacts are there")


def _resident() -> float:
    """The most that the process has held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _word(chance: random.Random) -> str:
    return "".join(chance.choice("bcdfglmnprstv") + chance.choice("aeiou") for _syllable in range(chance.randint(2, 4)))


def _with_references(filled: Filled) -> UUID:
    chance = random.Random()
    with transaction(filled.context) as work:
        made = service.create(
            record_type("crm.contact"),
            {
                "first_name": _word(chance), "last_name": _word(chance),
                "addresses": [{"line1": f"{chance.randint(1, 99)} rue X", "city": "Lyon"}],
            },
        )  # fmt: skip
        id: UUID = made.row["id"]
        deals = work.scalars(
            text("SELECT id FROM crm.deal WHERE deleted_at IS NULL ORDER BY random() LIMIT :n"), {"n": REFERENCES}
        ).all()
        work.execute(
            text("UPDATE crm.deal SET contact_id = :id WHERE id = ANY(:deals)"), {"id": id, "deals": list(deals)}
        )
        insert_rows(
            record_type("crm.deal").parts["contacts"],
            [{"id": new_id(), "deal_id": deal, "contact_id": id} for deal in deals[:50]],
        )
    return id


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ossature-duplicates-") as folder, embedded(Path(folder)) as deployment:
        filled = fill(deployment, DemoSize.SMALL, say)
        found = search(filled)
        say(
            f"scan of {CONTACTS}: {found.seconds:.1f} s, {found.pairs} pairs, {found.known} of {DOUBLES} doubles, "
            f"{found.megabytes:.0f} MB more, {_resident():.0f} MB the process"
        )
        merged, undone = merging(filled)
        for name, took in (("merge", merged), ("undo", undone)):
            ordered = sorted(took)
            say(
                f"{name} with {REFERENCES + 50} references: median {ordered[len(took) // 2] * 1000:.0f} ms, slowest {ordered[-1] * 1000:.0f} ms"
            )


if __name__ == "__main__":
    main()
