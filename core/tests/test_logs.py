"""Log lines are structured, say who and where, and hold neither secrets nor personal data."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog

from ossature.config import Config
from ossature.context import Actor, Context, TenantInfo, use_context
from ossature.logs import configure_logging, get_logger, log_request
from ossature.redaction import HIDDEN, redact, redact_text

Lines = Callable[[], list[dict[str, Any]]]
TENANT = TenantInfo(UUID(int=1), "acme", "Acme")
ACTOR = Actor(UUID(int=2), "member", "Anna")


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Callable[..., Lines]]:
    """`lines(level)` sets logging up and gives a function that reads what was written."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)

    def start(level: str = "info", log_format: str = "json") -> Lines:
        stream = io.TextIOWrapper(io.BytesIO(), write_through=True)
        config = Config.load(env_file=None, home=tmp_path, log_level=level, log_format=log_format)
        configure_logging(config, "serve", stream)

        def read() -> list[dict[str, Any]]:
            raw = stream.buffer.getvalue()
            return [json.loads(line) for line in raw.splitlines()]

        return read

    yield start
    root.handlers[:], root.level = before
    structlog.reset_defaults()


@pytest.mark.req("S3-160")
def test_a_line_below_the_level_is_not_written(lines: Callable[..., Lines]) -> None:
    read = lines("warn")
    log = get_logger("shop")
    log.debug("one")
    log.info("two")
    log.warning("three")
    log.error("four")
    assert [(line["level"], line["message"]) for line in read()] == [("warn", "three"), ("error", "four")]
    read = lines("debug")
    log = get_logger("shop")
    log.debug("five")
    log.info("six")
    assert [line["level"] for line in read()] == ["debug", "info"]


@pytest.mark.req("S3-161", "S2-119")
def test_a_requests_line_says_when_who_where_what_and_how_long(lines: Callable[..., Lines]) -> None:
    read = lines()
    with use_context(Context(tenant=TENANT, actor=ACTOR, request_id="r-1")):
        begun = time.perf_counter() - 0.25
        log_request(200, method="GET", endpoint="crm.contacts", path="/crm/contacts", started=begun, size=10)
    (line,) = read()
    assert line["timestamp"].endswith("+00:00")
    assert line["message"] == "request"
    assert (line["level"], line["service"]) == ("info", "serve")
    assert (line["request_id"], line["tenant"], line["actor"]) == ("r-1", "acme", str(ACTOR.id))
    assert (line["action"], line["status"]) == ("GET crm.contacts", 200)
    assert 250 <= line["duration_ms"] < 900


def test_a_failed_request_is_an_error_and_a_slow_one_a_warning(lines: Callable[..., Lines]) -> None:
    read = lines()
    now = time.perf_counter()
    log_request(503, method="GET", endpoint="x", path="/", started=now)
    log_request(200, method="GET", endpoint="x", path="/", started=now - 2)
    assert [line["level"] for line in read()] == ["error", "warn"]


@pytest.mark.req("S2-120", "S3-129")
def test_secrets_and_personal_data_are_hidden_by_key_and_by_shape(lines: Callable[..., Lines]) -> None:
    read = lines()
    get_logger("shop").info(
        "mail to jean.dupont@exemple.fr, call +33 6 12 34 56 78 or 06.12.34.56.79, password=hunter22 today",
        password="hunter22",
        api_key="oss_abcdefghijklmnop",
        headers={"Authorization": "Bearer abcdef123456", "Cookie": "session=xyz", "Accept": "text/html"},
        url="postgresql://owner:hunter22@db/erp",
        customer={"email": "jean.dupont@exemple.fr", "Phone": "0612345678", "city": "Lyon"},
        jwt="eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    )
    written = json.dumps(read())
    for secret in (
        "jean.dupont",
        "12 34 56",
        "12.34.56",
        "0612345678",
        "hunter22",
        "oss_abc",
        "abcdef",
        "xyz",
        "eyJhbG",
    ):
        assert secret not in written
    assert "Lyon" in written
    assert "text/html" in written


def test_the_secret_of_a_link_to_a_first_password_is_hidden_in_the_path_of_its_page() -> None:
    secret = "Ab-_" + "x1" * 20
    assert redact_text(f"/password/{secret}") == f"/password/{HIDDEN}"
    assert redact_text(f"https://erp.example.com/password/{secret}?x=1").count(secret) == 0


def test_identifiers_dates_and_amounts_are_left_alone() -> None:
    for text in (
        "/settings/me/password",
        "01934567-8901-7123-8123-012345678901",
        "2026-11-20T09:12:44.120+00:00",
        "INV-2026-000123 of 1 234,50 EUR, 17 rows in 0.123 s",
        "10.0.12.34:5432",
    ):
        assert redact_text(text) == text
    assert redact({"token_count": 3, "key_id": "k1", "rows": [1, 2]}) == {
        "token_count": 3,
        "key_id": "k1",
        "rows": [1, 2],
    }


def test_an_exceptions_text_is_redacted_as_well(lines: Callable[..., Lines]) -> None:
    read = lines()
    try:
        raise ValueError("Key (email)=(anna@exemple.fr) already exists")
    except ValueError:
        get_logger("shop").exception("insert failed")
    (line,) = read()
    assert "ValueError" in line["exception"]
    assert "anna@" not in line["exception"]


def test_the_standard_librarys_loggers_come_out_the_same_way(lines: Callable[..., Lines]) -> None:
    read = lines()
    with use_context(Context(tenant=TENANT, request_id="r-2")):
        logging.getLogger("some.library").warning("token=%s refused", "abcdefgh")
    (line,) = read()
    assert (line["logger"], line["level"], line["tenant"]) == ("some.library", "warn", "acme")
    assert line["message"] == "token=[redacted] refused"


def test_the_console_shows_one_readable_line(lines: Callable[..., Lines], tmp_path: Path) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), write_through=True)
    configure_logging(Config.load(env_file=None, home=tmp_path, log_format="console"), "serve", stream)
    get_logger("shop").info("stock moved", action="inventory.move")
    assert stream.buffer.getvalue().decode().rstrip().endswith("info  stock moved  action=inventory.move")


def test_a_requests_line_costs_little(lines: Callable[..., Lines]) -> None:
    lines()
    with use_context(Context(tenant=TENANT, actor=ACTOR, request_id=str(UUID(int=3)))):
        times = []
        for _ in range(5):
            begun = time.thread_time()
            for _ in range(500):
                log_request(200, method="GET", endpoint="crm.contacts", path=f"/crm/contacts/{TENANT.id}", started=0.0)
            times.append((time.thread_time() - begun) / 500)
    assert min(times) < 60e-6
