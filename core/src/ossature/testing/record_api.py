"""One record's API as one person speaks to it, so that tests say what they mean and not how HTTP is spelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ossature.testing.people import Person


@dataclass(frozen=True)
class RecordApi:
    """`RecordApi(owner, "/api/crm/contacts", {"last_name": "Martin"})`; `defaults` are given to `add` each time."""

    person: Person
    path: str
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def at(self, id: object) -> str:
        return f"{self.path}/{id}"

    def by(self, person: Person) -> RecordApi:
        """The same collection as somebody else sees it."""
        return replace(self, person=person)

    def add(self, **fields: Any) -> dict[str, Any]:
        """Create one, and give back what was answered."""
        answer = self.post({**self.defaults, **fields})
        assert answer.status_code == 201, answer.text
        data: dict[str, Any] = answer.json["data"]
        return data

    def read(self, id: object) -> dict[str, Any]:
        answer: Any = self.person.api.get(self.at(id))
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json["data"]
        return data

    def names(self, **query: Any) -> list[str]:
        """The field `name` of a list's rows, in their order."""
        answer = self.list(**query)
        assert answer.status_code == 200, answer.text
        return [row["name"] for row in answer.json["data"]]

    def faults(self, answer: Any) -> dict[str, str]:
        """Field -> code of a write that was refused for its values."""
        assert answer.status_code == 422, answer.text
        return {detail["field"]: detail["code"] for detail in answer.json["error"]["details"]}

    # -- the plain requests, with their answers ------------------------------------------------------------------------

    def post(self, body: Any) -> Any:
        return self.person.api.post(self.path, json=body)

    def patch(self, id: object, body: Any, **headers: str) -> Any:
        return self.person.api.patch(self.at(id), json=body, headers=headers)

    def put(self, id: object, body: Any, **headers: str) -> Any:
        return self.person.api.put(self.at(id), json=body, headers=headers)

    def delete(self, id: object, **headers: str) -> Any:
        return self.person.api.delete(self.at(id), headers=headers)

    def restore(self, id: object) -> Any:
        return self.person.api.post(f"{self.at(id)}/restore")

    def list(self, **query: Any) -> Any:
        return self.person.api.get(self.path, query_string=query)


__all__ = ["RecordApi"]
