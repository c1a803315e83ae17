"""Files on records: what is taken, who may, what becomes of them; by HTTP."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import text

from ossature.testing.people import Person, Tenant
from ossature.testing.statements import StatementLog

pytestmark = [
    pytest.mark.database,
    # What the form parser of the test client leaves open for large uploads.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PDF = b"%PDF-1.7\n1 0 obj <<>> endobj\n%%EOF\n"
API, PAGE = "/api/_dummy/pebbles", "/_dummy/pebbles"


def picture(width: int = 8, height: int = 6, form: str = "PNG") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(made, form)
    return made.getvalue()


def new_record(person: Person, **fields: Any) -> str:
    answer = person.api.post(API, json={"name": f"Pebble {uuid4().hex[:8]}", **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


def send(person: Person, record: str, called: str, content: bytes, **fields: str) -> Any:
    data = {"file": (io.BytesIO(content), called), **fields}
    return person.api.post(f"{API}/{record}/files", data=data, content_type="multipart/form-data")


def put(person: Person, record: str, name: str = "offer.pdf", content: bytes = PDF, **fields: str) -> dict[str, Any]:
    answer = send(person, record, name, content, **fields)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json["data"]
    return found


def listed(person: Person, record: str, **arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.api.get(f"{API}/{record}/files", query_string=arguments).json["data"]
    return found


@pytest.mark.req("S2-016", "S2-015")
def test_a_file_is_stored_listed_and_downloaded_as_it_was(member: Callable[..., Person]) -> None:
    owner = member()
    record = new_record(owner)
    made = put(owner, record, "Devis n° 12 – été.pdf")
    assert made["media_type"] == "application/pdf"
    assert (made["size"], made["sha256"]) == (len(PDF), hashlib.sha256(PDF).hexdigest())
    assert (made["version"], made["created_by_id"]) == (1, str(owner.member_id))
    assert listed(owner, record) == [made]
    answer = owner.api.get(made["url"])
    assert answer.data == PDF
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"Devis n 12  t.pdf\"; filename*=UTF-8''Devis%20n%C2%B0%2012%20%E2%80%93%20%C3%A9t%C3%A9.pdf"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_an_upload_that_is_sent_again_under_its_key_is_stored_once(member: Callable[..., Person]) -> None:
    owner = member()
    record = new_record(owner)

    def again(content: bytes) -> Any:
        data = {"file": (io.BytesIO(content), "offer.pdf")}
        headers = {"Idempotency-Key": "k1"}
        return owner.api.post(f"{API}/{record}/files", data=data, content_type="multipart/form-data", headers=headers)

    first, second = again(PDF), again(PDF)  # each body is divided by other words
    assert (first.status_code, second.headers["Idempotency-Replayed"]) == (201, "true")
    assert second.json["data"]["id"] == first.json["data"]["id"]
    other = again(PDF + b"%")
    assert (other.status_code, other.json["error"]["code"]) == (422, "key_reused")
    assert len(listed(owner, record)) == 1


def test_a_download_is_resumed_and_not_repeated(member: Callable[..., Person]) -> None:
    owner = member()
    made = put(owner, new_record(owner))
    whole = owner.api.get(made["url"])
    part = owner.api.get(made["url"], headers={"Range": "bytes=5-8"})
    assert (part.status_code, part.data) == (206, PDF[5:9])
    assert part.headers["Content-Range"] == f"bytes 5-8/{len(PDF)}"
    assert owner.api.get(made["url"], headers={"Range": "bytes=9999-"}).status_code == 416
    again = owner.api.get(made["url"], headers={"If-None-Match": whole.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        (r"C:\Users\anna\offer.txt", "offer.txt"),
        ("annex\u202egpj.txt", "annexgpj.txt"),
        ("line\nbreak\x00.txt", "linebreak.txt"),
        ("  ..hidden.txt.. ", "hidden.txt"),
        ("con.txt", "_con.txt"),
        ("...", "file.pdf"),
        ("é" * 300 + ".txt", "é" * 196 + ".txt"),
    ],
)
def test_names_are_made_harmless(member: Callable[..., Person], given: str, kept: str) -> None:
    owner = member()
    record = new_record(owner)
    answer = send(owner, record, "sent.txt", PDF if kept == "file.pdf" else b"words", name=given)
    assert answer.json["data"]["name"] == kept


def zip_bomb() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 50_000_000)
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("nothing.txt", b"", "empty"),
        ("setup.exe", b"MZ\x90\x00" + b"\0" * 100, "denied"),
        ("holiday.docx", b"MZ\x90\x00" + b"\0" * 100, "denied"),
        ("run", b"#!/bin/sh\nrm -rf /\n", "denied"),
        ("macro.VBS", b"MsgBox 1", "denied"),
        ("photo.jpg", b"<script>alert(1)</script>", "wrong_type"),
        ("bill.pdf", b"<!doctype html><p>pay here", "wrong_type"),
    ],
)
def test_what_is_empty_lies_or_runs_is_refused_by_name(
    member: Callable[..., Person], name: str, content: bytes, code: str
) -> None:
    owner = member()
    record = new_record(owner)
    answer = send(owner, record, name, content)
    assert answer.status_code == 422
    (detail,) = answer.json["error"]["details"]
    assert (detail["field"], detail["code"]) == ("file", code)
    assert name in detail["message"]
    assert listed(owner, record) == []


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "image/svg+xml"),
        ("note.txt", b"<html><script>1</script></html>", "text/html"),
        ("people.csv", "nom;ville\nZoé;Lyon\n".encode(), "text/csv"),
        ("bomb.zip", zip_bomb(), "application/zip"),
        ("photo.png", picture(form="JPEG"), "image/jpeg"),
        ("unknown.bin", bytes(range(256)), "application/octet-stream"),
    ],
)
def test_a_file_is_what_its_bytes_are_and_never_runs_in_a_page(
    member: Callable[..., Person], name: str, content: bytes, media_type: str
) -> None:
    owner = member()
    record = new_record(owner)
    made = put(owner, record, name, content)
    assert made["media_type"] == media_type
    answer = owner.page.get(f"{PAGE}/{record}/files/{made['id']}")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.data == content
    shown = owner.page.get(f"{PAGE}/{record}/files/{made['id']}/preview")
    assert shown.status_code == (200 if media_type == "image/jpeg" else 404)


def test_pictures_and_pdf_are_shown_from_a_safe_place(member: Callable[..., Person]) -> None:
    owner = member()
    record = new_record(owner)
    photo, paper = put(owner, record, "photo.png", picture(900, 600)), put(owner, record)
    assert (photo["width"], photo["height"]) == (900, 600)
    for made, media_type in ((photo, "image/png"), (paper, "application/pdf")):
        shown = owner.page.get(f"{PAGE}/{record}/files/{made['id']}/preview")
        assert shown.headers["Content-Type"] == media_type
        assert shown.headers["Content-Disposition"].startswith("inline")
        assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
        assert "; sandbox;" in shown.headers["Content-Security-Policy"]
        assert "script-src" not in shown.headers["Content-Security-Policy"]
    small = owner.page.get(f"{PAGE}/{record}/files/{photo['id']}/small")
    assert small.headers["Content-Type"] == "image/webp"
    with Image.open(io.BytesIO(small.data)) as image:
        assert image.size == (320, 213)
    assert owner.page.get(f"{PAGE}/{record}/files/{paper['id']}/small").status_code == 404


def test_a_picture_of_too_many_pixels_is_kept_and_not_decoded(
    member: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ossature.files.pictures.MOST_PIXELS", 100)
    owner = member()
    record = new_record(owner)
    made = put(owner, record, "huge.png", picture(20, 20))
    assert made["width"] is None
    assert owner.page.get(f"{PAGE}/{record}/files/{made['id']}/preview").status_code == 404


def test_a_file_may_be_as_large_as_is_said_while_other_requests_may_not(
    app: Flask, member: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = app.extensions["ossature"].config
    owner = member()
    record = new_record(owner)
    large = b"x" * (config.max_body_bytes + 1000)
    assert put(owner, record, "large.txt", large)["size"] == len(large)
    assert owner.api.post(API, data=b'{"name": "' + large + b'"}', content_type="application/json").status_code == 413
    monkeypatch.setitem(config.__dict__, "files_max_bytes", 1000)
    for size in (1001, 200_000):
        answer = send(owner, record, "x.txt", b"x" * size)
        assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")
        assert answer.json["error"]["details"][0]["field"] == "file"
    assert put(owner, record, "x.txt", b"x" * 1000)["size"] == 1000


def test_an_organisation_has_so_much_room(
    app: Flask, make_tenant: Callable[..., Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.extensions["ossature"].config.__dict__, "files_tenant_bytes", 100)
    one, other = make_tenant().member("owner"), make_tenant().member("owner")
    record = new_record(one)
    put(one, record, "first.txt", b"x" * 60)
    answer = send(one, record, "second.txt", b"x" * 41)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "no_room")
    put(one, record, "second.txt", b"x" * 40)
    put(other, new_record(other), "first.txt", b"x" * 60)


def test_bytes_that_were_lost_on_the_way_are_noticed(member: Callable[..., Person]) -> None:
    owner = member()
    record = new_record(owner)
    right = hashlib.sha256(PDF).hexdigest()
    answer = send(owner, record, "offer.pdf", PDF[:-3], sha256=right)
    assert (answer.status_code, answer.json["error"]["details"][0]["code"]) == (422, "incomplete")
    put(owner, record, "offer.pdf", PDF, sha256=right)
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nbroken o'
    cut = owner.api.post(f"{API}/{record}/files", data=body, content_type="multipart/form-data; boundary=b")
    assert cut.status_code in (400, 422)
    assert [file["name"] for file in listed(owner, record)] == ["offer.pdf"]


def test_what_is_no_file_is_refused(member: Callable[..., Person]) -> None:
    owner = member()
    record = new_record(owner)
    where = f"{API}/{record}/files"
    assert owner.api.post(where, json={}).status_code == 415
    for data in ({}, {"file": "words"}, {"file": [(io.BytesIO(b"1"), "a.txt"), (io.BytesIO(b"2"), "b.txt")]}):
        answer = owner.api.post(where, data=data, content_type="multipart/form-data")
        assert (answer.status_code, answer.json["error"]["details"][0]["field"]) == (422, "file")
    for replaces in ("nonsense", str(uuid4())):
        answer = send(owner, record, "a.txt", b"1", replaces=replaces)
        assert (answer.status_code, answer.json["error"]["details"][0]["field"]) == (422, "replaces")


@pytest.mark.req("S2-016")
def test_the_same_name_is_a_new_version_and_the_same_content_none(member: Callable[..., Person]) -> None:
    owner = member()
    record = new_record(owner)
    first = put(owner, record, "Offer.pdf")
    again = send(owner, record, "offer.pdf", PDF)
    assert (again.status_code, again.json["data"]["id"]) == (200, first["id"])
    second = put(owner, record, "offer.pdf", PDF + b"2")
    third = put(owner, record, "final.pdf", PDF + b"3", replaces=second["id"])
    assert [(file["name"], file["version"]) for file in listed(owner, record)] == [("final.pdf", 3)]
    versions = owner.api.get(f"{API}/{record}/files/{third['id']}/versions").json["data"]
    assert [file["id"] for file in versions] == [third["id"], second["id"], first["id"]]
    assert owner.api.get(first["url"]).data == PDF
    older = owner.api.patch(f"{API}/{record}/files/{first['id']}", json={"name": "x.pdf"})
    assert (older.status_code, older.json["error"]["code"]) == (409, "older_version")


def test_a_file_is_renamed_removed_and_comes_back(member: Callable[..., Person]) -> None:
    owner = member()
    record = new_record(owner)
    made, other = put(owner, record, "a.txt", b"1"), put(owner, record, "b.txt", b"2")
    where = f"{API}/{record}/files/{made['id']}"
    assert owner.api.patch(where, json={"name": " ../c.txt "}).json["data"]["name"] == "c.txt"
    for name, code in (("B.txt", "taken"), ("/", "required"), ("c.exe", "denied"), (7, "required")):
        answer = owner.api.patch(where, json={"name": name})
        assert (answer.status_code, answer.json["error"]["details"][0]["code"]) == (422, code)
    assert owner.api.delete(where).json["data"]["deleted_at"]
    assert owner.api.delete(where).status_code == 200, "twice is as good as once"
    assert [file["id"] for file in listed(owner, record)] == [other["id"]]
    assert [file["id"] for file in listed(owner, record, deleted="true")] == [made["id"]]
    assert owner.api.patch(where, json={"name": "d.txt"}).status_code == 409
    put(owner, record, "c.txt", b"3")
    assert owner.api.post(f"{where}/restore").json["data"]["name"] == "c (2).txt"
    assert len(listed(owner, record)) == 3


def test_lists_of_files_go_on_from_where_they_ended(member: Callable[..., Person]) -> None:
    owner = member()
    record = new_record(owner)
    names = [put(owner, record, f"{n}.txt", b"%d" % n)["name"] for n in range(5)]
    seen, cursor = [], {}
    while True:
        page = owner.api.get(f"{API}/{record}/files", query_string={"limit": 2, **cursor}).json
        seen += [file["name"] for file in page["data"]]
        if page["meta"]["next"] is None:
            break
        cursor = {"cursor": page["meta"]["next"]}
    assert seen == names[::-1]
    assert owner.api.get(f"{API}/{record}/files?cursor=nonsense").status_code == 400
    assert owner.api.get(f"{API}/{record}/files?deleted=maybe").status_code == 400


def test_files_answer_to_the_rights_on_their_record(tenant: Tenant, make_tenant: Callable[..., Tenant]) -> None:
    owner, sales, viewer = tenant.member("owner"), tenant.member("sales_rep"), tenant.member("viewer")
    theirs = make_tenant().member("owner")
    record, second = new_record(owner), new_record(owner)
    made = put(owner, record)
    where, page = f"{API}/{record}/files/{made['id']}", f"{PAGE}/{record}/files/{made['id']}"
    assert viewer.api.get(where).status_code == 200
    for person, status in ((viewer, 403), (sales, 404), (theirs, 404)):
        assert send(person, record, "x.txt", b"x").status_code == status
        assert person.api.patch(where, json={"name": "x.pdf"}).status_code == status
        assert person.api.delete(where).status_code == status
        assert person.api.post(f"{where}/restore").status_code == status
    for person in (sales, theirs):
        for ending in ("", "/versions"):
            assert person.api.get(where + ending).status_code == 404
        for ending in ("", "/preview", "/small", "/versions"):
            assert person.page.get(page + ending).status_code == 404
        assert person.api.get(f"{API}/{record}/files").status_code == 404
    assert owner.api.get(f"{API}/{second}/files/{made['id']}").status_code == 404, "of another record"
    mine = new_record(theirs)
    assert theirs.api.get(f"{API}/{mine}/files/{made['id']}").status_code == 404, "of another tenant"
    assert send(theirs, mine, "x.pdf", PDF, replaces=made["id"]).status_code == 422


@pytest.mark.req("A-029")
def test_a_deleted_record_keeps_its_files_and_brings_them_back(member: Callable[..., Person]) -> None:
    owner = member()
    record = new_record(owner)
    put(owner, record, "a.txt", b"1")
    put(owner, record, "a.txt", b"2")
    gone = put(owner, record, "b.txt", b"3")
    owner.api.delete(f"{API}/{record}/files/{gone['id']}")
    before = listed(owner, record)
    owner.api.delete(f"{API}/{record}")
    assert send(owner, record, "c.txt", b"4").status_code == 409
    assert owner.api.delete(f"{API}/{record}/files/{before[0]['id']}").status_code == 409
    owner.api.post(f"{API}/{record}/restore")
    assert listed(owner, record) == before
    assert owner.api.get(before[0]["url"]).data == b"2"


def test_what_happened_to_files_is_history_of_their_record(tenant: Tenant, member: Callable[..., Person]) -> None:
    owner = member()
    record = new_record(owner)
    made = put(owner, record)
    owner.api.patch(f"{API}/{record}/files/{made['id']}", json={"name": "final.pdf"})
    owner.api.delete(f"{API}/{record}/files/{made['id']}")
    with tenant.work() as work:
        rows = work.execute(
            text(
                "SELECT what, payload FROM ossature.change WHERE root_id = :id AND record = 'ossature.file' ORDER BY seq"
            ),
            {"id": record},
        ).all()
    assert [row.what for row in rows] == ["create", "update", "delete"]
    assert rows[0].payload["name"] == "offer.pdf"
    assert "key" not in rows[0].payload
    assert rows[1].payload == {"name": ["offer.pdf", "final.pdf"]}


def test_files_cost_the_same_few_statements_however_many_there_are(
    member: Callable[..., Person], statements: StatementLog
) -> None:
    owner = member()
    record = new_record(owner)
    owner.page.get("/")
    costs = []
    for number in (1, 12):
        for n in range(number):
            put(owner, record, f"{number}-{n}.txt", b"%d %d" % (number, n))
        with statements.counting() as found:
            assert owner.page.get(f"{PAGE}/{record}/files", headers={"HX-Request": "true"}).status_code == 200
        costs.append(len(found))
        with statements.counting() as found:
            put(owner, record, f"next-{number}.txt", b"%d" % number)
        costs.append(len(found))
    assert costs[:2] == costs[2:]
    assert costs[0] <= 8
    assert costs[1] <= 10


def test_no_connection_is_held_while_bytes_are_sent(app: Flask, member: Callable[..., Person]) -> None:
    owner = member()
    record = new_record(owner)
    image = put(owner, record, "teal.png", picture(600, 400))
    pool: Any = app.extensions["ossature"].db.app.pool
    page = f"{PAGE}/{record}/files/{image['id']}"
    for client, url in (
        (owner.api, image["url"]), (owner.page, page), (owner.page, f"{page}/preview"), (owner.page, f"{page}/small"),
    ):  # fmt: skip
        answer = client.get(url, buffered=False)
        assert answer.status_code == 200, url
        sending = answer.iter_encoded()
        assert next(sending)
        assert pool.checkedout() == 0, url
        answer.close()
