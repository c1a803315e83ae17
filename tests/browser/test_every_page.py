"""Every page of the product: no serious axe violation, no script error, nothing wider than a phone, light enough."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from io import BytesIO
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import insert, text

from ossature.context import Context
from ossature.db import transaction
from ossature.duplicates.tables import duplicate
from ossature.files.queries import files_of
from ossature.ids import new_id
from ossature.mail.sending import send_mail
from ossature.testing.background_rows import add_delivery, add_job, add_line
from ossature.testing.people import Person, Tenant

pytestmark = [pytest.mark.browser, pytest.mark.database]

Screen = Callable[..., Page]
SERIOUS = {"serious", "critical"}
# Fragments, which are shown inside other pages, and addresses that answer with something else than a page.
NOT_PAGES = {
    "newest_contacts",
    "my_contacts",
    "show_heaviest",
    "show_heavier",
    "show_shared",
    "about",
    "components.options",
    "settings_background.widget",
    "settings_mail.html",
    "settings_mail.message",
    "search.hits",
    "search.palette",
    "saved_views.new",
}

RECORDS = ("/crm/companies", "/crm/contacts", "/crm/deals", "/crm/pipelines", "/ossature/teams")


def begin_import(person: Person, page: str) -> str:
    """An import of somebody, whose columns are to be told; its id."""
    file = {"file": (BytesIO(b"Nom;Autre\nAnna;x\n"), "noms.csv")}
    answer = person.api.post(f"/api{page}/imports", data=file, content_type="multipart/form-data")
    return str(answer.json["data"]["id"])


def pages(app: Flask, ids: dict[str, str]) -> Iterator[str]:
    """Every address that answers GET with a page, with the id of a record where it takes one."""
    for rule in app.url_map.iter_rules():
        name = rule.endpoint.rpartition(".")[2]
        if "GET" not in (rule.methods or ()) or rule.rule.startswith(
            ("/api/", "/static", "/assets", "/health", "/readyz")
        ):
            continue
        if (
            rule.rule in ("/metrics", "/api")
            or name in NOT_PAGES
            or rule.endpoint in NOT_PAGES
            or name.endswith(("_timeline", "_notes", "_files", "_import_refused"))
        ):
            continue
        if not rule.arguments:
            yield rule.rule
        elif rule.arguments == {"id"} and (found := next((i for k, i in ids.items() if rule.rule.startswith(k)), None)):
            yield rule.rule.replace("<uuid:id>", found)


@pytest.fixture
def everything(tenant: Tenant, app: Flask) -> tuple[Person, list[str]]:
    person = tenant.member("owner", locale="fr")
    with transaction(Context(means="command"), role="system") as work:
        work.execute(text("SELECT ossature.system_set_platform_admin(:id, true)"), {"id": person.user_id})
    company = person.api.post(
        "/api/crm/companies",
        json={
            "name": "Établissements Lefèvre",
            "siren": "552008443",
            "addresses": [{"line1": "1 rue X", "city": "Lyon"}],
        },
    ).json["data"]["id"]
    contact = person.api.post(
        "/api/crm/contacts", json={"first_name": "Zoé", "last_name": "Durand", "company_id": company, "email": "z@d.fr"}
    ).json["data"]["id"]
    person.api.patch(f"/api/crm/contacts/{contact}", json={"job_title": "Directrice"})
    double = person.api.post(
        "/api/crm/contacts",
        json={"first_name": "Zoe", "last_name": "Durand", "email": "z@d.fr", "phone": "01 23 45 67 89"},
    ).json["data"]["id"]
    team = person.api.post("/api/ossature/teams", json={"name": "Nord"}).json["data"]["id"]
    deal = person.api.post(
        "/api/crm/deals",
        json={
            "name": "Flotte 2027",
            "value": {"amount": "1200.00", "currency": "EUR"},
            "company_id": company,
            "lines": [{"description": "Audit", "quantity": "2", "unit_price": {"amount": "600.00", "currency": "EUR"}}],
        },
    ).json["data"]["id"]
    pipeline = person.api.get("/api/crm/pipelines").json["data"][0]["id"]
    person.api.post(f"/api/crm/deals/{deal}/notes", json={"text": "Rappeler mardi."})
    person.api.put(f"/api/crm/deals/{deal}/external-ids/boutique/K-12")
    offer = {"file": (BytesIO(b"Devis du 30 novembre"), "devis.txt")}
    person.api.post(f"/api/crm/deals/{deal}/files", data=offer, content_type="multipart/form-data")
    with tenant.work() as work:
        newest = text("SELECT change_set_id FROM ossature.change WHERE root_id = :id ORDER BY seq DESC LIMIT 1")
        changed = str(work.execute(newest, {"id": contact}).scalar_one())
        pair = sorted((UUID(contact), UUID(double)))
        found = {"id": new_id(), "record": "crm.contact", "a_id": pair[0], "b_id": pair[1], "score": 99}
        work.execute(insert(duplicate).values(**found, state="open", reasons=[{"field": "email", "ratio": 100}]))
    tag = person.api.post("/api/ossature/tags", json={"name": "Salon 2026", "tone": "warning"}).json["data"]["id"]
    kept = {"record": "crm.contact", "name": "Mes pistes", "definition": {"sort": "-name"}}
    view = person.api.post("/api/ossature/views", json=kept).json["data"]["id"]
    job = str(add_job(tenant, "crm.import", "running", started_at=-9, done=420, total=1000, note="ligne 420"))
    add_line(tenant, UUID(job), "420 lignes lues", "warning")
    add_job(tenant, "crm.import", "dead", error="ValueError: ligne 18", finished_at=-60)
    add_job(tenant, "crm.import", "failed", due_at=900, error="TimeoutError")
    for state in ("waiting", "retry", "dead"):
        add_delivery(tenant, "crm.greet", state, record="crm.contact", record_id=UUID(contact), error="SMTPError")
    acts = {
        f"{page}/mass": person.api.post(f"/api{page}/mass", json={"ids": [id], "delete": True}).json["data"]["id"]
        for page, id in (
            ("/crm/companies", company),
            ("/crm/contacts", contact),
            ("/crm/deals", deal),
            ("/crm/pipelines", pipeline),
            ("/ossature/teams", team),
        )
    }
    with person.work():
        files = files_of("crm.deal", UUID(deal))
        mail = str(
            send_mail(
                "z@d.fr",
                "Votre devis",
                "Bonjour",
                html="<html lang=fr><title>Devis</title><p>Bonjour",
                attachments=files,
            )
        )
    imports = {f"{page}/imports": begin_import(person, page) for page in RECORDS}
    ids = {
        **imports,
        **acts,
        "/crm/companies": company,
        "/crm/contacts": contact,
        "/crm/deals": deal,
        "/crm/pipelines": pipeline,
        "/history": changed,
        "/ossature/teams": team,
        "/ossature/views": view,
        "/settings/teams": team,
        "/settings/tags": tag,
        "/settings/members": str(person.member_id),
        "/settings/background/jobs": job,
        "/settings/mail": mail,
    }
    views = {
        f"/crm/contacts/merge?id={contact}&id={double}",
        f"/crm/contacts?view={view}&sort=name",
        "/ossature/views/new?record=crm.contact&look=sort%3Dname",
    }
    return person, sorted({*pages(app, ids), *views, "/api/docs"})


@pytest.mark.slow
@pytest.mark.req("S0-18", "S0-20", "S4-106")
def test_no_page_has_a_serious_accessibility_fault_or_scrolls_sideways_on_a_phone(
    everything: tuple[Person, list[str]], screen: Screen
) -> None:
    person, addresses = everything
    assert len(addresses) > 15
    page = screen(person, "/", width=390, height=844)
    faults: list[str] = []
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
    page.on(
        "console", lambda line: errors.append(f"{page.url}: {line.text}") if "Content Security" in line.text else None
    )
    base = page.url.rstrip("/")
    axe = Axe()
    for address in addresses:
        answer = page.goto(base + address)
        assert answer is not None
        if answer.status >= 400 or "text/html" not in answer.headers.get("content-type", ""):
            faults.append(f"{address}: answered {answer.status}")
            continue
        page.wait_for_load_state("networkidle")
        for violation in axe.run(page).response["violations"]:
            if violation["impact"] in SERIOUS:
                nodes = "; ".join(node["html"][:120] for node in violation["nodes"][:2])
                faults.append(f"{address}: {violation['id']}: {nodes}")
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > 390:
            faults.append(f"{address}: {wide} px wide on a phone of 390 px")
    assert not faults, "\n".join(faults)
    assert not errors, "\n".join(errors)


@pytest.mark.req("S1-03", "S0-09")
def test_an_ordinary_page_weighs_at_most_140_kb_of_scripts_and_styles(
    everything: tuple[Person, list[str]], screen: Screen
) -> None:
    person, _addresses = everything
    page = screen(person, "/")
    bodies: dict[str, bytes] = {}

    def keep(answer: object) -> None:
        kind = answer.headers.get("content-type", "")  # type: ignore[attr-defined]
        if "javascript" in kind or "css" in kind:
            bodies[answer.url] = answer.body()  # type: ignore[attr-defined]

    page.on("response", keep)
    page.goto(page.url.rstrip("/") + "/crm/contacts")
    page.wait_for_load_state("networkidle")
    assert bodies
    assert sum(len(gzip.compress(body)) for body in bodies.values()) <= 140_000
