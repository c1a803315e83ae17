"""Security headers: on every answer, with a nonce that is new each time."""

from __future__ import annotations

import re

import pytest
from flask import Flask, abort
from werkzeug.test import TestResponse

from ossature.web.csp import allow_source, csp_nonce, install_security_headers


@pytest.fixture
def app() -> Flask:
    made = Flask("headers")
    install_security_headers(made)
    made.add_url_rule("/page", view_func=lambda: f"<script nonce='{csp_nonce()}'></script>")
    made.add_url_rule("/data", view_func=lambda: {"success": True}, endpoint="data")
    made.add_url_rule("/broken", view_func=lambda: abort(503), endpoint="broken")

    @made.get("/wider")
    def wider() -> str:
        allow_source("img-src", "https://tiles.example.com")
        return "map"

    return made


def get(app: Flask, path: str, scheme: str = "http") -> TestResponse:
    return app.test_client().get(path, base_url=f"{scheme}://acme.example.com")


@pytest.mark.req("S1-78", "S1-79", "S1-80")
@pytest.mark.parametrize("path", ["/page", "/data", "/broken", "/missing"])
def test_every_answer_forbids_framing_and_sniffing(app: Flask, path: str) -> None:
    headers = get(app, path).headers
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["X-XSS-Protection"] == "1; mode=block"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.req("S1-81")
@pytest.mark.parametrize("path", ["/page", "/data", "/broken", "/missing"])
def test_every_answer_keeps_addresses_from_other_sites(app: Flask, path: str) -> None:
    headers = get(app, path).headers
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_the_policy_allows_only_what_carries_the_nonce(app: Flask) -> None:
    first, second = get(app, "/page"), get(app, "/page")
    policy = first.headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]{20,})'(;|$)", policy)
    assert nonce
    assert nonce[1] in first.text
    assert nonce[1] not in second.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert all(
        part in policy
        for part in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'self'", "form-action 'self'")
    )


def test_one_page_may_widen_the_policy_for_itself(app: Flask) -> None:
    assert "https://tiles.example.com" in get(app, "/wider").headers["Content-Security-Policy"]
    assert "tiles" not in get(app, "/page").headers["Content-Security-Policy"]


def test_encrypted_connections_stay_encrypted(app: Flask) -> None:
    assert "Strict-Transport-Security" not in get(app, "/page").headers
    encrypted = get(app, "/page", "https").headers
    assert encrypted["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "upgrade-insecure-requests" in encrypted["Content-Security-Policy"]


def test_pages_are_kept_by_nobody_and_differ_by_kind_of_request(app: Flask) -> None:
    headers = get(app, "/page").headers
    assert headers["Cache-Control"] == "private, no-cache"
    assert "HX-Request" in headers["Vary"]


def test_what_is_no_page_is_kept_by_nobody_either(app: Flask) -> None:
    assert get(app, "/data").headers["Cache-Control"] == "private, no-cache"
