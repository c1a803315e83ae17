"""Many records changed together: the set is fixed, each row has its outcome, one change set holds it all."""

from __future__ import annotations

import itertools
import os
import re
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from ossature.db.kernel import change, change_set, mass
from ossature.ids import new_id
from ossature.jobs.run import run_job
from ossature.kernel import Kernel, kernel
from ossature.records import mass_work
from ossature.records.bulk import insert_rows
from ossature.records.lookup import record_type
from ossature.testing.background import run_pending
from ossature.testing.background_rows import change_job
from ossature.testing.people import Person, Tenant
from ossature.testing.statements import StatementLog

pytestmark = pytest.mark.database

CONTACTS = "/api/contacts"


def contact(person: Person, **values: Any) -> dict[str, Any]:
    answer = person.api.post(CONTACTS, json={"last_name": "Martin", **values})
    assert answer.status_code == 201, answer.text
    return dict(answer.json["data"])


def read(person: Person, id: str) -> dict[str, Any]:
    return dict(person.api.get(f"{CONTACTS}/{id}").json["data"])


def act(person: Person, **body: Any) -> str:
    answer = person.api.post(f"{CONTACTS}/mass", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json["data"]["id"])


def told(person: Person, id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    head = person.api.get(f"{CONTACTS}/mass/{id}").json["data"]
    return head, person.api.get(f"{CONTACTS}/mass/{id}/rows").json["data"]


@pytest.mark.req("A-016")
def test_what_still_writes_is_not_undone(owner: Person, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mass_work, "AT_ONCE", 2)
    made = [contact(owner, source="event") for _number in range(3)]
    id = act(owner, ids=[one["id"] for one in made], set={"source": "referral"})
    with owner.work() as work:
        head = work.execute(select(mass)).mappings().one()
        context = mass_work.under(record_type("crm.contact"), head)
        assert mass_work.work_on(record_type("crm.contact"), head["id"], context)
    undo = f"/api/ossature/change-sets/{told(owner, id)[0]['change_set_id']}/undo"
    refused = owner.api.post(undo, json={})
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "busy")
    assert "This change of many records is still being written" in refused.json["error"]["message"]
    run_pending(tenant)
    assert [read(owner, one["id"])["source"] for one in made] == ["referral"] * 3
    assert owner.api.post(undo, json={}).status_code == 200
    assert [read(owner, one["id"])["source"] for one in made] == ["event"] * 3


@pytest.mark.req("A-016")
def test_all_that_match_are_changed_in_the_background_under_one_change_set(
    owner: Person, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mass_work, "AT_ONCE", 3)
    leads = [contact(owner, status="lead", department=f"d{n}") for n in range(7)]
    other = contact(owner, status="customer")
    answer = owner.api.post(
        f"{CONTACTS}/mass?filter[status]=lead", json={"all": True, "set": {"source": "event", "department": None}}
    )
    assert answer.status_code == 202
    id = answer.json["data"]["id"]
    assert (answer.json["data"]["state"], answer.json["data"]["total"]) == ("waiting", 7)
    later = contact(owner, status="lead")  # the set is fixed
    run_pending(tenant)
    head, rows = told(owner, id)
    assert (head["state"], head["changed"], head["refused"]) == ("done", 7, 0)
    assert {row["id"] for row in rows} == {one["id"] for one in leads}
    assert {row["outcome"] for row in rows} == {"changed"}
    changed = [read(owner, one["id"]) for one in leads]
    assert {(one["source"], one["department"], one["version"]) for one in changed} == {("event", None, 2)}
    assert [read(owner, one["id"])["source"] for one in (other, later)] == [None, None]
    with owner.work() as work:
        sets = work.execute(
            select(change_set).where(change_set.c.id == UUID(head["change_set_id"]))
        ).mappings().all()  # fmt: skip
        written = work.execute(
            select(change.c.at, change.c.record_id).where(change.c.change_set_id == UUID(head["change_set_id"]))
        ).all()
    assert [(one["means"], one["actor_id"]) for one in sets] == [("mass", owner.member_id)]
    assert "7" in sets[0]["reason"]
    assert len(written) == 7
    assert {one.at for one in written} == {sets[0]["at"]}


