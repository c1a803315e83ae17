"""`ossature demo load` and `ossature demo remove`."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from ossature.context import TenantInfo, use_context
from ossature.errors import Refusal
from ossature.hooks.types import DemoSize


@click.group("demo")
def demo_group() -> None:
    """Demo data: load, remove."""


@demo_group.command()
@click.option("--tenant", default="demo", show_default=True, help="Short name of the tenant.")
@click.option("--size", type=click.Choice([size.value for size in DemoSize]), default="small", show_default=True,
              help="200, 10,000 or 100,000 contacts.")  # fmt: skip
def load(tenant: str, size: str) -> None:
    """Fill a tenant with sample records, the same each time."""
    from ossature.demo.loading import load_demo

    started = time.perf_counter()
    _run(tenant, lambda found: load_demo(found, DemoSize(size), click.echo))
    click.echo(
        f"Loaded in {time.perf_counter() - started:.1f} s. Take it away with: ossature demo remove --tenant {tenant}"
    )


@demo_group.command()
@click.option("--tenant", default="demo", show_default=True, help="Short name of the tenant.")
def remove(tenant: str) -> None:
    """Take the sample records away; what people entered stays."""
    from ossature.demo.loading import remove_demo

    _run(tenant, lambda found: remove_demo(found, click.echo))
    click.echo("Removed.")


def _run(slug: str, act: Callable[[TenantInfo], None]) -> None:
    from sqlalchemy import text

    from ossature.app import create_app
    from ossature.config import Config
    from ossature.context import Context
    from ossature.db import transaction

    create_app(Config.load())
    try:
        with use_context(Context(means="command")):
            with transaction() as work:
                row = work.execute(text("SELECT * FROM ossature.find_tenant(:slug)"), {"slug": slug}).first()
            if row is None:
                raise click.ClickException(f"there is no tenant {slug!r}; `ossature tenant list` names them")
            act(TenantInfo(row.id, row.slug, row.name, row.locale, row.time_zone))
    except Refusal as refusal:
        raise click.ClickException(str(refusal.message)) from None
