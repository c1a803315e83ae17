"""Two people at one record: what each wrote holds, and who comes second to the same field is told."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest

from ossature.testing.people import Tenant

pytestmark = pytest.mark.database


@pytest.mark.req("S4-142")
def test_a_stale_write_is_merged_where_others_changed_other_fields(samples: Any) -> None:
    added = samples.add(pieces=1, state="raw")
    samples.patch(added["id"], {"state": "cut"})
    answer = samples.patch(added["id"], {"pieces": 2, "version": 1})
    assert answer.status_code == 200
    assert answer.json["meta"]["merged"] == ["state"]
    read = samples.read(added["id"])
    assert (read["pieces"], read["state"], read["version"]) == (2, "cut", 3)


def test_a_whole_form_sent_late_changes_only_what_its_writer_changed(samples: Any) -> None:
    added = samples.add(pieces=1, state="raw", price={"amount": "1.00", "currency": "EUR"})
    samples.patch(added["id"], {"state": "cut", "price": {"amount": "2.00", "currency": "USD"}})
    form = {name: added[name] for name in ("name", "state", "price", "version")}
    answer = samples.put(added["id"], {**form, "pieces": 5})
    assert answer.status_code == 200, answer.text
    read = samples.read(added["id"])
    assert (read["pieces"], read["state"]) == (5, "cut")
    assert read["price"] == {"amount": "2.00", "currency": "USD"}


@pytest.mark.parametrize(
    ("field", "before", "theirs", "mine"),
    [
        ("pieces", 1, 2, 3),
        ("name", "Quartz", "Opal", "Agate"),
        ("state", "raw", "cut", "gone"),
        ("ratio", "1.000", "2.500", "3.125"),
        ("taken_on", "2026-01-01", None, "2026-03-03"),
        ("seen_at", None, "2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z"),
        ("price", {"amount": "1.00", "currency": "EUR"}, {"amount": "2.00", "currency": "EUR"},
         {"amount": "1.00", "currency": "USD"}),
        ("fragile", False, True, None),
    ],
)  # fmt: skip
def test_the_same_field_conflicts_with_mine_theirs_and_before(
    samples: Any, field: str, before: Any, theirs: Any, mine: Any
) -> None:
    added = samples.add(**{field: before})
    samples.patch(added["id"], {field: theirs})
    if field == "fragile":
        assert samples.patch(added["id"], {field: False, "version": 1}).status_code == 200
        return
    answer = samples.patch(added["id"], {field: mine, "version": 1})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "stale")
    assert answer.json["error"]["version"] == 2
    (told,) = answer.json["error"]["details"]
    assert (told["field"], told["code"]) == (field, "changed_meanwhile")

    def plain(value: Any) -> Any:
        return value.replace("Z", "+00:00").replace("T", " ") if isinstance(value, str) else value

    assert plain(told["mine"]) == plain(mine)
    assert plain(told["theirs"]) == plain(theirs)
    assert plain(told["before"]) == plain(before)
    assert plain(samples.read(added["id"])[field]) == plain(theirs)


def test_both_writing_the_same_value_is_no_conflict(samples: Any) -> None:
    added = samples.add(pieces=1)
    samples.patch(added["id"], {"pieces": 2})
    assert samples.patch(added["id"], {"pieces": 2, "version": 1}).status_code == 200


def test_a_conflict_on_one_field_writes_none(samples: Any) -> None:
    added = samples.add(pieces=1)
    samples.patch(added["id"], {"pieces": 2})
    assert samples.patch(added["id"], {"pieces": 3, "name": "Opal", "version": 1}).status_code == 409
    assert samples.read(added["id"])["name"] == "Quartz"


def test_a_version_nobody_has_seen_is_a_conflict(samples: Any) -> None:
    added = samples.add(pieces=1)
    answer = samples.patch(added["id"], {"pieces": 3, "version": 99})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "stale")


def test_a_stale_if_match_is_always_412_and_merges_nothing(samples: Any) -> None:
    added = samples.add(pieces=1)
    samples.patch(added["id"], {"state": "cut"})
    for write in (
        lambda: samples.patch(added["id"], {"pieces": 2}, **{"If-Match": '"1"'}),
        lambda: samples.patch(added["id"], {"pieces": 2, "version": 1}, **{"If-Match": '"1"'}),
        lambda: samples.put(added["id"], {"name": "Opal"}, **{"If-Match": 'W/"1"'}),
        lambda: samples.delete(added["id"], **{"If-Match": '"1"'}),
    ):
        answer = write()
        assert (answer.status_code, answer.json["error"]["code"]) == (412, "precondition_failed")
        assert answer.json["error"]["version"] == 2
    read = samples.read(added["id"])
    assert (read["pieces"], read["version"], read["deleted_at"]) == (1, 2, None)
    assert samples.patch(added["id"], {"pieces": 2}, **{"If-Match": '"2"'}).status_code == 200
    assert samples.patch(added["id"], {"pieces": 3}, **{"If-Match": "*"}).status_code == 200


def test_a_field_hidden_from_the_writer_merges_unseen(samples: Any, tenant: Tenant) -> None:
    added = samples.add(remark="dull")
    samples.patch(added["id"], {"remark": "bright"})
    manager = samples.by(tenant.member("manager"))
    answer = manager.patch(added["id"], {"pieces": 2, "version": 1})
    assert answer.status_code == 200
    assert answer.json["meta"] == {}
    assert samples.read(added["id"])["remark"] == "bright"


# -- parts ------------------------------------------------------------------------------------------------------------


def test_parts_are_added_changed_and_deleted_by_their_ids(samples: Any) -> None:
    added = samples.add(lines=[{"finding": "salt", "share": 10}, {"finding": "iron"}])
    salt, iron = added["lines"]
    answer = samples.patch(added["id"], {"lines": [{**salt, "share": 20}, {"finding": "gold"}]})
    assert answer.status_code == 200, answer.text
    assert answer.json["data"]["version"] == 2
    lines = samples.read(added["id"])["lines"]
    assert [(line["finding"], line["share"]) for line in lines] == [("salt", 20), ("gold", None)]
    assert lines[0]["id"] == salt["id"]
    assert lines[1]["id"] not in (salt["id"], iron["id"])


def test_parts_left_out_of_a_patch_stay_and_unchanged_ones_leave_the_version(samples: Any) -> None:
    added = samples.add(lines=[{"finding": "salt"}])
    assert samples.patch(added["id"], {"pieces": 1}).json["data"]["lines"] == added["lines"]
    assert samples.patch(added["id"], {"lines": added["lines"]}).json["data"]["version"] == 2


def test_a_faulty_part_is_named_by_its_place_and_nothing_is_written(samples: Any) -> None:
    added = samples.add(lines=[{"finding": "salt"}])
    answer = samples.patch(added["id"], {"pieces": 4, "lines": [{"finding": "ok"}, {"share": 101, "colour": 1}]})
    assert samples.faults(answer) == {
        "lines.1.finding": "required", "lines.1.share": "too_large", "lines.1.colour": "unknown_field",
    }  # fmt: skip
    assert samples.read(added["id"]) == added


def test_one_entry_cannot_be_given_twice(samples: Any) -> None:
    added = samples.add(lines=[{"finding": "salt"}])
    (line,) = added["lines"]
    answer = samples.patch(added["id"], {"lines": [{**line, "finding": "one"}, {**line, "finding": "two"}]})
    assert samples.faults(answer) == {"lines.1.id": "repeated"}


def test_parts_of_another_record_are_out_of_reach(samples: Any) -> None:
    other = samples.add(lines=[{"finding": "salt"}])
    added = samples.add()
    samples.patch(added["id"], {"lines": [{**other["lines"][0], "finding": "stolen"}]})
    assert samples.read(other["id"])["lines"] == other["lines"]


def test_parts_of_one_and_fields_of_the_other_merge(samples: Any) -> None:
    added = samples.add(pieces=1, lines=[{"finding": "salt"}])
    samples.patch(added["id"], {"pieces": 2})
    answer = samples.patch(added["id"], {"lines": [*added["lines"], {"finding": "gold"}], "version": 1})
    assert answer.status_code == 200, answer.text
    read = samples.read(added["id"])
    assert (read["pieces"], len(read["lines"])) == (2, 2)


def test_a_late_form_with_untouched_parts_keeps_the_parts_of_others(samples: Any) -> None:
    added = samples.add(pieces=1, lines=[{"finding": "salt"}])
    samples.patch(added["id"], {"lines": [*added["lines"], {"finding": "gold"}]})
    answer = samples.patch(added["id"], {"pieces": 2, "lines": added["lines"], "version": 1})
    assert answer.status_code == 200, answer.text
    read = samples.read(added["id"])
    assert (read["pieces"], [line["finding"] for line in read["lines"]]) == (2, ["salt", "gold"])


def test_both_changing_the_parts_is_a_conflict(samples: Any) -> None:
    added = samples.add(lines=[{"finding": "salt"}])
    samples.patch(added["id"], {"lines": [*added["lines"], {"finding": "gold"}]})
    answer = samples.patch(added["id"], {"lines": [], "version": 1})
    assert answer.status_code == 409
    (told,) = answer.json["error"]["details"]
    assert told["field"] == "lines"
    assert told["mine"] == []
    assert len(told["theirs"]) == 2


# -- at the same moment -----------------------------------------------------------------------------------------------


def together(*writes: Any) -> list[Any]:
    """Run the writes in threads that start at once; their answers in order."""
    gate, answers = threading.Barrier(len(writes)), [None] * len(writes)

    def run(number: int, write: Any) -> None:
        gate.wait()
        answers[number] = write()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(writes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.req("S4-088", "S4-142")
def test_two_concurrent_edits_of_different_fields_both_hold(samples: Any, tenant: Tenant) -> None:
    second = samples.by(tenant.member("manager"))
    second.person.api  # noqa: B018  (signed in before the race)
    for _round in range(10):
        id = samples.add(pieces=1, state="raw")["id"]
        answers = together(
            partial(samples.patch, id, {"pieces": 2, "version": 1}),
            partial(second.patch, id, {"state": "cut", "version": 1}),
        )
        assert [answer.status_code for answer in answers] == [200, 200]
        read = samples.read(id)
        assert (read["pieces"], read["state"], read["version"]) == (2, "cut", 3)


def test_of_two_concurrent_edits_of_one_field_the_second_is_told(samples: Any, tenant: Tenant) -> None:
    second = samples.by(tenant.member("manager"))
    second.person.api  # noqa: B018
    for _round in range(10):
        id = samples.add(pieces=1)["id"]
        answers = together(
            partial(samples.patch, id, {"pieces": 2, "version": 1}),
            partial(second.patch, id, {"pieces": 3, "version": 1}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        (won,) = [answer.json["data"]["pieces"] for answer in answers if answer.status_code == 200]
        (lost,) = [answer.json["error"]["details"][0] for answer in answers if answer.status_code == 409]
        assert (lost["theirs"], lost["before"]) == (won, 1)
        assert samples.read(id)["pieces"] == won


def test_of_two_that_create_the_same_unique_value_one_is_refused(samples: Any, tenant: Tenant) -> None:
    second = samples.by(tenant.member("manager"))
    second.person.api  # noqa: B018
    for number in range(5):
        body = {"name": "Twin", "code": f"C{number}"}
        answers = together(partial(samples.post, body), partial(second.post, body))
        assert sorted(answer.status_code for answer in answers) == [201, 422]
