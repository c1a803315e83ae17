"""`ossature person`: what is held of one person."""

from __future__ import annotations

from uuid import UUID

import click

from ossature.auth.cli import application, inside
from ossature.errors import Invalid
from ossature.history.erasure import erase_person
from ossature.kernel import kernel


@click.group("person")
def person_group() -> None:
    """What is held of one person."""


@person_group.command("erase")
@click.argument("record")
@click.argument("id", type=click.UUID)
@click.option("--tenant", "slug", required=True)
@click.option("--reason", required=True, help="Why; kept with the erasure. Name nobody in it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(record: str, id: UUID, slug: str, reason: str, yes: bool) -> None:
    """Take what is personal out of RECORD (such as crm.contact) ID, its search and its history, for good.

    Records that were merged into it are of the same person and are erased along.
    """
    with application():
        rt = kernel().records.get(record)
        if rt is None or rt.parent:
            known = ", ".join(sorted(one.key for one in kernel().records))
            raise Invalid(f"there is no record {record!r}; known are: {known}")
        if not yes:
            click.confirm(f"Nothing brings it back. Erase {record} {id} of {slug}?", abort=True)
        with inside(slug):
            erased = erase_person(rt, id, reason)
    click.echo(
        f"Erased: {erased.fields} fields, {erased.parts} rows that belonged to it, {erased.notes} notes, {erased.files} files, "
        f"{erased.external_ids} external ids, the content of {erased.changes} changes, "
        f"{erased.import_rows} rows of imports, {erased.mails} mails. The act is written down as {erased.id}."
    )
    click.echo(f"Erased records: {', '.join(map(str, erased.records))}")
    if erased.touched:
        click.echo(f"Taken out of records that one of them was merged into: {', '.join(map(str, erased.touched))}")
