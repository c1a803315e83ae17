"""Saved views over HTTP: who keeps, sees, changes and shares them, what lists begin with, and what of them can break."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from ossature.ids import new_id
from ossature.plugins.enabling import disable_plugin
from ossature.rbac.members import set_active, set_team_members
from ossature.testing.people import Person, Tenant
from ossature.testing.record_api import RecordApi

pytestmark = pytest.mark.database

VIEWS = "/api/ossature/views"
SAMPLES = "/_kinds/samples"
CUT = {"columns": [{"name": "name", "width": 240}, {"name": "state"}], "where": {"field": "state", "op": "is", "value": "cut"}, "sort": "-name"}  # fmt: skip


def keep(person: Person, name: str = "Cut ones", **fields: Any) -> dict[str, Any]:
    answer = person.api.post(VIEWS, json={"record": "_kinds.sample", "name": name, "definition": CUT, **fields})
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json["data"]
    return data


def names(person: Person) -> list[str]:
    answer = person.api.get(VIEWS, query_string={"record": "_kinds.sample"})
    assert answer.status_code == 200, answer.text
    return [view["name"] for view in answer.json["data"]]


def patch(person: Person, view: dict[str, Any], **fields: Any) -> Any:
    return person.api.patch(f"{VIEWS}/{view['id']}", json=fields)


def title(page: Any) -> str:
    """The title of a list's page, which is the name of its view."""
    return page.text.partition('class="os-views-button"')[2].partition("<span>")[2].partition("</span>")[0]


@pytest.fixture
def team(tenant: Tenant) -> Callable[..., str]:
    def made(*people: Person) -> str:
        id = new_id()
        with tenant.work() as work:
            work.execute(
                text("INSERT INTO ossature.team (id, name) VALUES (:id, :name)"), {"id": id, "name": f"T{id.hex[-6:]}"}
            )
            set_team_members(id, [person.member_id for person in people])
        return str(id)

    return made


@pytest.fixture
def stones(samples: RecordApi) -> RecordApi:
    for name, state in (("Agate", "cut"), ("Beryl", "raw"), ("Coral", "cut")):
        samples.add(name=name, state=state)
    return samples


# -- what a view shows -------------------------------------------------------------------------------------------------


@pytest.mark.req("A-007", "A-013")
def test_a_view_gives_the_api_its_filter_order_and_columns_and_the_address_has_the_last_word(
    owner: Person, stones: RecordApi
) -> None:
    view = keep(owner)["id"]
    found = stones.list(view=view)
    assert [row["name"] for row in found.json["data"]] == ["Coral", "Agate"]
    assert "state" in found.json["data"][0]
    assert "pieces" not in found.json["data"][0]
    assert stones.names(view=view, sort="name") == ["Agate", "Coral"]
    assert stones.names(view=view, **{"filter[state]": "raw"}) == ["Beryl"]
    assert stones.names(view=view, where="", search="ag") == ["Agate"]
    assert "pieces" in stones.list(view=view, fields="name,pieces").json["data"][0]


def test_groups_are_those_of_the_view(owner: Person, stones: RecordApi) -> None:
    view = keep(owner, definition={"group": ["state"]})["id"]
    groups = owner.api.get("/api/_kinds/samples/aggregate", query_string={"view": view}).json["data"]
    assert [(group["keys"], group["count"]) for group in groups] == [({"state": "raw"}, 1), ({"state": "cut"}, 2)]


def test_a_cursor_of_one_view_is_refused_by_another(owner: Person, stones: RecordApi) -> None:
    first, second = keep(owner)["id"], keep(owner, "Raw", definition={"sort": "-name"})["id"]
    cursor = stones.list(view=first, limit=1).json["meta"]["next"]
    assert stones.names(view=first, limit=1, cursor=cursor) == ["Agate"]
    assert stones.list(view=second, limit=1, cursor=cursor).status_code == 400


