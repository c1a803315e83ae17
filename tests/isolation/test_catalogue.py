"""The wall between tenants as PostgreSQL's own catalogue tells it, over every table of every schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from ossature.testing.servers import ROLES, Servers

pytestmark = pytest.mark.database

APP, SYSTEM, OWNER = f"{ROLES}_app", f"{ROLES}_system", f"{ROLES}_owner"
TENANT = "(NULLIF(current_setting('ossature.tenant'::text, true), ''::text))::uuid"

# Tables that are the history itself: written by the trigger of all others, so that they cannot have it, by a sequence
# or a change set's id, and read only. Their partitions are reached through them and granted to nobody.
HISTORY = re.compile(r"^ossature\.change(_set)?(_\d{4}_\d\d|_rest)?$")
# The outbox is written by the trigger of the history or with a business transaction, numbered by the same sequence.
OUTBOX = re.compile(r"^ossature\.event(_\d{4}_\d\d|_rest)?$")
PARTITION = re.compile(r"^ossature\.(change(_set)?|event)(_\d{4}_\d\d|_rest)$")

# Work that is under way: what it did is in the history, its own coming and going is not worth a line there.
WORK = {
    "ossature.delivery": "what a handler is still owed; gone once it has it",
    "ossature.receipt": "that a handler had an event",
    "ossature.job": "keeps its own course: state, attempts, times, who asked",
    "ossature.job_line": "what a job said about its course",
    "ossature.occurrence": "that a schedule came to a time, and the job that was asked for",
    "ossature.pin": "what a person keeps at hand",
    "ossature.view_default": "what a person's list opens with",
    "ossature.mass": "what was asked for at once, and how far it is; the records' own history has what it changed",
    "ossature.mass_row": "what became of one record of it",
    "ossature.import_run": "a file that is imported, and how far it is; the records' own history has what it wrote",
    "ossature.import_row": "a row of it, and what became of it",
    "ossature.mail": "keeps its own course: state, attempts, times, who asked, what the mail server said",
    "ossature.duplicate": "a pair that a search found, and whether somebody set it apart",
    "ossature.merged": "where an old id leads; the records' own history has the merge",
    "ossature.import_preset": "what the columns of a kind of file mean, to be said once",
    "ossature.kept_answer": "what a request was answered that may be sent again",
    "ossature.draft": "what a person was writing and has not saved",
    "ossature.tag": "a word and its colour; what renaming it writes is in the history of the records",
    "ossature.tagging": "follows from the tags of a record, whose history has them",
    "ossature.seal": "covers the history",
    "ossature.undo": "says which change set undid which",
}

# Keys that lead with the tenant and then say by themselves what the row is about, instead of an id.
OWN_KEYS = {
    "ossature.delivery": "PRIMARY KEY (tenant_id, handler, seq)",
    "ossature.receipt": "PRIMARY KEY (tenant_id, handler, event_id)",
    "ossature.occurrence": "PRIMARY KEY (tenant_id, schedule, at)",
    "ossature.mass_row": "PRIMARY KEY (tenant_id, mass_id, number)",
    "ossature.import_row": "PRIMARY KEY (tenant_id, import_id, number)",
    "ossature.kept_answer": "PRIMARY KEY (tenant_id, actor_id, key)",
    "ossature.tagging": "PRIMARY KEY (tenant_id, record_id, record, fold)",
    "ossature.seal": "PRIMARY KEY (tenant_id, number)",
}

# Columns named like references that no key enforces, since what they name may be elsewhere or gone.
LOOSE = {
    "ossature.tenant_plugin.enabled_by_id": "remembered even where the actor is of the platform",
    "ossature.api_key.created_by_id": "remembered even where the actor is of the platform",
    "ossature.public_link.created_by_id": "remembered even where the actor is of the platform",
    "ossature.public_link.record_id": "of any record; a link to one that is gone opens nothing",
    "ossature.delivery.record_id": "of any record, gone for good or not: it keeps events of one record in order",
    "ossature.receipt.event_id": "events are forgotten by month, receipts by their age",
    "ossature.erasure.record_id": "of any record; what it held is gone",
    "ossature.mass.change_set_id": "a change set has a row only once something was changed",
    "ossature.mass.job_id": "jobs are forgotten sooner than their results",
    "ossature.mass_row.record_id": "of any record, found or not: what is not found is refused",
    "ossature.import_run.change_set_id": "a change set has a row only once something was written",
    "ossature.import_run.job_id": "jobs are forgotten sooner than imports may be",
    "ossature.import_row.record_id": "of any record, which may be gone since",
    "ossature.duplicate.a_id": "of any record, found anew by each search",
    "ossature.duplicate.b_id": "of any record, found anew by each search",
    "ossature.duplicate.merged_id": "of a merge, which is forgotten when it is undone",
    "ossature.merged.from_id": "of any record; one that is gone for good leads on all the same",
    "ossature.merged.to_id": "of any record; one that is gone for good leads nowhere",
    "ossature.merged.change_set_id": "a change set, told apart by its time as well",
    "ossature.undo.undone_id": "a change set, told apart by its time as well",
    "ossature.mail.record_id": "of any record, which may be gone since",
    "ossature.note.record_id": "of any record, hidden with it",
    "ossature.external_id.record_id": "of any record, hidden with it",
    "ossature.pin.record_id": "of any record; one that is gone is not shown",
    "ossature.draft.record_id": "of any record, or of none that is made; forgotten after 30 days",
    "ossature.file.record_id": "of any record, which it is forgotten with",
    "ossature.tagging.record_id": "of any record, kept by the trigger of its table",
}

# Policies of the system role beside that of the tenant: dispatcher, scheduler and the tidying look over all tenants for
# what is due. Whatever they then do for one of them, they do with its tenant bound.
EVERY = {
    "ossature.event": "dispatcher: what is to be delivered",
    "ossature.delivery": "dispatcher: which lanes have something to deliver",
    "ossature.job": "dispatcher: what is due, what fell silent",
    "ossature.job_line": "dispatcher: goes with its job",
    "ossature.schedule": "scheduler: what comes next",
    "ossature.occurrence": "scheduler: what came",
}
READ_BY_SYSTEM = {"ossature.tenant_plugin": "scheduler: which tenants have the plugin of a schedule"}

# Within the tenant, for the one who wrote them alone: a restrictive policy of the app role on top of the tenant's.
ACTOR = "(NULLIF(current_setting('ossature.actor'::text, true), ''::text))::uuid"
OWN = {"ossature.draft": "what a person was writing"}

FOREIGN_KEY = re.compile(r"FOREIGN KEY \(tenant_id, \w+\) REFERENCES [\w.]+\(tenant_id, id\)")

# What stands outside any tenant: closed to the app role but for these rights.
READABLE = {
    "ossature.tenant": "its own row alone, by a policy on the id",
    "ossature.plugin": "which plugins this deployment runs; nothing of a tenant",
    "ossature.record_type": "which tables the search function may read; nothing of a tenant",
}


@pytest.fixture(scope="module")
def catalogue(servers: Servers, database: str) -> Iterator[psycopg.Connection[Any]]:
    with servers.connect(database) as connection:
        yield connection


@pytest.fixture(scope="module")
def tenant_tables(catalogue: psycopg.Connection[Any]) -> dict[str, int]:
    """Every table with a `tenant_id`, of whatever schema: `schema.name` -> oid."""
    rows = catalogue.execute(
        "SELECT format('%s.%s', n.nspname, c.relname), c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped "
        "WHERE c.relkind IN ('r', 'p') ORDER BY 1"
    ).fetchall()
    found = dict(rows)
    assert {"ossature.member", "ossature.change", "crm.contact", "crm.contact_address", "_dummy.pebble"} <= found.keys()
    return found


def column(catalogue: psycopg.Connection[Any], query: str, *values: Any) -> list[Any]:
    return [row[0] for row in catalogue.execute(query, values).fetchall()]


@pytest.mark.req("S4-093", "S4-139", "S2-023")
def test_every_table_names_its_tenant_but_for_a_stated_few(
    catalogue: psycopg.Connection[Any], tenant_tables: dict[str, int]
) -> None:
    every = column(
        catalogue,
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)' ORDER BY 1",
    )
    outside = {name for name in every if name not in tenant_tables and not name.endswith(".migration")}
    assert outside == {
        *READABLE, "ossature.user_account", "ossature.session", "ossature.refresh_token", "ossature.invitation", "ossature.password_link",
        "ossature.sign_in_attempt", "ossature.denial",
        "ossature.subscription",  # which handler takes which event: what plugins declare, nothing of a tenant
    }  # fmt: skip


@pytest.mark.req("S4-063", "S2-031")
def test_row_level_security_is_on_for_every_table_of_a_tenant(
    catalogue: psycopg.Connection[Any], tenant_tables: dict[str, int]
) -> None:
    off = [
        name
        for name, oid in tenant_tables.items()
        if not column(catalogue, "SELECT relrowsecurity FROM pg_class WHERE oid = %s", oid)[0]
    ]
    assert off == []


@pytest.mark.req("S4-063", "S2-031")
def test_every_policy_names_the_tenant_in_what_is_read_and_in_what_is_written(
    catalogue: psycopg.Connection[Any], tenant_tables: dict[str, int]
) -> None:
    faults = []
    for name, oid in tenant_tables.items():
        policies = catalogue.execute(
            "SELECT polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid), polcmd::text, "
            "(SELECT array_agg(r::regrole::text ORDER BY 1) FROM unnest(polroles) r) FROM pg_policy WHERE polrelid = %s",
            [oid],
        ).fetchall()
        if not policies and not PARTITION.match(name):  # without a policy nobody but the owner sees a row
            faults.append(f"{name}: no policy")
        for policy, using, check, command, grantees in policies:
            everything = ("true", "true", "*") if name in EVERY else ("true", None, "r")
            if policy == "every" and (name in EVERY or name in READ_BY_SYSTEM):
                if (using, check, command) != everything or grantees != [SYSTEM]:
                    faults.append(f"{name}: every {using} {check} {command} to {grantees}")
                continue
            if policy == "own" and name in OWN:
                if using != check or using != f"(actor_id = {ACTOR})" or command != "*" or grantees != [APP]:
                    faults.append(f"{name}: own {using} {check} {command} to {grantees}")
                continue
            if using != check or using != f"(tenant_id = {TENANT})":
                faults.append(f"{name}: using {using} check {check}")
            if command != "*" or grantees != sorted([APP, SYSTEM]):
                faults.append(f"{name}: policy for {command!r} to {grantees}")
    own = column(
        catalogue, "SELECT polrelid::regclass::text FROM pg_policy WHERE polname = 'own' AND NOT polpermissive"
    )
    assert set(own) == OWN.keys()
    assert faults == []


@pytest.mark.req("S0-14", "S4-615", "S4-144")
def test_every_key_carries_the_tenant(catalogue: psycopg.Connection[Any], tenant_tables: dict[str, int]) -> None:
    faults = []
    for name, oid in tenant_tables.items():
        constraints = catalogue.execute(
            "SELECT contype, pg_get_constraintdef(oid), confrelid::regclass::text FROM pg_constraint "
            "WHERE conrelid = %s AND contype IN ('p', 'f', 'u')",
            [oid],
        ).fetchall()
        primary = [definition for kind, definition, _target in constraints if kind == "p"]
        free = HISTORY.match(name) or OUTBOX.match(name)
        expected = "PRIMARY KEY (tenant_id, " if free else OWN_KEYS.get(name, "PRIMARY KEY (tenant_id, id)")
        if not (primary and primary[0].startswith(expected)):
            faults.append(f"{name}: {primary}")
        for kind, definition, target in constraints:
            outside = target in ("ossature.tenant", "ossature.user_account")
            if kind == "f" and not outside and not FOREIGN_KEY.match(definition):
                faults.append(f"{name}: {definition}")
            if kind == "u" and "(tenant_id, " not in definition and definition != "UNIQUE (prefix)":
                faults.append(f"{name}: {definition}")
    assert faults == []


def test_unique_indexes_are_per_tenant(catalogue: psycopg.Connection[Any], tenant_tables: dict[str, int]) -> None:
    for oid in tenant_tables.values():
        for definition in column(
            catalogue, "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s AND indisunique", oid
        ):
            # a key's prefix is looked up before its tenant is known
            assert "(tenant_id, " in definition or definition.endswith("btree (prefix)"), definition


def test_every_reference_column_is_a_key_the_database_enforces(
    catalogue: psycopg.Connection[Any], tenant_tables: dict[str, int]
) -> None:
    loose = []
    for name, oid in tenant_tables.items():
        if HISTORY.match(name) or OUTBOX.match(name):
            continue
        named = column(
            catalogue,
            "SELECT attname FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND attname ~ '_id$' AND NOT attisdropped",
            oid,
        )
        keyed = column(
            catalogue,
            "SELECT DISTINCT a.attname FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid "
            "AND a.attnum = ANY (k.conkey) WHERE k.conrelid = %s AND k.contype = 'f'",
            oid,
        )
        loose += [f"{name}.{one}" for one in sorted(set(named) - set(keyed))]
    assert set(loose) <= LOOSE.keys()


@pytest.mark.req("S3-114", "S4-675")
def test_names_are_snake_case_and_a_table_is_singular(tenant_tables: dict[str, int]) -> None:
    for name in tenant_tables:
        assert re.fullmatch(r"_?[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", name), name
        assert name.endswith(("ss", "series")) or not name.endswith("s"), name


def test_every_table_but_the_history_and_work_under_way_writes_the_history(
    catalogue: psycopg.Connection[Any], tenant_tables: dict[str, int]
) -> None:
    without = []
    for name, oid in tenant_tables.items():
        triggers = column(
            catalogue,
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = %s AND NOT tgisinternal AND tgenabled = 'O'",
            oid,
        )
        if not any("AFTER INSERT OR DELETE OR UPDATE" in one and "ossature.record_change(" in one for one in triggers):
            without.append(name)
    assert all(HISTORY.match(name) or OUTBOX.match(name) or name in WORK for name in without), without
    assert {"ossature.change", "ossature.change_set"} <= set(without)


@pytest.mark.req("S4-140", "S3-115", "S4-142")
def test_every_record_has_the_audit_columns_and_the_version_trigger(catalogue: psycopg.Connection[Any]) -> None:
    tables = catalogue.execute("SELECT schema_name, table_name FROM ossature.record_type").fetchall()
    assert len(tables) >= 12
    for schema, table in tables:
        columns = column(
            catalogue,
            "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s",
            schema, table,
        )  # fmt: skip
        base = {"created_at", "created_by_id", "updated_at", "updated_by_id", "version", "deleted_at", "custom"}
        assert base <= set(columns), table
        triggers = column(
            catalogue,
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal",
            f'"{schema}"."{table}"',
        )
        assert any("BEFORE UPDATE" in one and "ossature.bump_version(" in one for one in triggers), table


@pytest.mark.req("S4-063")
def test_the_roles_of_the_application_own_nothing_and_bypass_nothing(catalogue: psycopg.Connection[Any]) -> None:
    for role in (APP, SYSTEM):
        (rights,) = catalogue.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles WHERE rolname = %s",
            [role],
        ).fetchall()
        assert rights == (False, False, False, False, False), role
        assert column(catalogue, "SELECT relname FROM pg_class WHERE relowner = %s::regrole", role) == []
        assert column(catalogue, "SELECT proname FROM pg_proc WHERE proowner = %s::regrole", role) == []
        assert column(catalogue, "SELECT nspname FROM pg_namespace WHERE nspowner = %s::regrole", role) == []
        member_of = column(
            catalogue,
            "SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid WHERE m.member = %s::regrole",
            role,
        )
        assert member_of == [], role
        assert not column(
            catalogue, "SELECT nspname FROM pg_namespace WHERE has_schema_privilege(%s, oid, 'CREATE') AND nspname !~ '^pg_'",
            role,
        ), role  # fmt: skip


def test_platform_tables_are_closed_to_the_app_role(
    catalogue: psycopg.Connection[Any], tenant_tables: dict[str, int]
) -> None:
    open_to_app = column(
        catalogue,
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)' "
        "AND has_table_privilege(%s, format('%%I.%%I', schemaname, tablename), 'SELECT') ORDER BY 1",
        APP,
    )
    assert {name for name in open_to_app if name not in tenant_tables and not name.endswith(".migration")} == set(
        READABLE
    )


def test_the_app_role_reads_the_history_and_never_writes_it(catalogue: psycopg.Connection[Any]) -> None:
    for table in ("ossature.change", "ossature.change_set"):
        for role in (APP, SYSTEM):
            held = [
                right
                for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
                if column(catalogue, "SELECT has_table_privilege(%s, %s, %s)", role, table, right)[0]
            ]
            assert held == ["SELECT"], (table, role)
    for role, rights in ((APP, "SELECT INSERT"), (SYSTEM, "SELECT")):  # what was written to the outbox stays
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"):
            (may,) = column(catalogue, "SELECT has_table_privilege(%s, 'ossature.event', %s)", role, right)
            assert may == (right in rights.split()), (role, right)
    partitions = [
        name
        for name in column(
            catalogue, "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relispartition AND c.relkind = 'r'"
        )
        if column(catalogue, "SELECT has_table_privilege(%s, %s, 'SELECT, INSERT, UPDATE, DELETE')", APP, name)[0]
    ]
    assert partitions == []


def test_nobody_truncates_and_nothing_is_granted_to_everybody(
    catalogue: psycopg.Connection[Any], tenant_tables: dict[str, int]
) -> None:
    for name, oid in tenant_tables.items():
        grants = catalogue.execute(
            "SELECT coalesce(nullif(g.grantee, 0)::regrole::text, 'public'), g.privilege_type FROM pg_class c, "
            "aclexplode(c.relacl) g WHERE c.oid = %s AND g.grantee <> c.relowner",
            [oid],
        ).fetchall()
        assert {grantee for grantee, _right in grants} <= {APP, SYSTEM}, name
        assert {right for _grantee, right in grants} <= {"SELECT", "INSERT", "UPDATE", "DELETE"}, name


def test_functions_with_the_owners_rights_are_closed_to_everybody_and_pin_their_search_path(
    catalogue: psycopg.Connection[Any],
) -> None:
    functions = catalogue.execute(
        "SELECT p.oid::regprocedure::text, p.proconfig, has_function_privilege('public', p.oid, 'EXECUTE') "
        "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE p.prosecdef AND n.nspname !~ '^(pg_|information_schema)'"
    ).fetchall()
    assert len(functions) > 20
    for name, settings, everybody in functions:
        assert not everybody, name
        assert any(one.startswith("search_path=pg_catalog, pg_temp") for one in settings or ()), (name, settings)
