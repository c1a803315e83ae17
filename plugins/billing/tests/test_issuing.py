"""Issue: numbers without a gap whatever is rolled back or killed, and documents that nobody changes."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from ossature.api import Conflict, Invalid, new_id, record_type, update
from ossature.testing.people import Person, Tenant
from ossature_billing.commands import verify
from ossature_billing.documents import Document, Note
from ossature_billing.freezing import thaw
from ossature_billing.issuing import Issued, issue
from ossature_billing.verifying import faults

pytestmark = pytest.mark.database
TODAY = datetime.now(ZoneInfo("Europe/Paris")).date()
"""As the legal entity of these tests has it."""
Series = Callable[..., UUID]
Issue = Callable[..., Issued]


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner")


@pytest.fixture
def series(owner: Person) -> Series:
    """Make a series of the organisation's first legal entity."""
    assert owner.api.post("/api/ossature/legal-entities", json={"name": "Atelier"}).status_code == 201
    names = itertools.count(1)

    def made(**fields: Any) -> UUID:
        values = {"name": f"Series {next(names)}", **fields}
        answer = owner.api.post("/api/billing/number-series", json=values)
        assert answer.status_code == 201, answer.text
        return UUID(answer.json["data"]["id"])

    return made


@pytest.fixture
def draft(goldens: dict[str, Document]) -> Document:
    """What may be issued today but for its amounts."""
    stated = replace(goldens["standard"], number=None, issue_date=None, due_date=TODAY + timedelta(days=30))
    return replace(stated, totals=None, breakdown=(), lines=tuple(replace(line, net=None) for line in stated.lines))


@pytest.fixture
def issued(owner: Person, draft: Document) -> Issue:
    """Issue in a transaction of its own: `issued(series, day, draft=..., id=..., by=...)`."""

    def issued(
        series: UUID, day: date | None = None, *, draft: Document = draft, id: UUID | None = None, by: Person = owner
    ) -> Issued:
        with by.work():
            return issue(id or new_id(), draft, series, day)

    return issued


def told(person: Person) -> list[str]:
    """What verification finds."""
    with person.work():
        return [fault.kind for fault in faults()]


@contextmanager
def administrator(tenant: Tenant) -> Iterator[psycopg.Connection]:
    """Somebody with the keys of the database."""
    with psycopg.connect(tenant.app.extensions["ossature"].config.database_url) as connection:
        connection.execute(f"SET ossature.tenant = '{tenant.id}'")
        yield connection


@pytest.mark.req("A-128", "S4-455")
def test_documents_are_numbered_in_their_order_from_the_first_number_on(
    owner: Person, series: Series, issued: Issue
) -> None:
    here = series(first=41, template="FA-{year}-{number:04}")
    assert [issued(here, TODAY).number for _each in range(3)] == [f"FA-{TODAY:%Y}-{n:04}" for n in (41, 42, 43)]
    stored = owner.api.get(f"/api/billing/number-series/{here}").json["data"]
    assert (stored["last_number"], stored["last_issued_on"]) == (f"FA-{TODAY:%Y}-0043", f"{TODAY}")


def test_numbers_begin_anew_with_the_year_the_month_or_never(
    owner: Person, series: Series, issued: Issue, draft: Document
) -> None:
    days = [date(2025, 11, 30), date(2025, 12, 1), date(2026, 1, 5), date(2026, 1, 6)]
    draft = replace(draft, due_date=date(2026, 3, 1))
    yearly, monthly = series(template="Y{year}-{number}"), series(template="M{yy}{month}-{number}", restarts="monthly")
    never = series(template="N{number}", restarts="never", first=7)

    def numbers(of: UUID) -> list[str]:
        return [issued(of, day, draft=draft).number for day in days]

    assert numbers(yearly) == ["Y2025-1", "Y2025-2", "Y2026-1", "Y2026-2"]
    assert numbers(monthly) == ["M2511-1", "M2512-1", "M2601-1", "M2601-2"]
    assert numbers(never) == ["N7", "N8", "N9", "N10"]
    assert told(owner) == []


