"""Files imported in tests, as a program does it: sent, checked and written over HTTP."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from ossature.testing.background import run_pending
from ossature.testing.people import Person


def as_csv(rows: Sequence[Sequence[object]]) -> bytes:
    """Rows as a file, the first with the names of the columns."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


@dataclass
class Imported:
    """An import of a person, as the API tells of it."""

    person: Person
    url: str
    head: dict[str, Any]
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def here(self) -> str:
        return f"{self.url}/{self.head['id']}"

    def ask(self, method: str, tail: str = "", status: int = 200, **given: Any) -> Any:
        answer = self.person.api.open(f"{self.here}{tail}", method=method, **given)
        assert answer.status_code == status, answer.text
        return dict(answer.json or {}).get("data")

    def again(self) -> Imported:
        """Once what waits in the background is done."""
        run_pending(self.person.tenant)
        self.head = self.ask("GET")
        return self

    def check(self) -> Imported:
        self.ask("POST", "/check", 202)
        return self.again()

    def run(self) -> Imported:
        self.ask("POST", "/run", 202)
        return self.again()

    def rows(self, outcome: str | None = None) -> list[dict[str, Any]]:
        found, after = list[dict[str, Any]](), 0
        asked = f"&outcome={outcome}" if outcome else ""
        while True:
            answer = self.person.api.get(f"{self.here}/rows?limit=200&after={after}{asked}")
            assert answer.status_code == 200, answer.text
            page = dict(answer.json or {})
            found += page["data"]
            if page["meta"]["next"] is None:
                return found
            after = page["meta"]["next"]

    def outcomes(self) -> list[str | None]:
        return [row["outcome"] for row in self.rows()]

    def faults(self) -> list[tuple[int, str, str, str]]:
        """Row, header, value and code of each fault."""
        return [
            (row["number"], fault["header"], fault["value"], fault["code"])
            for row in self.rows("refused")
            for fault in row["faults"]
        ]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Created, updated, unchanged, refused."""
        create, update, unchanged, refused = (self.head[name] for name in ("create", "update", "unchanged", "refused"))
        return create, update, unchanged, refused


def send(person: Person, url: str, content: bytes, mapping: Any = None, status: int | None = None, **form: str) -> Any:
    """The answer to a file that is sent."""
    data: dict[str, Any] = {"file": FileStorage(io.BytesIO(content), form.pop("filename", "file.csv")), **form}
    if mapping is not None:
        data["mapping"] = json.dumps(mapping)
    boundary, body = encode_multipart(data)  # the client itself would leave a file open behind a large one
    kind = f'multipart/form-data; boundary="{boundary}"'
    answer = person.api.post(f"{url}/imports", data=body, content_type=kind)
    if status is not None:
        assert answer.status_code == status, answer.text
    return answer


def begin(
    person: Person, url: str, rows: Sequence[Sequence[object]], to: Sequence[Any] | None = None, **said: Any
) -> Imported:
    """An import of rows; `to` says of each column what it goes to, as a path or as what else there is to say."""
    mapping = None if to is None else {"columns": columns(rows[0], to), **said}
    answer = send(person, url, as_csv(rows), mapping, 201)
    return Imported(person, f"{url}/imports", answer.json["data"])


def columns(headers: Sequence[object], to: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {"index": index, "header": str(headers[index]), **(one if isinstance(one, dict) else {"to": one})}
        for index, one in enumerate(to)
    ]