def test_a_page_shows_a_view_exactly_and_says_when_it_differs(owner: Person, stones: RecordApi) -> None:
    view = keep(owner)["id"]
    page = owner.page.get(SAMPLES, query_string={"view": view})
    assert title(page) == "Cut ones"
    assert "Beryl" not in page.text
    assert page.text.index("Coral") < page.text.index("Agate")
    assert "Discard" not in page.text
    changed = owner.page.get(SAMPLES, query_string={"view": view, "sort": "name"})
    assert changed.text.index("Agate") < changed.text.index("Coral")
    assert "Discard" in changed.text
    assert "Save changes" in changed.text
    lifted = owner.page.get(SAMPLES, query_string={"view": view, "where": ""})
    assert "Beryl" in lifted.text
    assert "Discard" in lifted.text


def test_every_link_of_a_list_keeps_its_view(owner: Person, stones: RecordApi) -> None:
    view = keep(owner)["id"]
    page = owner.page.get(SAMPLES, query_string={"view": view})
    assert f'name="view" value="{view}"' in page.text, "the search box"
    assert f"{SAMPLES}?view={view}&amp;sort=name" in page.text or f"view={view}&amp;sort=state" in page.text


# -- who sees and changes it -------------------------------------------------------------------------------------------


@pytest.mark.req("A-007")
def test_a_private_view_is_its_owners_alone_and_looks_absent_to_others(owner: Person, member: Any) -> None:
    view, other = keep(owner), member("admin")
    assert names(owner) == ["Cut ones"]
    assert names(other) == []
    for method, path in (("get", ""), ("patch", ""), ("delete", "")):
        answer = getattr(other.api, method)(
            f"{VIEWS}/{view['id']}{path}", **({"json": {}} if method == "patch" else {})
        )
        absent = getattr(other.api, method)(f"{VIEWS}/{uuid4()}", **({"json": {}} if method == "patch" else {}))
        assert answer.status_code == absent.status_code == 404
        assert answer.json["error"]["message"] == absent.json["error"]["message"]
    assert other.page.get(SAMPLES, query_string={"view": view["id"]}).status_code == 404
    assert other.api.get("/api/_kinds/samples", query_string={"view": view["id"]}).status_code == 404
    assert other.page.get(f"/ossature/views/{view['id']}/edit").status_code == 404


def test_views_of_another_organisation_are_not_there(owner: Person, make_tenant: Callable[..., Tenant]) -> None:
    view, stranger = keep(owner, audience="all"), make_tenant().member("owner")
    assert names(stranger) == []
    assert stranger.api.get(f"{VIEWS}/{view['id']}").status_code == 404
    assert stranger.api.get("/api/_kinds/samples", query_string={"view": view["id"]}).status_code == 404
    assert stranger.page.get(SAMPLES, query_string={"view": view["id"]}).status_code == 404
    assert stranger.page.post(f"/ossature/views/{view['id']}/delete").status_code == 404


def test_a_view_of_one_record_is_none_of_another(owner: Person) -> None:
    view = keep(owner)
    assert owner.api.get("/api/_kinds/shelves", query_string={"view": view["id"]}).status_code == 404


@pytest.mark.req("A-007")
def test_a_team_shares_views_and_who_leaves_it_sees_them_no_more(
    member: Any, team: Callable[..., str], tenant: Tenant
) -> None:
    maker, colleague, other = member("viewer"), member("viewer"), member("viewer")
    of_two = team(maker, colleague)
    view = keep(maker, audience="team", team_id=of_two)
    assert names(colleague) == ["Cut ones"]
    assert names(other) == []
    assert patch(colleague, view, name="Mine").status_code == 403
    with tenant.work():
        set_team_members(UUID(of_two), [maker.member_id])
    assert names(colleague) == []
    strangers = team(other)
    refused = patch(maker, view, audience="team", team_id=strangers)
    assert (refused.status_code, refused.json["error"]["details"][0]["field"]) == (422, "team_id")


