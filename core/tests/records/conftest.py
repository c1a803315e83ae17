"""For tests of the records machinery: one owner and the collections of `_kinds` as they are spoken to over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from ossature.testing.people import Person, Tenant


@dataclass(frozen=True)
class Collection:
    """One record's API as one person sees it."""

    person: Person
    path: str

    def at(self, id: object) -> str:
        return f"{self.path}/{id}"

    def add(self, **fields: Any) -> dict[str, Any]:
        """Create, and give back what was answered; a name is made up where none is given."""
        answer = self.person.api.post(self.path, json={"name": "Quartz", **fields})
        assert answer.status_code == 201, answer.text
        data: dict[str, Any] = answer.json["data"]
        return data

    def read(self, id: object) -> dict[str, Any]:
        answer = self.person.api.get(self.at(id))
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json["data"]
        return data

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

    def names(self, **query: Any) -> list[str]:
        answer = self.list(**query)
        assert answer.status_code == 200, answer.text
        return [row["name"] for row in answer.json["data"]]

    def faults(self, answer: Any) -> dict[str, str]:
        """Field -> code of a refused write."""
        assert answer.status_code == 422, answer.text
        return {detail["field"]: detail["code"] for detail in answer.json["error"]["details"]}

    def by(self, person: Person) -> Collection:
        return Collection(person, self.path)


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner")


@pytest.fixture
def samples(owner: Person) -> Collection:
    return Collection(owner, "/api/_kinds/samples")


@pytest.fixture
def shelves(owner: Person) -> Collection:
    return Collection(owner, "/api/_kinds/shelves")
