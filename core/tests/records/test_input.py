"""Bad input: always a 4xx in the envelope, never a traceback, nothing written."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from ossature.testing.people import Person

pytestmark = pytest.mark.database


def refused(answer: Any, status: int, code: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.text[:500]
    assert answer.json["success"] is False
    error: dict[str, Any] = answer.json["error"]
    assert {"code", "message", "details", "request_id"} <= error.keys()
    assert "Traceback" not in answer.text
    if code:
        assert error["code"] == code
    return error


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", 12, "wrong_type"),
        ("name", ["Quartz"], "wrong_type"),
        ("name", None, "required"),
        ("name", "   ", "required"),
        ("name", "x" * 81, "too_long"),
        ("name", "Quartz\x00", "bad_character"),
        ("name", "tab\there", "bad_character"),
        ("email", "anna", "invalid"),
        ("email", {"a": 1}, "wrong_type"),
        ("phone", "12", "invalid"),
        ("website", "javascript:alert(1)", "invalid"),
        ("website", "ftp://example.com", "invalid"),
        ("pieces", 1.5, "invalid"),
        ("pieces", True, "wrong_type"),
        ("pieces", "many", "invalid"),
        ("pieces", 1_000_001, "too_large"),
        ("pieces", 10**30, "too_large"),
        ("pieces", -1, "too_small"),
        ("ratio", "1.2345", "too_precise"),
        ("ratio", "NaN", "invalid"),
        ("ratio", "1e400", "too_large"),
        ("ratio", "0e-400", "too_precise"),
        ("ratio", [1], "wrong_type"),
        ("price", 10, "wrong_type"),
        ("price", {"amount": "1", "currency": "EURO"}, "unknown_currency"),
        ("price", {"amount": "1", "currency": ["EUR"]}, "unknown_currency"),
        ("price", {"amount": "1", "currency": {}}, "unknown_currency"),
        ("price", {"amount": "1", "currency": "EUR", "rate": 2}, "wrong_type"),
        ("price", {"amount": "1.001", "currency": "EUR"}, "too_precise"),
        ("price", {"amount": "0.5", "currency": "JPY"}, "too_precise"),
        ("price", {"amount": "-1", "currency": "EUR"}, "too_small"),
        ("seen_at", "9999-12-31T23:59:59Z", "invalid"),
        ("seen_at", "0001-01-01T00:00:00Z", "invalid"),
        ("seen_at", "0001-01-01T00:00:00+14:00", "invalid"),
        ("price", {"amount": "1e17", "currency": "EUR"}, "too_large"),
        ("price", {"amount": "Infinity", "currency": "EUR"}, "invalid"),
        ("fragile", "yes", "wrong_type"),
        ("fragile", None, "required"),
        ("taken_on", "2026-02-30", "invalid"),
        ("taken_on", "2026-02-28T00:00:00Z", "invalid"),
        ("taken_on", 20260228, "invalid"),
        ("seen_at", "2026-02-28T09:30:00", "invalid"),
        ("seen_at", "0001-01-01T00:00:00+23:00", "invalid"),
        ("state", "melted", "unknown_choice"),
        ("state", ["raw"], "unknown_choice"),
        ("state", None, "required"),
        ("basis_id", "seven", "invalid"),
        ("basis_id", 7, "invalid"),
        ("lines", "salt", "wrong_type"),
        ("lines", ["salt"], "wrong_type"),
        ("lines", [{"finding": "x"}] * 201, "too_many"),
        ("owner_id", "me", "invalid"),
    ],
)
def test_a_wrong_value_is_refused_by_field_and_code(samples: Any, field: str, value: Any, code: str) -> None:
    assert samples.faults(samples.post({"name": "Quartz", field: value})) == {field: code}
    added = samples.add()
    assert samples.faults(samples.patch(added["id"], {field: value})) == {field: code}
    assert samples.read(added["id"]) == added


@pytest.mark.parametrize("value", ["0", "-0", "0.000", "1E+2", " 7 ", 7, 7.25])
def test_a_number_has_more_than_one_spelling(samples: Any, value: Any) -> None:
    assert float(samples.add(ratio=value)["ratio"]) == float(value)


def test_money_keeps_the_decimals_of_its_currency(samples: Any) -> None:
    for amount, currency in (("10.50", "EUR"), ("1050", "JPY"), ("1.050", "TND"), ("99999999999999.99", "EUR")):
        assert samples.add(price={"amount": amount, "currency": currency})["price"] == {
            "amount": amount, "currency": currency,
        }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b'"name"', b"null", b"{'name': 'x'}", b'{"name": NaN}', b'{"name": "\xff"}', b"[" * 100_000,
        rb'{"name": "\ud800"}', rb'{"\udfff": 1}', b'\xef\xbb\xbf{"name": "x"}', b'{"a":' * 2000 + b"1" + b"}" * 2000,
    ],
)  # fmt: skip
def test_a_body_that_is_no_json_object_is_refused(samples: Any, body: bytes) -> None:
    answer = samples.person.api.post(samples.path, data=body, content_type="application/json")
    refused(answer, 400, "bad_json")
    assert samples.names() == []


def test_a_nul_byte_is_refused_wherever_it_stands(samples: Any) -> None:
    refused(samples.post({"name": "a\x00b"}), 422)
    refused(samples.post({"name\x00": "b"}), 422)
    refused(samples.post({"name": "a", "lines": [{"finding": "\x00"}]}), 422)
    refused(samples.list(search="a\x00b"), 400)
    refused(samples.list(**{"filter[state]": "\x00"}), 422)
    refused(samples.list(**{"filter[\x00]": "raw"}), 400)
    refused(samples.list(sort="\x00"), 400)
    refused(samples.list(cursor="\x00"), 400)
    refused(samples.person.api.get(samples.path + "/%00"), 404)


def test_bytes_that_are_no_text_in_an_address_are_refused_or_harmless(samples: Any) -> None:
    for query in (
        "search=%ff",
        "search=%ed%a0%80",
        "sort=%ff",
        "cursor=%ff%fe",
        "filter[%ff]=1",
        "%ff=1",
        "fields=%ff",
    ):
        assert samples.person.api.get(f"{samples.path}?{query}").status_code < 500, query
    refused(samples.person.api.get(samples.path + "/%ff"), 404)


@pytest.mark.parametrize("type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_a_wrong_content_type_is_refused(samples: Any, type: str) -> None:
    answer = samples.person.api.post(samples.path, data=b'{"name": "x"}', content_type=type)
    refused(answer, 415, "unsupported_media_type")


def test_an_oversized_body_is_refused(app: Flask, samples: Any) -> None:
    most = app.config["MAX_CONTENT_LENGTH"]
    answer = samples.person.api.post(samples.path, data=b"x" * (most + 1), content_type="application/json")
    refused(answer, 413, "too_large")
    refused(samples.post({"name": "x" * 10_000_000}), 413 if most < 10_000_000 else 422)


def test_a_name_as_long_as_a_body_may_be_is_refused(app: Flask, samples: Any) -> None:
    longest = min(app.config["MAX_CONTENT_LENGTH"] - 100, 10_000_000)
    assert samples.faults(samples.post({"name": "x" * longest})) == {"name": "too_long"}


def test_text_that_grows_when_its_accents_are_taken_away_is_stored_or_refused(samples: Any) -> None:
    for name in ("\ufdfa" * 80, "".join(chr(0x3300 + number) for number in range(80)), "ﬃ" * 80, "İ" * 80):
        answer = samples.post({"name": name, "notes": name * 200})
        assert answer.status_code == 201, answer.text
        assert samples.read(answer.json["data"]["id"])["name"] == name


@pytest.mark.parametrize("name", ["Zoë", "李雷", "🪨🪨", "e\u0301", "\u202eabc", "a" * 80, "%_\\'\"; DROP TABLE x --"])
def test_any_text_comes_back_as_it_was_sent(samples: Any, name: str) -> None:
    added = samples.add(name=name)
    assert samples.read(added["id"])["name"] == name
    assert name in samples.names()


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"}, {"limit": "201"}, {"limit": "-1"}, {"limit": "ten"}, {"limit": "9" * 5000}, {"limit": "1e2"},
        {"limit": "000200999"}, {"limit": "²"}, {"sort": "nothing"}, {"sort": "-"}, {"sort": "--name"}, {"sort": "notes"},
        {"filter[nothing]": "1"}, {"filter[notes]": "Quartz"}, {"filter[name.like]": "Q%"}, {"fields": "nothing"}, {"fields": "tenant_id"},
        {"deleted": "maybe"}, {"page": "2"}, {"search": "x" * 201}, {"cursor": "abc"}, {"cursor": "x" * 5000},
    ],
)  # fmt: skip
def test_a_list_refuses_what_it_does_not_know(samples: Any, query: dict[str, str]) -> None:
    error = refused(samples.list(**query), 400)
    assert error["details"] or error["code"] == "bad_cursor"


def test_a_filter_with_a_wrong_value_is_refused(samples: Any) -> None:
    for query in ({"filter[state]": "melted"}, {"filter[basis_id]": "seven"}, {"filter[fragile]": "perhaps"}):
        refused(samples.list(**query), 422)


def test_a_repeated_parameter_is_refused(samples: Any) -> None:
    refused(samples.person.api.get(f"{samples.path}?limit=1&limit=2"), 400)


@pytest.mark.parametrize("header", ["three", '"x"', "-1", "9" * 400, "²"])
def test_an_if_match_that_is_no_version_is_refused(samples: Any, header: str) -> None:
    refused(samples.patch(samples.add()["id"], {"pieces": 1}, **{"If-Match": header}), 400)


@pytest.mark.parametrize("version", ["1", 0, -1, 2**31, 1.0, True, [1]])
def test_a_version_that_is_none_is_refused(samples: Any, version: Any) -> None:
    refused(samples.patch(samples.add()["id"], {"pieces": 1, "version": version}), 400)


def test_an_unknown_address_or_method_is_refused_in_the_envelope(owner: Person, samples: Any) -> None:
    refused(owner.api.get("/api/nothing"), 404, "not_found")
    refused(owner.api.get("/api/_kinds/nothings"), 404)
    answer = owner.api.patch(samples.path, json={})
    refused(answer, 405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))
