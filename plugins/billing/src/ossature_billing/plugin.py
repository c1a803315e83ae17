"""What billing brings to the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ossature.api import Record, Screens, hookimpl
from ossature_billing import commands, screens
from ossature_billing.models.series import Series

if TYPE_CHECKING:
    import click


@hookimpl
def register_records() -> list[type[Record]]:
    return [Series]


@hookimpl
def register_screens() -> list[Screens]:
    return [screens.series_screens]


@hookimpl
def register_commands() -> list[click.Command]:
    return [commands.verify]
