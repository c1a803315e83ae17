"""`ossature tenant`, `user` and `token`, as an operator types them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from limits import parse

from ossature.auth import cli
from ossature.auth.accounts import normalise_email
from ossature.config import Config
from ossature.ids import new_id
from ossature.testing.people import PASSWORD, HostClient, Tenant, client_of

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def many_strangers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests come from one address; together they may knock more often than one visitor."""
    monkeypatch.setattr(app.extensions["ossature.access"]._limits, "_address", parse("100000/minute"))


Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask, ossature_config: Config, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process, on the tests' own application."""
    monkeypatch.setattr(cli, "create_app", lambda _config: app)
    monkeypatch.setattr(cli.Config, "load", lambda: ossature_config)
    groups = {"tenant": cli.tenant_group, "user": cli.user_group, "token": cli.token_group}
    return lambda group, *words: CliRunner().invoke(groups[group], [str(word) for word in words])


def login(client: HostClient, email: str, password: str, tenant: str | None = None) -> int:
    body = {"email": email, "password": password, **({"tenant": tenant} if tenant else {})}
    status: int = client.post("/api/auth/login", json=body).status_code
    return status


def test_an_operator_makes_a_tenant_with_its_owner(app: Flask, client: HostClient, run: Run) -> None:
    slug = f"garage-{new_id().hex[-8:]}"
    email = f"owner@{slug}.example"
    made = run("tenant", "create", slug, "--name", "Garage", "--preset", "team", "--locale", "en")
    assert made.exit_code == 0, made.output
    assert f"--tenant {slug} --role owner" in made.output
    person = run("user", "create", email, "--tenant", slug, "--role", "owner", "--password", PASSWORD)
    assert person.exit_code == 0, person.output
    assert login(client, email, PASSWORD) == 200
    assert slug in run("tenant", "list").output
    assert run("tenant", "create", slug).exit_code == 1, "the name is taken"
    assert run("tenant", "create", "Not A Slug").exit_code == 1


def test_a_suspended_tenant_is_closed_until_it_is_resumed(client: HostClient, tenant: Tenant, run: Run) -> None:
    person = tenant.member("owner")
    assert run("tenant", "suspend", tenant.slug).exit_code == 0
    assert login(client, person.email, PASSWORD, tenant.slug) == 401
    assert run("tenant", "suspend", tenant.slug, "--resume").exit_code == 0
    assert login(client, person.email, PASSWORD, tenant.slug) == 200
    unknown = run("tenant", "suspend", "nobody-here")
    assert unknown.exit_code == 1
    assert "ossature tenant list" in unknown.output


def test_an_administrator_is_made_by_command(client: HostClient, run: Run) -> None:
    email = f"root-{new_id().hex[-8:]}@platform.example"
    made = run("user", "create", email, "--platform-admin", "--password", PASSWORD)
    assert made.exit_code == 0, made.output
    token = client.post("/api/auth/login", json={"email": email, "password": PASSWORD}).json["data"]["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/auth/me", headers=bearer).json["data"]["platform_admin"] is True
    assert run("user", "admin", email, "--remove").exit_code == 0
    assert client.get("/api/auth/me", headers=bearer).json["data"]["platform_admin"] is False


def test_a_password_is_set_by_command_and_weak_ones_are_refused(client: HostClient, tenant: Tenant, run: Run) -> None:
    person = tenant.member("viewer")
    weak = run("user", "password", person.email, "--password", "short")
    assert weak.exit_code == 1
    assert "12" in weak.output
    chosen = run("user", "password", person.email, "--random")
    assert chosen.exit_code == 0
    password = re.search(r"It is: (\S+)", chosen.output)
    assert password
    assert login(client, person.email, password[1], tenant.slug) == 200
    assert run("user", "password", "nobody@nowhere.example", "--password", PASSWORD).exit_code == 1


def test_a_member_without_password_gets_a_link(client: HostClient, tenant: Tenant, run: Run) -> None:
    email = f"new-{new_id().hex[-8:]}@garage.example"
    made = run("user", "create", email, "--tenant", tenant.slug, "--role", "viewer", "--link")
    assert made.exit_code == 0, made.output
    link = re.search(r"(/password/\S+)", made.output)
    assert link
    assert client.get(link[1]).status_code == 200
    assert run("user", "create", email, "--tenant", tenant.slug).exit_code == 2, "a member needs a role"


def test_a_services_key_is_made_listed_and_revoked(app: Flask, tenant: Tenant, run: Run) -> None:
    made = run("token", "create", "Sync", "--tenant", tenant.slug, "--scope", "ossature.team.view:all", "--days", "9")
    assert made.exit_code == 0, made.output
    key = made.output.strip()
    api = client_of(app, tenant.url, Authorization=f"Bearer {key}")
    assert api.get("/api/ossature/teams").status_code == 200
    prefix = key.rpartition("_")[0].split("_")[1]
    assert prefix in run("token", "list", "--tenant", tenant.slug).output
    assert key not in run("token", "list", "--tenant", tenant.slug).output
    assert run("token", "revoke", f"oss_{prefix}", "--tenant", tenant.slug).exit_code == 0
    assert api.get("/api/ossature/teams").status_code == 401
    assert run("token", "create", "Bad", "--tenant", tenant.slug, "--scope", "no.such.right").exit_code == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [(" Anna.Lefevre@Garage.Example ", "anna.lefevre@garage.example"), ("É@exämple.fr", "é@exämple.fr")],
)
def test_addresses_are_kept_in_lower_case(given: str, kept: str) -> None:
    assert normalise_email(given) == kept
