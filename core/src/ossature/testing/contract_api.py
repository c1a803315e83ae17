"""One contract for the lists of all records: what `PluginContract` asks of each record of a plugin, over HTTP.

Whoever wrote a client for one record has written it for all: the same parameters, the same refusals, the same types in
lists, in single records and in the description.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from ossature.i18n import zone
from ossature.kernel import Kernel
from ossature.records import schemas
from ossature.records.clean import Wrong, clean_value
from ossature.records.fields import Field, Kind
from ossature.records.filters import filterable
from ossature.records.including import includable
from ossature.records.ordering import sortable
from ossature.records.query import ACTOR, BASE
from ossature.records.types import RecordType
from ossature.records.upsert import keys_of
from ossature.testing.people import Person, Tenant
from ossature.testing.rows import insert_rows
from ossature.testing.servers import Servers

ROWS = 7
_META = {"next", "previous", "limit", "capped", "count"}


@dataclass(frozen=True)
class Listed:
    """A record's list as its owner asks for it."""

    rt: RecordType
    person: Person
    ids: frozenset[str]

    @property
    def path(self) -> str:
        return f"/api/{self.rt.plugin}/{self.rt.slug}"

    def ask(self, **query: Any) -> Any:
        return self.person.api.get(self.path, query_string=query)

    def page(self, **query: Any) -> dict[str, Any]:
        """What a list answers, which must be a success in the one form of lists."""
        answer = self.ask(**query)
        assert answer.status_code == 200, f"{self.path} {query}: {answer.text}"
        document: dict[str, Any] = answer.json
        assert document.keys() == {"success", "data", "meta"}
        assert document["success"] is True
        assert document["meta"].keys() == _META, f"{self.path}: {document['meta']}"
        return document

    def rows(self, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page(**query)["data"]
        return found

    def one(self, id: str, **query: str) -> dict[str, Any]:
        answer: Any = self.person.api.get(f"{self.path}/{id}", query_string=query)
        assert answer.status_code == 200, f"{self.path}/{id}: {answer.text}"
        row: dict[str, Any] = answer.json["data"]
        return row

    def description(self) -> dict[str, Any]:
        answer: Any = self.person.api.get("/api/openapi.json")
        document: dict[str, Any] = answer.json
        return document

    def names(self) -> set[str]:
        """Every key that a row has."""
        with self.person.work():
            fields = {name for name, item in self.rt.fields.items() if not item.parent}
        return fields | {name for name in BASE if name in self.rt.c}

    def refused(self, field: str, **query: str) -> None:
        """The list refuses a query, and says where."""
        answer = self.ask(**query)
        assert answer.status_code in (400, 422), f"{self.path} {query}: {answer.status_code} {answer.text}"
        error = answer.json["error"]
        where = [detail["field"] for detail in error["details"]]
        assert field in where or (field == "cursor" and error["code"] == "bad_cursor"), f"{self.path} {query}: {error}"
        assert error["message"]


class RecordContract:
    """The part of `PluginContract` that speaks to the API of the plugin's records."""

    key: ClassVar[str]

    @pytest.fixture
    def lists(
        self, kernel: Kernel, tenant: Tenant, member: Any, servers: Servers, database: str
    ) -> Iterator[list[Listed]]:
        """The list of each record of the plugin, with rows that refer to others wherever they can."""
        owner: Person = member("owner")
        with servers.connect(database) as connection:
            fill = _Filling(kernel, tenant, owner, connection)
            yield [Listed(rt, owner, fill.ids_of(rt)) for rt in kernel.records if rt.plugin == self.key]

    def test_rows_have_one_form_in_lists_alone_and_in_the_description(self, lists: list[Listed]) -> None:
        """The same keys in every row, null where there is nothing, and values of the types that are described."""
        for listed in lists:
            spec = listed.description()["components"]["schemas"]
            answer, row_of = schemas.list_answer(listed.rt), schemas.row_model(listed.rt, listed=True)
            listed_as = spec[f"{answer.__name__}.{row_of.__name__}"]["properties"]
            rows = listed.rows()
            assert {row["id"] for row in rows} == listed.ids
            for row in rows:
                assert row.keys() == listed.names(), f"{listed.path}: {row.keys() ^ listed.names()}"
                assert row.keys() <= listed_as.keys()
                _as_described(listed.rt, row, listed=True)
                alone = listed.one(row["id"])
                _as_described(listed.rt, alone, listed=False)
                assert {name: alone[name] for name in row} == row, listed.path
                assert alone.keys() - row.keys() == set(listed.rt.parts)

    def test_lists_are_ordered_by_every_field_and_walked_by_cursors_both_ways(self, lists: list[Listed]) -> None:
        for listed in lists:
            with listed.person.work():
                names = sortable(listed.rt)
            for name in names:
                whole = [row["id"] for row in listed.rows(sort=name)]
                assert set(whole) == listed.ids, f"{listed.path} sort={name}"
                assert [row["id"] for row in listed.rows(sort=f"-{name}")] == whole[::-1], f"{listed.path} sort=-{name}"
                walked, page = [], listed.page(sort=name, limit=3)
                while True:
                    walked += [row["id"] for row in page["data"]]
                    if page["meta"]["next"] is None:
                        break
                    page = listed.page(sort=name, limit=3, cursor=page["meta"]["next"])
                assert walked == whole, f"{listed.path} sort={name}, page by page"
                back = listed.page(sort=name, limit=3, cursor=page["meta"]["previous"])
                last = len(whole) - len(page["data"])
                assert [row["id"] for row in back["data"]] == whole[max(0, last - 3) : last], f"{listed.path} {name}"

    def test_lists_are_filtered_by_every_field(self, lists: list[Listed]) -> None:
        for listed in lists:
            rows = listed.rows()
            with listed.person.work():
                questions = filterable(listed.rt)
            for name, (item, operators) in questions.items():
                if {"empty", "filled"} <= set(operators):
                    found = [{row["id"] for row in listed.rows(**{f"filter[{name}.{op}]": ""})}
                             for op in ("empty", "filled")]  # fmt: skip
                    assert found[0] | found[1] == listed.ids, f"{listed.path} filter[{name}.empty]"
                    assert not found[0] & found[1]
                value = next((row[name] for row in rows if row.get(name) not in (None, [])), None)
                if value is None or "is" not in operators:
                    continue
                written = _written(item.kind, value, zone(listed.person.tenant.info.time_zone))
                same = {row["id"] for row in listed.rows(**{f"filter[{name}]": written})}
                expected = {
                    row["id"]
                    for row in rows
                    if row[name] == value or (item.kind is Kind.TAGS and value[0] in row[name])
                }
                assert expected <= same <= listed.ids, f"{listed.path} filter[{name}]={written}"
                if "in" in operators:
                    several = {row["id"] for row in listed.rows(**{f"filter[{name}.in]": written})}
                    assert several == same, f"{listed.path} filter[{name}.in]={written}"
                if "not" in operators:
                    others = {row["id"] for row in listed.rows(**{f"filter[{name}.not]": written})}
                    assert others == listed.ids - same, f"{listed.path} filter[{name}.not]={written}"

    def test_rows_come_with_the_fields_asked_for_and_what_they_refer_to(self, lists: list[Listed]) -> None:
        for listed in lists:
            base = {name for name in BASE if name in listed.rt.c}
            whole = {row["id"]: row for row in listed.rows()}
            for name in listed.names() - base:
                for row in listed.rows(fields=name):
                    assert row == {key: whole[row["id"]][key] for key in base | {name}}, f"{listed.path} fields={name}"
            with listed.person.work():
                offered = includable(listed.rt)
            for name, (column, key) in offered.items():
                rows = listed.rows(include=name)
                one = listed.one(rows[0]["id"], include=name)
                assert one[name] == rows[0][name], f"{listed.path} include={name}"
                for row in rows:
                    assert {key: row[key] for key in whole[row["id"]]} == whole[row["id"]]
                    self._included(listed, column, key, row[name], row.get(column))

    def _included(self, listed: Listed, column: str, key: str, found: Any, id: Any) -> None:
        if not column:
            assert isinstance(found, list), f"{listed.path}: parts are a list"
            return
        assert found is None or found["id"] == id, f"{listed.path}: {column}"
        rt = listed.person.tenant.app.extensions["ossature"].records.get(key)
        if found is not None and key != ACTOR and rt is not None:
            _as_described(rt, found, listed=True)

    def test_a_total_comes_on_request_and_the_bin_is_a_list_of_its_own(self, lists: list[Listed]) -> None:
        for listed in lists:
            assert listed.page(limit=2)["meta"]["count"] is None
            for counting in ("some", "exact"):
                counted = listed.page(limit=2, count=counting)["meta"]["count"]
                assert counted == {"value": len(listed.ids), "more": False}, f"{listed.path} count={counting}"
            assert listed.rows(deleted="true") == []
        for listed in lists:
            # What was deleted before may have taken rows with it.
            id = next((row["id"] for row in listed.rows(limit=1)), None)
            before = {row["id"] for row in listed.rows(deleted="true")}
            if id and listed.person.api.delete(f"{listed.path}/{id}").status_code == 200:
                bin = {row["id"]: row for row in listed.rows(deleted="true")}
                assert id in bin.keys() - before
                assert bin[id]["deleted_at"] is not None
                assert id not in {row["id"] for row in listed.rows()}
                assert listed.one(id)["deleted_at"] == bin[id]["deleted_at"]

    def test_writes_come_in_bulk_and_are_done_once_and_by_unique_values(self, lists: list[Listed]) -> None:
        for listed in lists:
            row = listed.rows(limit=1)[0]
            with listed.person.work():
                unique = [name for name, item in keys_of(listed.rt).items() if _accepted(item, row[name])]
            for name in unique:
                at = f"{listed.path}/by/{name}/{quote(str(row[name]), safe='')}"
                found: Any = listed.person.api.put(at, json={})
                assert (found.status_code, found.json["data"]["id"]) == (200, row["id"]), f"{at}: {found.text}"
            tagged = {"op": "update", "id": row["id"], "data": {"tags": ["Contract"]}}
            absent = {"op": "delete", "id": str(UUID(int=7))}
            refused = self._bulk(listed, [tagged, absent])
            assert [one["field"] for one in refused.json["error"]["details"]] == ["operations.1"], refused.text
            assert listed.one(row["id"])["tags"] == row["tags"]
            first = self._bulk(listed, [tagged, absent], atomic=False)
            assert [one["status"] for one in first.json["data"]] == [200, 404], f"{listed.path}: {first.text}"
            version = listed.one(row["id"])["version"]
            assert self._bulk(listed, [tagged, absent], atomic=False).data == first.data
            assert self._bulk(listed, [absent], atomic=False).json["error"]["code"] == "key_reused"
            assert (listed.one(row["id"])["version"], listed.one(row["id"])["tags"]) == (version, ["Contract"])

    def _bulk(self, listed: Listed, operations: list[Any], *, atomic: bool = True) -> Any:
        body = {"operations": operations, "atomic": atomic}
        return listed.person.api.post(f"{listed.path}/bulk", json=body, headers={"Idempotency-Key": listed.rt.key})

    def test_what_cannot_be_read_is_refused_saying_where(self, lists: list[Listed]) -> None:
        wrong = {
            "colour_of_the_sky": ("colour_of_the_sky", "blue"), "sort": ("sort", "nothing"),
            "fields": ("fields", "nothing"), "include": ("include", "nothing"),
            "filter[nothing]": ("filter[nothing]", "1"), "where": ("where", "{"), "limit": ("limit", "0"),
            "count": ("count", "all"), "deleted": ("deleted", "maybe"), "cursor": ("cursor", "AAAA"),
        }  # fmt: skip
        for listed in lists:
            for name, (field, value) in wrong.items():
                listed.refused(field, **{name: value})
            listed.refused("limit", limit="201")
            cursor = listed.page(limit=2)["meta"]["next"]
            listed.refused("cursor", cursor=cursor, sort="-created_at", limit="2")
            listed.refused("cursor", cursor=cursor, deleted="true")
            with listed.person.work():
                questions = filterable(listed.rt)
            for name, (item, _operators) in questions.items():
                if item.kind in _TYPED:
                    listed.refused(f"filter[{name}]", **{f"filter[{name}]": "not at all"})


_TYPED = frozenset(
    {Kind.INTEGER, Kind.DECIMAL, Kind.MONEY, Kind.BOOLEAN, Kind.DATE, Kind.DATETIME, Kind.CHOICE, Kind.REFERENCE}
)


def _as_described(rt: RecordType, row: Mapping[str, Any], *, listed: bool) -> None:
    """Each value as the description has it, without being bent: a number is no text, a text no number."""
    import orjson

    schemas.row_model(rt, listed=listed).model_validate_json(orjson.dumps(row), strict=True)


def _written(kind: Kind, value: Any, place: ZoneInfo) -> str:
    """A value of an answer as a filter takes it; a moment is asked for by its day in the time zone of who asks."""
    match kind:
        case Kind.MONEY:
            return f"{value['amount']} {value['currency']}"
        case Kind.DATETIME:
            return datetime.fromisoformat(value).astimezone(place).date().isoformat()
        case Kind.BOOLEAN:
            return str(value).lower()
        case Kind.TAGS:
            return str(value[0])
    return str(value)


def _accepted(item: Field, value: Any) -> bool:
    """Whether a field can have a value; one that a rule refuses was filled in all the same where it is required."""
    try:
        return clean_value(item, value) is not None
    except Wrong:
        return False


class _Filling:
    """Rows of records, and of what they refer to."""

    def __init__(self, kernel: Kernel, tenant: Tenant, owner: Person, connection: Any) -> None:
        self._kernel = kernel
        self._tenant = tenant
        self._owner = owner
        self._connection = connection
        self._made: dict[str, list[UUID]] = {}

    def ids_of(self, rt: RecordType) -> frozenset[str]:
        return frozenset(map(str, self._rows(rt)))

    def _rows(self, rt: RecordType) -> list[UUID]:
        if rt.key in self._made:
            return self._made[rt.key]
        if rt.parent:
            self._rows(self._kernel.records[rt.parent])
            return self._made.setdefault(rt.key, [])
        self._made[rt.key] = []
        owner = {"owner_id": [self._owner.member_id]} if rt.owned else {}
        ids = self._insert(rt, {**owner, **self._targets(rt)})
        for part in rt.parts.values():
            assert part.parent_column is not None
            self._insert(part, {part.parent_column: ids, **self._targets(part)})
        return ids

    def _insert(self, rt: RecordType, references: dict[str, list[UUID]]) -> list[UUID]:
        self._made[rt.key] = insert_rows(self._connection, rt, self._tenant.id, ROWS, references=references)
        return self._made[rt.key]

    def _targets(self, rt: RecordType) -> dict[str, list[UUID]]:
        """Rows of what the record refers to, by reference."""
        found = {}
        for item in rt.references():
            target = self._kernel.records.get(item.target or "")
            if target is not None and (ids := self._rows(target)):
                found[item.name] = ids
        return found
