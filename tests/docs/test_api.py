"""Every request that the pages about the API show, sent; every answer as they show it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from flask import Flask

from ossature.builtin.why import WhyOut
from ossature.context import Reach
from ossature.kernel import Kernel
from ossature.rbac import keys
from ossature.testing.background import run_pending
from ossature.testing.people import PASSWORD, HostClient, Tenant, client_of

pytestmark = pytest.mark.database

Send = Callable[[str, str, dict[str, str], str], tuple[int, dict[str, str], str]]


def sender(client: HostClient) -> Send:
    """Requests as they stand in the page, through a client that keeps its cookies."""

    def send(verb: str, path: str, headers: dict[str, str], body: str) -> tuple[int, dict[str, str], str]:
        answer = client.open(path, method=verb, headers=headers, data=body.encode())
        return answer.status_code, dict(answer.headers), answer.text

    return send


def new_key(tenant: Tenant, *scopes: str) -> str:
    wanted = {name: Reach(reach or "all") for name, _, reach in (scope.partition(":") for scope in scopes)}
    with tenant.work():
        return keys.issue_key("Sync with the shop", wanted).shown


@pytest.mark.req("S4-079", "S4-005")
def test_authentication_is_as_its_page_says(docs: Any, app: Flask, tenant: Tenant) -> None:
    person = tenant.member()
    known = {
        "key": new_key(tenant, "crm.contact.view", "crm.contact.create:own", "crm.contact.edit"),
        "email": person.email,
        "password": PASSWORD,
        "slug": tenant.slug,
    }
    assert docs.converse("api/authentication.md", sender(client_of(app, tenant.url)), known) == 6


CONVENTIONS = "api/conventions.md"


@pytest.mark.req("S3-056", "S3-057", "S3-058")
def test_conventions_are_as_their_page_says(docs: Any, app: Flask, tenant: Tenant) -> None:
    converse_about_conventions(docs, app, tenant)


@pytest.mark.req("S3-059", "S3-060", "S3-061")
def test_put_patch_and_delete_are_shown_and_work(docs: Any, app: Flask, tenant: Tenant) -> None:
    verbs = [block.text.split()[0] for block in docs.blocks(CONVENTIONS, "http")]
    assert {"PUT", "PATCH", "DELETE"} <= set(verbs)
    converse_about_conventions(docs, app, tenant)


def converse_about_conventions(docs: Any, app: Flask, tenant: Tenant) -> None:
    rights = [
        f"crm.{record}.{what}"
        for record in ("contact", "company")
        for what in ("view", "create", "edit", "delete", "export")
    ]
    key = new_key(tenant, *rights, "crm.company.view_revenue")
    assert docs.converse(CONVENTIONS, sender(client_of(app, tenant.url)), {"key": key}) > 10


@pytest.mark.req("S2-016")
def test_files_are_as_their_page_says(docs: Any, app: Flask, tenant: Tenant) -> None:
    key = new_key(tenant, "crm.contact.view", "crm.contact.create", "crm.contact.edit")
    assert docs.converse("api/files.md", sender(client_of(app, tenant.url)), {"key": key}) == 5


@pytest.mark.req("A-018", "S4-364")
def test_imports_are_as_their_page_says(docs: Any, app: Flask, tenant: Tenant) -> None:
    rights = [f"crm.{record}.{what}" for record in ("contact", "company") for what in ("view", "create", "edit")]
    ask = sender(client_of(app, tenant.url))

    def send(verb: str, path: str, headers: dict[str, str], body: str) -> tuple[int, dict[str, str], str]:
        run_pending(tenant)
        return ask(verb, path, headers, body)

    assert docs.converse("api/imports.md", send, {"key": new_key(tenant, *rights)}) == 5


@pytest.mark.req("A-024")
def test_search_is_as_its_page_says(docs: Any, app: Flask, tenant: Tenant) -> None:
    key = new_key(tenant, "crm.contact.view", "crm.contact.create")
    assert docs.converse("api/search.md", sender(client_of(app, tenant.url)), {"key": key}) == 4


def test_counts_and_sums_are_as_their_page_says(docs: Any, app: Flask, tenant: Tenant) -> None:
    key = new_key(tenant, "crm.company.view", "crm.company.create", "crm.company.edit", "crm.company.view_revenue")
    assert docs.converse("api/groups.md", sender(client_of(app, tenant.url)), {"key": key}) == 5


@pytest.mark.req("A-007")
def test_views_are_as_their_page_says(docs: Any, app: Flask, tenant: Tenant) -> None:
    key = new_key(tenant, "crm.contact.view", "crm.contact.create")
    assert docs.converse("api/views.md", sender(client_of(app, tenant.url)), {"key": key}) == 5


def test_tags_are_as_their_page_says(docs: Any, app: Flask, tenant: Tenant) -> None:
    key = new_key(tenant, "crm.contact.view", "crm.contact.create", "crm.contact.edit", "ossature.tags.manage")
    assert docs.converse("api/tags.md", sender(client_of(app, tenant.url)), {"key": key}) == 5


@pytest.mark.req("S4-362", "A-017")
def test_duplicates_are_as_their_page_says(docs: Any, app: Flask, tenant: Tenant) -> None:
    key = new_key(tenant, *(f"crm.contact.{what}" for what in ("view", "create", "edit", "delete")))
    assert docs.converse("api/duplicates.md", sender(client_of(app, tenant.url)), {"key": key}) == 7


def test_changes_are_as_their_page_says(docs: Any, app: Flask, tenant: Tenant) -> None:
    rights = [f"crm.contact.{what}" for what in ("view", "create", "edit", "delete")]
    key = new_key(tenant, *rights, "crm.company.view", "ossature.history.view")
    assert docs.converse("api/changes.md", sender(client_of(app, tenant.url)), {"key": key}) == 8


@pytest.mark.req("S4-676", "S3-065", "S2-007")
def test_the_page_of_the_api_has_every_operation_that_is_described(tenant: Tenant) -> None:
    person = tenant.member()
    shown = person.page.get("/api/docs").text
    described = person.api.get("/api/openapi.json").json["paths"]
    assert "/api/crm/contacts/aggregate" in described
    for path, operations in described.items():
        for method in operations.keys() & {"get", "post", "put", "patch", "delete"}:
            assert f'<code class="os-method">{method.upper()}</code> <code>{path}</code>' in shown, (method, path)


def test_addresses_of_records_are_plural_and_hyphenated(app: Flask) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")}
    given = r"/<uuid:(id|file_id|note|import_id|preset_id)>|/<int:number>|/<key>|/by/<field>/<path:value>|/<source>/<path:value>"
    words = re.compile(rf"/api(/_?[a-z][a-z0-9]*(-[a-z0-9]+)*|/openapi\.json|{given})+")
    assert not [rule for rule in rules if not words.fullmatch(rule)]
    assert {"/api/contacts", "/api/contacts/<uuid:id>", "/api/crm/contacts", "/api/companies"} <= rules
    kernel: Kernel = app.extensions["ossature"]
    assert all(rt.slug.endswith("s") and rt.slug != rt.name for rt in kernel.records)


def test_the_table_of_refusals_names_every_status(docs: Any, app: Flask) -> None:
    from ossature.app import CODES
    from ossature.errors import Refusal

    text = (docs.folder / CONVENTIONS).read_text("utf-8")
    for refusal in Refusal.__subclasses__():
        assert f"| {refusal.status} | " in text
        assert f"`{refusal.code}`" in text
    assert "`internal`" in text
    assert CODES[500] == "internal"


@pytest.mark.req("A-059")
def test_versions_are_as_their_page_says(docs: Any, app: Flask, tenant: Tenant) -> None:
    from ossature.web.versions import MONTHS_SERVED

    key = new_key(tenant, "crm.contact.view")
    assert docs.converse("api/versions.md", sender(client_of(app, tenant.url)), {"key": key}) == 2
    text = (docs.folder / "api/versions.md").read_text("utf-8")
    assert f"At least {MONTHS_SERVED} months" in text


@pytest.mark.req("A-045")
def test_why_is_as_its_page_says(docs: Any, app: Flask, tenant: Tenant) -> None:
    key = new_key(tenant, "crm.contact.view", "crm.contact.edit:own")
    assert docs.converse("api/why.md", sender(client_of(app, tenant.url)), {"key": key}) == 2
    text = (docs.folder / "api/why.md").read_text("utf-8")
    assert all(f"| `{rule}` |" in text for rule in get_args(WhyOut.model_fields["rule"].annotation))


def test_the_program_that_keeps_a_copy_runs_and_goes_on_where_it_was(
    docs: Any, live_server: str, tenant: Tenant, tmp_path: Path
) -> None:
    (program,) = docs.blocks("api/changes.md", "python")
    person, key = tenant.member(), new_key(tenant, "crm.contact.view", "crm.company.view")
    environment = {**os.environ, "ERP_URL": live_server, "ERP_KEY": key, "ERP_COPY": str(tmp_path / "copy.json")}

    def run() -> list[str]:
        command = [sys.executable, "-c", program.text]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    ids = [
        person.api.post("/api/contacts", json={"last_name": name}).json["data"]["id"] for name in ("Ann", "Ben", "Carl")
    ]
    assert run() == ["Ann", "Ben", "Carl"]
    assert person.api.delete(f"/api/contacts/{ids[0]}").status_code == 200
    assert person.api.patch(f"/api/contacts/{ids[1]}", json={"last_name": "Bert"}).status_code == 200
    person.api.post("/api/companies", json={"name": "Acme"})
    assert run() == ["Acme", "Bert", "Carl"]
    assert person.api.post(f"/api/contacts/{ids[0]}/restore").status_code == 200
    assert run() == run() == ["Acme", "Ann", "Bert", "Carl"]
    copy = tmp_path / "copy.json"
    copy.write_text(copy.read_text("utf-8").replace('"cursor": "', '"cursor": "x'), "utf-8")
    assert run() == ["Acme", "Ann", "Bert", "Carl"]


def test_the_program_that_reads_everything_runs(docs: Any, live_server: str, tenant: Tenant) -> None:
    (program,) = docs.blocks("api/example.md", "python")
    person = tenant.member()
    names = [f"Contact {number:03d}" for number in range(3)]
    for name in names:
        assert person.api.post("/api/contacts", json={"last_name": name}).status_code == 201
    code = program.text.replace('"limit": 200', '"limit": 2')
    assert code != program.text
    environment = {**os.environ, "ERP_URL": live_server, "ERP_KEY": new_key(tenant, "crm.contact.view")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == [f"{name} -" for name in names], done.stderr
