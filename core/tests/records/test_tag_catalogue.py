"""The organisation's catalogue of tags: its spelling and colours hold, and what is done to one is done wherever it is."""

from __future__ import annotations

from typing import Any

import pytest

from ossature.context import Reach
from ossature.rbac.members import assign_roles
from ossature.rbac.roles import create_role, role_by_key, set_grants
from ossature.testing.background import run_pending
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

TAGS = "/api/ossature/tags"


def catalogue(person: Person, **asked: Any) -> dict[str, dict[str, int]]:
    answer = person.api.get(TAGS, query_string=asked)
    assert answer.status_code == 200, answer.text
    return {one["name"]: {of["record"]: of["count"] for of in one["records"]} for one in answer.json["data"]}


def tag(person: Person, name: str) -> dict[str, Any]:
    return next(one for one in person.api.get(TAGS).json["data"] if one["name"] == name)


def at(person: Person, name: str) -> str:
    return f"{TAGS}/{tag(person, name)['id']}"


def test_the_catalogue_says_on_how_many_records_of_each_kind_a_tag_is(
    samples: Any, shelves: Any, owner: Person
) -> None:
    samples.add(tags=["Fair", "VIP"])
    gone = samples.add(tags=["fair"])
    shelves.add(tags=["FAIR"])
    assert catalogue(owner) == {"Fair": {"_kinds.sample": 2, "_kinds.shelf": 1}, "VIP": {"_kinds.sample": 1}}
    samples.person.api.delete(samples.at(gone["id"]))
    assert catalogue(owner, q="AIR") == {"Fair": {"_kinds.sample": 1, "_kinds.shelf": 1}}
    first = owner.api.get(TAGS, query_string={"limit": 1}).json
    assert [one["name"] for one in first["data"]] == ["Fair"]
    assert list(catalogue(owner, after=first["meta"]["next"])) == ["VIP"]
    assert owner.api.get(TAGS, query_string={"limit": 0}).status_code == 400


def test_a_tag_is_spelled_as_in_the_catalogue_however_it_is_written(
    samples: Any, shelves: Any, owner: Person, tenant: Tenant
) -> None:
    assert samples.add(tags=["VIP"])["tags"] == ["VIP"]
    first, second = shelves.add(tags=["vip"]), shelves.add()
    assert first["tags"] == ["VIP"]
    assert shelves.patch(second["id"], {"tags": ["Vip", "other"]}).json["data"]["tags"] == ["VIP", "other"]
    many = {"ids": [first["id"], second["id"]], "set": {"tags": {"add": ["víp", "OTHER"]}}}
    assert owner.api.post(f"{shelves.path}/mass", json=many).status_code == 202
    run_pending(tenant)
    assert owner.api.get(shelves.at(first["id"])).json["data"]["tags"] == ["VIP", "other"]
    typed = {"name": "Top", "tags": "vip, OTHER", "version": "3"}
    owner.page.post(f"/_kinds/shelves/{second['id']}/edit", data=typed)
    assert owner.api.get(shelves.at(second["id"])).json["data"]["tags"] == ["VIP", "other"]


def test_a_word_that_nothing_carries_any_longer_may_be_spelled_anew(samples: Any, owner: Person) -> None:
    added = samples.add(tags=["vip"])
    samples.patch(added["id"], {"tags": []})
    assert catalogue(owner) == {}
    assert samples.add(tags=["VIP"])["tags"] == ["VIP"]
    assert catalogue(owner) == {"VIP": {"_kinds.sample": 1}}


def test_a_tag_that_is_entered_is_offered_before_anything_carries_it(samples: Any, owner: Person) -> None:
    made = owner.api.post(TAGS, json={"name": " Key  account ", "tone": "success"})
    assert (made.status_code, made.json["data"]["name"], made.json["data"]["tone"]) == (201, "Key account", "success")
    assert owner.api.get(made.headers["Location"]).json["data"] == made.json["data"]
    offered = owner.api.get(f"{samples.path}/tags?q=KEY").json["data"]
    assert offered == [{"name": "Key account", "tone": "success"}]
    twice = owner.api.post(TAGS, json={"name": "KEY ACCOUNT"})
    assert (twice.status_code, twice.json["error"]["details"][0]["code"]) == (409, "taken")
    for wrong, code in (({"name": ""}, "required"), ({"name": "a,b"}, "invalid"), ({"name": "x", "tone": "pink"}, "invalid"),
                        ({"name": 1}, "wrong_type"), ({"name": "x", "size": 1}, "unknown_field")):  # fmt: skip
        refused = owner.api.post(TAGS, json=wrong)
        assert (refused.status_code, refused.json["error"]["details"][0]["code"]) == (422, code), refused.text


