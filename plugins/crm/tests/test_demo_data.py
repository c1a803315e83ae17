"""Sample data: the same each time, and taken away without touching what people wrote."""

from __future__ import annotations

from typing import Any

import pytest

from ossature.demo.loading import load_demo, remove_demo
from ossature.errors import Conflict
from ossature.hooks.types import DemoSize
from ossature.testing.people import Tenant

pytestmark = pytest.mark.database


def pages(collection: Any) -> list[dict[str, Any]]:
    rows, cursor = [], None
    while True:
        answer = collection.list(limit=200, **({"cursor": cursor} if cursor else {})).json
        rows += answer["data"]
        cursor = answer["meta"]["next"]
        if cursor is None:
            return rows


@pytest.mark.req("A-042")
def test_samples_are_loaded_and_removed_and_what_people_wrote_stays(
    contacts: Any, companies: Any, tenant: Tenant
) -> None:
    own = contacts.add(last_name="Zzyzx")
    load_demo(tenant.info, DemoSize.SMALL)
    loaded = pages(contacts)
    assert len(loaded) == 201
    assert len(pages(companies)) == 40
    sample = next(row for row in loaded if row["company_id"] and row["id"] != own["id"])
    contacts.patch(own["id"], {"company_id": sample["company_id"]})
    with pytest.raises(Conflict):
        load_demo(tenant.info, DemoSize.SMALL)
    remove_demo(tenant.info)
    assert [row["id"] for row in pages(contacts)] == [own["id"]]
    assert contacts.read(own["id"])["company_id"] is None
    assert pages(companies) == []


@pytest.mark.req("A-042")
def test_the_same_size_gives_the_same_people_in_every_organisation(contacts: Any, make_tenant: Any) -> None:
    found = []
    for tenant in (make_tenant(), make_tenant()):
        owner = tenant.member("owner")
        load_demo(tenant.info, DemoSize.SMALL)
        names = [(row["name"], row["job_title"], row["phone"]) for row in pages(contacts.by(owner))]
        found.append(names)
    assert found[0] == found[1]
