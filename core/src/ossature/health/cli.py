"""`ossature health`: verify a running instance, after a start or a deployment."""

from __future__ import annotations

import http.client
import sys
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import click
import orjson

from ossature.config import Config
from ossature.processes import local_address


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to a running instance."""

    path: str
    meaning: str


PROBES = (
    Probe("/healthz", "the process answers"),
    Probe("/readyz", "database, migrations and Redis"),
    Probe("/", "pages are rendered"),
)


@click.command()
@click.option("--url", help="Address of the instance; by default the one configured on this machine.")
@click.option("--wait", type=click.IntRange(0, 600), default=0, help="Seconds to keep asking before giving up.")
def health(url: str | None, wait: int) -> None:
    """Ask a running instance whether it is well; exit code 0 when it is."""
    address = (url or local_address(Config.load())).rstrip("/")
    if urlsplit(address).scheme not in {"http", "https"}:
        raise click.BadParameter("give an address such as http://localhost:8000", param_hint="--url")
    deadline = time.monotonic() + wait
    while True:
        problems = {probe: ask(address, probe) for probe in PROBES}
        if not any(problems.values()) or time.monotonic() >= deadline:
            break
        time.sleep(0.5)
    for probe, problem in problems.items():
        click.echo(f"{'failing' if problem else 'ok':<8}{probe.path:<10}{problem or probe.meaning}")
    sys.exit(1 if any(problems.values()) else 0)


def ask(address: str, probe: Probe) -> str | None:
    """None when the answer is as it should be, else what is wrong."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=10)
    try:
        connection.request("GET", parts.path + probe.path, headers={"Accept": "application/json, text/html"})
        answer = connection.getresponse()
        body = answer.read()
    except OSError as error:
        return f"no answer from {address} ({error}); is it started? `ossature up` starts it"
    except http.client.HTTPException as error:
        return f"{address} does not speak HTTP ({type(error).__name__})"
    finally:
        connection.close()
    if answer.status < 400:
        return None
    return f"answered {answer.status}" + _failing(body)


def _failing(body: bytes) -> str:
    try:
        details = orjson.loads(body)["error"]["details"]
        return ": " + ", ".join(one["name"] for one in details if one["status"] != "ok")
    except (ValueError, KeyError, TypeError):
        return ""
