"""An owner of an organisation of the test's own, and the collections of crm as they speak to them."""

from __future__ import annotations

import pytest

from ossature.testing.people import Person, Tenant
from ossature.testing.record_api import RecordApi


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner")


@pytest.fixture
def contacts(owner: Person) -> RecordApi:
    return RecordApi(owner, "/api/crm/contacts", {"last_name": "Martin"})


@pytest.fixture
def companies(owner: Person) -> RecordApi:
    return RecordApi(owner, "/api/crm/companies", {"name": "Acme"})


@pytest.fixture
def deals(owner: Person) -> RecordApi:
    return RecordApi(owner, "/api/crm/deals", {"name": "Bicycles for the town"})


@pytest.fixture
def pipelines(owner: Person) -> RecordApi:
    return RecordApi(owner, "/api/crm/pipelines", {"name": "Sales"})
