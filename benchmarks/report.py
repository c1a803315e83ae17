"""`RESULTS.md` and `PLANS.md`: the figures with their budgets, the machine, the versions, and how the lists are read."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
from data import CONTACTS, TENANTS

from ossature.hooks.types import DemoSize

LIBRARIES = ("flask", "sqlalchemy", "psycopg", "granian", "redis", "jinja2", "orjson")


@dataclass(frozen=True)
class Figure:
    """One measured thing: in words, as floor and product, with its budget and whether it keeps within."""

    name: str
    product: str
    budget: str
    met: bool
    floor: str = ""
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """How one statement was carried out."""

    name: str
    server: str
    sql: str
    plan: str


def write_results(
    path: Path, figures: Sequence[Figure], servers: Sequence[str], size: DemoSize, runs: int, requests: int
) -> None:
    lines = [
        "# Speed and memory",
        "",
        "Written by `make bench`; `PLANS.md` beside it says how PostgreSQL reads the lists.",
        "",
        f"- {datetime.now(UTC):%Y-%m-%d}; {machine()}",
        f"- {', '.join(servers)}; Python {platform.python_version()}; "
        + ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        f"- {CONTACTS[size]:,} contacts in each of {len(TENANTS)} tenants; median of {runs} runs of {requests} requests",
        "",
        "| what | floor | product | budget | |",
        "|---|---:|---:|---|---|",
        *(f"| {one.name} | {one.floor} | {one.product} | {one.budget} | {'met' if one.met else '**missed**'} |" for one in figures),
        "",
        "The floor is the same SQL by psycopg in one transaction with its settings, under policies and triggers, in turns",
        "with the product. The product answers real HTTP: `ossature serve` as in production, with rate limits (raised, so",
        "that none is reached), session check and a log line for each request. The clients share the processors with it.",
        "",
        *(f"- {one.name}: {one.note}." for one in figures if one.note),
    ]  # fmt: skip
    path.write_text("\n".join(lines).rstrip() + "\n", "utf-8")


def write_plans(path: Path, plans: Sequence[Plan]) -> None:
    lines = ["# How PostgreSQL reads the lists", "", "Written by `make bench`, as the app role under its policies.", ""]
    for one in plans:
        lines += [f"## {one.name}", "", f"PostgreSQL {one.server}", "", "```sql", one.sql.strip(), "```", ""]
        lines += ["```", one.plan.strip(), "```", ""]
    path.write_text("\n".join(lines).rstrip() + "\n", "utf-8")


def machine() -> str:
    """Processors, memory and system."""
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        named = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = named[0].partition(":")[2].strip() if named else model
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} processors ({model}), {memory:.0f} GB of memory, {platform.system()}"
