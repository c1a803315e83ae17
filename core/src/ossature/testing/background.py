"""Events and jobs in tests, without processes: everything that is due now, done here and in order."""

from __future__ import annotations

from ossature.context import Context
from ossature.db.work import transaction
from ossature.events.delivery import deliver, look
from ossature.jobs.run import run_job
from ossature.kernel import Kernel
from ossature.rbac.acting import forget_tenants
from ossature.testing.people import Tenant


def run_pending(tenant: Tenant) -> int:
    """Deliver the tenant's events and run its jobs that are due, and what these bring about; how many that was.

    What fails is planned for later, as in production, and is not tried again here.
    """
    kernel: Kernel = tenant.app.extensions["ossature"]
    forget_tenants()
    total = 0
    while count := _deliver_all(kernel, tenant) + _run_all(kernel, tenant):
        total += count
    return total


def _deliver_all(kernel: Kernel, tenant: Tenant) -> int:
    done = 0
    with transaction(Context(means="system"), role="system", database=kernel.db):
        found = [lane for lane in look().lanes if lane.tenant_id == tenant.id]
    for lane in found:
        while count := deliver(kernel, lane):
            done += count
    return done


def _run_all(kernel: Kernel, tenant: Tenant) -> int:
    from sqlalchemy import text

    with transaction(Context(means="system"), role="system", database=kernel.db) as work:
        due = work.scalars(
            text(
                "SELECT id FROM ossature.job WHERE tenant_id = :tenant AND state IN ('queued', 'failed') "
                "AND due_at <= now() ORDER BY created_at, id"
            ),
            {"tenant": tenant.id},
        ).all()
    return sum(1 for job_id in due if run_job(kernel, tenant.id, job_id, "test"))
