"""What every record promises to other systems: it is found and written by what it is called there; over HTTP."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import quote

from ossature.testing.contract_api import Listed

_CALLED = "Zq contract 7/1"


class ExternalContract:
    """The part of `PluginContract` about external ids."""

    def test_every_record_is_found_and_written_by_what_it_is_called_elsewhere(self, lists: list[Listed]) -> None:
        for listed in lists:
            id, api = listed.rows(limit=1)[0]["id"], listed.person.api
            at = f"{listed.path}/{id}/external-ids/contract/{quote(_CALLED)}"
            called = f"{listed.path}/by-external/Contract/{quote(_CALLED)}"
            assert _status(api.get(called)) == 404, called
            assert [_status(api.put(at)), _status(api.put(at))] == [201, 200], at
            assert _data(api.get(called))["id"] == id
            written = api.put(called, json={})
            assert (written.status_code, _data(written)["id"]) == (200, id), f"{called}: {written.text}"
            shown: Any = listed.person.page.get(f"/{listed.rt.plugin}/{listed.rt.slug}/{id}")
            assert _CALLED in shown.text, f"{listed.rt.key}: the page does not show it"
            if listed.rt.searchable:
                assert [row["id"] for row in listed.rows(search=_CALLED.upper())] == [id], listed.path
            table: Any = api.get(f"{listed.path}/export", query_string={"format": "csv", "whole": "true"})
            rows = {row["id"]: row for row in csv.DictReader(io.StringIO(table.data.decode()))}
            assert {one: row["external_id:contract"] for one, row in rows.items() if row["external_id:contract"]} == {
                id: _CALLED
            }, listed.path
            assert [_status(api.delete(at)), _status(api.delete(at)), _status(api.get(called))] == [200, 404, 404], at


def _status(answer: Any) -> int:
    return int(answer.status_code)


def _data(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json["data"]
    return found
