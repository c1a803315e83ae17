"""Outgoing mail: asked for with the business data, handed once to a real mail server, and what becomes of a refusal."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask
from sqlalchemy import text

from ossature.db import transaction
from ossature.errors import Conflict, Invalid
from ossature.files.queries import files_of
from ossature.files.service import forget_files, store_file
from ossature.history.erasure import erase_person
from ossature.ids import new_id
from ossature.kernel import Kernel, kernel
from ossature.mail import sending
from ossature.mail.forgetting import forget_bodies
from ossature.mail.queries import find_mails
from ossature.mail.sending import mails_about, send_again, send_mail
from ossature.mail.server import MailServer
from ossature.mail.table import Mail
from ossature.testing.background import run_pending
from ossature.testing.mail import outgoing
from ossature.testing.people import Person, Tenant
from ossature.testing.ports import free_port

pytestmark = pytest.mark.database

PDF = b"%PDF-1.7\n1 0 obj <<>> endobj\n%%EOF\n"
ANNA, PAUL = "anna@client.example", "paul@client.example"


class Postman:
    """What aiosmtpd does with what it gets: keeps it, or says what a test has it say."""

    def __init__(self) -> None:
        self.taken: list[tuple[list[str], EmailMessage]] = []
        self.says: dict[str, list[str]] = {}
        self.signed_in: list[str] = []
        self.encrypted: list[bool] = []

    def _next(self, what: str, otherwise: str) -> str:
        return self.says[what].pop(0) if self.says.get(what) else otherwise

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        said = self._next(address, "250 OK")
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        said = self._next("DATA", "250 OK")
        if said.startswith("250"):
            content = envelope.original_content or b""
            message = message_from_bytes(content, policy=policy.default)
            self.taken.append((list(envelope.rcpt_tos), message))  # type: ignore[arg-type]
            self.encrypted.append(session.ssl is not None)
        return said

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:
        return self._next("QUIT", "221 Bye")

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: LoginPassword) -> Any:
        self.signed_in.append(data.login.decode())
        return AuthResult(success=data.password == b"s3cret/word", handled=False)


@pytest.fixture
def postman() -> Postman:
    return Postman()


@pytest.fixture
def set_up(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`set_up(url)`: as if the application had been started with this mail server."""
    running: Kernel = app.extensions["ossature"]

    def with_server(url: str) -> None:
        changes = {"smtp_url": url, "mail_from": "factures@erp.example"}
        monkeypatch.setattr(running, "config", running.config.model_copy(update=changes))
        running.config.__dict__.pop("mail_server", None)

    return with_server


@pytest.fixture
def server(postman: Postman, set_up: Callable[[str], None]) -> Iterator[Controller]:
    """A mail server on loopback that the application hands its mail to."""
    controller = Controller(postman, hostname="127.0.0.1", port=free_port())
    controller.start()
    set_up(f"smtp://127.0.0.1:{controller.port}")
    yield controller
    controller.stop(no_assert=True)


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner", name="Zoé Martin")


def asked(person: Person, to: Any = ANNA, subject: str = "Facture n° 12 – été", **more: Any) -> UUID:
    with person.work():
        return send_mail(to, subject, "Bonjour,\n\nvoici votre facture.", **more)


def the_mail(tenant: Tenant) -> Mail:
    (found,) = outgoing(tenant)
    return found


def try_again(tenant: Tenant) -> None:
    """As if the pause after a failure were over."""
    with tenant.work() as work:
        work.execute(text("UPDATE ossature.job SET due_at = now() WHERE state = 'failed'"))
    run_pending(tenant)


# -- what arrives --------------------------------------------------------------------------------------------------------


