"""Tags on any record: written, refused, found, kept by the database."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from ossature.testing.servers import Servers

pytestmark = pytest.mark.database


@pytest.mark.req("S4-152")
def test_tags_are_kept_as_typed_each_once_whatever_its_case_and_accents(samples: Any) -> None:
    added = samples.add(tags=["  Élevé ", "eleve", "Fair  2026", "ELEVÉ"])
    assert added["tags"] == ["Élevé", "Fair 2026"]
    assert samples.add()["tags"] == []
    changed = samples.patch(added["id"], {"tags": ["Fair 2026", "New"]})
    assert changed.json["data"]["tags"] == ["Fair 2026", "New"]
    assert changed.json["data"]["version"] == 2
    assert samples.patch(added["id"], {"name": "Onyx"}).json["data"]["tags"] == ["Fair 2026", "New"]
    assert samples.patch(added["id"], {"tags": []}).json["data"]["tags"] == []


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ("fair", "wrong_type"), ([1], "wrong_type"), (["a,b"], "invalid"), (["x" * 61], "too_long"),
        ([f"t{n}" for n in range(51)], "too_many"), (["a\x00b"], "bad_character"), (["\u0301"], "invalid"),
    ],
)  # fmt: skip
def test_what_is_no_tag_is_refused(samples: Any, tags: Any, code: str) -> None:
    refused = samples.post({"name": "Quartz", "tags": tags})
    assert refused.status_code == 422
    assert [(one["field"], one["code"]) for one in refused.json["error"]["details"]] == [("tags", code)]


def test_lists_are_filtered_by_tags_blind_to_case_and_accents(samples: Any) -> None:
    both, one, none = (samples.add(tags=tags)["id"] for tags in (["Élevé", "Fair"], ["élevé"], []))

    def found(question: str, value: str = "") -> set[str]:
        answer = samples.list(**{f"filter[tags{question}]": value})
        assert answer.status_code == 200, answer.text
        return {row["id"] for row in answer.json["data"]}

    assert found("", "eleve") == {both, one}
    assert found(".in", "fair,nothing") == {both}
    assert found(".all", "FAIR,Eleve") == {both}
    assert found(".not", "fair") == {one, none}
    assert found(".empty") == {none}
    assert found(".filled") == {both, one}
    samples.patch(both, {"tags": ["Fair"]})
    assert found("", "élevé") == {one}
    assert samples.list(**{"filter[tags]": ""}).status_code == 422


def test_tags_that_two_people_add_at_once_are_both_kept(samples: Any) -> None:
    added = samples.add(tags=["old", "kept"])
    assert samples.patch(added["id"], {"tags": ["old", "kept", "theirs"]}).status_code == 200
    mine = samples.patch(added["id"], {"tags": ["kept", "mine"], "version": 1})
    assert mine.status_code == 200, mine.text
    assert mine.json["data"]["tags"] == ["kept", "theirs", "mine"]


def test_the_database_itself_keeps_what_filters_ask_and_refuses_too_many(
    samples: Any, servers: Servers, database: str
) -> None:
    id = samples.add(tags=["Fair"])["id"]
    with servers.connect(database) as connection:
        connection.execute("UPDATE _kinds.sample SET tags = '{Élan,Fair}' WHERE id = %s", [id])
        kept = connection.execute("SELECT fold FROM ossature.tagging WHERE record_id = %s ORDER BY 1", [id])
        assert [fold for (fold,) in kept] == ["elan", "fair"]
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(
                "UPDATE _kinds.sample SET tags = (SELECT array_agg(n::text) FROM generate_series(1, 51) n) WHERE id = %s",
                [id],
            )
        connection.execute("DELETE FROM _kinds.sample WHERE id = %s", [id])
        left = connection.execute("SELECT count(*) FROM ossature.tagging WHERE record_id = %s", [id]).fetchone()
        assert left == (0,)


def test_a_form_takes_tags_with_commas_between_them_and_shows_them_again(shelves: Any) -> None:
    id = shelves.add(tags=["Fair", "Élevé"])["id"]
    page = shelves.person.page
    form = page.get(f"/_kinds/shelves/{id}/edit").text
    assert 'value="Fair, Élevé"' in form
    saved = page.post(f"/_kinds/shelves/{id}/edit", data={"name": "Top", "tags": "Fair, , new one", "version": "1"})
    assert saved.status_code in (302, 303), saved.text
    assert shelves.person.api.get(shelves.at(id)).json["data"]["tags"] == ["Fair", "new one"]
    shown = page.get(f"/_kinds/shelves/{id}").text
    assert "new one" in shown
