"""Who may do what with contacts and companies, by the roles an organisation starts with."""

from __future__ import annotations

from typing import Any

import pytest

from ossature.testing.people import Tenant

pytestmark = pytest.mark.database


@pytest.mark.req("S2-052")
@pytest.mark.parametrize("role", ["owner", "manager", "user", "admin", "auditor", "viewer", "read_only"])
def test_everybody_sees_contacts(contacts: Any, tenant: Tenant, role: str) -> None:
    added = contacts.add()
    somebody = contacts.by(tenant.member(role))
    assert somebody.names() == ["Martin"]
    assert somebody.read(added["id"])["last_name"] == "Martin"
    assert somebody.person.page.get(f"/crm/contacts/{added['id']}").status_code == 200


@pytest.mark.req("S2-053")
@pytest.mark.parametrize(
    ("role", "may"),
    [("owner", True), ("admin", True), ("manager", True), ("user", False), ("viewer", False), ("auditor", False)],
)
def test_contacts_are_written_by_those_who_may(contacts: Any, tenant: Tenant, role: str, may: bool) -> None:
    added = contacts.add()
    somebody = contacts.by(tenant.member(role))
    statuses = (
        somebody.post({"last_name": "New"}).status_code,
        somebody.patch(added["id"], {"notes": "x"}).status_code,
    )
    assert statuses == ((201, 200) if may else (403, 403))
    assert (somebody.person.page.get("/crm/contacts/new").status_code == 200) is may
    assert ('href="/crm/contacts/new"' in somebody.person.page.get("/crm/contacts").text) is may


@pytest.mark.req("S2-054")
@pytest.mark.parametrize(
    ("role", "may"), [("owner", True), ("admin", True), ("manager", False), ("user", False), ("sales_rep", False)]
)
def test_contacts_are_deleted_by_those_who_may(contacts: Any, tenant: Tenant, role: str, may: bool) -> None:
    person = tenant.member(role)
    added = contacts.add(owner_id=str(person.member_id))
    somebody = contacts.by(person)
    assert somebody.delete(added["id"]).status_code == (200 if may else 403)
    assert somebody.person.page.post(f"/crm/contacts/{added['id']}/delete").status_code == (303 if may else 403)
    assert (contacts.read(added["id"])["deleted_at"] is not None) is may


def test_a_sales_representative_works_with_what_the_own_team_owns(contacts: Any, tenant: Tenant) -> None:
    sales = contacts.by(tenant.member("sales_rep"))
    contacts.add(last_name="Hidden")
    sales.add(last_name="Own")
    assert sales.names() == ["Own"]
    assert sales.names(search="hidden") == []
    options = sales.person.api.get("/api/crm/contacts/options").json["data"]
    assert [option["label"] for option in options] == ["Own"]
