"""The processes behind the pages as commands, and jobs at the command line."""

from __future__ import annotations

import signal
import threading
from uuid import UUID

import click
import sqlalchemy as sa

from ossature.app import create_app
from ossature.auth.cli import application, inside
from ossature.config import Config
from ossature.db.kernel import job as job_table
from ossature.db.kernel import job_line
from ossature.db.work import session
from ossature.jobs import queue
from ossature.jobs.pushing import PRIORITIES
from ossature.kernel import Kernel
from ossature.logs import configure_logging


def _kernel(service: str) -> Kernel:
    config = Config.load()
    configure_logging(config, service)
    kernel: Kernel = create_app(config).extensions["ossature"]
    return kernel


def _stopping() -> threading.Event:
    """Set by SIGTERM and SIGINT: what is under way is finished, then the process ends."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop


@click.command()
@click.option(
    "--priority", "priorities", multiple=True, type=click.Choice(PRIORITIES), help="Only these; may be repeated."
)
@click.option("--burst", is_flag=True, help="End when there is nothing left to do.")
def worker(priorities: tuple[str, ...], burst: bool) -> None:
    """Run jobs, until SIGTERM; the present one is finished then."""
    kernel = _kernel("worker")
    from ossature.jobs.worker import work

    work(kernel, priorities or PRIORITIES, burst)


@click.command()
def dispatcher() -> None:
    """Hand events to their handlers and jobs to workers, until SIGTERM."""
    kernel = _kernel("dispatcher")
    from ossature.events.dispatcher import Dispatcher

    Dispatcher(kernel).run(_stopping())


@click.command()
def scheduler() -> None:
    """Ask for jobs by the clock, until SIGTERM. Several may run: each occurrence is asked for once."""
    kernel = _kernel("scheduler")
    from ossature.jobs.scheduler import Scheduler

    Scheduler(kernel).run(_stopping())


@click.group("job")
def job_group() -> None:
    """Jobs of a tenant."""


@job_group.command("list")
@click.option("--tenant", "slug", required=True)
@click.option("--state", type=click.Choice(["queued", "running", "failed", "dead", "succeeded", "cancelled", "parked"]))
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
def list_jobs(slug: str, state: str | None, limit: int) -> None:
    """List jobs, newest first."""
    with application(), inside(slug) as tenant:
        rows = session().execute(
            sa.select(job_table)
            .where(job_table.c.tenant_id == tenant.id, *([job_table.c.state == state] if state else []))
            .order_by(job_table.c.created_at.desc(), job_table.c.id.desc())
            .limit(limit)
        )
        for row in rows:
            progress = f" {row.done}/{row.total}" if row.total else ""
            click.echo(f"{row.id}  {row.created_at:%Y-%m-%d %H:%M:%S}  {row.state:<9}{progress}  {row.name}")


@job_group.command("show")
@click.argument("job_id", type=click.UUID)
@click.option("--tenant", "slug", required=True)
def show_job(job_id: UUID, slug: str) -> None:
    """Show a job and what it said."""
    with application(), inside(slug):
        row = queue.locked(job_id)
        for name in (
            "name",
            "state",
            "attempts",
            "done",
            "total",
            "note",
            "error",
            "due_at",
            "started_at",
            "finished_at",
        ):
            if row[name] is not None:
                click.echo(f"{name:<12} {row[name]}")
        lines = session().execute(
            sa.select(job_line)
            .where(job_line.c.tenant_id == row["tenant_id"], job_line.c.job_id == job_id)
            .order_by(job_line.c.id)
        )
        for line in lines:
            click.echo(f"{line.at:%Y-%m-%d %H:%M:%S}  {line.level:<7}  {line.text}")


@job_group.command("retry")
@click.argument("job_id", type=click.UUID)
@click.option("--tenant", "slug", required=True)
def retry_job(job_id: UUID, slug: str) -> None:
    """Try a job again that failed, died or was cancelled."""
    with application(), inside(slug):
        queue.retry(job_id)
    click.echo("It waits for a worker.")


@job_group.command("cancel")
@click.argument("job_id", type=click.UUID)
@click.option("--tenant", "slug", required=True)
def cancel_job(job_id: UUID, slug: str) -> None:
    """Cancel a job: at once while it waits, at its next step while it runs."""
    with application(), inside(slug):
        state = queue.cancel(job_id)
    click.echo("Cancelled." if state == "cancelled" else "It stops at its next step.")