def test_a_tag_is_renamed_on_all_records_under_one_change_set_and_that_is_undone_as_one(
    samples: Any, shelves: Any, owner: Person, tenant: Tenant
) -> None:
    sample, shelf = samples.add(tags=["a", "Fair", "z"]), shelves.add(tags=["fair"])
    other = shelves.add(tags=["a"])
    at_fair = at(owner, "Fair")
    owner.api.patch(at_fair, json={"tone": "warning"})
    answer = owner.api.patch(at_fair, json={"name": "Fair 2026"})
    assert (answer.status_code, answer.json["data"]["tone"]) == (202, "warning"), answer.text
    assert {act["record"] for act in answer.json["meta"]["acts"]} == {"_kinds.sample", "_kinds.shelf"}
    run_pending(tenant)

    def now(api: Any, one: dict[str, Any]) -> list[str]:
        return list(owner.api.get(api.at(one["id"])).json["data"]["tags"])

    assert (now(samples, sample), now(shelves, shelf), now(shelves, other)) == (
        ["a", "Fair 2026", "z"],
        ["Fair 2026"],
        ["a"],
    )
    assert catalogue(owner, q="fair") == {"Fair 2026": {"_kinds.sample": 1, "_kinds.shelf": 1}}
    change_set = answer.json["meta"]["change_set_id"]
    shown = owner.page.get(f"/settings/tags?change={change_set}").text
    assert "“Fair” becomes “Fair 2026”" in shown
    assert f"/history/{change_set}?undo=1" in shown
    told = owner.page.get(f"/history/{change_set}").text
    assert "Tag Fair renamed to Fair 2026" in told
    undone = owner.api.post(f"/api/ossature/change-sets/{change_set}/undo", json={})
    assert undone.status_code == 200, undone.text
    assert (now(samples, sample), now(shelves, shelf)) == (["a", "Fair", "z"], ["Fair"])
    assert tag(owner, "Fair")["tone"] == "warning"


def test_a_tag_is_spelled_otherwise_on_all_records(samples: Any, owner: Person, tenant: Tenant) -> None:
    added = samples.add(tags=["vip"])
    assert owner.api.patch(at(owner, "vip"), json={"name": "VIP"}).status_code == 202
    run_pending(tenant)
    assert owner.api.get(samples.at(added["id"])).json["data"]["tags"] == ["VIP"]
    assert list(catalogue(owner)) == ["VIP"]


def test_a_tag_renamed_onto_another_says_so_before_they_are_merged(samples: Any, owner: Person, tenant: Tenant) -> None:
    both, one = samples.add(tags=["Client", "VIP", "z"]), samples.add(tags=["VIP"])
    owner.api.patch(at(owner, "Client"), json={"tone": "info"})
    refused = owner.api.patch(at(owner, "VIP"), json={"name": "client"})
    assert (refused.status_code, refused.json["error"]["details"][0]["code"]) == (409, "taken")
    page = owner.page.post(f"/settings/tags/{tag(owner, 'VIP')['id']}", data={"name": "client", "tone": "neutral"})
    assert page.status_code == 422
    assert "Merge “VIP” into “Client”" in page.text
    into = refused.json["error"]["details"][0]["id"]
    done = owner.page.post(
        f"/settings/tags/{tag(owner, 'VIP')['id']}", data={"name": "Client", "tone": "info", "into": into}
    )
    assert done.status_code == 303
    run_pending(tenant)
    assert owner.api.get(samples.at(both["id"])).json["data"]["tags"] == ["Client", "z"]
    assert owner.api.get(samples.at(one["id"])).json["data"]["tags"] == ["Client"]
    assert catalogue(owner) == {"Client": {"_kinds.sample": 2}, "z": {"_kinds.sample": 1}}
    assert tag(owner, "Client")["tone"] == "info"
    merged = owner.api.post(f"{at(owner, 'z')}/merge", json={"into": into})
    assert (merged.status_code, merged.json["data"]["name"]) == (202, "Client")
    assert owner.api.post(f"{TAGS}/{into}/merge", json={"into": into}).status_code == 422


