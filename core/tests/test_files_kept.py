"""Files wherever they are kept: a folder and S3 alike, whatever is killed in between; and what operators see."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import boto3
import pytest
from click.testing import CliRunner
from flask import Flask
from moto.server import ThreadedMotoServer
from sqlalchemy import text

from ossature.config import Config, ConfigError
from ossature.context import use_context
from ossature.db.work import transaction
from ossature.errors import Unavailable
from ossature.files import cli, service, sweeping
from ossature.files.queries import files_of
from ossature.files.s3 import S3Storage
from ossature.files.storage import PLACES, Folder, Storage, open_storage
from ossature.kernel import Kernel
from ossature.testing.background import run_pending
from ossature.testing.people import Person, Tenant

LATER = timedelta(days=2)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 on a socket."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path, s3: str) -> Storage:
    """Both ways of keeping files, empty."""
    settings: dict[str, Any] = {"files_url": tmp_path.as_uri()}
    if request.param == "s3":
        bucket = f"files-{uuid4().hex[:12]}"
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        boto3.client("s3", endpoint_url=s3, **keys).create_bucket(Bucket=bucket)
        settings = {
            "files_url": f"s3://{bucket}/erp", "s3_endpoint_url": s3, "s3_region": "us-east-1",
            "s3_access_key_id": "key", "s3_secret_key": "secret",
        }  # fmt: skip
    return open_storage(Config.load(env_file=None, environment="test", home=tmp_path / "home", **settings))


@pytest.mark.req("S2-015")
def test_bytes_are_kept_read_from_any_place_and_deleted(storage: Storage) -> None:
    tenant, other = uuid4(), uuid4()
    assert isinstance(storage, Folder | S3Storage)
    storage.write(tenant, "a1", io.BytesIO(b"0123456789"))
    assert [held.key for held in storage.held(tenant, "pending")] == ["a1"]
    for _again in range(2):
        with storage.open(tenant, "a1") as source:
            source.seek(7)
            assert source.read() == b"789"
            source.seek(-4, os.SEEK_END)
            assert source.read(2) == b"67"
        storage.keep(tenant, "a1")
    (held,) = storage.held(tenant, "kept")
    assert (held.key, held.size) == ("a1", 10)
    assert abs(held.at - datetime.now(UTC)) < timedelta(minutes=5)
    assert list(storage.held(tenant, "pending")) == list(storage.held(other, "kept")) == []
    with pytest.raises(Unavailable):
        storage.open(other, "a1")
    storage.delete(tenant, "a1", "never there")
    with pytest.raises(Unavailable):
        storage.open(tenant, "a1")


def test_a_folder_that_is_no_folder_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "pending").write_text("in the way")
    with pytest.raises(Unavailable, match="does not answer"):
        Folder(tmp_path).write(uuid4(), "a1", io.BytesIO(b"x"))


def test_s3_that_does_not_answer_is_told_in_words(tmp_path: Path) -> None:
    config = Config.load(
        env_file=None, environment="test", home=tmp_path, files_url="s3://bucket", s3_region="us-east-1",
        s3_endpoint_url="http://127.0.0.1:1", s3_access_key_id="key", s3_secret_key="secret",
    )  # fmt: skip
    with pytest.raises(Unavailable, match="does not answer"):
        open_storage(config).write(uuid4(), "a1", io.BytesIO(b"x"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"files_url": "ftp://host/files"}, "OSSATURE_FILES_URL names no place"),
        ({"files_url": "file:///"}, "OSSATURE_FILES_URL names no place"),
        ({"files_url": "s3://"}, "OSSATURE_FILES_URL names no place"),
        ({"s3_access_key_id": "key"}, "OSSATURE_S3_ACCESS_KEY_ID and OSSATURE_S3_SECRET_KEY go together"),
    ],
)
def test_what_cannot_be_kept_anywhere_is_refused_at_start(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Config.load(env_file=None, environment="test", home=tmp_path, **settings)


def test_s3_without_its_library_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match=r"pip install 'ossature\[s3\]'"):
        Config.load(env_file=None, environment="test", home=tmp_path, files_url="s3://bucket")


# -- whatever is killed ------------------------------------------------------------------------------------------------


@pytest.fixture
def kept_by(app: Flask, storage: Storage) -> Iterator[Storage]:
    """The application keeps files there for the length of a test."""
    kernel: Kernel = app.extensions["ossature"]
    before = kernel.extras.get("files")
    kernel.extras["files"] = storage
    yield storage
    kernel.extras.pop("files")
    if before is not None:
        kernel.extras["files"] = before


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def record(member: Callable[..., Person]) -> tuple[Person, UUID]:
    owner = member()
    answer = owner.api.post("/api/_dummy/pebbles", json={"name": f"Pebble {uuid4().hex[:8]}"})
    return owner, UUID(answer.json["data"]["id"])


def store(person: Person, record: UUID, content: bytes = b"words", *, die: bool = False) -> UUID:
    with person.work():
        id = service.store_file("_dummy.pebble", record, "a.txt", content).id
        if die:
            raise Killed
    return id


def held(storage: Storage, tenant: Tenant) -> tuple[int, int]:
    return len(list(storage.held(tenant.id, "pending"))), len(list(storage.held(tenant.id, "kept")))


@pytest.mark.database
@pytest.mark.parametrize("step", ["while bytes are written", "before the row", "before the commit", "after the commit"])
def test_whatever_is_killed_loses_nothing_and_leaves_nothing(
    step: str, kept_by: Storage, record: tuple[Person, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    person, id = record
    tenant = person.tenant

    def killed(*_given: object, **_named: object) -> None:
        raise Killed

    committed = step == "after the commit"
    with monkeypatch.context() as patched:
        patched.setattr(kept_by, "delete", lambda *_given: None)  # nobody is left to clean up
        if step == "while bytes are written":
            write = kept_by.write
            patched.setattr(kept_by, "write", lambda *given: (write(*given), killed()))
        elif step == "before the row":
            patched.setattr(service, "_write", killed)
        elif committed:
            patched.setattr(kept_by, "keep", killed)
        with pytest.raises(Killed):
            store(person, id, die=step == "before the commit")
    assert held(kept_by, tenant) == (1, 0)
    with person.work():
        files = files_of("_dummy.pebble", id)
    assert len(files) == committed
    with use_context(tenant.context):
        assert sweeping.sweep() == ((1, 0) if committed else (0, 0)), "an upload may still be under way"
        sweeping.sweep(now=datetime.now(UTC) + LATER)
        assert sweeping.look_over(now=datetime.now(UTC) + LATER) == sweeping.Findings((), ())
    assert held(kept_by, tenant) == (0, 1 if committed else 0)


@pytest.mark.database
def test_the_nightly_job_sweeps(app: Flask, kept_by: Storage, record: tuple[Person, UUID]) -> None:
    person, id = record
    store(person, id)
    kept_by.write(person.tenant.id, "orphan", io.BytesIO(b"x"))
    with transaction(person.tenant.context):
        sweeping.sweep_files.enqueue()
    run_pending(person.tenant)
    assert held(kept_by, person.tenant) == (1, 1)


@pytest.mark.database
def test_files_of_a_record_that_is_forgotten_leave_no_row_and_no_byte(
    kept_by: Storage, record: tuple[Person, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    person, id = record
    store(person, id, b"one")
    store(person, id, b"two")
    with transaction(person.tenant.context):
        assert service.forget_files("_dummy.pebble", [id]) == 2
    assert held(kept_by, person.tenant) == (0, 0)
    store(person, id, b"three")
    monkeypatch.setattr(service, "_delete", lambda *_given: None)  # killed right after the commit
    with transaction(person.tenant.context):
        service.forget_files("_dummy.pebble", [id])
    assert held(kept_by, person.tenant) == (0, 1)
    run_pending(person.tenant)
    assert held(kept_by, person.tenant) == (0, 0)
    with person.tenant.work() as work:
        assert work.execute(text("SELECT count(*) FROM ossature.file WHERE record_id = :id"), {"id": id}).scalar() == 0


@pytest.mark.database
def test_operators_find_rows_without_bytes_and_bytes_without_rows(
    kept_by: Storage, record: tuple[Person, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    person, id = record
    lost = store(person, id)
    kept_by.write(person.tenant.id, "orphan", io.BytesIO(b"x"))
    kept_by.keep(person.tenant.id, "orphan")
    monkeypatch.setattr(cli, "application", lambda: use_context(person.tenant.context))
    monkeypatch.setattr(cli, "_tenants", lambda: iter_bound(person.tenant))
    monkeypatch.setattr(sweeping, "OLD", timedelta(0))
    gone = uuid4()  # an organisation that was deleted with its rows
    for key in ("kept", "pending"):
        kept_by.write(gone, key, io.BytesIO(b"x"))
    kept_by.keep(gone, "kept")
    run = CliRunner().invoke
    assert run(cli.files_group, ["check"]).output.splitlines() == [
        f"{person.tenant.slug}: 1 contents belong to no file; `ossature files sweep --all` deletes them",
        "2 contents belong to 1 organisations that are no longer here; `ossature files sweep --all` deletes them",
        "every file has its content",
    ]
    assert run(cli.files_group, ["sweep", "--all"]).output == "kept 0, deleted 3\n"
    assert [list(kept_by.held(gone, place)) for place in PLACES] == [[], []]
    assert run(cli.files_group, ["check"]).output == "every file has its content\n"
    with person.work():
        key = files_of("_dummy.pebble", id)[0].key
    kept_by.delete(person.tenant.id, key)
    found = run(cli.files_group, ["check"])
    assert (found.exit_code, found.output.splitlines()[0]) == (
        1, f"{person.tenant.slug}: file {lost} has no content; restore it from a backup"
    )  # fmt: skip
    answer = person.api.get(f"/api/_dummy/pebbles/{id}/files/{lost}")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "unavailable")


def iter_bound(tenant: Tenant) -> Iterator[Any]:
    with use_context(tenant.context):
        yield tenant.info
