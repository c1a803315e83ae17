"""The API against its own description: whatever schemathesis makes of it, no 5xx, and the answers are as described.

Cases are made from `/api/openapi.json`, valid and invalid ones in turn, and spoken as an owner and as a viewer, in several
rounds between which background work is done. What answers tell of is remembered by its address, so that paths and
references mean what is there most of the time and more than refusals is seen.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

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

from ossature.testing.background import run_pending
from ossature.testing.people import PASSWORD, HostClient, Person, Tenant, client_of

pytestmark = [
    pytest.mark.database,
    pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ACCESS = ("/api/auth/login", "/api/auth/refresh", "/api/auth/logout")
OWN = ("/api/ossature/views", "/api/ossature/drafts")
"""What everybody keeps for themselves, whatever they may do with records."""
SEED = 7
LATEST = 40
"""How many of those that were met last are spoken of again."""


@dataclass
class Met:
    """What answers told of: names by the address they are found under, ids by the kind of record, and versions."""

    names: dict[str, list[str]] = field(default_factory=dict)
    kinds: dict[str, list[str]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)

    def learn(self, address: str, kind: str | None, data: Any) -> None:
        """From what was answered at an address; the first rows of a list are the last that were made."""
        for row in reversed(data) if isinstance(data, list) else [data]:
            name = row.get("id", row.get("key", row.get("value"))) if isinstance(row, dict) else None
            if not isinstance(name, str):
                continue
            for met, where in ((self.names, address), (self.kinds, kind)):
                if where and name not in met.setdefault(where, [])[-LATEST:]:
                    met[where].append(name)
            if isinstance(row.get("version"), int):
                self.versions[name] = row["version"]

    def fill(self, path: str, chance: random.Random) -> dict[str, str]:
        """Values for the parameters of a path, each one that is met where those before it lead."""
        steps, found, address = path.split("/")[1:], dict[str, str](), ""
        for number, step in enumerate(steps):
            if step.startswith("{"):
                further = "/" + "/".join(steps[number + 1 :])
                below = further.split("/{")[0] if "{" in further else None
                known = self.names.get(address, [])
                leading = [one for one in known if below is None or f"{address}/{one}{below}" in self.names]
                if not leading:
                    return found
                found[step.strip("{}")] = step = chance.choice(leading[-LATEST:])
            address = f"{address}/{step}"
        return found


@dataclass
class Walk:
    """One person's calls: what was asked, what was answered, what was not as it should be."""

    person: Person
    schema: Any
    met: Met
    chance: random.Random
    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    rounds: int = 0

    @property
    def calls(self) -> int:
        return sum(sum(counted.values()) for counted in self.statuses.values())

    def run(self, examples: int, rounds: int = 1) -> None:
        """Ask each operation so many times, in rounds: what one has made, the next one reads, changes and deletes."""
        for number in range(rounds):
            share = examples * (number + 1) // rounds - examples * number // rounds
            self.rounds += 1
            for operation in self.operations():
                self._ask_often(operation, GenerationMode.POSITIVE, share - share // 3)
                self._ask_often(operation, GenerationMode.NEGATIVE, share // 3)
            if self.rounds % 2 == 0:
                run_pending(self.person.tenant)

    def operations(self) -> Iterator[Any]:
        """What only reads and creates comes first, what deletes comes last."""
        found = [result.ok() for result in self.schema.get_all_operations()]
        order = ["post", "get", "patch", "put", "delete"]
        return iter(sorted(found, key=lambda one: (order.index(one.method.lower()), one.path)))

    def _ask_often(self, operation: Any, mode: GenerationMode, examples: int) -> None:
        if not examples:
            return

        @seed(f"{SEED} {self.rounds} {mode}")
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
        response = case.call(session=client, base_url=client.base_url, headers=self._headers(client), buffered=True)
        label = case.operation.label
        self.statuses.setdefault(label, Counter())[response.status_code] += 1
        if 200 <= response.status_code < 300 and "json" in response.headers.get("content-type", [""])[0]:
            kind = case.operation.definition.raw.get("x-record")
            self.met.learn(case.formatted_path, kind, response.json()["data"])
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                where = f"{label} {response.status_code}: {type(failure).__name__}"
                told = f"{failure}\n{case.method} {case.formatted_path} {case.query} {str(case.body)[:500]}"
                self.faults.setdefault(where, f"{told}\n{response.text[:500]}")

    def _prepare(self, case: Any) -> HostClient:
        """Names of what is there for most cases, and half of them with little of what may be left out."""
        if case.path in ACCESS:
            if case.path == "/api/auth/login" and self.chance.random() < 0.3:
                case.body = {"email": self.person.email, "password": PASSWORD}
            return self.visitor
        if case.path_parameters and self.chance.random() < 0.8:
            case.path_parameters.update(self.met.fill(case.path, self.chance))
        content = case.operation.definition.raw.get("requestBody", {}).get("content", {})
        schema = content.get(case.media_type, {}).get("schema", {})
        if self.chance.random() < 0.5:
            case.body = self._little(schema, case.body)
            wanted = {one.name for one in case.operation.query if one.is_required}
            case.query = self._few(dict(case.query or {}), wanted)
        if self.chance.random() < 0.7:
            case.body = self._meant(schema, case.body, (case.path_parameters or {}).get("id", ""))
        return self.person.api

    def _little(self, schema: Any, value: Any) -> Any:
        """What may be left out left out, but for one thing here and there."""
        shapes = [one for one in self._shapes(schema) if _fits(one, value)]
        if isinstance(value, list):
            items = [one["items"] for one in shapes if "items" in one]
            return [self._little(items[0], one) for one in value[:2]] if items else value
        if not isinstance(value, dict) or not shapes:
            return value
        known = {name: item for one in shapes for name, item in one.get("properties", {}).items()}
        kept = self._few(value, {name for one in shapes for name in one.get("required", ())})
        return {name: self._little(known.get(name, {}), one) for name, one in kept.items()}

    def _few(self, given: dict[str, Any], wanted: set[str]) -> dict[str, Any]:
        spared = self.chance.choice([None, *given])
        return {name: one for name, one in given.items() if name in wanted or name == spared}

    def _meant(self, schema: Any, value: Any, subject: str) -> Any:
        """References to what is there, and the version that it has."""
        for shape in self._shapes(schema):
            if not _fits(shape, value):
                continue
            if isinstance(value, str) and (met := self.met.kinds.get(shape.get("x-references", ""))):
                return self.chance.choice(met[-LATEST:])
            if isinstance(value, list):
                value = [self._meant(shape.get("items", {}), one, "") for one in value]
            if isinstance(value, dict) and (known := shape.get("properties")):
                value = {name: self._meant(known.get(name, {}), one, "") for name, one in value.items()}
                version = self.met.versions.get(str(value.get("id", subject)))
                if value.get("version") and version:
                    value["version"] = version
        return value

    def _shapes(self, schema: Any) -> Iterator[dict[str, Any]]:
        """A schema and those that it is put together of, without references."""
        if not isinstance(schema, dict):
            return
        if "$ref" in schema:
            yield from self._shapes(self.schema.raw_schema["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        yield schema
        for how in ("anyOf", "oneOf", "allOf"):
            for one in schema.get(how, ()):
                yield from self._shapes(one)

    def _headers(self, client: HostClient) -> dict[str, str]:
        """The person's token for nearly all; the description makes schemathesis invent others for the rest."""
        return client.always if self.chance.random() < 0.98 else {}

    @property
    def visitor(self) -> HostClient:
        kept = self.__dict__.get("_visitor")
        if kept is None:
            kept = self.__dict__["_visitor"] = client_of(self.person.tenant.app, self.person.tenant.url)
        return kept


def _fits(shape: Mapping[str, Any], value: Any) -> bool:
    """Whether a value is of the shape, as far as constants tell."""
    if not isinstance(value, dict):
        return True
    told = {name: one for name, one in shape.get("properties", {}).items() if name in value and isinstance(one, dict)}
    return all(
        value[name] == one["const"] if "const" in one else value[name] in one.get("enum", [value[name]])
        for name, one in told.items()
    )


@pytest.fixture
def walk(app: Flask, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Walk]:
    """`walk("viewer")`: somebody in the tenant whom no limit stops, and who knows what others have met."""
    limits = app.extensions["ossature.access"]._limits
    monkeypatch.setattr(limits, "_signed_in", parse("1000000/minute"))
    monkeypatch.setattr(limits, "_address", parse("1000000/minute"))
    schema, met, chance = schemathesis.openapi.from_wsgi("/api/openapi.json", app), Met(), random.Random(SEED)
    return lambda role: Walk(tenant.member(role), schema, met, chance)


def conclude(owner: Walk, viewer: Walk) -> None:
    for one in (owner, viewer):
        failed = {
            label: dict(counted) for label, counted in one.statuses.items() if any(status >= 500 for status in counted)
        }
        assert failed == {}, "\n".join(told for where, told in one.faults.items() if "ServerError" in where)
        assert one.faults == {}, "\n\n".join(f"{where}\n{told}" for where, told in one.faults.items())


def answered_well(one: Walk) -> list[str]:
    return [label for label, counted in one.statuses.items() if any(200 <= status < 300 for status in counted)]


@pytest.mark.long
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
    owner.run(examples * 2 // 3, rounds=4)
    viewer.run(examples // 3 + 1, rounds=2)
    while owner.calls + viewer.calls < 10_000:
        owner.run(5)
    well = answered_well(owner)
    never = [f"{label} {dict(counted)}" for label, counted in sorted(owner.statuses.items()) if label not in well]
    said = f"{len(well)} of {operations} operations have answered 2xx; never:\n" + "\n".join(never)
    print(said)
    conclude(owner, viewer)
    assert len(well) >= 0.8 * operations, said
    written = [label for label in answered_well(viewer) if not label.startswith("GET ")]
    written = [label for label in written if not label.partition(" ")[2].startswith(ACCESS + OWN)]
    assert written == [], "a viewer has written"
