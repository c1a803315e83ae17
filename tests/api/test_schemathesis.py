"""The API against its own description: whatever schemathesis makes of it, no 5xx, and the answers are as described.

Cases are made from `/api/openapi.json`, valid and invalid ones in turn, and spoken as an owner and as a viewer. Paths
and references get ids of existing records most of the time, so that more than refusals is seen.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from limits import parse
from schemathesis.checks import not_a_server_error
from schemathesis.core.errors import InvalidSchema
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ossature.testing.people import PASSWORD, HostClient, Person, Tenant, client_of

pytestmark = [
    pytest.mark.database,
    pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ACCESS = ("/api/auth/login", "/api/auth/refresh", "/api/auth/logout")

FIRST = {
    "/api/crm/companies": {"name": "Acme"},
    "/api/crm/contacts": {"last_name": "Martin"},
    "/api/_dummy/pebbles": {"name": "Galet"},
    "/api/_kinds/samples": {"name": "Quartz", "lines": [{"finding": "salt"}]},
    "/api/_kinds/shelves": {"name": "Top"},
    "/api/ossature/teams": {"name": "North"},
    "/api/ossature/legal-entities": {"name": "Acme SARL"},
}
ALIASES = {
    "/api/companies": "/api/crm/companies",
    "/api/contacts": "/api/crm/contacts",
    "/api/pebbles": "/api/_dummy/pebbles",
}


@dataclass
class Walk:
    """One person's calls: what was asked, what was answered, what was not as it should be."""

    person: Person
    schema: Any
    chance: random.Random
    ids: dict[str, list[str]] = field(default_factory=dict)
    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        return sum(sum(counted.values()) for counted in self.statuses.values())

    def run(self, examples: int) -> None:
        for operation in self.operations():
            for number, mode in enumerate((GenerationMode.POSITIVE, GenerationMode.NEGATIVE)):
                share = examples - examples // 3 if mode is GenerationMode.POSITIVE else examples // 3
                if share:
                    self._ask_often(operation, mode, share, number)

    def operations(self) -> Iterator[Any]:
        """What only reads and creates comes first, what deletes comes last."""
        found = [result.ok() for result in self.schema.get_all_operations()]
        order = ["post", "get", "patch", "put", "delete"]
        return iter(sorted(found, key=lambda one: (order.index(one.method.lower()), one.path)))

    def _ask_often(self, operation: Any, mode: GenerationMode, examples: int, number: int) -> None:
        @seed(number + 1)
        @settings(
            max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            self._ask(case)

        try:
            ask()
        except InvalidSchema as error:
            self.faults.setdefault(f"{operation.label}: schema", str(error))
        except Exception as error:
            if "unsatisf" not in str(error).lower() and "negat" not in str(error).lower():
                raise

    def _ask(self, case: Any) -> None:
        client = self._prepare(case)
        response = case.call(session=client, base_url=client.base_url, headers=self._headers(client))
        label = case.operation.label
        self.statuses.setdefault(label, Counter())[response.status_code] += 1
        if response.status_code == 201:
            self._collection(case.path).append(response.json()["data"]["id"])
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                where = f"{label} {response.status_code}: {type(failure).__name__}"
                told = f"{failure}\n{case.method} {case.formatted_path} {case.query} {str(case.body)[:500]}"
                self.faults.setdefault(where, f"{told}\n{response.text[:500]}")

    def _prepare(self, case: Any) -> HostClient:
        """Existing ids for most cases."""
        if case.path in ACCESS:
            if case.path == "/api/auth/login" and self.chance.random() < 0.3:
                case.body = {"email": self.person.email, "password": PASSWORD}
            return self.visitor
        if case.path_parameters and "id" in case.path_parameters and self.chance.random() < 0.8:
            case.path_parameters["id"] = self._some(case.path.split("/{")[0])
        if isinstance(case.body, dict) and self.chance.random() < 0.7:
            self._point_to_what_is_there(case)
        return self.person.api

    def _headers(self, client: HostClient) -> dict[str, str]:
        """The person's token for nearly all; the description makes schemathesis invent others for the rest."""
        return client.always if self.chance.random() < 0.98 else {}

    def _point_to_what_is_there(self, case: Any) -> None:
        for name, value in list(case.body.items()):
            if not isinstance(value, str) or not name.endswith("_id"):
                continue
            if name == "owner_id":
                case.body[name] = str(self.person.member_id)
            elif (path := REFERENCES.get(name)) is not None:
                case.body[name] = self._some(path)

    def _collection(self, path: str) -> list[str]:
        return self.ids.setdefault(ALIASES.get(path, path), [])

    def _some(self, path: str) -> str:
        found = self._collection(path)
        return self.chance.choice(found[-40:]) if found else str(uuid4())

    @property
    def visitor(self) -> HostClient:
        kept = self.__dict__.get("_visitor")
        if kept is None:
            kept = self.__dict__["_visitor"] = client_of(self.person.tenant.app, self.person.tenant.url)
        return kept


REFERENCES = {
    "company_id": "/api/crm/companies", "parent_id": "/api/crm/companies", "primary_contact_id": "/api/crm/contacts",
    "shelf_id": "/api/_kinds/shelves", "basis_id": "/api/_kinds/samples", "twin_id": "/api/_kinds/samples",
}  # fmt: skip


@pytest.fixture
def walk(app: Flask, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Walk]:
    """`walk("viewer")`: somebody in a furnished tenant, whom no limit stops."""
    limits = app.extensions["ossature.access"]._limits
    monkeypatch.setattr(limits, "_signed_in", parse("1000000/minute"))
    monkeypatch.setattr(limits, "_address", parse("1000000/minute"))
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    owner = tenant.member("owner")

    def walking(role: str) -> Walk:
        person = owner if role == "owner" else tenant.member(role)
        found = Walk(person, schema, random.Random(7))
        for path, body in FIRST.items():
            for number in range(3):
                title = next(name for name in ("last_name", "name") if name in body)
                answer = owner.api.post(path, json={**body, title: f"{body[title]} {role} {number}"})
                found._collection(path).append(answer.json["data"]["id"])
        return found

    return walking


def conclude(owner: Walk, viewer: Walk) -> None:
    for one in (owner, viewer):
        failed = {
            label: dict(counted) for label, counted in one.statuses.items() if any(status >= 500 for status in counted)
        }
        assert failed == {}, "\n".join(told for where, told in one.faults.items() if "ServerError" in where)
        assert one.faults == {}, "\n\n".join(f"{where}\n{told}" for where, told in one.faults.items())


def answered_well(one: Walk) -> list[str]:
    return [label for label, counted in one.statuses.items() if any(200 <= status < 300 for status in counted)]


@pytest.mark.req("S4-005", "S3-178")
def test_a_few_hundred_calls_meet_no_fault(walk: Callable[[str], Walk]) -> None:
    owner, viewer = walk("owner"), walk("viewer")
    owner.run(4)
    viewer.run(2)
    assert owner.calls + viewer.calls >= 300
    conclude(owner, viewer)


@pytest.mark.slow
@pytest.mark.req("S4-005", "S4-083")
def test_ten_thousand_calls_meet_no_fault_and_most_operations_are_seen_to_work(walk: Callable[[str], Walk]) -> None:
    owner, viewer = walk("owner"), walk("viewer")
    operations = len(list(owner.operations()))
    examples = 10_000 // operations
    owner.run(examples * 2 // 3)
    viewer.run(examples // 3 + 1)
    while owner.calls + viewer.calls < 10_000:
        owner.run(5)
    conclude(owner, viewer)
    never = {label: dict(counted) for label, counted in owner.statuses.items() if label not in answered_well(owner)}
    assert len(answered_well(owner)) >= 0.8 * operations, never
    written = [label for label in answered_well(viewer) if label.split(" ")[0] != "GET" and not label.endswith(ACCESS)]
    assert written == [], "a viewer has written"