def test_what_is_asked_for_arrives_whole_once_and_only_when_it_was_committed(
    server: Controller, postman: Postman, tenant: Tenant, owner: Person
) -> None:
    pebble = UUID(owner.api.post("/api/_dummy/pebbles", json={"name": "Galet"}).json["data"]["id"])
    with owner.work() as work:
        send_mail(ANNA, "Never", "Never")
        work.rollback()
    with owner.work():
        file = store_file("_dummy.pebble", pebble, "Devis n° 12 – été.pdf", PDF)
        id = send_mail(
            [ANNA, "Anna@Client.example"], "Facture n° 12 – été", "Bonjour Zoé,\n\n" + "é" * 200,
            html="<p>Bonjour <b>Zoé</b></p>", attachments=[file], reply_to="compta@erp.example",
            record="_dummy.pebble", record_id=pebble,
        )  # fmt: skip
        assert [mail.id for mail in mails_about("_dummy.pebble", pebble)] == [id]
    run_pending(tenant)

    ((to, message),) = postman.taken
    assert to == [ANNA], "each address once"
    assert (message["Subject"], message["To"]) == ("Facture n° 12 – été", ANNA)
    (sender,) = message["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (tenant.info.name, "factures@erp.example")
    assert message["Reply-To"] == "compta@erp.example"
    assert message["Message-ID"] == f"<{id}@erp.example>"
    assert datetime.now(UTC) - message["Date"].datetime < timedelta(minutes=5)
    body, attachment = message.iter_parts()
    plain, rich = body.iter_parts()  # type: ignore[attr-defined]
    assert body.get_content_type() == "multipart/alternative"
    assert (plain.get_content_type(), rich.get_content_type()) == ("text/plain", "text/html")
    assert plain.get_content().replace("\r\n", "\n") == "Bonjour Zoé,\n\n" + "é" * 200 + "\n"
    assert "<b>Zoé</b>" in rich.get_content()
    assert (attachment.get_content_type(), attachment.get_filename()) == ("application/pdf", "Devis n° 12 – été.pdf")
    assert attachment.get_content() == PDF  # type: ignore[attr-defined]

    mail = the_mail(tenant)
    assert (mail.id, mail.state, mail.reason, mail.attempts, mail.delivered) == (id, "sent", None, 1, (ANNA,))
    assert mail.actor_id == owner.member_id
    with owner.work():
        sending.send.enqueue(sending.WhichMail(id=id))  # as a job that was killed after it had said that it is sent
    run_pending(tenant)
    with owner.work(), pytest.raises(Conflict, match="sent already"):
        send_again(id)
    assert len(postman.taken) == 1


def test_a_name_of_another_alphabet_is_written_as_every_server_takes_it(
    server: Controller, postman: Postman, tenant: Tenant, owner: Person
) -> None:
    asked(owner, "anna@bücher.example", sender="Établissements Lefèvre, « Nord »")
    run_pending(tenant)
    ((to, message),) = postman.taken
    assert to == ["anna@xn--bcher-kva.example"]
    (sender,) = message["From"].addresses
    assert sender.display_name == "Établissements Lefèvre, « Nord »"


# -- what is refused -----------------------------------------------------------------------------------------------------


def test_what_is_refused_for_now_is_tried_again_as_the_same_message(
    server: Controller, postman: Postman, tenant: Tenant, owner: Person
) -> None:
    postman.says = {"DATA": ["451 4.7.1 Greylisted, come back"], ANNA: ["450 busy"]}
    id = asked(owner)
    run_pending(tenant)
    mail = the_mail(tenant)
    assert (mail.state, mail.attempts) == ("queued", 1)
    assert mail.reason == f"{ANNA}: 450 busy"
    try_again(tenant)
    assert (the_mail(tenant).reason, the_mail(tenant).attempts) == ("451 4.7.1 Greylisted, come back", 2)
    try_again(tenant)
    assert (the_mail(tenant).state, the_mail(tenant).reason) == ("sent", None)
    assert [message["Message-ID"] for _to, message in postman.taken] == [f"<{id}@erp.example>"]


def test_what_waits_for_its_next_try_is_sent_at_once_when_somebody_asks_unless_it_is_being_sent(
    server: Controller, postman: Postman, tenant: Tenant, owner: Person
) -> None:
    postman.says = {"DATA": ["451 4.3.2 Not now"]}
    id = asked(owner)
    run_pending(tenant)
    with tenant.work() as work, owner.work():
        work.execute(text("SELECT FROM ossature.mail WHERE id = :id FOR UPDATE"), {"id": id})
        with pytest.raises(Conflict, match="being sent just now"):
            send_again(id)
    assert owner.page.post(f"/settings/mail/{id}/send").status_code == 303
    run_pending(tenant)
    assert the_mail(tenant).state == "sent"
    assert owner.page.post(f"/settings/mail/{new_id()}/send").status_code == 404


def test_who_has_a_message_does_not_get_it_again_while_others_are_tried_or_refused(
    server: Controller, postman: Postman, tenant: Tenant, owner: Person
) -> None:
    postman.says = {PAUL: ["450 busy", "550 5.1.1 No such user"], "x@client.example": ["553 no"]}
    id = asked(owner, [ANNA, PAUL, "x@client.example"])
    run_pending(tenant)
    assert (the_mail(tenant).state, the_mail(tenant).delivered) == ("queued", (ANNA,))
    try_again(tenant)
    mail = the_mail(tenant)
    assert (mail.state, mail.delivered) == ("failed", (ANNA,))
    assert mail.reason == f"{PAUL}: 550 5.1.1 No such user\nx@client.example: 553 no"
    with owner.work():
        send_again(id)
    run_pending(tenant)
    assert the_mail(tenant).state == "sent"
    assert [to for to, _message in postman.taken] == [[ANNA], [PAUL, "x@client.example"]]


def test_a_refusal_for_good_is_told_in_the_servers_words_and_not_repeated(
    server: Controller, postman: Postman, tenant: Tenant, owner: Person
) -> None:
    postman.says = {"DATA": ["554 5.7.1 Looks like spam"]}
    asked(owner)
    run_pending(tenant)
    mail = the_mail(tenant)
    assert (mail.state, mail.reason, mail.delivered) == ("failed", "554 5.7.1 Looks like spam", ())
    assert run_pending(tenant) == 0


def test_a_farewell_that_goes_wrong_does_not_send_a_message_twice(
    server: Controller, postman: Postman, tenant: Tenant, owner: Person
) -> None:
    postman.says = {"QUIT": ["421 gone"]}
    asked(owner)
    run_pending(tenant)
    assert the_mail(tenant).state == "sent"


def test_no_answer_is_waited_out_and_told_when_it_lasts(
    set_up: Callable[[str], None], tenant: Tenant, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(f"smtp://127.0.0.1:{free_port()}")
    monkeypatch.setattr(sending, "ATTEMPTS", 2)
    asked(owner)
    run_pending(tenant)
    mail = the_mail(tenant)
    assert mail.state == "queued"
    assert "cannot be reached" in (mail.reason or "")
    try_again(tenant)
    assert (the_mail(tenant).state, the_mail(tenant).attempts) == ("failed", 2)


def test_a_process_that_dies_before_it_could_say_so_sends_the_same_message_again(
    server: Controller, postman: Postman, tenant: Tenant, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_arguments: Any, **_values: Any) -> str:
        raise KeyboardInterrupt

    id = asked(owner)
    with monkeypatch.context() as patched:
        patched.setattr(sending, "_write", die)
        with pytest.raises(KeyboardInterrupt):
            run_pending(tenant)
    with tenant.work() as work:  # as the dispatcher does once a run has fallen silent
        work.execute(text("UPDATE ossature.job SET state = 'failed', due_at = now() WHERE state = 'running'"))
    run_pending(tenant)
    assert [message["Message-ID"] for _to, message in postman.taken] == [f"<{id}@erp.example>"] * 2
    assert the_mail(tenant).state == "sent"


def test_an_attachment_that_was_forgotten_fails_its_mail(
    server: Controller, postman: Postman, tenant: Tenant, owner: Person
) -> None:
    pebble = UUID(owner.api.post("/api/_dummy/pebbles", json={"name": "Galet"}).json["data"]["id"])
    with owner.work():
        store_file("_dummy.pebble", pebble, "a.pdf", PDF)
    with owner.work():
        send_mail(ANNA, "A", "A", attachments=files_of("_dummy.pebble", pebble))
        forget_files("_dummy.pebble", [pebble])
    run_pending(tenant)
    assert (the_mail(tenant).state, the_mail(tenant).reason) == ("failed", "An attachment is not there any more.")
    assert postman.taken == []


# -- pages, and without a mail server ------------------------------------------------------------------------------------


def test_without_a_mail_server_a_mail_is_kept_and_read_by_administrators_until_there_is_one(
    postman: Postman, set_up: Callable[[str], None], tenant: Tenant, owner: Person
) -> None:
    pebble = UUID(owner.api.post("/api/_dummy/pebbles", json={"name": "Galet"}).json["data"]["id"])
    with owner.work():
        file = store_file("_dummy.pebble", pebble, "Devis été.pdf", PDF)
        id = send_mail(
            ANNA, "Votre facture", "Lire https://erp.example/i/42 <script>", html="<p>Bonjour <script>x</script></p>",
            attachments=[file], record="_dummy.pebble", record_id=pebble,
        )  # fmt: skip
    page, here = owner.page, f"/settings/mail/{id}"
    assert "To be sent" in page.get("/settings/mail").text
    run_pending(tenant)
    assert (the_mail(tenant).state, the_mail(tenant).attempts) == ("kept", 0)
    listed = page.get("/settings/mail?state=kept").text
    assert "Not sent: no mail server is set up." in listed
    assert 'id="pill-kept" href="/settings/mail?state=kept" aria-current="true"' in listed
    shown = page.get(here).text
    for part in (
        "Votre facture", ANNA, "Zoé Martin", ">Galet</a>", "Devis été.pdf", 'href="https://erp.example/i/42"',
        "&lt;script&gt;", f'src="{here}/html" sandbox="allow-popups allow-popups-to-escape-sandbox"',
    ):  # fmt: skip
        assert part in shown, part
    assert f'action="{here}/send"' not in shown
    framed = page.get(f"{here}/html")
    assert framed.text == '<base target="_blank"><p>Bonjour <script>x</script></p>'
    policy_of_it = framed.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy_of_it
    assert "sandbox allow-popups" in policy_of_it
    assert "script" not in policy_of_it
    assert page.get(f"{here}/attachments/1").data == PDF
    assert page.get(f"{here}/attachments/2").status_code == page.get(f"{here}/attachments/0").status_code == 404
    whole = message_from_bytes(page.get(f"{here}/message").data, policy=policy.default)
    assert whole["To"] == ANNA
    manager = tenant.member("manager")
    for path in ("/settings/mail", here, f"{here}/html", f"{here}/attachments/1", f"{here}/message"):
        assert manager.page.get(path).status_code == 403

    controller = Controller(postman, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        set_up(f"smtp://127.0.0.1:{controller.port}")
        postman.says = {"DATA": ["554 5.7.1 Looks like spam"]}
        assert f'action="{here}/send"' in page.get(here).text
        assert page.post(f"{here}/send").status_code == 303
        run_pending(tenant)
        failed = page.get("/settings/mail?state=failed").text
        assert "554 5.7.1 Looks like spam" in failed
        assert "no mail server is set up" not in failed
        assert "Send again" in page.get(here).text
        page.post(f"{here}/send")
        run_pending(tenant)
        assert page.post(f"{here}/send").status_code == 409
        assert (the_mail(tenant).state, len(postman.taken)) == ("sent", 1)
    finally:
        controller.stop(no_assert=True)


def test_the_list_is_newest_first_and_pages_both_ways(
    tenant: Tenant, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [str(asked(owner)) for _number in range(5)][::-1]
    monkeypatch.setitem(find_mails.__kwdefaults__, "limit", 2)

    def shown(text: str) -> list[str]:
        return [part[:36] for part in text.split('id="mail-')[1:]]

    def link(text: str, rel: str) -> str:
        return text.partition(f'rel="{rel}"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")

    first = owner.page.get("/settings/mail").text
    second = owner.page.get(link(first, "next")).text
    third = owner.page.get(link(second, "next")).text
    assert shown(first) + shown(second) + shown(third) == ids
    assert 'rel="next"' not in third
    assert 'rel="prev"' not in first
    assert shown(owner.page.get(link(third, "prev")).text) == ids[2:4]
    assert owner.page.get("/settings/mail?before=x").status_code == 400
    assert owner.page.get("/settings/mail?state=weird").status_code == 422


# -- what is forgotten ---------------------------------------------------------------------------------------------------


def test_erasing_a_person_takes_their_mail_and_what_waits_is_not_sent(
    server: Controller, postman: Postman, tenant: Tenant, owner: Person
) -> None:
    anna = {"first_name": "Anna", "last_name": "Durand", "email": ANNA}
    id = UUID(owner.api.post("/api/contacts", json=anna).json["data"]["id"])
    asked(owner, ["Anna@Client.example", PAUL])
    asked(owner, PAUL, subject=f"About {ANNA}")
    asked(owner, PAUL, record="crm.contact", record_id=id)
    other = asked(owner, PAUL)
    with transaction(tenant.context, role="system"):
        assert erase_person(kernel().records["crm.contact"], id, "asked for by letter").mails == 3
    run_pending(tenant)
    assert [(mail.id, mail.state) for mail in outgoing(tenant)] == [(other, "sent")]
    assert [to for to, _message in postman.taken] == [[PAUL]]


def test_texts_go_after_some_months_and_cannot_be_sent_any_more(tenant: Tenant, owner: Person) -> None:
    old, young = asked(owner), asked(owner)
    run_pending(tenant)
    with tenant.work() as work:
        work.execute(text("UPDATE ossature.mail SET ended_at = now() - interval '91 days' WHERE id = :id"), {"id": old})
        assert forget_bodies(10) == 1
        assert forget_bodies(10) == 0
    assert {mail.id: mail.text is None for mail in outgoing(tenant)} == {old: True, young: False}
    assert "is not kept any more" in owner.page.get(f"/settings/mail/{old}").text
    assert owner.page.get(f"/settings/mail/{old}/message").status_code == 404
    assert owner.page.post(f"/settings/mail/{old}/send").status_code == 409


# -- signed in, encrypted ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost, with its key, that nobody vouches for but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("mail") / "server.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form))
    return path


def test_a_password_is_only_said_to_a_server_that_proves_who_it_is(
    postman: Postman, set_up: Callable[[str], None], certificate: Path, tenant: Tenant, owner: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    options: dict[str, Any] = {
        "tls_context": tls, "authenticator": postman.authenticate, "auth_required": True, "auth_require_tls": True,
    }  # fmt: skip
    server = Controller(postman, hostname="localhost", port=free_port(), **options)
    server.start()
    try:
        asked(owner)
        set_up(f"smtp://billing:s3cret%2Fword@localhost:{server.port}")
        run_pending(tenant)
        assert "CERTIFICATE_VERIFY_FAILED" in (the_mail(tenant).reason or "")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        set_up(f"smtp://billing:wrong@localhost:{server.port}")
        try_again(tenant)
        assert "535" in (the_mail(tenant).reason or "")
        assert "wrong" not in (the_mail(tenant).reason or "")
        set_up(f"smtp://billing:s3cret%2Fword@localhost:{server.port}")
        try_again(tenant)
        assert (the_mail(tenant).state, postman.encrypted) == ("sent", [True])
        assert set(postman.signed_in) == {"billing"}
    finally:
        server.stop(no_assert=True)


def test_without_encryption_a_password_is_not_said_at_all(
    server: Controller, postman: Postman, set_up: Callable[[str], None], tenant: Tenant, owner: Person
) -> None:
    set_up(f"smtp://billing:s3cret@127.0.0.1:{server.port}")
    asked(owner)
    run_pending(tenant)
    assert "offers no encryption" in (the_mail(tenant).reason or "")
    assert postman.signed_in == []


# -- what is given -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"to": "anna@client.example\nBcc: everybody@example.org"}, {"to": "Anna"}, {"to": []},
        {"subject": "Hello\r\nBcc: everybody@example.org"}, {"subject": " "}, {"sender": "Me\nBcc: x@example.org"},
        {"reply_to": "nobody"}, {"to": [f"a{number}@client.example" for number in range(51)]},
    ],
)  # fmt: skip
def test_what_would_make_another_message_of_it_is_refused(owner: Person, given: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        asked(owner, **given)
    assert [detail.field for detail in refused.value.details] == list(given)


def test_what_a_mail_is_about_has_to_be_there(owner: Person) -> None:
    with pytest.raises(LookupError, match="no record"):
        asked(owner, record="shop.order", record_id=owner.member_id)
    with pytest.raises(TypeError, match="go together"):
        asked(owner, record="_dummy.pebble")


def test_addresses_of_servers_are_read_as_they_are_written() -> None:
    read = MailServer.read("smtp://me%40erp.example:p%40ss@mail.example")
    assert (read.host, read.port, read.tls, read.starttls) == ("mail.example", 587, False, "required")
    assert (read.user, read.password) == ("me@erp.example", "p@ss")
    assert "p@ss" not in repr(read)
    assert MailServer.read("smtps://mail.example").port == 465
    assert MailServer.read("smtp://mail.example").starttls == "offered"
    assert MailServer.read("smtp://a:b@mail.example?starttls=never").starttls == "never"
    for wrong in ("mail.example", "smtp://", "smtp://a@mail.example", "smtp://m:99999", "smtp://m?starttls=maybe"):
        with pytest.raises(ValueError):
            MailServer.read(wrong)
