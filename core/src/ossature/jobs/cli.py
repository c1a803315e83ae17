"""`ossature schedule`: an organisation's jobs by the clock."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from ossature.auth.cli import application, inside
from ossature.jobs import schedules


@click.group("schedule")
def schedule_group() -> None:
    """Jobs that a tenant runs by the clock."""


@schedule_group.command("list")
@click.option("--tenant", "slug", required=True)
def list_schedules(slug: str) -> None:
    """Every schedule, when it comes next and how the last time went."""
    with application(), inside(slug):
        rows = schedules.listing()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Key", "Cron", "State", "Next", "Last", "Job"):
        table.add_column(heading)
    for row in rows:
        moments = (f"{at:%Y-%m-%d %H:%M}Z" if at else "" for at in (row.next_at, row.last_at))
        state = "fixed" if row.fixed else "active" if row.active else "paused"
        table.add_row(row.key, row.cron, state, *moments, row.last_state or "")
    Console().print(table)


@schedule_group.command("run")
@click.argument("key")
@click.option("--tenant", "slug", required=True)
def run_schedule(key: str, slug: str) -> None:
    """Ask for its job at once, beside its own times."""
    with application(), inside(slug):
        job_id = schedules.run_now(key)
    click.echo(f"{job_id} waits for a worker.")


@schedule_group.command("pause")
@click.argument("key")
@click.option("--tenant", "slug", required=True)
def pause_schedule(key: str, slug: str) -> None:
    """Let it rest until it is resumed."""
    with application(), inside(slug):
        schedules.pause(key)
    click.echo(f"{key} is paused for {slug}.")


@schedule_group.command("resume")
@click.argument("key")
@click.option("--tenant", "slug", required=True)
def resume_schedule(key: str, slug: str) -> None:
    """Go on from now; what passed meanwhile is not made up for."""
    with application(), inside(slug):
        schedules.resume(key)
    click.echo(f"{key} goes on for {slug}.")
