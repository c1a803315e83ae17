"""Many contacts written together: with company, e-mail, phone and address, as the rows of a file of eleven columns."""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO, StringIO
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

import psutil
import sqlalchemy as sa

from ossature.context import Context
from ossature.db import transaction
from ossature.imports import service
from ossature.imports.mapping import Column, Mapping, Mode
from ossature.imports.runs import Import
from ossature.jobs.run import run_job
from ossature.kernel import Kernel
from ossature.records.lookup import record_type
from ossature.records.many import Change, NewRow, Outcome, create_many, update_many_each

T = TypeVar("T")
AT_ONCE = 500
CITIES = ("Lyon", "Paris", "Brest", "Nantes", "Lille")


@dataclass(frozen=True)
class Written:
    """Seconds that it took, and the most memory that this process held meanwhile, in MB."""

    seconds: float
    memory: float


def person(number: int, company: UUID) -> dict[str, Any]:
    """A contact with its address, another one for every number."""
    return {
        "first_name": f"Prénom{number % 500}", "last_name": f"Mesure {number:07d}", "company_id": company,
        "job_title": f"Chef {number % 90}", "email": f"mesure.{number}@firm{number % 900}.example.com",
        "phone": f"01 {number // 10**6 % 100:02d} {number // 10**4 % 100:02d} {number // 100 % 100:02d} {number % 100:02d}",
        "status": "customer",
        "addresses": [
            {
                "line1": f"{number % 200} rue Victor Hugo", "postal_code": f"{number % 95_000:05d}",
                "city": CITIES[number % len(CITIES)], "country": "FR",
            }
        ],
    }  # fmt: skip


def create_contacts(kernel: Kernel, context: Context, count: int) -> tuple[Written, list[UUID]]:
    """Write so many new contacts, some hundred a transaction; their ids. `context` is a member's who may."""
    contact, company = record_type("crm.contact"), record_type("crm.company")
    context = replace(context, means="import")
    with transaction(context, database=kernel.db) as work:
        here = sa.select(company.c.id).where(company.c.tenant_id == context.tenant_id, company.c.deleted_at.is_(None))
        companies = list(work.execute(here.limit(1000)).scalars())
    rows = (NewRow(person(number, companies[number % len(companies)])) for number in range(count))
    ids: list[UUID] = []
    with measured() as taken:
        for some in batched(rows):
            _written(kernel, context, "created", lambda some=some: create_many(contact, some))  # type: ignore[misc]
            ids += [row.id for row in some]
    return taken(), ids


def change_contacts(kernel: Kernel, context: Context, ids: list[UUID]) -> Written:
    """Give each of some contacts another function and telephone number."""
    contact = record_type("crm.contact")
    context = replace(context, means="import")
    with measured() as taken:
        for some in batched(enumerate(ids)):
            changes = {id: Change({"job_title": f"Boss {number}", "phone": f"02{number:08d}"}) for number, id in some}
            _written(kernel, context, "changed", lambda changes=changes: update_many_each(contact, changes))  # type: ignore[misc]
    return taken()


def batched(rows: Iterable[T]) -> Iterator[list[T]]:
    left = iter(rows)
    while some := list(islice(left, AT_ONCE)):
        yield some


def _written(kernel: Kernel, context: Context, what: str, write: Callable[[], list[Outcome]]) -> None:
    with transaction(context, database=kernel.db):
        outcomes = write()
    assert {one.what for one in outcomes} == {what}, outcomes[0]


@contextmanager
def measured() -> Iterator[Callable[[], Written]]:
    """How long a block takes, and what memory it comes to."""
    process, over, most, begun = psutil.Process(), threading.Event(), [0], time.perf_counter()

    def watch() -> None:
        while not over.wait(0.05):
            most[0] = max(most[0], process.memory_info().rss)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    ended: list[float] = []
    try:
        yield lambda: Written(ended[0] - begun, max(most[0], process.memory_info().rss) / 1_000_000)
    finally:
        ended.append(time.perf_counter())
        over.set()
        watching.join()


# -- files ---------------------------------------------------------------------------------------------------------------

COLUMNS = {
    "First name": "first_name", "Last name": "last_name", "Company": "company_id", "Function": "job_title",
    "E-mail": "email", "Telephone": "phone", "Status": "status", "Street": "addresses.1.line1",
    "Postal code": "addresses.1.postal_code", "City": "addresses.1.city", "Country": "addresses.1.country",
}  # fmt: skip
COMPANIES = 1000


def import_file(kernel: Kernel, context: Context, count: int, function: str, mode: Mode) -> tuple[Written, Import]:
    """From the upload of a CSV of so many contacts to the last row, as a request and the worker do it.

    A contact is known by its e-mail address, a company that is not there is created; `function` is what they all do.
    """
    contact = record_type("crm.contact")
    columns = [
        Column(index=n, header=header, to=to, missing="create" if to == "company_id" else "refuse")
        for n, (header, to) in enumerate(COLUMNS.items())
    ]
    mapping = Mapping(columns=columns, mode=mode, key=["email"] if mode != "create" else [])
    assert context.tenant_id is not None
    with measured() as taken:
        with transaction(context, database=kernel.db):
            found = service.start(contact, "contacts.csv", file_of(count, function))
            job_id = service.run(service.set_mapping(found, mapping)).job_id
        assert job_id is not None
        assert run_job(kernel, context.tenant_id, job_id, "bench") == "succeeded"
    with transaction(context, database=kernel.db):
        return taken(), service.find(contact, found.id)


def file_of(count: int, function: str) -> BytesIO:
    written = StringIO()
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    for number in range(count):
        one = person(count + number, UUID(int=0))
        address = one["addresses"][0]
        rows.writerow(
            [
                one["first_name"], one["last_name"], f"Mesure {number % COMPANIES} SARL", f"{function} {number % 90}",
                one["email"], one["phone"], one["status"], address["line1"], address["postal_code"], address["city"],
                address["country"],
            ]
        )  # fmt: skip
    return BytesIO(written.getvalue().encode())
