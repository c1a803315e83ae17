"""Settings come from the environment and `.env`, are complete or refused, and never show a secret."""

from __future__ import annotations

import base64
import re
import secrets
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ossature.config import Config, ConfigError, derive

STRONG = "k3Y-" + "q7Zr2mXw9LpT5vBn8cHd4fGs6jKa1eUy"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("OSSATURE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OSSATURE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def in_production(**changes: Any) -> dict[str, Any]:
    return {
        "environment": "production",
        "base_url": "https://erp.acme.fr",
        "secret_key": STRONG,
        "database_url": "postgresql://owner:pw@db/ossature",
        **changes,
    }


def problems(**settings: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Config.load(**settings)
    return caught.value.problems


@pytest.mark.req("S1-52", "S3-148", "S1-55")
def test_database_and_public_address_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSSATURE_DATABASE_URL", "postgresql://me:pw@db.internal:5433/erp")
    monkeypatch.setenv("OSSATURE_BASE_URL", "https://erp.acme.fr/")
    config = Config.load()
    assert config.database_url == "postgresql://me:pw@db.internal:5433/erp"
    assert not config.embedded_postgres
    assert config.app_database_url.startswith("postgresql://ossature_app:")
    assert config.app_database_url.endswith("@db.internal:5433/erp")
    assert config.base_url == "https://erp.acme.fr"
    assert config.source("database_url") == "environment"


@pytest.mark.req("S0-66", "S1-26")
def test_the_example_file_is_a_working_environment_file(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / ".env.example"
    text = example.read_text()
    (tmp_path / ".env").write_text(text)
    config = Config.load()
    assert config.source("base_url") == "file"
    named = set(re.findall(r"^#?(OSSATURE_[A-Z_]+)=", text, re.MULTILINE))
    known = {setting.name for setting in config.settings()}
    assert named <= known
    assert {"OSSATURE_DATABASE_URL", "OSSATURE_BASE_URL", "OSSATURE_SECRET_KEY"} <= named


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("OSSATURE_PORT=9001\nOSSATURE_TITLE=From file\n")
    monkeypatch.setenv("OSSATURE_PORT", "9002")
    config = Config.load()
    assert (config.port, config.title) == (9002, "From file")


@pytest.mark.req("S3-150", "S1-56")
def test_port_mode_and_address_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in in_production(port="8123", redis_url="redis://r/0").items():
        monkeypatch.setenv(f"OSSATURE_{name.upper()}", str(value))
    config = Config.load()
    assert (config.environment, config.port, config.base_url) == ("production", 8123, "https://erp.acme.fr")
    assert config.production
    assert config.secure_cookies
    assert config.log_format == "json"


@pytest.mark.req("S3-153")
def test_title_and_api_address_are_settings() -> None:
    config = Config.load(title="Maison Martin", base_url="https://erp.acme.fr")
    assert config.title == "Maison Martin"
    assert config.api_url == "https://erp.acme.fr/api"
    assert Config.load(api_url="https://api.acme.fr/v1").api_url == "https://api.acme.fr/v1"


@pytest.mark.req("S1-53")
@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("", "missing"),
        ("k3Y-q7Zr2mXw9", "32 are needed"),
        ("a" * 40, "easy to guess"),
        ("change-me-" + STRONG, "easy to guess"),
    ],
)
def test_a_missing_or_weak_secret_is_refused_in_production_with_the_next_step(secret: str, said: str) -> None:
    (problem,) = problems(**in_production(secret_key=secret))
    assert problem.startswith("OSSATURE_SECRET_KEY")
    assert said in problem
    assert "make one with: python3" in problem
    assert not secret or secret not in problem


def test_a_strong_configuration_is_accepted_in_production() -> None:
    assert Config.load(**in_production()).production


@pytest.mark.req("S3-149")
def test_access_and_refresh_tokens_have_secrets_of_their_own() -> None:
    config = Config.load(secret_key=STRONG)
    assert len({config.secret_key, config.access_token_secret, config.refresh_token_secret}) == 3
    assert min(len(config.access_token_secret), len(config.refresh_token_secret)) >= 32
    given = Config.load(secret_key=STRONG, access_token_secret=STRONG[::-1])
    assert given.access_token_secret == STRONG[::-1]
    assert given.refresh_token_secret == config.refresh_token_secret
    (problem,) = problems(secret_key=STRONG, access_token_secret=STRONG, refresh_token_secret=STRONG)
    assert "the same" in problem


def test_a_derived_secret_follows_from_secret_and_purpose_alone() -> None:
    assert derive("one", "a") == derive("one", "a")
    assert len({derive("one", "a"), derive("one", "b"), derive("two", "a")}) == 3


@pytest.mark.req("S1-54")
def test_first_administrator_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSSATURE_ADMIN_EMAIL", "boss@acme.fr")
    assert "go together" in problems()[0]
    monkeypatch.setenv("OSSATURE_ADMIN_PASSWORD", "correct horse battery")
    config = Config.load(**in_production())
    assert (config.admin_email, config.admin_password) == ("boss@acme.fr", "correct horse battery")


@pytest.mark.parametrize("password", ["admin", "Password2026!", "aaaaaaaaaaaaaaa", "motdepasse-123"])
def test_a_well_known_administrator_password_is_refused(password: str) -> None:
    (problem,) = problems(**in_production(admin_email="boss@acme.fr", admin_password=password))
    assert problem.startswith("OSSATURE_ADMIN_PASSWORD is too easy to guess")
    assert password not in problem


def test_production_needs_a_public_address_over_https() -> None:
    assert "OSSATURE_BASE_URL is missing" in problems(**in_production(base_url=""))[0]
    assert "not https" in problems(**in_production(base_url="http://erp.acme.fr"))[0]
    assert Config.load(**in_production(base_url="http://localhost:8000")).production


def test_the_default_demo_password_works_on_loopback_only() -> None:
    assert "works on loopback only" in problems(host="0.0.0.0")[0]
    assert Config.load(host="0.0.0.0", demo_password="a-longer-password").host == "0.0.0.0"
    assert Config.load(host="::1").loopback


@pytest.mark.req("S1-57")
def test_log_level_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, meant in (("DEBUG", "debug"), ("warning", "warn"), ("error", "error")):
        monkeypatch.setenv("OSSATURE_LOG_LEVEL", given)
        assert Config.load().log_level == meant
    monkeypatch.setenv("OSSATURE_LOG_LEVEL", "loud")
    assert problems()[0].startswith("OSSATURE_LOG_LEVEL")


def test_every_problem_is_told_at_once() -> None:
    found = problems(
        **in_production(database_url="mysql://x", redis_url="file:///x", secret_key="short", cors_origins="*")
    )
    assert [problem.split(" ")[0].rstrip(":") for problem in found] == [
        "OSSATURE_DATABASE_URL",
        "OSSATURE_APP_DATABASE_URL",
        "OSSATURE_SYSTEM_DATABASE_URL",
        "OSSATURE_REDIS_URL",
        "OSSATURE_CORS_ORIGINS",
        "OSSATURE_SECRET_KEY",
    ]


def test_a_wrong_type_names_the_variable_and_what_is_wanted() -> None:
    (problem,) = problems(port="eighty")
    assert problem.startswith("OSSATURE_PORT")
    assert problem.endswith("a whole number from 1 to 65535.")


def test_a_misspelt_variable_is_named_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSSATURE_DATABSE_URL", "x")
    monkeypatch.setenv("OSSATURE_TEST_ANYTHING", "x")
    assert Config.unknown_variables() == ["OSSATURE_DATABSE_URL is not a setting; did you mean OSSATURE_DATABASE_URL?"]


def test_a_mail_server_goes_with_an_address_that_mail_comes_from_and_its_password_is_not_shown() -> None:
    server = "smtp://erp:h0rse-staple@mail.acme.fr:587"
    assert problems(smtp_url="mail.acme.fr")[0].startswith("OSSATURE_SMTP_URL is not the address of a mail server")
    assert problems(smtp_url=server) == [
        "OSSATURE_MAIL_FROM is missing; give the address that mail comes from, such as erp@example.com."
    ]
    assert "no e-mail address" in problems(smtp_url=server, mail_from="Acme <erp@acme.fr>")[0]
    config = Config.load(env_file=None, smtp_url=server, mail_from="erp@acme.fr")
    assert "h0rse-staple" not in repr(config) + repr(config.mail_server) + repr(config.settings())


def test_listing_the_settings_shows_no_secret() -> None:
    config = Config.load(
        **in_production(
            database_url="postgresql://owner:hunter22@db/x", admin_email="a@acme.fr", admin_password="very long words"
        )
    )
    shown = "\n".join(setting.value for setting in config.settings())
    for secret in (STRONG, "hunter22", "very long words", config.access_token_secret, config.encryption_keys):
        assert secret not in shown
        assert secret not in repr(config)
    assert "postgresql://owner:••••@db/x" in shown


def test_a_developers_secret_is_made_once_and_kept_to_oneself(tmp_path: Path) -> None:
    first, second = Config.load(), Config.load()
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 32
    assert (tmp_path / "home" / "secret_key").stat().st_mode & 0o777 == 0o600


def test_encryption_keys_are_a_ring_whose_first_encrypts() -> None:
    new, old = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2))
    ring = Config.load(encryption_keys=f"k2:{new},k1:{old}").encryption_keyring
    assert list(ring) == ["k2", "k1"]
    assert {len(key) for key in ring.values()} == {32}
    assert "16 bytes" in problems(encryption_keys="k1:" + base64.b64encode(bytes(16)).decode())[0]
    assert list(Config.load(secret_key=STRONG).encryption_keyring) == ["derived"]


def test_settings_do_not_change_after_the_start() -> None:
    config = Config.load()
    with pytest.raises(ValidationError):
        config.port = 1  # type: ignore[misc]
