"""What the app role can do by SQL of its own making: what an injection, or a forgotten condition, would meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from flask import Flask
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import event, select
from sqlalchemy.engine import make_url

from ossature.context import Context, NoContext, use_context
from ossature.db import session, transaction
from ossature.kernel import Kernel
from ossature.testing.people import Tenant
from ossature_crm.models.contact import Contact

pytestmark = pytest.mark.database

# The history and the outbox: nobody changes what happened.
NEVER_CHANGED_OR_DELETED = (
    *(("ossature", name) for name in ("change", "change_set", "erasure", "event", "seal", "tagging", "undo")),
    ("billing", "issued"),
)
NEVER_CHANGED = ("ossature", "receipt")

MakeTenant = Callable[..., Tenant]


@pytest.fixture
def app_role(app: Flask) -> Iterator[psycopg.Connection[Any]]:
    """A raw connection with the rights of the application, nothing set."""
    kernel: Kernel = app.extensions["ossature"]
    url = make_url(kernel.config.app_database_url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        yield connection


@pytest.fixture
def tables(servers: Any, database: str) -> list[tuple[str, str]]:
    """Every table of a tenant's data."""
    with servers.connect(database) as connection:
        rows = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.columns JOIN information_schema.tables "
            "USING (table_schema, table_name) WHERE column_name = 'tenant_id' AND table_type = 'BASE TABLE' "
            "AND has_table_privilege('ossature_test_app', format('%I.%I', table_schema, table_name), 'SELECT')"
        ).fetchall()
    assert len(rows) > 20
    return rows


@pytest.fixture
def furnished(make_tenant: MakeTenant) -> Tenant:
    """An organisation with rows in many tables."""
    tenant = make_tenant()
    owner = tenant.member("owner")
    company = owner.api.post(
        "/api/companies", json={"name": "Acme", "addresses": [{"line1": "1 rue A", "city": "Lyon"}]}
    )
    owner.api.post("/api/contacts", json={"last_name": "Martin", "company_id": company.json["data"]["id"]})
    owner.api.post("/api/_kinds/samples", json={"name": "Quartz", "lines": [{"finding": "salt"}]})
    owner.api.post("/api/_dummy/pebbles", json={"name": "Galet"})
    owner.api.post("/api/ossature/teams", json={"name": "North"})
    return tenant


def use_tenant(connection: psycopg.Connection[Any], tenant: object) -> None:
    connection.execute(sql.SQL("SET ossature.tenant = {}").format(sql.Literal(str(tenant))))


def rows_of(connection: psycopg.Connection[Any], table: tuple[str, str]) -> list[UUID]:
    query = sql.SQL("SELECT tenant_id FROM {}").format(sql.Identifier(*table))
    return [row[0] for row in connection.execute(query).fetchall()]


@pytest.mark.req("S4-004", "S2-026", "S4-596")
def test_without_a_tenant_nothing_is_seen(
    app_role: psycopg.Connection[Any], tables: list[tuple[str, str]], furnished: Tenant
) -> None:
    for table in tables:
        assert rows_of(app_role, table) == [], table
    assert app_role.execute("SELECT id FROM ossature.tenant").fetchall() == []
    use_tenant(app_role, "")
    for table in tables:
        assert rows_of(app_role, table) == [], table


@pytest.mark.req("S4-004", "S2-026", "S4-596")
def test_with_one_tenant_only_its_rows_are_seen(
    app_role: psycopg.Connection[Any], tables: list[tuple[str, str]], furnished: Tenant, make_tenant: MakeTenant
) -> None:
    other = make_tenant()
    use_tenant(app_role, furnished.id)
    seen = {table: set(rows_of(app_role, table)) for table in tables}
    assert all(found <= {furnished.id} for found in seen.values())
    assert sum(bool(found) for found in seen.values()) >= 14
    use_tenant(app_role, other.id)
    assert all(set(rows_of(app_role, table)) <= {other.id} for table in tables)
    use_tenant(app_role, uuid4())
    assert all(rows_of(app_role, table) == [] for table in tables)


@pytest.mark.req("S4-595", "S4-596", "S2-033")
def test_rows_of_another_tenant_are_neither_changed_nor_deleted_nor_taken_over(
    app_role: psycopg.Connection[Any], tables: list[tuple[str, str]], furnished: Tenant, make_tenant: MakeTenant
) -> None:
    intruder = make_tenant()
    use_tenant(app_role, intruder.id)
    for table in tables:
        if table in NEVER_CHANGED_OR_DELETED:
            continue
        name = sql.Identifier(*table)
        where = sql.SQL("WHERE tenant_id = {}").format(sql.Literal(furnished.id))
        if table != NEVER_CHANGED:
            changed = app_role.execute(sql.SQL("UPDATE {} SET tenant_id = tenant_id {}").format(name, where))
            assert changed.rowcount == 0, table
        assert app_role.execute(sql.SQL("DELETE FROM {} {}").format(name, where)).rowcount == 0, table
        # a row of one's own cannot be given to another either
        moved = sql.SQL("UPDATE {} SET tenant_id = {}").format(name, sql.Literal(furnished.id))
        if rows_of(app_role, table):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.IntegrityError)):
                app_role.execute(moved)
    use_tenant(app_role, furnished.id)
    assert len(rows_of(app_role, ("crm", "contact"))) == 1