def test_sharing_with_everybody_takes_a_permission(member: Any) -> None:
    viewer, manager = member("viewer"), member("manager")
    body = {"record": "_kinds.sample", "name": "For all", "definition": CUT, "audience": "all"}
    refused = viewer.api.post(VIEWS, json=body)
    assert (refused.status_code, refused.json["error"]["permission"]) == (403, "ossature.views.share")
    mine = keep(viewer)
    assert patch(viewer, mine, audience="all").status_code == 403
    view = keep(manager, audience="all")
    assert names(viewer) == ["Cut ones", "Cut ones"]
    shown = viewer.api.get(f"{VIEWS}/{view['id']}").json["data"]
    assert shown["may_edit"] is False
    assert patch(viewer, view, name="Mine").status_code == 403
    assert patch(member("admin"), view, name="Ours").status_code == 200, "a sharer looks after shared views"
    taken = patch(member("admin"), view, audience="private")
    assert taken.status_code == 403, "but takes them from nobody"


def test_a_view_whose_owner_left_works_for_the_others(member: Any, tenant: Tenant, stones: RecordApi) -> None:
    leaver, stays = member("manager"), member("viewer")
    view = keep(leaver, audience="all")
    with tenant.work():
        set_active(leaver.member_id, False)
    assert stones.by(stays).names(view=view["id"]) == ["Coral", "Agate"]
    assert patch(member("admin"), view, name="Ours").status_code == 200


def test_who_may_not_see_a_record_sees_none_of_its_views(owner: Person, tenant: Tenant, member: Any) -> None:
    view, other = keep(owner, audience="all"), member("viewer")
    with tenant.work() as work:
        work.execute(
            text(
                "DELETE FROM ossature.role_grant WHERE permission = '_kinds.sample.view' AND role_id IN (SELECT id FROM ossature.role WHERE key = 'viewer')"
            )
        )
    fresh = tenant.member("viewer")
    for person in (other, fresh):
        if person.api.get("/api/_kinds/samples").status_code == 403:
            assert person.api.get(VIEWS, query_string={"record": "_kinds.sample"}).status_code == 403
            assert person.api.get(f"{VIEWS}/{view['id']}").status_code == 404
            assert all(one["record"] != "_kinds.sample" for one in person.api.get(VIEWS).json["data"])


def test_a_personal_key_makes_views_of_its_member(owner: Person) -> None:
    from ossature.context import Reach
    from ossature.rbac.keys import issue_key
    from ossature.testing.people import client_of

    with owner.work():
        issued = issue_key("sync", {"_kinds.sample.view": Reach.ALL}, member_id=owner.member_id)
    key = client_of(owner.tenant.app, owner.tenant.url, Authorization=f"Bearer {issued.shown}")
    made = key.post(VIEWS, json={"record": "_kinds.sample", "name": "By key", "definition": CUT})
    assert made.status_code == 201, made.text
    assert names(owner) == ["By key"]


# -- names, versions, ids ----------------------------------------------------------------------------------------------


def test_names_are_told_apart_within_an_audience_blind_to_case_and_accents(owner: Person, member: Any) -> None:
    keep(owner, "Été")
    same = owner.api.post(VIEWS, json={"record": "_kinds.sample", "name": " ETE ", "definition": CUT})
    assert (same.status_code, same.json["error"]["details"][0]["code"]) == (422, "taken")
    keep(owner, "Été", audience="all")
    keep(member("admin"), "Été")
    keep(owner, "Été", record="_kinds.shelf", definition={})


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\u0000b", "\ud800", 7, None])
def test_a_name_that_cannot_be_kept_is_refused(owner: Person, name: object) -> None:
    body = json.dumps({"record": "_kinds.sample", "name": name, "definition": {}})
    answer = owner.api.post(VIEWS, data=body, content_type="application/json")
    assert answer.status_code in (400, 422)


def test_asking_again_with_the_same_id_makes_no_second_view(owner: Person) -> None:
    id = str(new_id())
    assert keep(owner, id=id)["id"] == id
    again = owner.api.post(VIEWS, json={"id": id, "record": "_kinds.sample", "name": "Other", "definition": CUT})
    assert (again.status_code, again.json["error"]["code"]) == (409, "id_taken")
    assert names(owner) == ["Cut ones"]