@pytest.mark.req("A-127", "S4-254")
def test_what_is_issued_says_what_the_draft_said_with_its_amounts_and_follows_the_one_before(
    owner: Person, series: Series, issued: Issue, draft: Document
) -> None:
    here, first_id = series(), new_id()
    first = issued(here, id=first_id)
    second = issued(here)
    with owner.work() as work:
        rows = work.execute(
            sa.text("SELECT id, link, document, previous, hash FROM billing.issued ORDER BY link")
        ).all()
    assert [thaw(row.document) for row in rows] == [first.document, second.document]
    assert replace(first.document, number=None, issue_date=None, totals=None, breakdown=(), lines=()) == replace(
        draft, lines=()
    )
    assert first.document.totals
    assert first.document.totals.with_tax == Decimal(2760)
    assert (rows[0].id, rows[0].link, rows[0].previous) == (first_id, 1, "0" * 64)
    assert (rows[1].link, rows[1].previous, rows[1].hash) == (2, first.hash, second.hash)


def test_nobody_changes_or_deletes_what_was_issued_by_sql_either(
    owner: Person, tenant: Tenant, series: Series, issued: Issue
) -> None:
    issued(series())
    for statement in (
        "UPDATE billing.issued SET number = 'X'",
        "DELETE FROM billing.issued",
        "TRUNCATE billing.issued",
    ):
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), owner.work() as work:
            work.execute(sa.text(statement))


def test_a_draft_that_breaks_rules_is_refused_by_field_and_takes_no_number(
    series: Series, issued: Issue, draft: Document
) -> None:
    here = series()
    broken = replace(draft, buyer=None, notes=(Note(subject="BAR", text="B2B"),))
    with pytest.raises(Invalid) as refused:
        issued(here, draft=broken)
    found = {(one.field, one.code) for one in refused.value.details}
    assert ("buyer", "BR-07") in {(field.partition(".")[0], code) for field, code in found}
    assert any(code.startswith("BR-FR") for _field, code in found)
    with pytest.raises(Invalid) as missing:
        issued(here, draft=replace(draft, lines=(replace(draft.lines[0], quantity=None),)))
    assert [one.field for one in missing.value.details] == ["lines.0.quantity"]
    assert issued(here).number.endswith("00001")


def test_days_that_would_put_numbers_out_of_order_are_refused(series: Series, issued: Issue) -> None:
    here = series()
    issued(here, TODAY)
    for day, code in ((TODAY - timedelta(days=1), "before_last"), (TODAY + timedelta(days=2), "future")):
        with pytest.raises(Invalid) as refused:
            issued(here, day)
        assert [(one.field, one.code) for one in refused.value.details] == [("issue_date", code)]


def test_one_draft_is_issued_once_and_one_number_given_once(owner: Person, series: Series, issued: Issue) -> None:
    here, same, id = series(template="F{year}-{number}"), series(template="F{year}-{number:1}"), new_id()
    first = issued(here, id=id)
    with pytest.raises(Conflict, match=first.number):
        issued(here, id=id)
    with pytest.raises(Invalid, match=first.number):
        issued(same)
    assert told(owner) == []


def test_a_series_of_another_organisation_gives_no_number(
    owner: Person, series: Series, make_tenant: Callable[..., Tenant], issued: Issue
) -> None:
    stranger = make_tenant().member("owner")
    with pytest.raises(Invalid) as refused:
        issued(series(), by=stranger)
    assert [(one.field, one.code) for one in refused.value.details] == [("series_id", "unknown")]


def test_a_series_that_gave_numbers_goes_on_as_it_began(owner: Person, series: Series, issued: Issue) -> None:
    here = series()
    path = f"/api/billing/number-series/{here}"
    assert owner.api.patch(path, json={"template": "G{year}-{number}"}).status_code == 200
    issued(here)
    for fields in ({"template": "H{year}-{number}"}, {"restarts": "never"}, {"first": 5}):
        answer = owner.api.patch(path, json=fields)
        assert (answer.status_code, answer.json["error"]["details"][0]["code"]) == (422, "used")
    assert owner.api.patch(path, json={"name": "Sales"}).status_code == 200


def test_a_series_that_is_changed_while_an_issue_waits_numbers_as_it_is_then(
    owner: Person, tenant: Tenant, series: Series, issued: Issue
) -> None:
    here = series(template="F{year}-{number}")
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as other, administrator(tenant) as watcher:
        with owner.work():
            update(record_type("billing.number_series"), here, {"template": "G{year}-{number}"})
            waiting = other.submit(issued, here, TODAY)
            while not watcher.execute(waits).fetchone()[0] and not waiting.done():  # type: ignore[index]
                watcher.rollback()
        assert waiting.result().number == f"G{TODAY:%Y}-1"
    assert told(owner) == []