@pytest.mark.req("S4-595", "S4-596")
def test_nothing_is_inserted_for_another_tenant(
    app_role: psycopg.Connection[Any], tables: list[tuple[str, str]], furnished: Tenant, make_tenant: MakeTenant
) -> None:
    use_tenant(app_role, make_tenant().id)
    for table in tables:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app_role.execute(
                sql.SQL("INSERT INTO {} (tenant_id) VALUES ({})").format(
                    sql.Identifier(*table), sql.Literal(furnished.id)
                )
            )
    given = {"tenant_id": furnished.id, "id": uuid4(), "last_name": "Intruder"}
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        app_role.execute(
            "INSERT INTO crm.contact (tenant_id, id, last_name) VALUES (%(tenant_id)s, %(id)s, %(last_name)s)", given
        )


def test_a_guessed_id_of_another_tenant_is_no_reference(
    app_role: psycopg.Connection[Any], furnished: Tenant, make_tenant: MakeTenant
) -> None:
    use_tenant(app_role, furnished.id)
    ((company,),) = app_role.execute("SELECT id FROM crm.company").fetchall()
    use_tenant(app_role, make_tenant().id)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        app_role.execute("INSERT INTO crm.contact (id, last_name, company_id) VALUES (%s, 'X', %s)", [uuid4(), company])


def test_the_search_function_answers_for_the_bound_tenant_alone(
    app_role: psycopg.Connection[Any], furnished: Tenant, make_tenant: MakeTenant
) -> None:
    assert found(app_role, "martin") == set()
    use_tenant(app_role, make_tenant().id)
    assert found(app_role, "martin") == set()
    use_tenant(app_role, furnished.id)
    assert len(found(app_role, "martin")) == 1


def found(
    app_role: psycopg.Connection[Any], starts: str, record: str = "crm.contact", code: str = "email"
) -> set[UUID]:
    """The ids of every tier, for a word and for a whole code."""
    terms = Jsonb([{"starts": [starts], "parts": [starts], "words": [starts]}])
    ((exact, words, within),) = app_role.execute(
        "SELECT exact, words, within FROM ossature.search(%s, %s, %s, %s, 2000, false)",
        [record, terms, [starts], [code]],
    ).fetchall()
    return {*(exact or ()), *(words or ()), *(within or ())}


@pytest.mark.parametrize(
    "query",
    [
        "martin' OR true --",
        "'; DROP TABLE crm.contact; --",
        "%",
        "\\",
        "a:*|b",
        "$$",
        "martin') OR (tenant_id IS NOT NULL",
        "martin'':*'::tsquery) OR true --",
    ],
)
def test_the_search_function_takes_no_sql_from_its_words(
    app_role: psycopg.Connection[Any], furnished: Tenant, make_tenant: MakeTenant, query: str
) -> None:
    use_tenant(app_role, make_tenant().id)
    assert found(app_role, query) == set()
    assert found(app_role, "martin", record=query) == set()
    with pytest.raises(psycopg.errors.UndefinedColumn):
        found(app_role, "martin", code=query)


def test_the_history_is_written_by_its_trigger_alone(app_role: psycopg.Connection[Any], furnished: Tenant) -> None:
    use_tenant(app_role, furnished.id)
    before = rows_of(app_role, ("ossature", "change"))
    for statement in (
        "INSERT INTO ossature.change_set (tenant_id, at, id, means) "
        f"VALUES ('{furnished.id}', now(), gen_random_uuid(), 'page')",
        "UPDATE ossature.change SET payload = '{}'",
        "DELETE FROM ossature.change",
        "DELETE FROM ossature.change_set",
        "TRUNCATE ossature.change",
        "SELECT ossature.record_change()",
        "ALTER TABLE crm.contact DISABLE TRIGGER record_change",
        "DROP TRIGGER record_change ON crm.contact",
        "SET session_replication_role = replica",
        "ALTER TABLE crm.contact DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON crm.contact",
        "SET ROLE ossature_test_owner",
        "SET ROLE ossature_test_system",
        "CREATE TABLE crm.mine (id uuid)",
        "CREATE FUNCTION crm.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ):
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported)):
            app_role.execute(statement)
    assert rows_of(app_role, ("ossature", "change")) == before
    app_role.execute("UPDATE crm.contact SET job_title = 'Buyer'")
    assert len(rows_of(app_role, ("ossature", "change"))) == len(before) + 1