def test_a_tag_that_is_deleted_is_taken_off_all_records(samples: Any, owner: Person, tenant: Tenant) -> None:
    added = samples.add(tags=["keep", "Drop"])
    there = at(owner, "Drop")
    gone = owner.api.delete(there)
    assert gone.status_code == 202, gone.text
    run_pending(tenant)
    assert owner.api.get(samples.at(added["id"])).json["data"]["tags"] == ["keep"]
    assert list(catalogue(owner)) == ["keep"]
    assert owner.api.get(there).status_code == 404
    owner.api.post(TAGS, json={"name": "unused"})
    assert owner.api.delete(at(owner, "unused")).status_code == 200


def test_colours_are_shown_on_chips_in_lists_on_pages_and_in_forms(shelves: Any, owner: Person) -> None:
    added = shelves.add(tags=["VIP", "plain"])
    made = owner.page.post(f"/settings/tags/{tag(owner, 'VIP')['id']}", data={"name": "VIP", "tone": "danger"})
    assert made.status_code == 303
    chip = '<span class="os-tag os-tone-danger">VIP</span><span class="os-tag os-tone-neutral">plain</span>'
    assert chip in owner.page.get(f"/_kinds/shelves/{added['id']}").text
    assert chip in owner.page.get("/_kinds/shelves", query_string={"columns": "name,tags"}).text
    form = owner.page.get(f"/_kinds/shelves/{added['id']}/edit").text
    assert 'data-tones="{&#34;VIP&#34;:&#34;danger&#34;}"' in form
    assert 'os-tone-danger">VIP</span>' in owner.page.get("/settings/tags").text


def test_the_page_leads_to_each_list_filtered_by_the_tag(shelves: Any, samples: Any, owner: Person) -> None:
    added = shelves.add(name="Marked", tags=["Fair 2026"])
    shelves.add(name="Unmarked")
    page = owner.page.get("/settings/tags").text
    assert "/_kinds/shelves?filter%5Btags%5D=Fair+2026" in page
    found = owner.page.get("/_kinds/shelves?filter%5Btags%5D=Fair+2026").text
    assert added["id"] in found
    assert "Unmarked" not in found
    assert "No tag has “nothing” in it" in owner.page.get("/settings/tags?q=nothing").text


def test_counts_and_acts_are_of_the_records_that_one_reaches(
    samples: Any, owner: Person, tenant: Tenant, make_tenant: Any
) -> None:
    theirs = samples.add(tags=["Fair"])
    person = tenant.member("sales_rep")
    with tenant.work():
        role = create_role("Tags", "", role_by_key("sales_rep").id)
        rights = {f"_kinds.sample.{one}": Reach.OWN for one in ("view", "edit", "create")}
        set_grants(role.id, {**rights, "ossature.tags.manage": Reach.ALL})
        assign_roles(person.member_id, [role.id])
    samples.by(person).add(tags=["fair"])
    samples.by(make_tenant().member("owner")).add(tags=["Elsewhere"])
    assert catalogue(person) == {"Fair": {"_kinds.sample": 1}}
    assert person.api.delete(at(person, "Fair")).status_code == 202
    run_pending(tenant)
    assert owner.api.get(samples.at(theirs["id"])).json["data"]["tags"] == ["Fair"]
    assert catalogue(owner) == {"Fair": {"_kinds.sample": 1}}


def test_only_those_who_may_change_tags(samples: Any, owner: Person, tenant: Tenant) -> None:
    samples.add(tags=["Fair"])
    viewer = tenant.member("viewer")
    there = at(owner, "Fair")
    for method, path, body in (("post", TAGS, {"name": "x"}), ("patch", there, {"name": "x"}), ("delete", there, None),
                               ("post", f"{there}/merge", {"into": there[-36:]})):  # fmt: skip
        refused = getattr(viewer.api, method)(path, json=body)
        assert (refused.status_code, refused.json["error"]["permission"]) == (403, "ossature.tags.manage")
    page = viewer.page.get("/settings/tags")
    assert page.status_code == 200
    assert "New tag" not in page.text
    assert viewer.page.get("/settings/tags/new").status_code == 403