@pytest.mark.req("A-016")
def test_each_row_has_its_own_outcome_and_refusals_say_why(owner: Person, tenant: Tenant) -> None:
    first, second, gone = (contact(owner, status=status) for status in ("lead", "customer", "lead"))
    owner.api.delete(f"{CONTACTS}/{gone['id']}")
    unknown = str(uuid4())
    id = act(owner, ids=[first["id"], second["id"], gone["id"], unknown, first["id"]], set={"status": "customer"})
    run_pending(tenant)
    head, rows = told(owner, id)
    assert (head["total"], head["changed"], head["unchanged"], head["refused"]) == (4, 1, 1, 2)
    assert [(row["id"], row["outcome"], row["code"]) for row in rows] == [
        (first["id"], "changed", None), (second["id"], "unchanged", None), (gone["id"], "refused", "deleted"),
        (unknown, "refused", "not_found"),
    ]  # fmt: skip
    assert "restore it before" in rows[2]["reason"]
    refused = owner.api.get(f"{CONTACTS}/mass/{id}/rows?outcome=refused&limit=1").json
    assert [row["id"] for row in refused["data"]] == [gone["id"]]
    rest = owner.api.get(f"{CONTACTS}/mass/{id}/rows?outcome=refused&after={refused['meta']['next']}").json
    assert [row["id"] for row in rest["data"]] == [unknown]
    page = owner.page.get(f"/crm/contacts/mass/{id}")
    assert "1 changed" in page.text
    assert "restore it before" in page.text
    sheet = owner.page.get(f"/crm/contacts/mass/{id}?part=csv").text
    assert f"{first['id']},Martin,changed" in sheet
    assert unknown in sheet


@pytest.mark.req("A-031", "A-016")
def test_a_field_changed_since_the_selection_was_read_is_refused_unless_written_over(
    owner: Person, tenant: Tenant
) -> None:
    same, apart = contact(owner, department="one"), contact(owner, department="one")
    owner.api.patch(f"{CONTACTS}/{same['id']}", json={"department": "theirs"})
    owner.api.patch(f"{CONTACTS}/{apart['id']}", json={"source": "event"})
    seen = [{"id": one["id"], "version": one["version"]} for one in (same, apart)]
    id = act(owner, rows=seen, set={"department": "mine"})
    run_pending(tenant)
    _head, rows = told(owner, id)
    assert [(row["outcome"], row["code"], row["field"]) for row in rows] == [
        ("refused", "changed_meanwhile", "department"), ("changed", None, None)
    ]  # fmt: skip
    assert read(owner, same["id"])["department"] == "theirs"
    assert (read(owner, apart["id"])["department"], read(owner, apart["id"])["source"]) == ("mine", "event")
    act(owner, rows=seen, set={"department": "mine"}, overwrite=True)
    run_pending(tenant)
    assert read(owner, same["id"])["department"] == "mine"


def test_of_a_row_refused_for_what_others_wrote_mine_or_theirs_is_chosen(owner: Person, tenant: Tenant) -> None:
    both = [contact(owner, department="one") for _n in range(2)]
    seen = [{"id": one["id"], "version": one["version"]} for one in both]
    for one in both:
        owner.api.patch(f"{CONTACTS}/{one['id']}", json={"department": "theirs"})
    id = act(owner, rows=seen, set={"department": "mine", "source": "event"})
    run_pending(tenant)
    page, result = owner.page, f"/crm/contacts/mass/{id}"
    shown = page.get(f"{result}?outcome=refused").text
    choices = [unescape(one) for one in re.findall(r'href="([^"]*/rows/[^"]*)"', shown)]
    assert len(choices) == 2
    panel = page.get(choices[0], headers={"HX-Request": "true"}).text
    assert re.findall(r"<dd>(.*?)</dd>", panel) == ["one", "theirs", "mine"]
    version = int(re.search(r'name="_version" value="(\d+)"', panel)[1])  # type: ignore[index]

    owner.api.patch(f"{CONTACTS}/{both[0]['id']}", json={"department": "newer"})
    again = page.post(choices[0], data={"choice": "mine", "_version": version}, headers={"HX-Request": "true"})
    assert again.headers["HX-Retarget"] == f"#mass-row-{both[0]['id']}"
    assert re.findall(r"<dd>(.*?)</dd>", again.text) == ["theirs", "newer", "mine"]
    assert read(owner, both[0]["id"])["department"] == "newer"

    done = page.post(choices[0], data={"choice": "mine", "_version": version + 1})
    assert (done.status_code, done.location) == (303, f"{result}?outcome=refused")
    assert [read(owner, both[0]["id"])[name] for name in ("department", "source")] == ["mine", "event"]
    assert page.post(choices[1], data={"choice": "theirs"}).status_code == 303
    assert [read(owner, both[1]["id"])[name] for name in ("department", "source")] == ["theirs", None]
    head, rows = told(owner, id)
    assert [row["outcome"] for row in rows] == ["changed", "unchanged"]
    assert [head[name] for name in ("changed", "unchanged", "refused")] == [1, 1, 0]
    assert page.post(choices[1], data={"choice": "mine"}).status_code == 404
    assert tenant.member("owner").page.get(choices[0]).status_code == 404


