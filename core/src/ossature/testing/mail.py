"""Mail in tests: what was asked to be sent. Without a mail server it is kept, so that nothing leaves the machine."""

from __future__ import annotations

from sqlalchemy import select

from ossature.mail.table import COLUMNS, Mail, as_mail, table
from ossature.testing.people import Tenant


def outgoing(tenant: Tenant) -> list[Mail]:
    """The mails of an organisation, in the order in which they were asked for; `run_pending` has those that wait sent."""
    with tenant.work() as work:
        rows = work.execute(select(*COLUMNS).where(table.c.tenant_id == tenant.id).order_by(table.c.id))
        return [as_mail(row) for row in rows.mappings()]
