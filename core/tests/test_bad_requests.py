"""Headers and forms that no browser of ours sends: refused or passed over, never a failure of the server."""

from __future__ import annotations

import base64

import pytest

from ossature.testing.people import HostClient, Tenant

pytestmark = pytest.mark.database


def _token(header: str) -> str:
    """A token whose header is read before anybody can know that its signature is wrong."""
    parts = (base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in (header, "{}"))
    return ".".join([*parts, "AAAA"])


@pytest.mark.parametrize("header", ["[]", "1", "null", "{", '{"alg":[]}', '{"alg":"none"}', '{"alg":"HS256","crit":1}'])
def test_a_token_with_an_odd_header_is_unauthenticated(client: HostClient, header: str) -> None:
    answer = client.get("/api/auth/me", headers={"Authorization": f"Bearer {_token(header)}"})
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "unauthenticated")


def test_an_origin_that_is_no_address_is_not_allowed(client: HostClient) -> None:
    answer = client.get("/api/openapi.json", headers={"Origin": "http://["})
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_referrer_that_is_no_address_leads_home(tenant: Tenant) -> None:
    answer = tenant.member("viewer").page.post("/locale", data={"locale": "fr"}, headers={"Referer": "http://["})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/settings/me", {"theme": "auto", "density": "compact", "locale": "", "time_zone": ""}),
        ("/settings/organisation", {"locale": "fr", "time_zone": "Europe/Paris"}),
        ("/settings/roles/new", {"like": ""}),
        ("/settings/keys/new", {"kind": "personal", "days": "3", "scopes": "ossature.team.view"}),
        ("/settings/members/new", {"email": "anna@example.org"}),
        ("/settings/teams/new", {}),
    ],
)
@pytest.mark.parametrize("name", ["An\x00na", "An\nna"])
def test_a_name_with_control_characters_is_refused(
    tenant: Tenant, path: str, fields: dict[str, str], name: str
) -> None:
    answer = tenant.member("owner", locale="en").page.post(path, data={**fields, "name": name})
    assert answer.status_code == 422
    assert "Remove the control characters from this text." in answer.text
