"""`ossature _dummy ...`"""

from __future__ import annotations

import click


@click.command("skip")
@click.argument("times", type=click.IntRange(1, 100))
def skip(times: int) -> None:
    """Skip a pebble over the water."""
    click.echo(" ".join(["plip"] * times))
