"""What every record promises to who takes it out: what is exported can be imported again, and is as it was; over HTTP."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

import pytest
from python_calamine import CalamineWorkbook

from ossature.kernel import Kernel
from ossature.records.fields import Kind
from ossature.records.types import RecordType
from ossature.testing.filled import Filled, wipe
from ossature.testing.importing import Imported, send
from ossature.testing.people import Person
from ossature.testing.servers import Servers

_OF_THE_WRITE = frozenset({"created_at", "updated_at"})
_CALLED_BY = "external_id:"

Table = dict[str, dict[str, Any]]
"""The rows of a file by their id."""


@dataclass(frozen=True)
class Exchanged:
    """A record that goes out and comes in again."""

    rt: RecordType
    person: Person
    refused: frozenset[str] = frozenset()
    """Fields that its own rules refuse beside the others."""

    @property
    def path(self) -> str:
        return f"/api/{self.rt.plugin}/{self.rt.slug}"

    def export(self, format: str) -> bytes:
        """Everything that can be imported again."""
        answer: Any = self.person.api.get(f"{self.path}/export", query_string={"format": format, "whole": "true"})
        assert answer.status_code == 200, answer.text
        return bytes(answer.data)

    def import_(self, file: bytes, format: str, *, mode: str = "create") -> Imported:
        """Every column to the field that it is named after, records known by their id."""
        mapping = {
            "columns": [self._column(index, header) for index, header in enumerate(_lines(file, format)[0])],
            "mode": mode, "policy": "all", "key": ["id"] if mode != "create" else [],
        }  # fmt: skip
        answer = send(self.person, self.path, file, mapping, 202, run="true", filename=f"again.{format}")
        return Imported(self.person, f"{self.path}/imports", answer.json["data"]).again()

    def compared(self, table: Table) -> Table:
        """Without what is of the write itself and not of the record."""
        fields = self.rt.fields
        return {
            id: {name: value for name, value in row.items() if name not in _OF_THE_WRITE
                 and not (name in fields and fields[name].read_only)}
            for id, row in table.items()
        }  # fmt: skip

    def _column(self, index: int, header: str) -> dict[str, Any]:
        column: dict[str, Any] = {"index": index, "header": header, "to": header}
        item = self.rt.fields.get(header)
        if header.startswith(_CALLED_BY):
            return {**column, "to": "external_id", "source": header.removeprefix(_CALLED_BY)}
        if header in _OF_THE_WRITE or (item is not None and not item.writable):
            return {**column, "to": None}
        if header.endswith("_currency") and (amount := self.rt.fields.get(header.removesuffix("_currency"))):
            return {**column, "to": header if amount.writable else None}
        if header == "owner_id" or (item is not None and item.kind is Kind.REFERENCE):
            return {**column, "by": "id"}
        return column


class RoundTripContract:
    """The part of `PluginContract` about exports and imports."""

    key: ClassVar[str]

    @pytest.fixture
    def exchanged(self, kernel: Kernel, member: Any) -> list[Exchanged]:
        """Each record of the plugin, with three of its kind: two with every field and collection, one that is bare."""
        owner: Person = member("owner")
        filled = Filled(kernel, owner)
        types = [rt for rt in kernel.records if rt.plugin == self.key]
        for rt in types:
            made = filled.records(rt)
            at = f"/api/{rt.plugin}/{rt.slug}/{made[0]['id']}/external-ids"
            for source, value in (("contract", "=7/1"), ("contract", "8"), ("other system", "+1; 2")):
                assert _status(owner.api.put(f"{at}/{source}/{quote(value)}")) == 201
        refused = {rt.key: frozenset(name for key, name in filled.refused if key == rt.key) for rt in types}
        return [Exchanged(rt, owner, refused[rt.key]) for rt in types]

    @pytest.fixture
    def administrator(self, servers: Servers, database: str) -> Iterator[Any]:
        with servers.connect(database) as connection:
            yield connection

    @pytest.mark.parametrize("format", ["csv", "xlsx"])
    def test_what_is_exported_and_lost_is_imported_again_as_it_was(
        self, exchanged: list[Exchanged], administrator: Any, format: str
    ) -> None:
        for one in exchanged:
            file = one.export(format)
            before = _table(file, format)
            assert len(before) == 3, one.path
            wipe(administrator, one.rt, one.person.tenant.id)
            assert _table(one.export(format), format) == {}
            imp = one.import_(file, format)
            assert (imp.head["state"], imp.counts) == ("done", (3, 0, 0, 0)), f"{one.path}: {imp.faults()} {imp.head}"
            assert one.compared(_table(one.export(format), format)) == one.compared(before), one.path
            again = one.import_(file, format, mode="both")
            assert (again.head["state"], again.counts) == ("done", (0, 0, 3, 0)), f"{one.path}: {again.rows()}"

    def test_such_a_record_has_something_in_every_field_that_is_written(self, exchanged: list[Exchanged]) -> None:
        """So that what goes out and comes in again is all of it."""
        for one in exchanged:
            rows = list(_table(one.export("csv"), "csv").values())
            wanted = {
                name for name, item in one.rt.fields.items() if item.writable and not (item.secret or item.orders)
            }
            sometimes = {name for condition in one.rt.conditions for name in condition.shown}
            asked = {*wanted, *one.rt.parts} - one.refused - sometimes
            empty = {name for name in asked if not any(row[name] for row in rows)}
            assert not empty, f"{one.path}: nothing in {', '.join(sorted(empty))}"


def _lines(file: bytes, format: str) -> list[list[Any]]:
    if format == "csv":
        return list(csv.reader(io.StringIO(file.decode())))
    return CalamineWorkbook.from_filelike(io.BytesIO(file)).get_sheet_by_index(0).to_python()


def _table(file: bytes, format: str) -> Table:
    head, *rows = _lines(file, format)
    found = [dict(zip(head, row, strict=True)) for row in rows]
    return {row["id"]: row for row in found}


def _status(answer: Any) -> int:
    return int(answer.status_code)