@pytest.mark.parametrize(("fields", "field", "code"), [
    ({"template": "F{number}"}, "restarts", "template"),
    ({"template": "F{year}-{number}", "restarts": "monthly"}, "restarts", "template"),
    ({"template": "F{year}"}, "template", "invalid"),
    ({"template": "F {year} {number}"}, "template", "invalid"),
])  # fmt: skip
def test_templates_that_would_give_one_number_twice_or_none_are_refused(
    owner: Person, series: Series, fields: dict[str, str], field: str, code: str
) -> None:
    series()
    answer = owner.api.post("/api/billing/number-series", json={"name": "Wrong", **fields})
    details = answer.json["error"]["details"]
    assert (answer.status_code, [(one["field"], one["code"]) for one in details]) == (422, [(field, code)])


@pytest.mark.req("A-128")
def test_numbers_have_no_gap_and_no_double_under_64_clients_that_roll_back_at_will(
    owner: Person, series: Series, draft: Document
) -> None:
    here = series(template="F{year}-{number}")

    class Changed(Exception):
        """Of mind, after the number was taken."""

    def client(number: int) -> list[str]:
        kept = []
        for attempt in range(3):
            try:
                with owner.work():
                    found = issue(new_id(), draft, here)
                    if (number + attempt) % 3 == 0:
                        raise Changed
            except Changed:
                continue
            kept.append(found.number)
        return kept

    with ThreadPoolExecutor(64) as clients:
        numbers = [number for kept in clients.map(client, range(64)) for number in kept]
    assert sorted(numbers) == sorted(f"F{TODAY:%Y}-{n + 1}" for n in range(128))
    assert told(owner) == []


@pytest.mark.req("A-128")
def test_a_process_killed_at_any_statement_of_an_issue_leaves_no_gap(
    owner: Person, tenant: Tenant, series: Series, issued: Issue
) -> None:
    here, kernel = series(template="F{year}-{number}"), tenant.app.extensions["ossature"]
    owner.context  # noqa: B018  (found before the processes part)

    def killed_at(statement: int) -> bool:
        """Issue in a process of its own, killed before that statement; whether it came so far."""
        if (child := os.fork()) == 0:
            kernel.db.forget()
            calls = itertools.count(1)

            def before(*_arguments: Any) -> None:
                if next(calls) == statement:
                    os.kill(os.getpid(), signal.SIGKILL)

            sa.event.listen(kernel.db.engine("app"), "before_cursor_execute", before)
            sa.event.listen(kernel.db.engine("app"), "commit", before)
            issued(here)
            os._exit(0)
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])

    survived = next(n for n in itertools.count(1) if not killed_at(n))
    assert survived > 5
    assert issued(here).number == f"F{TODAY:%Y}-2"
    assert told(owner) == []


ALTERATIONS = {
    "altered": "UPDATE billing.issued SET document = overlay(document placing 'x' from 40) WHERE link = 2",
    "chain": "UPDATE billing.issued SET previous = repeat('a', 64) WHERE link = 2",
    "gap": "DELETE FROM billing.issued WHERE link = 2",
    "other": "UPDATE billing.issued SET number = 'F9' WHERE link = 2",
    "missing": "DELETE FROM billing.issued WHERE link = 3",
}


@pytest.mark.parametrize("kind", ALTERATIONS)
def test_verification_finds_what_somebody_with_the_keys_of_the_database_changed(
    owner: Person, tenant: Tenant, series: Series, kind: str, issued: Issue
) -> None:
    here = series()
    for _each in range(3):
        issued(here)
    assert told(owner) == []
    with administrator(tenant) as connection:
        connection.execute(ALTERATIONS[kind])
    assert kind in told(owner)


def test_verification_is_a_command_that_fails_where_something_is_wrong(
    tenant: Tenant, series: Series, issued: Issue
) -> None:
    issued(series())

    def run() -> Result:
        return CliRunner().invoke(verify, ["--tenant", tenant.info.slug])

    well = run()
    assert (well.exit_code, well.output) == (0, f"{tenant.info.slug}: 1 documents, 0 faults\n")
    with administrator(tenant) as connection:
        connection.execute("DELETE FROM billing.issued")
    assert run().exit_code == 1