@pytest.mark.parametrize(
    "table", ["user_account", "session", "refresh_token", "password_link", "sign_in_attempt", "denial"]
)
def test_platform_tables_cannot_be_read(app_role: psycopg.Connection[Any], table: str) -> None:
    for statement in ("SELECT * FROM {}", "DELETE FROM {}", "SELECT count(*) FROM {}"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app_role.execute(sql.SQL(statement).format(sql.Identifier("ossature", table)))


def test_a_tenant_cannot_rename_itself_into_another_or_lift_its_suspension(
    app_role: psycopg.Connection[Any], furnished: Tenant, make_tenant: MakeTenant
) -> None:
    use_tenant(app_role, furnished.id)
    assert app_role.execute("SELECT id FROM ossature.tenant").fetchall() == [(furnished.id,)]
    for statement in (
        "UPDATE ossature.tenant SET slug = 'other'",
        "UPDATE ossature.tenant SET status = 'active'",
        "UPDATE ossature.tenant SET id = gen_random_uuid()",
        "INSERT INTO ossature.tenant (id, slug, name) VALUES (gen_random_uuid(), 'x', 'X')",
        "DELETE FROM ossature.tenant",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app_role.execute(statement)
    other = make_tenant()
    changed = app_role.execute("UPDATE ossature.tenant SET name = 'Taken' WHERE id = %s", [other.id])
    assert changed.rowcount == 0


def test_functions_of_administrators_need_an_administrators_session(
    app_role: psycopg.Connection[Any], furnished: Tenant
) -> None:
    session_id = furnished.member("owner").session("page")
    assert app_role.execute("SELECT * FROM ossature.platform_tenants(%s)", [session_id]).fetchall() == []
    refused = app_role.execute(
        "SELECT ossature.platform_set_status(%s, %s, 'suspended')", [session_id, furnished.id]
    ).fetchall()
    assert refused in ([], [(None,)])
    for function in (
        "system_set_status('{0}', 'suspended')",
        "system_user('a@b.example')",
        "system_denials('{0}', 10)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app_role.execute(f"SELECT * FROM ossature.{function.format(furnished.id)}".encode())


# -- the product's own ways in ----------------------------------------------------------------------------------------


@pytest.mark.req("S4-595", "S2-032", "S2-033")
def test_the_orm_names_the_tenant_in_what_it_reads_and_writes(furnished: Tenant, make_tenant: MakeTenant) -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    with furnished.work() as work:
        event.listen(work.connection(), "before_cursor_execute", note)
        contact = work.scalars(select(Contact)).one()
        added = Contact(last_name="Petit")
        work.add(added)
        work.flush()
    assert "crm.contact.tenant_id = " in statements[0]
    assert added.tenant_id == contact.tenant_id == furnished.id
    other = make_tenant()
    with other.work() as work:
        assert work.scalars(select(Contact)).all() == []
        assert work.get(Contact, (furnished.id, contact.id)) is None


def test_a_transaction_for_nobody_does_not_begin(app: Flask) -> None:
    kernel: Kernel = app.extensions["ossature"]
    with pytest.raises(NoContext), kernel.db.app.begin():
        pass
    with pytest.raises(NoContext), transaction() as work:
        work.connection()
    with pytest.raises(NoContext):
        session()


def test_a_connection_used_again_remembers_no_tenant(app: Flask, furnished: Tenant) -> None:
    """`SET LOCAL` ends with its transaction, so that a pooled connection starts with nobody's rows."""
    kernel: Kernel = app.extensions["ossature"]
    with furnished.work() as work:
        work.connection()
    for _again in range(10):
        with use_context(Context(means="system")), kernel.db.app.begin() as connection:
            assert connection.exec_driver_sql("SELECT current_setting('ossature.tenant', true)").scalar() == ""
            assert connection.exec_driver_sql("SELECT count(*) FROM crm.contact").scalar() == 0


@pytest.mark.parametrize("reason", ["it's", "a'; RESET ossature.tenant; --", "\\'", "x\x00y", "$$", "é" * 900])
def test_settings_of_a_transaction_cannot_end_their_quotes(furnished: Tenant, reason: str) -> None:
    with transaction(furnished.context.with_(reason=reason)) as work:
        set_to = work.connection().exec_driver_sql("SELECT current_setting('ossature.tenant')").scalar()
        assert set_to == str(furnished.id)