def test_rules_are_asked_of_every_row(owner: Person, tenant: Tenant) -> None:
    company = owner.api.post("/api/companies", json={"name": "Acme", "siren": "404833048"}).json["data"]
    free = owner.api.post("/api/companies", json={"name": "Free"}).json["data"]
    answer = owner.api.post(
        "/api/companies/mass", json={"ids": [company["id"], free["id"]], "set": {"parent_id": company["id"]}}
    )
    run_pending(tenant)
    rows = owner.api.get(f"/api/companies/mass/{answer.json['data']['id']}/rows").json["data"]
    assert [(row["outcome"], row["code"]) for row in rows] == [("refused", "own_ancestor"), ("changed", None)]


@pytest.mark.req("S4-152", "A-016")
def test_tags_are_added_and_taken_away_and_an_owner_is_given(owner: Person, tenant: Tenant) -> None:
    colleague = tenant.member("manager")
    one, two = contact(owner, tags=["Fair", "old"]), contact(owner)
    act(owner, ids=[one["id"], two["id"]], set={
        "tags": {"add": ["vip"], "remove": ["OLD"]}, "owner_id": str(colleague.member_id),
    })  # fmt: skip
    run_pending(tenant)
    found = [read(owner, each["id"]) for each in (one, two)]
    assert [each["tags"] for each in found] == [["Fair", "vip"], ["vip"]]
    assert {each["owner_id"] for each in found} == {str(colleague.member_id)}


@pytest.mark.req("A-016")
def test_many_are_deleted_and_what_others_need_stays(owner: Person, tenant: Tenant) -> None:
    ids = [contact(owner)["id"] for _ in range(3)]
    id = act(owner, ids=ids, delete=True)
    run_pending(tenant)
    head, _rows = told(owner, id)
    assert head["changed"] == 3
    assert {one["id"] for one in owner.api.get(f"{CONTACTS}?deleted=true").json["data"]} == set(ids)
    assert owner.api.post(f"{CONTACTS}/{ids[0]}/restore").status_code == 200


@pytest.mark.req("A-016")
def test_rows_out_of_reach_and_of_others_are_never_touched(
    owner: Person, tenant: Tenant, make_tenant: Callable[..., Tenant]
) -> None:
    sales = tenant.member("sales_rep")
    theirs = contact(owner, department="kept")
    own = contact(sales, department="mine")
    foreign_owner = make_tenant().member()
    foreign = contact(foreign_owner, department="foreign")
    id = act(sales, ids=[theirs["id"], own["id"], foreign["id"]], set={"department": "taken"})
    run_pending(tenant)
    _head, rows = told(sales, id)
    assert [(row["outcome"], row["code"]) for row in rows] == [
        ("refused", "not_found"), ("changed", None), ("refused", "not_found")
    ]  # fmt: skip
    assert read(owner, theirs["id"])["department"] == "kept"
    assert read(foreign_owner, foreign["id"])["department"] == "foreign"
    for person in (owner, foreign_owner):  # the results are of who asked
        assert person.api.get(f"{CONTACTS}/mass/{id}").status_code == 404
        assert person.page.get(f"/crm/contacts/mass/{id}").status_code == 404
    viewer = tenant.member("viewer")
    assert viewer.api.post(f"{CONTACTS}/mass", json={"ids": [own["id"]], "set": {"department": "x"}}).status_code == 403
    assert viewer.api.post(f"{CONTACTS}/mass", json={"ids": [own["id"]], "delete": True}).status_code == 403


