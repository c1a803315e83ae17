"""Many rows written together, each with values of its own: as if one after the other were written alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from ossature.api import Refusal, create, delete, insert_rows, new_id, record_type, session, update
from ossature.records.many import Change, NewRow, Outcome, create_many, update_many, update_many_each
from ossature.testing.people import Person

pytestmark = pytest.mark.database

Told = tuple[str, str, list[tuple[str, str]]]

LIVE, BINNED, NOBODY, STORED = new_id(), new_id(), new_id(), new_id()
SHELVES = st.sampled_from([LIVE, LIVE, BINNED, NOBODY])
ROWS = [new_id() for _n in range(6)]

lines = st.lists(
    st.fixed_dictionaries(
        {"finding": st.sampled_from(["gold", "sand", "sand", ""])},
        optional={
            "share": st.sampled_from([10, 60, 101]), "doubt": st.sampled_from(["little", None]),
            "count": st.just("1.5"), "each": st.just({"amount": "2.00", "currency": "EUR"}),
        },
    ),
    max_size=3,
)  # fmt: skip
names = {"name": st.sampled_from(["Quartz", "Opal", "Opal", "Opal", ""])}
fields = {
    "code": st.sampled_from(["a1", "A1", "b2", "c3", "stored", None]),
    "email": st.sampled_from(["anna@Example.com", "zoe@example.com", "no", None]),
    "phone": st.sampled_from(["01 23 45 67 89", "+33123456789", None]),
    "token": st.sampled_from(["sesame", None]),
    "pieces": st.sampled_from([3, 11, -1, "x"]),
    "ratio": st.sampled_from(["0.125", "0.1234", Decimal("1.5"), None]),
    "price": st.sampled_from([{"amount": "12.50", "currency": "EUR"}, {"amount": "1", "currency": "XXX"}, None]),
    "fragile": st.booleans(),
    "taken_on": st.sampled_from(["2026-11-20", "soon", None]),
    "seen_at": st.just("2026-11-20T09:30:00+01:00"),
    "state": st.sampled_from(["raw", "gone", "melted"]),
    "lost": st.booleans(),
    "loss": st.sampled_from(["fell", None]),
    "tags": st.sampled_from([["red"], ["Red", "green"], []]),
    "shelf_id": SHELVES,
    "twin_id": st.sampled_from([*ROWS, NOBODY, None]),
    "lines": lines,
    "nonsense": st.just(1),
}
new_rows = st.lists(st.tuples(st.sampled_from(ROWS), st.fixed_dictionaries(names, optional=fields)), max_size=7)
changes = st.dictionaries(
    st.sampled_from([*ROWS, NOBODY]),
    st.tuples(st.fixed_dictionaries({}, optional={**names, **fields}), st.sampled_from([None, 1, 2])),
    max_size=6,
)


class Undone(Exception):
    """Leads out of a unit of work, which is rolled back."""


def told(id: UUID, what: str, refusal: Refusal | None) -> Told:
    """An outcome with the fields and codes of its refusal."""
    if refusal is None:
        return str(id), what, []
    details = [(one.field, one.code) for one in refusal.details]
    return str(id), "refused", details or [("", str(refusal.extra.get("code", refusal.code)))]


def outcomes_of(found: Sequence[Outcome]) -> list[Told]:
    return [told(one.id, one.what, one.refusal) for one in found]


def stored(work: Session) -> list[Any]:
    """All that stands in the tables and in the history of this unit of work, without what is random in it."""
    random = "- 'created_at' - 'updated_at' - 'deleted_at' - 'sample_id' - 'token' - 'search_text' - 'search_vector'"
    found: list[Any] = []
    for statement in (
        f"SELECT to_jsonb(s) {random} AS row, token IS NULL, deleted_at IS NULL FROM _kinds.sample s ORDER BY id",
        f"SELECT to_jsonb(l) {random} - 'id' AS row, sample_id, deleted_at IS NULL FROM _kinds.sample_line l "
        "ORDER BY sample_id, deleted_at IS NULL, position, finding",
        "SELECT record, what, root_id, version, payload - 'id' - 'deleted_at' FROM ossature.change "
        "WHERE change_set_id = current_setting('ossature.change_set')::uuid ORDER BY record, root_id, payload::text",
        "SELECT fold, name FROM ossature.tag ORDER BY fold",
    ):
        found.append([tuple(row) for row in work.execute(text(statement))])
    return found


def undone(person: Person, write: Callable[[], list[Told]]) -> tuple[list[Told], list[Any]]:
    """What came of a writing, which is rolled back."""
    found: list[Any] = []

    def work_and_undo() -> None:
        with person.work() as work:
            shelf, sample = record_type("_kinds.shelf"), record_type("_kinds.sample")
            insert_rows(shelf, [{"id": LIVE, "name": "Top"}, {"id": BINNED, "name": "Old"}])
            delete(shelf, BINNED)
            create(sample, {"name": "Agate", "code": "stored", "email": "zoe@example.com"}, STORED)
            found.append(write())
            found.append(stored(work))
            raise Undone

    with pytest.raises(Undone):
        work_and_undo()
    return found[0], found[1]


def alone(id: UUID, write: Callable[[], str]) -> Told:
    """One write as a request of its own does it."""
    try:
        with session().begin_nested():
            return told(id, write(), None)
    except Refusal as refusal:
        return told(id, "refused", refusal)


def prepare() -> None:
    """Rows to change: two with entries, one changed since, one in the bin."""
    sample = record_type("_kinds.sample")
    for number, id in enumerate(ROWS[:5]):
        entries = [{"finding": "sand", "share": 10}, {"finding": "gold", "share": 5}] if number < 2 else []
        create(sample, {"name": f"Row {number}", "code": f"r{number}", "lines": entries, "tags": ["red"]}, id)
    update(sample, ROWS[0], {"name": "Opal", "pieces": 5})
    delete(sample, ROWS[4])


def changed_alone(id: UUID, values: Mapping[str, Any], version: int | None) -> Told:
    sample = record_type("_kinds.sample")

    def write() -> str:
        before = [tuple(row) for row in states()]
        update(sample, id, values, version=version)
        return "changed" if before != [tuple(row) for row in states()] else "unchanged"

    def states() -> Any:
        return session().execute(text("SELECT ctid::text FROM _kinds.sample WHERE id = :id"), {"id": id}).all()

    return alone(id, write)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=new_rows)
def test_new_rows_are_written_as_if_one_by_one(owner: Person, rows: list[tuple[UUID, dict[str, Any]]]) -> None:
    sample = record_type("_kinds.sample")

    def one(id: UUID, values: dict[str, Any]) -> str:
        create(sample, values, id)
        return "created"

    apart = undone(owner, lambda: [alone(id, lambda id=id, values=values: one(id, values)) for id, values in rows])  # type: ignore[misc]
    together = undone(owner, lambda: outcomes_of(create_many(sample, [NewRow(values, id) for id, values in rows])))
    assert together[0] == apart[0]
    assert together[1] == apart[1]


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=changes)
def test_rows_are_changed_as_if_one_by_one(owner: Person, asked: dict[UUID, tuple[dict[str, Any], int | None]]) -> None:
    sample = record_type("_kinds.sample")

    def each() -> list[Told]:
        prepare()
        return [changed_alone(id, values, version) for id, (values, version) in asked.items()]

    def all_at_once() -> list[Told]:
        prepare()
        return outcomes_of(update_many_each(sample, {id: Change(*values) for id, values in asked.items()}))

    apart, together = undone(owner, each), undone(owner, all_at_once)
    assert together[0] == apart[0]
    assert together[1] == apart[1]


def test_each_row_is_created_or_told_why_not(owner: Person) -> None:
    contact = record_type("crm.contact")
    rows = [
        NewRow({"last_name": "Durand", "addresses": [{"line1": "1 rue Victor", "city": "Lyon"}]}),
        NewRow({"first_name": "Nobody"}),
        NewRow({"last_name": "Petit", "company_id": uuid4()}),
        NewRow({"last_name": "Roux"}),
    ]
    with owner.work():
        outcomes = create_many(contact, rows)
    assert [told(one.id, one.what, one.refusal) for one in outcomes] == [
        (str(rows[0].id), "created", []), (str(rows[1].id), "refused", [("last_name", "required")]),
        (str(rows[2].id), "refused", [("company_id", "not_found")]), (str(rows[3].id), "created", []),
    ]  # fmt: skip
    read: Any = owner.api.get(f"/api/contacts/{rows[0].id}").json["data"]
    assert (read["last_name"], read["addresses"][0]["city"]) == ("Durand", "Lyon")


def test_each_row_is_changed_to_its_own_values(owner: Person) -> None:
    contact = record_type("crm.contact")
    rows = [NewRow({"last_name": name}) for name in ("Durand", "Petit", "Roux")]
    with owner.work():
        create_many(contact, rows)
    with owner.work():
        outcomes = update_many_each(
            contact,
            {
                rows[0].id: Change({"first_name": "Anna"}), rows[1].id: Change({"last_name": "Petit"}),
                rows[2].id: Change({"last_name": ""}), uuid4(): Change({"last_name": "Nobody"}),
            },
        )  # fmt: skip
    assert [one.what for one in outcomes] == ["changed", "unchanged", "refused", "refused"]
    assert [one.row["last_name"] if one.row else None for one in outcomes] == ["Durand", "Petit", "Roux", None]
    assert owner.api.get(f"/api/contacts/{rows[0].id}").json["data"]["first_name"] == "Anna"


def test_a_value_that_is_given_up_may_be_taken_by_the_next_row(owner: Person) -> None:
    sample, (first, second) = record_type("_kinds.sample"), (new_id(), new_id())
    with owner.work():
        create_many(
            sample, [NewRow({"name": "Opal", "code": "x"}, first), NewRow({"name": "Opal", "code": "y"}, second)]
        )
        taken = update_many_each(sample, {second: Change({"code": "x"}), first: Change({"code": "z"})})
        swapped = update_many_each(sample, {second: Change({"code": "q"}), first: Change({"code": "Y"})})
    assert [one.what for one in taken] == ["refused", "changed"]
    assert [one.what for one in swapped] == ["changed", "changed"]


def test_values_that_are_clean_are_taken_as_they_are_and_what_is_missing_is_still_asked_for(owner: Person) -> None:
    sample = record_type("_kinds.sample")
    with owner.work():
        outcomes = create_many(
            sample,
            [NewRow({"name": "Opal", "ratio": Decimal("0.5"), "lines": [{"finding": "sand"}]}), NewRow({"pieces": 1})],
            cleaned=True,
        )
    assert outcomes_of(outcomes)[1][2] == [("name", "required")]
    read = owner.api.get(f"/api/_kinds/samples/{outcomes[0].id}").json["data"]
    assert (read["ratio"], read["state"], read["lines"][0]["finding"]) == ("0.500", "raw", "sand")


def test_a_thousand_rows_take_as_few_statements_as_ten(owner: Person) -> None:
    contact = record_type("crm.contact")

    def count(number: int) -> int:
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, sql: str, *_more: Any) -> None:
            seen.append(sql)

        with owner.work() as work:
            company = create(record_type("crm.company"), {"name": "Léman"}).row["id"]
            engine = work.connection().engine
            event.listen(engine, "before_cursor_execute", note)
            try:
                rows = [
                    NewRow({"last_name": f"N{n}", "email": f"n{n}@example.com", "company_id": company,
                            "addresses": [{"line1": "1 rue Victor", "city": "Lyon"}]})
                    for n in range(number)
                ]  # fmt: skip
                assert {one.what for one in create_many(contact, rows)} == {"created"}
                update_many_each(
                    contact,
                    {row.id: Change({"job_title": f"J{n}", "addresses": [{"line1": "2", "city": "Lyon"}]})
                     for n, row in enumerate(rows)},
                )  # fmt: skip
                update_many(contact, {row.id: None for row in rows}, {"status": "customer"})
            finally:
                event.remove(engine, "before_cursor_execute", note)
        return len(seen)

    assert count(1000) == count(10) <= 40


def test_of_two_who_write_the_same_unique_value_at_once_one_is_told_that_it_is_taken(owner: Person) -> None:
    sample = record_type("_kinds.sample")
    outcomes: list[list[Told]] = []

    def second() -> None:
        with owner.work():
            outcomes.append(outcomes_of(create_many(sample, [NewRow({"name": "Opal", "code": c}) for c in "abc"])))

    with owner.work() as work:
        assert [one.what for one in create_many(sample, [NewRow({"name": "Quartz", "code": "B"})])] == ["created"]
        other = Thread(target=second)
        other.start()
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_locks)")
        while not work.execute(waiting).scalar_one():
            work.execute(text("SELECT pg_sleep(0.01)"))
    other.join()
    assert [(what, faults) for _id, what, faults in outcomes[0]] == [
        ("created", []), ("refused", [("code", "taken")]), ("created", [])
    ]  # fmt: skip
