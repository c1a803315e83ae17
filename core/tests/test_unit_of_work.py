"""One transaction around each view: committed before a response exists, undone by any refusal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask import Flask, Response
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ossature.config import Config
from ossature.context import Context, NoContext, current
from ossature.db import after_commit, session, transaction
from ossature.errors import Invalid
from ossature.kernel import Kernel, kernel
from ossature.rbac import signed_in
from ossature.records import service
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

ENDPOINT, PATH = "_dummy.show_heaviest", "/_dummy/heaviest"
View = Callable[[], Any]


@pytest.fixture
def ask(app: Flask, owner: Person, monkeypatch: pytest.MonkeyPatch) -> Callable[[View], Any]:
    """`ask(view)`: what a signed-in owner is answered by a route with that view, over the whole of the application."""

    def asked(view: View) -> Any:
        monkeypatch.setitem(app.view_functions, ENDPOINT, signed_in(view))
        return owner.page.get(PATH)

    return asked


def write(name: str = "Top") -> None:
    service.create(kernel().records["_kinds.shelf"], {"name": name})


def shelves(person: Person) -> list[str]:
    return [row["name"] for row in person.api.get("/api/_kinds/shelves").json["data"]]


def history(tenant: Tenant) -> int:
    with tenant.work() as work:
        query = text("SELECT count(*) FROM ossature.change WHERE record = '_kinds.shelf'")
        found: int = work.execute(query).scalar_one()
    return found


@pytest.mark.req("S4-088")
def test_what_a_view_wrote_is_there_when_it_answers_well(ask: Any, owner: Person) -> None:
    def view() -> str:
        write()
        return "done"

    assert ask(view).status_code == 200
    assert shelves(owner) == ["Top"]


@pytest.mark.req("S4-088")
@pytest.mark.parametrize("status", [400, 404, 409, 422, 500, 503])
def test_a_view_that_writes_and_then_answers_a_refusal_leaves_nothing(
    ask: Any, owner: Person, tenant: Tenant, status: int
) -> None:
    def view() -> tuple[str, int]:
        write()
        session().execute(text("SELECT 1"))
        return "no", status

    assert ask(view).status_code == status
    assert shelves(owner) == []
    assert history(tenant) == 0


def test_a_refusal_raised_leaves_nothing(ask: Any, owner: Person, tenant: Tenant) -> None:
    def view() -> str:
        write()
        raise Invalid("no")

    assert ask(view).status_code == 422
    assert shelves(owner) == []
    assert history(tenant) == 0


def test_a_failure_leaves_nothing_and_tells_nothing(ask: Any, owner: Person, tenant: Tenant) -> None:
    def view() -> str:
        write()
        raise ZeroDivisionError("the secret of the house")

    answer = ask(view)
    assert answer.status_code == 500
    assert "secret of the house" not in answer.text
    assert "Traceback" not in answer.text
    assert shelves(owner) == []
    assert history(tenant) == 0


def test_a_refused_statement_leaves_nothing_of_those_before_it(ask: Any, owner: Person) -> None:
    def view() -> str:
        write()
        session().execute(text("SELECT 1 / 0"))
        return "never"

    assert ask(view).status_code == 500
    assert shelves(owner) == []


@pytest.mark.req("S4-088")
def test_the_commit_comes_before_the_response_exists(app: Flask, ask: Any, owner: Person) -> None:
    """A client that reads the first byte of an answer may rely on what it says."""
    seen: list[list[str]] = []

    class Watched(Response):
        def __call__(self, environ: Any, start_response: Any) -> Any:
            seen.append(shelves_of(owner))
            return super().__call__(environ, start_response)

    def view() -> Response:
        write()
        return Watched("done")

    assert ask(view).status_code == 200
    assert seen == [["Top"]]


def shelves_of(person: Person) -> list[str]:
    """Read beside the request, on a connection of its own."""
    with transaction(person.context) as work:
        return list(work.execute(text("SELECT name FROM _kinds.shelf ORDER BY name")).scalars())


def test_a_commit_that_fails_is_answered_as_a_failure(ask: Any, owner: Person) -> None:
    def view() -> str:
        write()
        session().execute(text("CREATE TEMP TABLE late (a int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP"))
        session().execute(text("INSERT INTO late VALUES (1), (1)"))
        return "done"

    assert ask(view).status_code == 500
    assert shelves(owner) == []


def test_callbacks_run_after_the_commit_and_never_after_a_refusal(ask: Any, owner: Person) -> None:
    ran: list[list[str]] = []

    def view(status: int = 200) -> tuple[str, int]:
        write(f"Shelf {status}")
        after_commit(lambda: ran.append(shelves_of(owner)))
        return "done", status

    assert ask(lambda: view(422)).status_code == 422
    assert ran == []
    assert ask(view).status_code == 200
    assert ran == [["Shelf 200"]]


def test_a_callback_that_fails_hides_neither_the_commit_nor_the_others(ask: Any, owner: Person) -> None:
    ran: list[str] = []

    def fail() -> None:
        raise RuntimeError("too late to refuse")

    def view() -> str:
        write("Kept")
        after_commit(fail)
        after_commit(lambda: ran.append("second"))
        return "done"

    assert ask(view).status_code == 200
    assert (shelves(owner), ran) == (["Kept"], ["second"])


def test_nothing_follows_the_commit_of_what_was_rolled_back_before_it(ask: Any, owner: Person) -> None:
    ran: list[str] = []

    def view() -> str:
        after_commit(lambda: ran.append("lost"))
        session().rollback()
        after_commit(lambda: ran.append("before"))
        for word in ("held", "given up"):
            savepoint = session().begin_nested()
            after_commit(lambda word=word: ran.append(word))  # type: ignore[misc]
            savepoint.commit() if word == "held" else savepoint.rollback()
        write("Kept")
        return "done"

    assert ask(view).status_code == 200
    assert (shelves(owner), ran) == (["Kept"], ["before", "held"])


@pytest.mark.parametrize("state", ["40P01", "40001", "23505"])
def test_whoever_loses_to_another_writer_is_told_and_leaves_nothing(ask: Any, owner: Person, state: str) -> None:
    def view() -> None:
        write()
        session().execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'two met' USING ERRCODE = '{state}'; END $$"))

    assert ask(view).status_code == 409
    assert shelves(owner) == []


def test_an_error_of_the_database_repeats_nothing_of_what_was_written(tenant: Tenant) -> None:
    with pytest.raises(DBAPIError) as caught, tenant.work() as work:
        work.execute(text("SELECT 1 / (length(:name) - length(:name))"), {"name": "Anna Durand"})
    assert "Anna" not in str(caught.value)


def test_what_must_outlive_a_refusal_is_written_beside_it(ask: Any, owner: Person) -> None:
    def view() -> tuple[str, int]:
        write("Undone")
        with transaction():
            write("Kept")
        write("Undone too")
        return "no", 422

    assert ask(view).status_code == 422
    assert shelves(owner) == ["Kept"]


@pytest.mark.req("S2-059")
def test_the_record_of_a_denial_stays(app: Flask, tenant: Tenant) -> None:
    viewer = tenant.member("viewer")
    answer = viewer.api.post("/api/_kinds/shelves", json={"name": "X"})
    assert answer.status_code == 403
    with transaction(Context(means="command"), role="system") as work:
        (denial,) = work.execute(
            text("SELECT * FROM ossature.system_denials(:tenant, 10)"), {"tenant": tenant.id}
        ).all()
    assert (denial.permission, denial.method, denial.path) == ("_kinds.shelf.create", "POST", "/api/_kinds/shelves")
    assert denial.actor_id == viewer.member_id
    assert denial.request == answer.json["error"]["request_id"]


def test_a_denial_inside_a_view_is_recorded_and_undoes_what_it_wrote(ask: Any, owner: Person, tenant: Tenant) -> None:
    from ossature.errors import Forbidden

    def view() -> str:
        write()
        raise Forbidden("no", permission="x")

    assert ask(view).status_code == 403
    assert shelves(owner) == []
    with transaction(Context(means="command"), role="system") as work:
        found = work.execute(text("SELECT * FROM ossature.system_denials(:tenant, 10)"), {"tenant": tenant.id}).all()
    assert [row.path for row in found] == [PATH]


def test_work_without_a_context_is_refused_before_it_reaches_the_database(app: Flask) -> None:
    with pytest.raises(NoContext):
        current()
    with pytest.raises(NoContext):
        session()
    with pytest.raises(NoContext), transaction() as work:
        work.execute(text("SELECT 1"))
    found: Kernel = app.extensions["ossature"]
    for engine in (found.db.app, found.db.system, found.db.owner):
        with pytest.raises(NoContext), engine.connect() as connection:
            connection.execute(text("SELECT 1"))


def test_a_request_leaves_no_context_and_no_connection_behind(app: Flask, owner: Person) -> None:
    found: Kernel = app.extensions["ossature"]
    for path in ("/api/_kinds/shelves", "/api/nothing", "/_kinds/shelves", "/nothing"):
        (owner.api if path.startswith("/api") else owner.page).get(path)
        with pytest.raises(NoContext):
            current()
    assert found.db.app.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_view_that_reads_nothing_opens_no_transaction(ask: Any, statements: Any, app: Flask) -> None:
    ask(lambda: "warm")
    role = f"{app.extensions['ossature'].config.db_role_prefix}_app"
    with statements.counting(role) as counted:
        ask(lambda: "hello")
    assert len(counted) == 0, str(counted)


def test_connections_that_died_between_two_requests_are_not_noticed(owner: Person, ossature_config: Config) -> None:
    with owner.tenant.work() as one, owner.tenant.work() as other:
        for work in (one, other):
            work.execute(text("SELECT 1"))
    with psycopg.connect(ossature_config.database_url, autocommit=True) as operator:
        ended = operator.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = %s",
            [f"{ossature_config.db_role_prefix}_app"],
        ).fetchall()
    assert len(ended) >= 2
    assert owner.api.get("/api/_kinds/shelves").status_code == 200
    with owner.tenant.work() as one, owner.tenant.work() as other:
        for work in (one, other):
            assert work.execute(text("SELECT 1")).scalar_one() == 1


def test_a_statement_of_a_request_is_stopped_after_a_while_and_said_to_have_been(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_arguments: object) -> None:
        limit = session().scalar(text("SHOW statement_timeout"))
        assert limit == "20s"
        session().execute(text("SET LOCAL statement_timeout = 50"))
        session().execute(text("SELECT pg_sleep(5)"))

    monkeypatch.setattr("ossature.records.api.list_rows", slow)
    answer = owner.api.get("/api/_kinds/shelves")
    assert answer.status_code == 422
    assert answer.json["error"]["code"] == "too_slow"
    assert "filter" in answer.json["error"]["message"]


def test_jobs_may_take_longer_than_requests(tenant: Tenant) -> None:
    with transaction(Context(means="job")) as work:
        assert work.scalar(text("SHOW statement_timeout")) == "0"


def test_a_background_process_that_falls_silent_within_a_transaction_lets_go_of_what_it_holds(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ossature.db.database.SILENT_SECONDS", 1)
    lock = text("SELECT pg_try_advisory_xact_lock(hashtextextended('a lane', 0))")

    def free() -> bool:
        with transaction(Context(means="system"), role="system", database=kernel.db) as other:
            return bool(other.scalar(lock))

    def fall_silent() -> None:
        with transaction(Context(means="system"), role="system", database=kernel.db) as silent:
            silent.execute(lock)
            assert not free()
            time.sleep(1.5)
            assert free()
            silent.execute(text("SELECT 1"))

    with pytest.raises(DBAPIError, match="idle-in-transaction"):
        fall_silent()
    assert free()


def test_a_server_that_is_gone_without_a_word_is_noticed_within_a_minute(kernel: Kernel) -> None:
    for engine in (kernel.db.app, kernel.db.system):
        connection = engine.raw_connection()
        asked = connection.driver_connection.info.get_parameters()
        connection.close()
        idle, pause, times = (int(asked[f"keepalives_{name}"]) for name in ("idle", "interval", "count"))
        assert idle + pause * times <= 60
        assert int(asked["tcp_user_timeout"]) <= 60_000