def test_a_right_that_is_withdrawn_meanwhile_refuses_the_rows(owner: Person, tenant: Tenant) -> None:
    manager = tenant.member("manager")
    one = contact(manager, department="kept")
    id = act(manager, ids=[one["id"]], set={"department": "taken"})
    with tenant.work() as work:
        work.execute(text("DELETE FROM ossature.member_role WHERE member_id = :id"), {"id": manager.member_id})
    run_pending(tenant)
    assert read(owner, one["id"])["department"] == "kept"
    with owner.work() as work:
        outcome = work.execute(text("SELECT outcome FROM ossature.mass_row WHERE mass_id = :id"), {"id": id}).scalar()
    assert outcome in ("refused", None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ids": [], "set": {"status": "lead"}}, "ids"),
        ({"ids": ["x"], "set": {"status": "lead"}}, "ids.0"),
        ({"all": True, "ids": [str(uuid4())], "set": {"status": "lead"}}, "ids"),
        ({"all": True, "set": {}}, "set"),
        ({"all": True, "set": {"status": "emperor"}}, "status"),
        ({"all": True, "set": {"last_name": None}}, "last_name"),
        ({"all": True, "set": {"company_id": str(uuid4())}}, "company_id"),
        ({"all": True, "set": {"nonsense": 1}}, "nonsense"),
        ({"all": True, "set": {"tags": {"hide": ["x"]}}}, "tags.hide"),
        ({"all": True}, "set"),
        ({"all": True, "set": {"status": "lead"}, "delete": True}, "set"),
        ({"rows": [{"id": str(uuid4()), "version": -1}], "delete": True}, "rows.0"),
    ],
)
def test_what_fits_no_row_is_refused_before_it_begins(owner: Person, body: dict[str, Any], field: str) -> None:
    contact(owner)
    answer = owner.api.post(f"{CONTACTS}/mass", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json["error"]["details"][0]["field"] == field
    with owner.work() as work:
        assert work.execute(text("SELECT count(*) FROM ossature.mass")).scalar() == 0


def test_an_act_that_waits_is_cancelled_and_leaves_the_rest_alone(owner: Person, tenant: Tenant) -> None:
    one = contact(owner)
    id = act(owner, ids=[one["id"]], set={"status": "customer"})
    assert owner.api.post(f"{CONTACTS}/mass/{id}/cancel").json["data"]["state"] == "cancelled"
    run_pending(tenant)
    assert read(owner, one["id"])["status"] == "lead"
    assert [row["outcome"] for row in told(owner, id)[1]] == [None]


@pytest.mark.req("A-016")
def test_the_dialogue_asks_for_fields_says_how_many_and_keeps_what_was_typed(owner: Person, tenant: Tenant) -> None:
    one, two = contact(owner), contact(owner)
    rows = f"{one['id']}.1 {two['id']}.1"
    asked = owner.page.post("/crm/contacts/mass", data={"_act": "edit", "_rows": rows})
    assert "This changes 2 contacts." in asked.text
    chosen = owner.page.post(
        "/crm/contacts/mass", data={"_act": "edit", "_rows": rows, "_field": ["department", "email"], "department": "x"}
    )
    assert 'value="x"' in chosen.text
    wrong = owner.page.post(
        "/crm/contacts/mass",
        data={"_act": "edit", "_rows": rows, "_step": "start", "_field": ["department", "email"], "department": "Sales",
              "email": "nonsense"},
    )  # fmt: skip
    assert wrong.status_code == 422
    assert 'value="Sales"' in wrong.text
    assert 'value="nonsense"' in wrong.text
    begun = owner.page.post(
        "/crm/contacts/mass",
        data={"_act": "edit", "_rows": rows, "_step": "start", "_field": ["department", "job_title"],
              "department": "Sales", "_clear-job_title": "1"},
    )  # fmt: skip
    assert begun.status_code == 200
    assert "part=progress" in begun.text
    run_pending(tenant)
    assert {read(owner, each["id"])["department"] for each in (one, two)} == {"Sales"}
    assert "Change of 2 contacts" in owner.page.get("/crm/contacts/mass").text
    gone = owner.page.post("/crm/contacts/mass?f=status.is.lead", data={"_act": "delete", "_all": "1"})
    assert gone.status_code in (200, 400)


@pytest.mark.req("A-016")
def test_an_act_in_several_batches_is_undone_as_one(
    owner: Person, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mass_work, "AT_ONCE", 2)
    ids = [contact(owner, department="before")["id"] for _ in range(5)]
    id = act(owner, ids=ids, set={"department": "after"})
    run_pending(tenant)
    head, _rows = told(owner, id)
    undo = f"/history/{head['change_set_id']}?undo=1"
    assert f'href="{undo}"' in owner.page.get(f"/crm/contacts/mass/{id}").text
    assert owner.page.get(undo).status_code == 200
    assert owner.page.post(f"/history/{head['change_set_id']}/undo", data={"sure": "1"}).status_code == 303
    run_pending(tenant)
    assert {read(owner, one)["department"] for one in ids} == {"before"}


@pytest.mark.req("A-016")
@pytest.mark.parametrize("late", [False, True])
def test_a_worker_that_is_killed_has_lost_and_doubled_nothing(
    owner: Person, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    monkeypatch.setattr(mass_work, "AT_ONCE", 2)
    ids = [contact(owner)["id"] for _ in range(7)]
    id = act(owner, ids=ids, set={"status": "customer"})
    with owner.work() as work:
        job_id = work.execute(text("SELECT job_id FROM ossature.mass WHERE id = :id"), {"id": id}).scalar_one()
    here: Kernel = tenant.app.extensions["ossature"]
    child = os.fork()
    if child == 0:
        here.db.forget()
        calls = itertools.count()
        once = mass_work._arrays if not late else mass_work.work_on

        def kill(*arguments: Any) -> Any:
            """In the second transaction before it is committed, or right after that."""
            found = once(*arguments)  # type: ignore[operator]
            if next(calls) == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        setattr(mass_work, "work_on" if late else "_arrays", kill)
        run_job(here, tenant.id, job_id, "doomed")
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    head, _rows = told(owner, id)
    assert (head["state"], head["done"]) == ("running", 4 if late else 2)
    change_job(tenant, job_id, state="failed")  # as the dispatcher does with one that fell silent
    run_pending(tenant)
    head, rows = told(owner, id)
    assert (head["state"], head["done"], head["changed"]) == ("done", 7, 7)
    assert [row["outcome"] for row in rows] == ["changed"] * 7
    with owner.work() as work:
        written = work.execute(
            select(change.c.record_id).where(change.c.change_set_id == UUID(head["change_set_id"]))
        ).scalars().all()  # fmt: skip
    assert sorted(map(str, written)) == sorted(ids)
    assert {read(owner, one)["version"] for one in ids} == {2}


@pytest.mark.req("A-016", "A-031")
def test_two_acts_at_once_on_the_same_rows_both_end(owner: Person, tenant: Tenant) -> None:
    ids = [contact(owner)["id"] for _ in range(20)]
    acts = [act(owner, ids=ids, set={"department": "A"}), act(owner, ids=ids[::-1], set={"job_title": "B"})]
    here: Kernel = tenant.app.extensions["ossature"]
    with owner.work() as work:
        jobs = work.execute(text("SELECT job_id FROM ossature.mass")).scalars().all()
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda one: run_job(here, tenant.id, one, "test"), jobs)) == ["succeeded"] * 2
    assert [told(owner, one)[0]["changed"] for one in acts] == [20, 20]
    assert {(one["department"], one["job_title"]) for one in (read(owner, id) for id in ids)} == {("A", "B")}


def test_many_rows_cost_statements_by_the_chunk(
    owner: Person, tenant: Tenant, statements: StatementLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mass_work, "AT_ONCE", 100)

    def cost(rows: int) -> int:
        with owner.work():
            some = ({"id": new_id(), "last_name": f"Many {rows}", "owner_id": owner.member_id} for _n in range(rows))
            insert_rows(kernel().records["crm.contact"], some)
        body = {"all": True, "set": {"status": "customer", "source": "event"}}
        wanted = {"filter[last_name]": f"Many {rows}"}
        answer = owner.api.post(f"{CONTACTS}/mass", query_string=wanted, json=body)
        with statements.counting() as counted:
            run_pending(tenant)
        assert told(owner, answer.json["data"]["id"])[0]["changed"] == rows
        return len(counted)

    one, five = cost(100), cost(500)
    assert five - one < 4 * 25, (one, five)
