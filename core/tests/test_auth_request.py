"""The gate before every request: hosts, sessions and their cache, rules, origins, limits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
import redis
from flask import Flask, g, request
from limits import parse
from sqlalchemy import event, text

from ossature.auth.request import UndeclaredRoute, refuse_undeclared
from ossature.auth.state import access_state
from ossature.context import Context, Reach
from ossature.db import transaction
from ossature.rbac import AccessRule, declare, public, rule_of
from ossature.rbac.keys import IssuedKey, issue_key
from ossature.rbac.members import assign_roles, set_active
from ossature.rbac.roles import role_by_key
from ossature.testing.people import HostClient, Tenant, client_of

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def many_strangers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests come from one address; together they may knock more often than one visitor."""
    monkeypatch.setattr(app.extensions["ossature.access"]._limits, "_address", parse("100000/minute"))


MakeTenant = Callable[..., Tenant]
MEMBERS = "ossature.members.view"


@contextmanager
def counted(app: Flask) -> Iterator[dict[str, int]]:
    """How many transactions were begun and how many commands were sent to Redis for sessions."""
    found = {"transactions": 0, "redis": 0}
    engine, client = app.extensions["ossature"].db.app, access_state().cache._redis
    send = client.execute_command

    def begun(_connection: object) -> None:
        found["transactions"] += 1

    def sent(*args: object, **options: object) -> object:
        found["redis"] += 1
        return send(*args, **options)

    event.listen(engine, "begin", begun)
    client.execute_command = sent
    try:
        yield found
    finally:
        event.remove(engine, "begin", begun)
        del client.execute_command


def key_for(tenant: Tenant, *permissions: str) -> IssuedKey:
    with tenant.work():
        return issue_key("Sync", dict.fromkeys(permissions, Reach.ALL), days=30)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


# -- tenant by host ---------------------------------------------------------------------------------------------------


@pytest.mark.req("S2-024", "S2-025", "S2-029")
def test_the_subdomain_names_the_tenant_before_any_view_runs(app: Flask, tenant: Tenant) -> None:
    with app.test_request_context("/sign-in", base_url=tenant.url, headers={"Ossature-Tenant": "forged"}):
        app.preprocess_request()
        assert request.headers["Ossature-Tenant"] == str(tenant.id)
    assert tenant.info.name in client_of(app, tenant.url).get("/sign-in").text


@pytest.mark.req("S2-028")
@pytest.mark.parametrize("host", ["localhost", "www.localhost", "127.0.0.1"])
def test_the_main_domain_and_www_name_no_tenant(app: Flask, host: str) -> None:
    with app.test_request_context("/sign-in", base_url=f"http://{host}", headers={"Ossature-Tenant": "forged"}):
        app.preprocess_request()
        assert "Ossature-Tenant" not in request.headers
    assert client_of(app, f"http://{host}").get("/sign-in").status_code == 200


@pytest.mark.parametrize(
    "host", ["nobody-here.localhost", "a.b.localhost", "elsewhere.example", "localhost.evil.example"]
)
def test_a_host_that_is_nobodys_is_answered_404(app: Flask, host: str) -> None:
    client = client_of(app, f"http://{host}")
    assert client.get("/sign-in").status_code == 404
    assert client.post("/api/auth/login", json={"email": "a@b.example", "password": "x"}).status_code == 404


@pytest.mark.req("S2-012")
def test_session_token_and_key_of_one_tenant_are_404_at_anothers_host(app: Flask, make_tenant: MakeTenant) -> None:
    mine, theirs = make_tenant(), make_tenant()
    person, key = mine.member(), key_for(mine, MEMBERS)
    assert person.api.get("/api/auth/me", base_url=mine.url).status_code == 200
    assert person.api.get("/api/auth/me", base_url=theirs.url).status_code == 404
    assert client_of(app, theirs.url, **bearer(key.shown)).get("/api/auth/me").status_code == 404
    cookie = person.page.get_cookie("ossature_session", domain=mine.url.partition("://")[2].partition(":")[0])
    assert cookie is not None
    stolen = client_of(app, theirs.url)
    stolen.set_cookie("ossature_session", cookie.value, domain=theirs.url.partition("://")[2].partition(":")[0])
    assert stolen.get("/settings/me").status_code == 404


