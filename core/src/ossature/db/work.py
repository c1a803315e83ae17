"""The unit of work: one transaction around a view, a job or a command.

Committed before a response exists, rolled back on any refusal; what must outlive a refusal is written in a
`transaction()` of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import event, text
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, with_loader_criteria

from ossature.context import Context, NoContext, current_or_none, use_context
from ossature.db.database import Database, Role

log = logging.getLogger(__name__)

_session: ContextVar[Session | None] = ContextVar("ossature_session", default=None)
_default: Database | None = None


def use_database(database: Database) -> None:
    """Make this the database of work begun outside a request; one per process."""
    global _default
    _default = database


def default_database() -> Database:
    if _default is None:
        raise RuntimeError("no database is open; create the application first")
    return _default


class WorkSession(Session):
    """A session that adds the tenant to every query and every new row, and runs callbacks once committed."""

    database: Database


@event.listens_for(WorkSession, "after_transaction_create")
def _begun(work: Session, transaction: SessionTransaction) -> None:
    begun = work.info.setdefault("begun", WeakKeyDictionary())
    begun[transaction] = len(work.info.get("after_commit", ())) if transaction.nested else 0


@event.listens_for(WorkSession, "after_soft_rollback")
def _rolled_back(work: Session, transaction: SessionTransaction) -> None:
    """What was to follow the commit of what is undone does not."""
    del work.info.get("after_commit", [])[work.info["begun"].get(transaction, 0) :]


def session() -> Session:
    """The session of the current unit of work."""
    found = _session.get()
    if found is None:
        raise NoContext("no unit of work is open; use `with transaction():`")
    return found


def change_set_id() -> UUID:
    """The change set that the current unit of work writes under."""
    found: UUID = session().connection().info["change_set_id"]
    return found


def by_means(means: str) -> None:
    """Have what is written from here on say by what means it came, where that is told apart from page, API or job.

    The change set is written with its first change: afterwards it is too late.
    """
    if not means.isalpha():
        raise ValueError(f"means {means!r} is not one word")
    session().execute(text(f"SET LOCAL ossature.means = '{means}'"))


def after_commit(callback: Callable[[], None]) -> None:
    """Run once the current unit of work has committed; never when it, or the savepoint that this is called in, rolls
    back. What it raises is logged."""
    work = session()
    if not work.in_transaction():
        work.begin()
    work.info.setdefault("after_commit", []).append(callback)


@contextmanager
def unit_of_work(database: Database, role: Role = "app") -> Iterator[Session]:
    """Open a session, bind it, commit at the end or roll back on an exception."""
    work = WorkSession(database.engine(role), autoflush=False, expire_on_commit=False)
    work.database = database
    token = _session.set(work)
    try:
        yield work
        work.commit()
    except BaseException:
        work.rollback()
        raise
    finally:
        _session.reset(token)
        work.close()
    for callback in work.info.get("after_commit", ()):
        try:
            callback()
        except Exception:  # what is written is written: neither the caller nor the other callbacks may miss it
            log.exception("a callback after the commit failed")


@contextmanager
def transaction(
    context: Context | None = None, role: Role = "app", database: Database | None = None
) -> Iterator[Session]:
    """A transaction of its own, beside the current unit of work if there is one."""
    if database is None:
        outer = _session.get()
        database = outer.database if isinstance(outer, WorkSession) else default_database()
    if context is None:
        with unit_of_work(database, role) as work:
            yield work
    else:
        with use_context(context), unit_of_work(database, role) as work:
            yield work


@event.listens_for(WorkSession, "do_orm_execute")
def add_tenant(state: ORMExecuteState) -> None:
    """Name the tenant in every ORM query: the policy gives security, the predicate routing and speed."""
    from ossature.db.tenancy import TenantTable

    if not state.is_orm_statement or state.is_column_load or state.is_relationship_load:
        return
    context = current_or_none()
    if context is None or context.tenant_id is None:
        return
    tenant_id = context.tenant_id
    state.statement = state.statement.options(
        with_loader_criteria(TenantTable, lambda cls: cls.tenant_id == tenant_id, include_aliases=True)
    )