def test_a_change_over_a_newer_version_is_refused(owner: Person) -> None:
    view = keep(owner)
    assert patch(owner, view, name="Second", version=1).json["data"]["version"] == 2
    assert patch(owner, view, name="Third", version=1).status_code == 409
    stale = owner.api.patch(f"{VIEWS}/{view['id']}", json={"name": "Third"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert owner.api.delete(f"{VIEWS}/{view['id']}", headers={"If-Match": '"1"'}).status_code == 412
    assert owner.api.delete(f"{VIEWS}/{view['id']}", headers={"If-Match": '"2"'}).status_code == 200
    assert names(owner) == []


def test_changes_of_views_are_in_the_history(owner: Person, tenant: Tenant) -> None:
    view = keep(owner)
    patch(owner, view, name="Second")
    with tenant.work() as work:
        found = work.execute(
            text(
                "SELECT what FROM ossature.change WHERE record = 'ossature.saved_view' AND record_id = :id ORDER BY seq"
            ),
            {"id": view["id"]},
        ).scalars()
        assert list(found) == ["create", "update"]


# -- what a list begins with -------------------------------------------------------------------------------------------


@pytest.mark.req("A-007")
def test_a_persons_own_default_goes_before_everybodys(member: Any, stones: RecordApi) -> None:
    manager, viewer = member("manager"), member("viewer")
    keep(manager, "For everybody", audience="all", default_for_all=True)
    assert title(viewer.page.get(SAMPLES)) == "For everybody"
    own = keep(viewer, "My own", definition={"sort": "name"}, default=True)
    assert title(viewer.page.get(SAMPLES)) == "My own"
    assert title(manager.page.get(SAMPLES)) == "For everybody"
    assert title(viewer.page.get(SAMPLES, query_string={"view": "none"})) == "Samples"
    assert title(viewer.page.get(SAMPLES, query_string={"sort": "name"})) == "Samples"
    second = keep(viewer, "Second", default=True)
    assert title(viewer.page.get(SAMPLES)) == "Second", "there is one default"
    assert viewer.api.get(f"{VIEWS}/{own['id']}").json["data"]["default"] is False
    assert patch(viewer, second, default=False).status_code == 200
    assert title(viewer.page.get(SAMPLES)) == "For everybody"


def test_a_person_may_begin_without_a_view_though_everybody_begins_with_one(member: Any, stones: RecordApi) -> None:
    viewer = member("viewer")
    keep(member("manager"), "For everybody", audience="all", default_for_all=True)
    plain = {"record": "_kinds.sample", "view": "none", "look": ""}
    assert viewer.page.post("/ossature/views/default", data=plain).status_code == 303
    assert title(viewer.page.get(SAMPLES)) == "Samples"
    assert viewer.page.post("/ossature/views/default", data={**plain, "view": ""}).status_code == 303
    assert title(viewer.page.get(SAMPLES)) == "For everybody"


def test_the_default_is_of_the_page_and_never_of_the_api(owner: Person, stones: RecordApi) -> None:
    keep(owner, default=True)
    assert stones.names() == ["Agate", "Beryl", "Coral"]


def test_everybodys_default_is_shared_with_everybody_and_chosen_by_sharers(member: Any) -> None:
    manager, viewer = member("manager"), member("viewer")
    private = keep(manager)
    assert patch(manager, private, default_for_all=True).status_code == 422
    view = keep(manager, "Shared", audience="all")
    assert patch(viewer, view, default_for_all=True).status_code == 403
    assert patch(manager, view, default_for_all=True).status_code == 200
    assert patch(manager, view, audience="private").status_code == 200
    assert title(viewer.page.get(SAMPLES)) == "Samples"


def test_a_default_that_is_deleted_or_no_longer_shared_is_none(member: Any) -> None:
    manager, viewer = member("manager"), member("viewer")
    view = keep(manager, audience="all")
    assert patch(viewer, view, default=True).status_code == 200
    assert title(viewer.page.get(SAMPLES)) == "Cut ones"
    patch(manager, view, audience="private")
    assert title(viewer.page.get(SAMPLES)) == "Samples"
    patch(manager, view, audience="all")
    assert title(viewer.page.get(SAMPLES)) == "Cut ones"
    manager.api.delete(f"{VIEWS}/{view['id']}")
    assert title(viewer.page.get(SAMPLES)) == "Samples"


# -- what can break ----------------------------------------------------------------------------------------------------


def rewrite(tenant: Tenant, view: dict[str, Any], definition: Any) -> None:
    """As an upgrade leaves a view whose fields went away."""
    with tenant.work() as work:
        work.execute(
            text("UPDATE ossature.saved_view SET definition = CAST(:it AS jsonb) WHERE id = :id"),
            {"it": json.dumps(definition), "id": view["id"]},
        )


GONE = [
    ({"columns": [{"name": "name"}, {"name": "colour"}]}, "colour"),
    ({"sort": "colour"}, "colour"),
    ({"group": ["colour"]}, "colour"),
    ({"where": {"all": [{"field": "colour", "op": "is", "value": "red"}, {"field": "state", "op": "is", "value": "cut"}]}}, "colour"),
    ({"where": {"any": [{"field": "colour", "op": "is", "value": "red"}, {"field": "state", "op": "is", "value": "cut"}]}}, "colour"),
    ({"where": {"field": "state", "op": "is", "value": "melted"}}, "state"),
    ({"face": "board", "by": "colour"}, "colour"),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "culprit"), GONE)
def test_a_view_that_names_what_is_gone_says_so_and_offers_the_ways_on(
    owner: Person, tenant: Tenant, stones: RecordApi, definition: dict[str, Any], culprit: str
) -> None:
    view = keep(owner)
    rewrite(tenant, view, definition)
    refused = stones.list(view=view["id"])
    assert (refused.status_code, refused.json["error"]["code"]) == (422, "broken_view")
    said = json.dumps(refused.json["error"]).lower()
    assert culprit in said
    assert "cut ones" in said
    assert view["id"] in said
    page = owner.page.get(SAMPLES, query_string={"view": view["id"]})
    assert page.status_code == 422
    assert "Cut ones" in page.text
    assert culprit in page.text.lower()
    ways = [part.partition('"')[0].replace("&amp;", "&") for part in page.text.split(f'href="{SAMPLES}?')[1:]]
    assert "view=none" in ways
    assert len(ways) >= 2
    for way in ways:
        assert owner.page.get(f"{SAMPLES}?{way}").status_code == 200, way
    shown = owner.api.get(f"{VIEWS}/{view['id']}").json["data"]
    assert shown["definition"] is None
    assert culprit in shown["problems"][0].lower()
    assert names(owner) == ["Cut ones"]


@pytest.mark.parametrize(
    "definition", [{"columns": "name"}, {"colour": 1}, {"face": "cube"}, {"where": {"some": []}}, {"sort": 7}]
)
def test_a_view_that_cannot_be_read_at_all_is_refused_and_can_be_left_and_deleted(
    owner: Person, tenant: Tenant, stones: RecordApi, definition: dict[str, Any]
) -> None:
    view = keep(owner)
    rewrite(tenant, view, definition)
    assert stones.list(view=view["id"]).status_code == 422
    page = owner.page.get(SAMPLES, query_string={"view": view["id"]})
    assert page.status_code == 422
    assert "view=none" in page.text
    assert owner.page.get(SAMPLES).status_code == 200
    assert owner.api.delete(f"{VIEWS}/{view['id']}").status_code == 200


def test_a_default_that_broke_is_left_out_with_a_word(owner: Person, tenant: Tenant, stones: RecordApi) -> None:
    view = keep(owner, default=True)
    rewrite(tenant, view, {"columns": [{"name": "colour"}]})
    page = owner.page.get(SAMPLES)
    assert page.status_code == 200
    assert "Beryl" in page.text
    assert "usually opens with “Cut ones”" in page.text


def test_a_view_never_shows_a_field_that_its_reader_may_not_see(owner: Person, member: Any, samples: RecordApi) -> None:
    samples.add(name="Agate", remark="Stolen")
    asked = {
        "columns": [{"name": "name"}, {"name": "remark"}],
        "where": {"field": "remark", "op": "is", "value": "Stolen"},
    }
    view, viewer = keep(owner, audience="all", definition=asked), member("viewer")
    assert "Stolen" in owner.page.get(SAMPLES, query_string={"view": view["id"]}).text
    for answer in (
        viewer.page.get(SAMPLES, query_string={"view": view["id"]}),
        viewer.api.get("/api/_kinds/samples", query_string={"view": view["id"]}),
    ):
        assert answer.status_code == 422
        assert "remark" in answer.text
        assert "Stolen" not in answer.text
    shown = viewer.api.get(f"{VIEWS}/{view['id']}")
    assert shown.json["data"]["definition"] is None
    assert "Stolen" not in shown.text


BAD = [
    {"columns": [{"name": "colour"}]}, {"columns": [{"name": "name"}] * 41}, {"columns": ["no such"]}, {"sort": "colour"},
    {"sort": "name,code,pieces,ratio"}, {"group": ["notes"]}, {"group": ["state"] * 4}, {"where": {"field": "colour"}},
    {"where": {"field": "state", "op": "near", "value": "cut"}}, {"where": {"field": "pieces", "op": "is", "value": "many"}},
    {"where": {"any": [{"field": "state", "value": "cut"}] * 101}}, {"face": "board", "by": "name"}, {"face": "cube"},
    {"search": "a\u0000"}, {"where": {"field": "name", "op": "is", "value": "\u0000"}}, {"rows": []},
    {"where": {"field": "name", "op": "is", "value": "x" * 30_000}}, {"by": "x" * 201}, {"columns": {"name": 1}},
]  # fmt: skip


@pytest.mark.parametrize("definition", BAD, ids=range(len(BAD)))
def test_a_definition_that_cannot_be_shown_is_not_kept(owner: Person, definition: dict[str, Any]) -> None:
    body = {"record": "_kinds.sample", "name": "Bad", "definition": definition}
    answer = owner.api.post(VIEWS, json=body)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json["error"]["details"]
    assert names(owner) == []


@pytest.mark.parametrize(
    "body",
    [
        {}, {"record": "_kinds.sample"}, {"record": "nothing.here", "name": "X"}, {"record": "_kinds.sample_line", "name": "X"},
        {"record": "_kinds.sample", "name": "X", "audience": "world"}, {"record": "_kinds.sample", "name": "X", "audience": "team"},
        {"record": "_kinds.sample", "name": "X", "team_id": "5"}, {"record": "_kinds.sample", "name": "X", "id": "5"},
        {"record": "_kinds.sample", "name": "X", "definition": []}, {"record": "_kinds.sample", "name": "X", "owner": "me"},
        {"record": "_kinds.sample", "name": "X", "audience": "all", "team_id": str(uuid4())},
    ],
)  # fmt: skip
def test_a_body_with_faults_is_refused(owner: Person, body: dict[str, Any]) -> None:
    answer = owner.api.post(VIEWS, json=body)
    assert answer.status_code in (400, 422), answer.text


@pytest.mark.parametrize("view", ["x", "1", "%00", "none' OR 1=1", "../../etc"])
def test_an_address_with_a_view_that_is_none_is_refused(owner: Person, view: str) -> None:
    assert owner.api.get("/api/_kinds/samples", query_string={"view": view}).status_code == 400
    assert owner.page.get(SAMPLES, query_string={"view": view}).status_code == 400


def test_nobody_keeps_more_views_of_a_record_than_a_menu_can_hold(owner: Person, monkeypatch: Any) -> None:
    monkeypatch.setattr("ossature.records.saving.MOST_VIEWS", 2)
    keep(owner, "One")
    keep(owner, "Two")
    third = owner.api.post(VIEWS, json={"record": "_kinds.sample", "name": "Three", "definition": {}})
    assert third.status_code == 409


# -- the pages ---------------------------------------------------------------------------------------------------------


def test_a_list_is_kept_renamed_shared_saved_over_and_deleted_by_its_pages(owner: Person, stones: RecordApi) -> None:
    look = "filter%5Bstate%5D=cut&sort=-name"
    form = {"record": "_kinds.sample", "look": look, "name": "Cut ones", "audience": "private", "default": "y"}
    page = owner.page.get("/ossature/views/new", query_string={"record": "_kinds.sample", "look": look})
    assert page.status_code == 200
    assert "Only me" in page.text
    made = owner.page.post("/ossature/views/new", data=form)
    assert made.status_code == 303, made.text
    id = made.location.rpartition("=")[2]
    assert title(owner.page.get(SAMPLES)) == "Cut ones"
    renamed = {"name": "Cut", "audience": "all", "version": "1", "look": f"view={id}"}
    assert owner.page.post(f"/ossature/views/{id}/edit", data=renamed).status_code == 303
    assert owner.page.post(f"/ossature/views/{id}/edit", data=renamed | {"name": "Late"}).status_code == 422
    over = {"look": f"view={id}&sort=name", "version": "2"}
    assert owner.page.post(f"/ossature/views/{id}/save", data=over).status_code == 303
    assert stones.names(view=id) == ["Agate", "Coral"]
    assert owner.page.post(f"/ossature/views/{id}/save", data=over).status_code == 409
    assert owner.page.post(f"/ossature/views/{id}/delete").status_code == 303
    assert title(owner.page.get(SAMPLES)) == "Samples"


def test_a_name_that_is_taken_stands_beside_its_field_with_the_form_as_it_was(owner: Person) -> None:
    keep(owner)
    form = {"record": "_kinds.sample", "look": "sort=name", "name": "cut ones", "audience": "private"}
    answer = owner.page.post("/ossature/views/new", data=form)
    assert answer.status_code == 422
    assert "There is a view of this name already" in answer.text
    assert 'value="cut ones"' in answer.text


@pytest.mark.parametrize(
    "form", [{"record": "nothing.here"}, {"record": "_kinds.sample", "look": "view=x"}, {"record": ""}]
)
def test_odd_forms_are_refused(owner: Person, form: dict[str, str]) -> None:
    assert 400 <= owner.page.get("/ossature/views/new", query_string=form).status_code < 500
    assert 400 <= owner.page.post("/ossature/views/new", data=form).status_code < 500
    assert 400 <= owner.page.post("/ossature/views/default", data={"view": "x", **form}).status_code < 500


# -- what is not there -------------------------------------------------------------------------------------------------


def test_there_are_no_views_of_what_is_switched_off(make_tenant: Callable[..., Tenant]) -> None:
    tenant = make_tenant()
    owner = tenant.member("owner")
    view = keep(owner)
    with tenant.work():
        disable_plugin("_kinds")
    assert owner.api.get("/api/_kinds/samples").status_code == 404
    body = {"record": "_kinds.sample", "name": "Others", "definition": {}}
    assert owner.api.post(VIEWS, json=body).status_code == 400
    assert owner.api.get(VIEWS, query_string={"record": "_kinds.sample"}).status_code == 400
    assert owner.api.get(VIEWS).json["data"] == []
    assert owner.api.get(f"{VIEWS}/{view['id']}").status_code == 404
    assert patch(owner, view, name="Others").status_code == 404
    assert owner.api.delete(f"{VIEWS}/{view['id']}").status_code == 404
    assert owner.page.get("/ossature/views/new", query_string={"record": "_kinds.sample"}).status_code == 404
    assert owner.page.get(f"/ossature/views/{view['id']}/edit").status_code == 404


@pytest.mark.parametrize("stale", ["0", "1", "7"])
def test_a_view_at_another_version_is_neither_deleted_nor_begun_with(owner: Person, stale: str) -> None:
    view = keep(owner)
    assert patch(owner, view, name="Cut").json["data"]["version"] == 2
    headers = {"If-Match": f'"{stale}"'}
    at = f"{VIEWS}/{view['id']}"
    assert owner.api.delete(at, headers=headers).status_code == 412
    assert owner.api.patch(at, json={"default": True}, headers=headers).status_code == 412
    assert owner.api.patch(at, json={"default": True, "version": 1}).status_code == 409
    assert owner.api.get(at).json["data"]["default"] is False
    assert owner.api.patch(at, json={"default": True, "version": 2}).json["data"]["default"] is True