# -- sessions and their cache -----------------------------------------------------------------------------------------


@pytest.mark.req("S1-70", "S4-090", "S4-632")
def test_a_warm_request_costs_one_trip_to_redis_and_none_to_the_database(app: Flask, tenant: Tenant) -> None:
    person = tenant.member()
    person.api.get("/api/auth/me")
    with counted(app) as cost:
        assert person.api.get("/api/auth/me").status_code == 200
    assert cost == {"transactions": 0, "redis": 1}


@pytest.mark.req("S2-096", "S4-629")
def test_a_cached_session_lives_as_long_as_the_session(app: Flask, tenant: Tenant) -> None:
    person = tenant.member()
    session_id = person.session("api")
    access_state().cache.session(session_id, tenant.id, person.user_id)
    left = access_state().cache._redis.ttl(f"session:{session_id}")
    assert 7 * 86400 - 60 <= left <= 7 * 86400
    with transaction(Context(means="command"), role="owner") as work:
        work.execute(
            text("UPDATE ossature.session SET expires_at = now() + interval '90 seconds' WHERE id = :id"),
            {"id": session_id},
        )
    access_state().cache.user_changed(person.user_id)
    access_state().cache.session(session_id, tenant.id, person.user_id)
    assert access_state().cache._redis.ttl(f"session:{session_id}") <= 90


def test_a_change_of_rights_holds_from_the_next_request_on(app: Flask, tenant: Tenant) -> None:
    tenant.member("owner")
    person = tenant.member("owner")
    assert person.page.get("/settings/members").status_code == 200
    with tenant.work():
        assign_roles(person.member_id, [role_by_key("viewer").id])
    assert person.page.get("/settings/roles").status_code == 403
    with tenant.work():
        set_active(person.member_id, False)
    assert person.page.get("/settings/members").status_code == 303
    assert person.api.get("/api/ossature/teams").status_code == 404


