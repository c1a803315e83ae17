"""`ossature billing ...`"""

from __future__ import annotations

import click

from ossature.api import each_tenant


@click.command("verify")
@click.option("--tenant", "slug", help="Only this organisation; all unless given.")
def verify(slug: str | None) -> None:
    """Are all issued documents as they were issued, and their numbers without a gap?"""
    from ossature_billing import verifying

    found = False
    for tenant in each_tenant(slug):
        faults = list(verifying.faults())
        found = found or bool(faults)
        for fault in faults:
            click.echo(f"{tenant.slug}: {fault}", err=True)
        click.echo(f"{tenant.slug}: {verifying.count()} documents, {len(faults)} faults")
    if found:
        raise click.ClickException("documents are not as they were issued; compare with a backup of before.")
