"""What Redis lost is handed over again, however much waits there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from flask import Flask

from ossature.context import Context
from ossature.db.work import transaction
from ossature.jobs.pushing import _MARK, Pushing
from ossature.kernel import Kernel
from ossature.testing.people import Tenant
from ossature.testing.servers import Servers

pytestmark = pytest.mark.database

_WAITING = """
INSERT INTO ossature.job (tenant_id, id, name, version, args, most_attempts, time_limit, as_system, pushed_at)
SELECT %s, gen_random_uuid(), 'ossature.none', 1, '{}', 1, 60, true,
       now() - interval '1 hour' + make_interval(secs => number)
FROM generate_series(1, %s) number RETURNING id, pushed_at
"""


@pytest.fixture
def pushing(app: Flask) -> Iterator[Pushing]:
    kernel: Kernel = app.extensions["ossature"]
    found = Pushing(kernel, redis.Redis.from_url(kernel.config.redis_url))
    empty(found)
    found.tend()  # it gets to know this Redis
    yield found
    empty(found)
    found.connection.close()


def empty(pushing: Pushing) -> None:
    """Of what concerns jobs: sessions of other tests are there too."""
    pushing.connection.delete(_MARK, *(queue.key for queue in pushing.queues.values()))


def killed_before_the_commit(pushing: Pushing) -> None:
    with transaction(Context(means="system"), "system", pushing.kernel.db):
        pushing._push_again_what_redis_lost()
        raise RuntimeError("killed")


def test_a_job_that_redis_forgot_is_found_behind_many_that_wait_there(
    pushing: Pushing, tenant: Tenant, servers: Servers, database: str
) -> None:
    with servers.connect(database) as connection:
        jobs = connection.execute(_WAITING, [tenant.id, 600]).fetchall()
        *waiting, (forgotten, _at) = sorted(jobs, key=lambda job: job[1])
        pushing.connection.rpush(pushing.queues["normal"].key, *(f"{job}-0" for job, _at in waiting))
        pushing.tend()
        again = connection.execute(
            "SELECT id FROM ossature.job WHERE tenant_id = %s AND pushed_at IS NULL", [tenant.id]
        ).fetchall()
        assert again == [(forgotten,)]
        connection.execute("DELETE FROM ossature.job WHERE tenant_id = %s", [tenant.id])


def test_a_redis_is_known_only_once_its_jobs_are_planned_again(
    pushing: Pushing, tenant: Tenant, servers: Servers, database: str
) -> None:
    with servers.connect(database) as connection:
        connection.execute(_WAITING, [tenant.id, 3])
        unpushed = "SELECT count(*) FROM ossature.job WHERE tenant_id = %s AND pushed_at IS NULL"
        empty(pushing)
        with pytest.raises(RuntimeError, match="killed"):
            killed_before_the_commit(pushing)
        assert connection.execute(unpushed, [tenant.id]).fetchone() == (0,)
        pushing.tend()
        assert connection.execute(unpushed, [tenant.id]).fetchone() == (3,)
        connection.execute("DELETE FROM ossature.job WHERE tenant_id = %s", [tenant.id])