def test_a_mark_that_was_never_changed_extends_a_right_by_a_minute_at_most(
    app: Flask, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash between the commit and the change of the mark."""
    tenant.member("owner")
    person = tenant.member("owner")
    assert person.api.get("/api/ossature/teams").status_code == 200
    monkeypatch.setattr(type(access_state().cache), "_mark", lambda *_args: None)
    with tenant.work():
        assign_roles(person.member_id, [role_by_key("viewer").id])
    assert "ossature.roles.manage" in person.api.get("/api/auth/me").json["data"]["permissions"]
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 61)
    assert "ossature.roles.manage" not in person.api.get("/api/auth/me").json["data"]["permissions"]


def test_a_snapshot_read_before_a_change_is_not_kept_beyond_it(app: Flask, tenant: Tenant) -> None:
    """The mark is read before the database: a change in between leaves the snapshot under an old mark."""
    tenant.member("owner")
    person = tenant.member("owner")
    session_id, cache = person.session("api"), access_state().cache
    ask = cache._ask

    def slow(function: str, argument: object) -> bytes | None:
        found = ask(function, argument)
        with tenant.work():
            assign_roles(person.member_id, [role_by_key("viewer").id])
        return found

    cache._ask = slow  # type: ignore[method-assign]
    try:
        stale = cache.session(session_id, tenant.id, person.user_id)
    finally:
        del cache._ask  # type: ignore[method-assign]
    assert stale is not None
    assert stale.access.roles == ("owner",)
    fresh = cache.session(session_id, tenant.id, person.user_id)
    assert fresh is not None
    assert fresh.access.roles == ("viewer",)


def test_without_redis_every_request_reads_the_database_and_works(
    app: Flask, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = tenant.member()
    cache = access_state().cache
    limits = app.extensions["ossature.access"]._limits
    nowhere = redis.Redis(unix_socket_path="/nonexistent/redis.sock")
    monkeypatch.setattr(cache, "_redis", nowhere)
    monkeypatch.setattr(limits, "_shared", _Broken())
    try:
        for _ in range(3):
            assert person.api.get("/api/auth/me").status_code == 200
        assert person.page.get("/settings/me").status_code == 200
    finally:
        cache._away_until = limits._away_until = 0.0


class _Broken:
    def hit(self, *_args: object) -> bool:
        raise redis.ConnectionError("gone")


def test_a_suspended_tenant_lets_nobody_in_and_loses_nothing(app: Flask, make_tenant: MakeTenant) -> None:
    from ossature.rbac.tenants import set_status

    tenant = make_tenant()
    person, key = tenant.member(), key_for(tenant, MEMBERS)
    gate = app.extensions["ossature.access"]
    with transaction(Context(means="command"), role="system"):
        set_status(tenant.id, "suspended")
    gate.hosts._found.clear()
    assert person.page.get("/settings/me").status_code == 404
    assert client_of(app, "http://localhost", **bearer(key.shown)).get("/api/auth/me").status_code == 401
    with transaction(Context(means="command"), role="system"):
        set_status(tenant.id, "active")
    gate.hosts._found.clear()
    assert person.page.get("/settings/me").status_code == 200


# -- rules, CSRF ------------------------------------------------------------------------------------------------------


@pytest.mark.req("S3-055", "S3-125")
def test_every_route_says_who_may_call_it_and_the_application_refuses_to_start_otherwise(app: Flask) -> None:
    refuse_undeclared(app)
    other = Flask("other")
    other.add_url_rule("/said", "said", public(lambda: "yes"))
    refuse_undeclared(other) if "static" not in other.view_functions else declare(
        other.view_functions["static"], AccessRule("bare", tenant=False)
    )
    other.add_url_rule("/unsaid", "unsaid", lambda: "no")
    with pytest.raises(UndeclaredRoute, match=r"unsaid \(GET /unsaid\)"):
        refuse_undeclared(other)


@pytest.mark.req("S2-059", "S3-045", "S2-013")
def test_signed_out_is_401_and_lacking_the_right_is_403(app: Flask, tenant: Tenant) -> None:
    viewer = tenant.member("viewer")
    assert client_of(app, tenant.url).post("/api/ossature/teams", json={"name": "A"}).status_code == 401
    answer = viewer.api.post("/api/ossature/teams", json={"name": "A"})
    assert answer.status_code == 403
    assert answer.json["error"]["permission"] == "ossature.team.create"
    assert client_of(app, tenant.url).get("/settings/roles").status_code == 303
    assert viewer.page.get("/settings/roles").status_code == 403


def test_a_refusal_is_recorded_although_the_request_is_rolled_back(app: Flask, tenant: Tenant) -> None:
    viewer = tenant.member("viewer")
    answer = viewer.api.post("/api/ossature/teams", json={"name": "A"})
    with transaction(Context(means="command"), role="system") as work:
        rows = work.execute(text("SELECT * FROM ossature.system_denials(:tenant, 10)"), {"tenant": tenant.id}).all()
    assert [(row.actor_id, row.permission, row.path, row.request) for row in rows] == [
        (viewer.member_id, "ossature.team.create", "/api/ossature/teams", answer.headers["X-Request-ID"])
    ]


def test_htmx_is_led_to_sign_in_with_the_whole_page(app: Flask, tenant: Tenant) -> None:
    answer = client_of(app, tenant.url).get("/settings/members", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/sign-in?next=/settings/members")


@pytest.mark.req("S3-124")
def test_the_api_takes_the_page_session_only_with_the_csrf_header(app: Flask, tenant: Tenant) -> None:
    owner = tenant.member("owner")
    assert owner.page.post("/api/ossature/teams", json={"name": "Un"}).status_code == 201
    without = owner.page.post("/api/ossature/teams", json={"name": "Deux"}, headers={"X-CSRFToken": ""})
    assert without.status_code == 400
    assert owner.api.post("/api/ossature/teams", json={"name": "Deux"}).status_code == 201


# -- other origins ----------------------------------------------------------------------------------------------------


def preflight(client: HostClient, origin: str) -> dict[str, str]:
    answer = client.options("/api/auth/me", headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
    assert answer.status_code == 204
    return dict(answer.headers)


@pytest.mark.req("S2-111", "S4-084", "S3-130")
def test_other_origins_are_shut_out_except_tenants_own_pages(
    app: Flask, client: HostClient, make_tenant: MakeTenant
) -> None:
    mine, theirs = make_tenant(), make_tenant()
    allowed = preflight(client, mine.url)
    assert allowed["Access-Control-Allow-Origin"] == mine.url
    assert allowed["Access-Control-Allow-Credentials"] == "true"
    assert "If-Match" in allowed["Access-Control-Allow-Headers"]
    assert "PATCH" in allowed["Access-Control-Allow-Methods"]
    at_mine = client_of(app, mine.url)
    assert "Access-Control-Allow-Origin" in preflight(at_mine, mine.url)
    for origin in (theirs.url, "https://evil.example", f"{mine.url}.evil.example", "null", "http://nobody.localhost"):
        assert "Access-Control-Allow-Origin" not in preflight(at_mine, origin)
    person = mine.member()
    assert "Access-Control-Allow-Origin" not in person.api.get(
        "/api/auth/me", headers={"Origin": "https://evil.example"}
    ).headers  # fmt: skip


@pytest.mark.req("S1-23", "S3-130")
def test_a_configured_front_end_may_call_with_credentials(app: Flask, client: HostClient) -> None:
    cors = app.extensions["ossature.access"]._cors
    cors._origins = frozenset({"https://front.example"})
    try:
        assert preflight(client, "https://front.example")["Access-Control-Allow-Origin"] == "https://front.example"
        assert "Access-Control-Allow-Origin" not in preflight(client, "https://other.example")
    finally:
        cors._origins = frozenset()


# -- limits -----------------------------------------------------------------------------------------------------------


@contextmanager
def limited(app: Flask, signed_in: str = "3/minute", address: str = "3/minute") -> Iterator[None]:
    limits = app.extensions["ossature.access"]._limits
    before = limits._signed_in, limits._address
    limits._signed_in, limits._address = parse(signed_in), parse(address)
    try:
        yield
    finally:
        limits._signed_in, limits._address = before


@pytest.mark.req("S1-24", "S2-110", "S4-082")
def test_beyond_the_limit_the_answer_says_when_to_come_back(app: Flask, tenant: Tenant) -> None:
    person = tenant.member()
    with limited(app):
        answers = [person.api.get("/api/auth/me") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    headers = answers[-1].headers
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("3", "0")
    assert 0 < int(headers["Retry-After"]) <= 120
    assert int(headers["X-RateLimit-Reset"]) >= time.time() - 1
    assert answers[-1].json["error"]["code"] == "too_many_requests"


@pytest.mark.req("S2-108", "S3-131")
def test_users_and_keys_are_counted_apart_and_addresses_only_before_sign_in(app: Flask, tenant: Tenant) -> None:
    one, other = tenant.member(), tenant.member()
    key = client_of(app, tenant.url, **bearer(key_for(tenant, MEMBERS).shown))
    nobody = client_of(app, tenant.url)
    far = {"REMOTE_ADDR": f"203.0.113.{one.user_id.int % 250}"}
    with limited(app):
        for caller in (one.api, other.api, key):
            assert [caller.get("/api/auth/me").status_code for _ in range(4)] == [200, 200, 200, 429]
        assert [nobody.get("/sign-in", environ_base=far).status_code for _ in range(4)] == [200, 200, 200, 429]
        assert nobody.get("/sign-in", environ_base={"REMOTE_ADDR": "198.51.100.9"}).status_code == 200


@pytest.mark.req("S2-099")
def test_counters_forget_themselves_within_the_hour(app: Flask, tenant: Tenant) -> None:
    person = tenant.member()
    person.api.get("/api/auth/me")
    client = access_state().cache._redis
    counters = [name for name in client.scan_iter("LIMITS*") if str(person.user_id).encode() in name]
    assert counters
    assert all(0 < client.ttl(name) <= 3600 for name in counters)


def test_bad_tokens_count_against_the_address(app: Flask, tenant: Tenant) -> None:
    client = client_of(app, tenant.url, **bearer("nonsense"))
    far = {"REMOTE_ADDR": "203.0.113.251"}
    with limited(app):
        assert [client.get("/api/auth/me", environ_base=far).status_code for _ in range(4)][-1] == 429


def test_hosts_that_are_nobodys_count_against_the_address_too(client: HostClient, app: Flask) -> None:
    far = {"REMOTE_ADDR": "203.0.113.252"}
    with limited(app):
        answers = [
            client.get("/", base_url=f"http://nobody-{number}.localhost", environ_base=far).status_code
            for number in range(4)
        ]
    assert (answers[0], answers[-1]) == (404, 429)


# -- what views find --------------------------------------------------------------------------------------------------


def test_a_rule_of_a_class_based_view_is_found_per_method() -> None:
    from flask.views import MethodView

    class View(MethodView):
        @public
        def get(self) -> str:
            return ""

        def post(self) -> str:
            return ""

    view = View.as_view("view")
    assert rule_of(view, "GET") == rule_of(view, "HEAD") == AccessRule("public", tenant=False)
    assert rule_of(view, "POST") is None


def test_language_and_time_zone_follow_the_person_then_the_tenant_then_the_browser(
    app: Flask, make_tenant: MakeTenant
) -> None:
    french = make_tenant(locale="fr", time_zone="America/Montreal")
    person = french.member(locale=None)
    me = person.api.get("/api/auth/me", headers={"Accept-Language": "en"}).json["data"]["user"]
    assert (me["locale"], me["time_zone"]) == ("fr", "America/Montreal")
    assert french.member(locale="en").api.get("/api/auth/me").json["data"]["user"]["locale"] == "en"
    with app.test_request_context("/sign-in", base_url=french.url, headers={"Accept-Language": "fr-FR,en;q=0.5"}):
        app.preprocess_request()
        assert isinstance(g.request_id, str)
        UUID(g.request_id)


def test_an_old_cookie_that_names_another_tenant_keeps_no_right_alive(
    app: Flask, client: HostClient, make_tenant: MakeTenant
) -> None:
    from ossature.auth.sign_in import choose_tenant
    from ossature.rbac.members import add_member

    first, second = make_tenant(), make_tenant()
    second.member("owner")
    person = first.member("viewer")
    with second.work():
        member_id = add_member(person.user_id, "Anna", [role_by_key("owner").id])
    session_id, cache = person.session("page"), access_state().cache
    assert choose_tenant(session_id, person.user_id, second.id)
    for _ in range(2):
        found = cache.session(session_id, first.id, person.user_id)
        assert found is not None
        assert found.access.roles == ("owner",)
    with second.work():
        assign_roles(member_id, [role_by_key("viewer").id])
    found = cache.session(session_id, first.id, person.user_id)
    assert found is not None
    assert found.access.roles == ("viewer",)


def test_whoever_is_deactivated_is_signed_out_at_the_tenants_own_address(app: Flask, tenant: Tenant) -> None:
    person = tenant.member("viewer")
    assert person.page.get("/settings/me").status_code == 200
    with tenant.work():
        set_active(person.member_id, False)
    assert person.page.get("/settings/me").location == "/sign-in?next=/settings/me"
    assert person.page.get("/sign-in").status_code == 200
