"""Signing in and out by pages and by API, as somebody with a browser or a script meets it."""

from __future__ import annotations

import base64
import json
import re
import time
from threading import Thread
from uuid import UUID

import pytest
from flask import Flask
from limits import parse
from sqlalchemy import text

from ossature.auth.accounts import set_password
from ossature.auth.passwords import check_new_password, hash_password, needs_rehash, verify_password
from ossature.auth.sign_in import Membership, memberships
from ossature.auth.sign_in import _still_has as still_has
from ossature.auth.tokens import AccessTokens
from ossature.context import Context
from ossature.db import transaction
from ossature.ids import new_id
from ossature.testing.people import PASSWORD, HostClient, Person, Tenant, client_of

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def many_strangers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests come from one address; together they may knock more often than one visitor."""
    monkeypatch.setattr(app.extensions["ossature.access"]._limits, "_address", parse("100000/minute"))


def form_token(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found, "the form has no CSRF token"
    return found[1]


def sign_in(client: HostClient, email: str, password: str, next: str = "") -> object:
    page = client.get("/sign-in", query_string={"next": next} if next else None)
    token = form_token(page.text)
    return client.post("/sign-in", data={"email": email, "password": password, "next": next, "csrf_token": token})


def claims_of(token: str) -> dict[str, object]:
    body = token.split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def login(client: HostClient, email: str, password: str = PASSWORD, **more: str) -> object:
    return client.post("/api/auth/login", json={"email": email, "password": password, **more})


@pytest.mark.req("S2-039", "S3-104")
def test_email_and_password_open_the_home_page(app: Flask, tenant: Tenant) -> None:
    person = tenant.member("viewer")
    client = client_of(app, tenant.url)
    answer = sign_in(client, person.email.upper(), PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/")
    assert person.email in client.get("/settings/me").text


@pytest.mark.req("S2-039")
def test_a_wrong_password_and_an_unknown_address_are_refused_in_the_same_words(app: Flask, tenant: Tenant) -> None:
    person = tenant.member()
    client = client_of(app, tenant.url)
    wrong = sign_in(client, person.email, "not the password at all")
    unknown = sign_in(client, "nobody@nowhere.example", "not the password at all")
    assert wrong.status_code == unknown.status_code == 401
    assert "E-mail or password are not right." in wrong.text
    assert "E-mail or password are not right." in unknown.text


@pytest.mark.req("S2-042", "S3-124")
def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(app: Flask, tenant: Tenant) -> None:
    person = tenant.member()
    cookie = sign_in(client_of(app, tenant.url), person.email, PASSWORD).headers["Set-Cookie"]
    assert cookie.startswith("ossature_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    app.config["SESSION_COOKIE_SECURE"] = True  # as init_access sets it where the base address is https
    try:
        cookie = sign_in(client_of(app, tenant.url), person.email, PASSWORD).headers["Set-Cookie"]
    finally:
        app.config["SESSION_COOKIE_SECURE"] = False
    assert "Secure" in cookie


@pytest.mark.req("S3-110")
def test_whoever_is_not_signed_in_comes_back_to_the_page_they_asked_for(app: Flask, tenant: Tenant) -> None:
    person = tenant.member()
    client = client_of(app, tenant.url)
    sent = client.get("/settings/members?tab=all")
    assert sent.status_code == 303
    assert sent.location == "/sign-in?next=/settings/members?tab%3Dall"
    answer = sign_in(client, person.email, PASSWORD, next="/settings/members?tab=all")
    assert answer.location == "/settings/members?tab=all"


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example/", "https://evil.example/", "/\\evil.example", "\t//evil.example"]
)
def test_signing_in_never_leads_to_another_site(app: Flask, tenant: Tenant, elsewhere: str) -> None:
    person = tenant.member()
    assert sign_in(client_of(app, tenant.url), person.email, PASSWORD, next=elsewhere).location == "/"


def test_a_form_without_its_token_is_refused(app: Flask, tenant: Tenant) -> None:
    person = tenant.member()
    answer = client_of(app, tenant.url).post("/sign-in", data={"email": person.email, "password": PASSWORD})
    assert answer.status_code == 400
    assert person.page.post("/sign-out", headers={"X-CSRFToken": "forged"}).status_code == 400
    assert person.page.get("/settings/me").status_code == 200


def test_signing_out_ends_the_session_even_for_a_kept_cookie(app: Flask, tenant: Tenant) -> None:
    person = tenant.member()
    kept = person.page._cookies.copy()
    assert person.page.post("/sign-out").location == "/sign-in"
    person.page._cookies = kept
    assert person.page.get("/settings/me").status_code == 303


def test_repeated_failures_lock_the_address_for_longer_and_longer(app: Flask, tenant: Tenant) -> None:
    person = tenant.member()
    client = client_of(app, tenant.url)
    for _ in range(5):
        assert login(client, person.email, "wrong wrong wrong").status_code == 401
    locked = login(client, person.email)
    assert locked.status_code == 429
    assert int(locked.headers["Retry-After"]) > 0
    assert 0 < locked.json["error"]["retry_after"] <= 30
    _unlock(person.email)
    assert login(client, person.email, "wrong wrong wrong").status_code == 401
    assert 30 < login(client, person.email).json["error"]["retry_after"] <= 60
    _unlock(person.email)
    assert login(client, person.email).status_code == 200
    for _ in range(4):
        assert login(client, person.email, "wrong wrong wrong").status_code == 401


def test_an_address_without_account_is_locked_as_well(app: Flask, tenant: Tenant) -> None:
    client, nobody = client_of(app, tenant.url), f"{new_id().hex}@nowhere.example"
    answers = [login(client, nobody, "wrong wrong wrong").status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]


@pytest.mark.req("S2-043", "S3-127")
def test_passwords_are_hashed_with_argon2id_and_hashed_again_when_parameters_grow(app: Flask, tenant: Tenant) -> None:
    from argon2 import PasswordHasher

    person = tenant.member()
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    assert needs_rehash(weak)
    assert hash_password(PASSWORD).startswith("$argon2id$")
    with transaction(Context(means="command"), role="owner") as work:
        work.execute(
            text("UPDATE ossature.user_account SET password_hash = :hash WHERE id = :id"),
            {"hash": weak, "id": person.user_id},
        )
    assert login(client_of(app, tenant.url), person.email).status_code == 200
    with transaction(Context(means="command"), role="owner") as work:
        stored = work.execute(
            text("SELECT password_hash FROM ossature.user_account WHERE id = :id"), {"id": person.user_id}
        ).scalar_one()
    assert stored != weak
    assert verify_password(stored, PASSWORD)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "too_short"),
        ("anna.lefevre@garage.example", "is_email"),
        ("MotDePasse123", "too_common"),
        ("aaaabbbbaaaa", "too_common"),
        ("x" * 300, "too_long"),
    ],
)
def test_a_weak_password_is_refused_with_the_reason(password: str, code: str) -> None:
    assert [detail.code for detail in check_new_password(password, "anna.lefevre@garage.example")] == [code]


def test_any_long_sentence_is_a_good_password() -> None:
    assert check_new_password("le chat dort encore", "anna@garage.example") == []


@pytest.mark.req("S3-062", "S2-006", "S3-043")
def test_login_answers_an_access_token_and_keeps_the_refresh_token_in_a_strict_cookie(
    app: Flask, tenant: Tenant
) -> None:
    person = tenant.member("manager")
    client = client_of(app, tenant.url)
    answer = login(client, person.email)
    assert answer.status_code == 200
    assert answer.json["success"] is True
    assert answer.json["data"]["expires_in"] == 3600
    assert answer.headers["Cache-Control"] == "no-store"
    cookie = answer.headers["Set-Cookie"]
    for word in ("ossature_refresh=", "HttpOnly", "SameSite=Strict", "Path=/api/auth"):
        assert word in cookie
    token = answer.json["data"]["access_token"]
    me = client.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json["data"]["user"]["email"] == person.email


@pytest.mark.req("S1-22", "S2-046", "S2-041")
def test_the_access_token_carries_tenant_and_roles_under_signature(app: Flask, tenant: Tenant) -> None:
    person = tenant.member("manager")
    client = client_of(app, tenant.url)
    token = login(client, person.email).json["data"]["access_token"]
    claims = claims_of(token)
    assert (claims["tid"], claims["roles"], claims["sub"]) == (str(tenant.id), ["manager"], str(person.user_id))
    assert {"sid", "aud", "iss", "exp"} <= claims.keys()
    head, body, _signature = token.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=") + f".{body}."
    forged = AccessTokens("another secret of thirty-two characters", 60).issue(
        person.user_id, new_id(), tenant.id, ["owner"]
    )
    for bad in (unsigned, f"{head}.{body}.AAAA", forged, "nonsense", ""):
        assert client.get("/api/auth/me", headers={"Authorization": f"Bearer {bad}"}).status_code == 401


@pytest.mark.req("S3-123")
def test_an_access_token_is_refused_after_its_hour(app: Flask, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    person = tenant.member()
    client, real = client_of(app, tenant.url), time.time
    answers = {}
    for minutes in (55, 61):
        with monkeypatch.context() as earlier:
            earlier.setattr(time, "time", lambda minutes=minutes: real() - minutes * 60)
            token = login(client, person.email).json["data"]["access_token"]
        answers[minutes] = client.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code
    assert answers == {55: 200, 61: 401}


@pytest.mark.req("S3-044", "S3-062")
def test_a_refresh_token_gives_a_new_pair_and_works_once(app: Flask, tenant: Tenant) -> None:
    person = tenant.member()
    client = client_of(app, tenant.url)
    login(client, person.email)
    first = client.get_cookie("ossature_refresh", path="/api/auth", domain=_host(tenant))
    assert first is not None
    answer = client.post("/api/auth/refresh")
    assert answer.status_code == 200
    fresh = {"Authorization": f"Bearer {answer.json['data']['access_token']}"}
    assert client.get("/api/auth/me", headers=fresh).status_code == 200

    thief = client_of(app, tenant.url)
    thief.set_cookie("ossature_refresh", first.value, domain=_host(tenant), path="/api/auth")
    assert thief.post("/api/auth/refresh").status_code == 401
    assert client.get("/api/auth/me", headers=fresh).status_code == 401, "reuse ends the whole session"
    assert client.post("/api/auth/refresh").status_code == 401


@pytest.mark.req("S3-062")
def test_logout_ends_the_session_and_saying_it_twice_does_no_harm(app: Flask, tenant: Tenant) -> None:
    person = tenant.member()
    client = client_of(app, tenant.url)
    token = login(client, person.email).json["data"]["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.post("/api/auth/logout", headers=bearer).status_code == 200
    assert client.get("/api/auth/me", headers=bearer).status_code == 401
    assert client.post("/api/auth/refresh").status_code == 401
    assert client.post("/api/auth/logout").status_code == 200


@pytest.mark.req("S2-014", "S4-083")
@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"email": "a@b.example"}, "password", "required"),
        ({"email": "a@b.example", "password": 12}, "password", "invalid"),
        ({"email": "a@b.example", "password": "x", "admin": True}, "admin", "unknown_field"),
    ],
)
def test_a_malformed_login_names_the_field(client: HostClient, body: object, field: str, code: str) -> None:
    answer = client.post("/api/auth/login", json=body)
    assert answer.status_code == 422
    assert [(d["field"], d["code"]) for d in answer.json["error"]["details"]] == [(field, code)]


def test_whoever_belongs_to_several_organisations_names_one(
    app: Flask, client: HostClient, make_tenant: object
) -> None:
    from ossature.rbac.members import add_member
    from ossature.rbac.roles import role_by_key

    first, second = make_tenant(), make_tenant()  # type: ignore[operator]
    person = first.member("viewer")
    with second.work():
        add_member(person.user_id, "Anna", [role_by_key("owner").id])
    answer = login(client, person.email)
    assert answer.status_code == 409
    assert {choice["slug"] for choice in answer.json["error"]["tenants"]} == {first.slug, second.slug}
    token = login(client, person.email, tenant=second.slug).json["data"]["access_token"]
    me = client.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"}).json["data"]
    assert (me["tenant"]["slug"], me["roles"]) == (second.slug, ["owner"])
    assert login(client, person.email, tenant="no-such-one").status_code == 401


@pytest.mark.req("S2-040")
def test_a_page_session_changes_organisation(app: Flask, client: HostClient, make_tenant: object) -> None:
    from ossature.rbac.members import add_member
    from ossature.rbac.roles import role_by_key

    first, second = make_tenant(), make_tenant()  # type: ignore[operator]
    person = first.member("viewer")
    with second.work():
        add_member(person.user_id, "Anna", [role_by_key("owner").id])
    assert sign_in(client, person.email, PASSWORD).status_code == 303
    assert client.get("/settings/members").location == "/choose"
    page = client.get("/choose").text
    assert first.info.name in page
    assert second.info.name in page
    token = form_token(page)
    assert client.post("/switch", data={"tenant": second.slug, "csrf_token": token}).status_code == 303
    assert client.get("/settings/organisation").status_code == 200
    assert client.post("/switch", data={"tenant": first.slug, "csrf_token": token}).status_code == 303
    assert client.get("/settings/organisation").status_code == 403, "a viewer there"
    assert client.post("/switch", data={"tenant": "elsewhere", "csrf_token": token}).status_code == 404


def _host(tenant: Tenant) -> str:
    return tenant.url.partition("://")[2].partition(":")[0]


def _unlock(email: str) -> None:
    """As if the delay had passed."""
    with transaction(Context(means="command"), role="owner") as work:
        work.execute(
            text(
                "UPDATE ossature.sign_in_attempt SET locked_until = now() "
                "WHERE subject = sha256(convert_to(:email, 'UTF8'))"
            ),
            {"email": email},
        )


def change_password(person: Person, present: str, new: str = "un chat sur le toit") -> int:
    status: int = person.page.post("/settings/me/password", data={"present": present, "password": new}).status_code
    return status


def test_the_present_password_counts_towards_the_same_lockout(app: Flask, tenant: Tenant) -> None:
    person = tenant.member()
    assert [change_password(person, "wrong wrong wrong") for _ in range(5)] == [422] * 5
    assert change_password(person, PASSWORD) == 429
    assert login(client_of(app, tenant.url), person.email).status_code == 429
    _unlock(person.email)
    assert [change_password(person, PASSWORD, "court") for _ in range(5)] == [422] * 5, "a weak one tries nothing"
    assert change_password(person, PASSWORD) == 303
    for _ in range(4):
        assert login(client_of(app, tenant.url), person.email, "wrong wrong wrong").status_code == 401
    assert login(client_of(app, tenant.url), person.email, "un chat sur le toit").status_code == 200


def test_a_password_that_is_changed_while_somebody_signs_in_with_it_lets_them_in_no_more(
    app: Flask, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = tenant.member()

    def slow(user_id: UUID) -> tuple[Membership, ...]:
        set_password(person.user_id, person.email, "un chat sur le toit")
        return memberships(user_id)

    monkeypatch.setattr("ossature.auth.sign_in.memberships", slow)
    assert login(client_of(app, tenant.url), person.email).status_code == 401


def test_a_change_of_password_waits_for_a_session_that_is_being_opened_and_ends_it(
    app: Flask, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, client = tenant.member(), client_of(app, tenant.url)
    change = Thread(target=set_password, args=(person.user_id, person.email, "un chat sur le toit"))

    def slow(user_id: UUID, password_hash: str) -> bool:
        found = still_has(user_id, password_hash)
        change.start()
        change.join(0.5)
        assert change.is_alive()
        return found

    monkeypatch.setattr("ossature.auth.sign_in._still_has", slow)
    token = login(client, person.email).json["data"]["access_token"]
    change.join()
    assert client.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_signing_in_again_ends_the_former_session(app: Flask, tenant: Tenant) -> None:
    person, client = tenant.member(), client_of(app, tenant.url)
    assert person.page.get("/settings/me").status_code == 200
    former = person.page._cookies.copy()
    data = {"email": person.email, "password": PASSWORD}
    assert person.page.post("/sign-in", data=data).status_code == 303
    assert person.page.get("/settings/me").status_code == 200
    person.page._cookies = former
    assert person.page.get("/settings/me").status_code == 303

    tokens = [login(client, person.email).json["data"]["access_token"] for _ in range(2)]
    answers = [client.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"}) for token in tokens]
    assert [answer.status_code for answer in answers] == [401, 200]
