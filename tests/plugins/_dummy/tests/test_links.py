"""What a stranger can do who holds a link to a pebble, and what nobody can do with one that ended."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from limits import parse
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from ossature.api import NewLink, NotFound, Reach, create_link, links_of, revoke_link
from ossature.auth.links import open_link
from ossature.auth.request import Gate
from ossature.context import Context, TenantInfo
from ossature.db.kernel import actor, public_link
from ossature.kernel import Kernel
from ossature.testing.people import HostClient, Person, Tenant, client_of

pytestmark = pytest.mark.database

MakeTenant = Callable[..., Tenant]
SHARE = "_dummy.pebble.share"


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner")


@pytest.fixture
def pebble(owner: Person) -> UUID:
    return UUID(owner.api.post("/api/_dummy/pebbles", json={"name": "Basalte", "weight": 120}).json["data"]["id"])


def share(owner: Person, pebble: UUID, **options: Any) -> NewLink:
    with owner.work():
        return create_link(SHARE, pebble, **options)


def path_of(link: NewLink) -> str:
    return "/" + link.url.split("/", 3)[3]


def stranger(tenant: Tenant) -> HostClient:
    return client_of(tenant.app, tenant.url)


def ask(client: HostClient, path: str, method: str = "GET", **options: Any) -> TestResponse:
    """From an address of its own, so that no limit is met by chance."""
    address = f"10.2.{uuid4().bytes[0]}.{uuid4().bytes[1]}"
    return client.open(path, method=method, environ_overrides={"REMOTE_ADDR": address}, **options)


def test_a_stranger_sees_the_record_and_does_what_the_page_offers(owner: Person, pebble: UUID) -> None:
    link = share(owner, pebble)
    assert link.url.startswith(f"{owner.tenant.url}/_dummy/pebbles/p/")
    visitor = stranger(owner.tenant)
    page = ask(visitor, path_of(link))
    assert page.status_code == 200
    assert "Basalte" in page.text
    assert str(owner.context.tenant and owner.context.tenant.name) in page.text
    assert "Set-Cookie" not in page.headers
    kept = {name: page.headers[name] for name in ("Cache-Control", "Referrer-Policy", "X-Robots-Tag")}
    assert kept == {
        "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow",
    }  # fmt: skip
    assert "You like it." in ask(visitor, f"{path_of(link)}/like", "POST").text

    changed = owner.api.get(f"/api/_dummy/pebbles/{pebble}").json["data"]
    assert (changed["colour"], changed["updated_by_id"]) == ("red", str(link.id))
    assert "by a public link" in owner.page.get(f"/_dummy/pebbles/{pebble}").text
    with owner.work() as work:
        (seen,) = links_of("_dummy.pebble", pebble)
        assert (seen.id, seen.seen, seen.works) == (link.id, 2, True)
        assert seen.last_seen_at is not None
        assert work.scalar(select(actor.c.kind).where(actor.c.id == link.id)) == "link"
        stored = work.execute(select(public_link).where(public_link.c.id == link.id)).mappings().one()
    assert path_of(link).rpartition("/")[2] not in str(dict(stored))


def test_a_link_holds_the_rights_of_its_page_and_no_more(app: Flask, owner: Person, pebble: UUID) -> None:
    token, kernel = path_of(share(owner, pebble)).rpartition("/")[2], app.extensions["ossature"]
    assert isinstance(kernel, Kernel)
    with app.test_request_context():
        context = open_link(kernel.db, token, SHARE, (), Context(), None)
        assert context.access.grants == {"_dummy.pebble.view": Reach.ALL}
        assert (context.tenant_id, context.user_id, context.platform_admin) == (owner.tenant.id, None, False)
        elsewhere = Context(tenant=TenantInfo(uuid4(), "elsewhere", "Elsewhere"))
        for purpose, host in (("_dummy.pebble.polish", Context()), (SHARE, elsewhere)):
            with pytest.raises(NotFound):
                open_link(kernel.db, token, purpose, (), host, None)


def test_its_pages_speak_the_links_language_else_the_visitors(owner: Person, pebble: UUID) -> None:
    french, either = share(owner, pebble, locale="fr"), share(owner, pebble)
    for link, language, expected in ((french, "en", "fr"), (either, "fr", "fr"), (either, "en", "en")):
        page = ask(stranger(owner.tenant), path_of(link), headers={"Accept-Language": language})
        assert f'<html lang="{expected}"' in page.text


def test_a_link_that_does_not_work_is_answered_alike_whatever_the_reason(
    owner: Person, pebble: UUID, make_tenant: MakeTenant
) -> None:
    other = make_tenant()
    theirs = other.member("owner")
    their_pebble = UUID(theirs.api.post("/api/_dummy/pebbles", json={"name": "Basalte"}).json["data"]["id"])
    expired, revoked, working = share(owner, pebble), share(owner, pebble), share(owner, pebble)
    past = datetime.now(UTC) - timedelta(seconds=1)
    with owner.work() as work:
        work.execute(update(public_link).where(public_link.c.id == expired.id).values(expires_at=past))
        revoke_link(revoked.id)
        assert [link.works for link in links_of("_dummy.pebble", pebble)] == [True, False, False]
    with theirs.work(), pytest.raises(NotFound):
        revoke_link(working.id)
    with theirs.work(), pytest.raises(NotFound):
        links_of("_dummy.pebble", pebble)
    with theirs.work(), pytest.raises(NotFound):
        create_link(SHARE, pebble)
    visitor = stranger(owner.tenant)

    def refused(path: str, client: HostClient = visitor) -> str:
        for method, at in (("GET", path), ("POST", f"{path}/like")):
            answer = ask(client, at, method, headers={"Accept-Language": "en"})
            assert answer.status_code == 404, at
            assert "Basalte" not in answer.text
            assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "it has expired" in answer.text
        (words,) = re.findall(r"<main.*</main>", answer.text, re.DOTALL)
        return re.sub(r"<code>[^<]*</code>", "", words)

    answers = [
        refused("/_dummy/pebbles/p/" + "A" * 43), refused(path_of(expired)), refused(path_of(revoked)),
        refused(path_of(share(theirs, their_pebble))), refused(path_of(working), stranger(other)),
    ]  # fmt: skip
    assert ask(visitor, path_of(working)).status_code == 200
    owner.api.delete(f"/api/_dummy/pebbles/{pebble}")
    answers.append(refused(path_of(working)))
    owner.api.post(f"/api/_dummy/pebbles/{pebble}/restore")
    assert ask(visitor, path_of(working)).status_code == 200
    assert owner.page.post("/settings/plugins/_dummy/disable").status_code == 303
    answers.append(refused(path_of(working)))
    assert len(set(answers)) == 1


def test_who_guesses_is_slowed_down(app: Flask, owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = app.extensions["ossature.access"]
    assert isinstance(gate, Gate)
    monkeypatch.setattr(gate._limits, "_address", parse("2/minute"))
    here = {"REMOTE_ADDR": f"10.3.{uuid4().bytes[0]}.{uuid4().bytes[1]}"}
    visitor = stranger(owner.tenant)
    guesses = [visitor.get(f"/_dummy/pebbles/p/{uuid4().hex}", environ_overrides=here) for _guess in range(3)]
    assert [guess.status_code for guess in guesses] == [404, 404, 429]
    assert "Retry-After" in guesses[-1].headers
