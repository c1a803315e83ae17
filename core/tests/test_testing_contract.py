"""The contract suite finds what it is there to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from ossature.plugins.manifest import FoundPlugin, discover
from ossature.testing.catalogue import differences, read_schema, wall_faults
from ossature.testing.imports import domains_of, forbidden_imports
from ossature.testing.servers import Servers

Install = Callable[..., Path]


def found(key: str) -> FoundPlugin:
    return {plugin.key: plugin for plugin in discover()}[key]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("from ossature.api import Record", None),
        ("import ossature.api", None),
        ("import sqlalchemy", None),
        ("from test_soil.public import depth", None),
        ("from . import views", None),
        ("from ossature.db import session", "import it from ossature.api"),
        ("import ossature.records.service", "import it from ossature.api"),
        ("def late():\n    from ossature.errors import Detail", "import it from ossature.api"),
        ("from test_soil.models import Soil", "import it from test_soil.public"),
        ("from test_moss.public import green", "moss is not in requires"),
    ],
)
def test_imports_past_the_facade_are_named(install: Install, line: str, fault: str | None) -> None:
    install("soil")
    install("moss")
    install("tree", code=f"{line}\n", requires=["soil"])
    faults = forbidden_imports(found("tree"), discover())
    if fault is None:
        assert faults == []
    else:
        (only,) = faults
        assert fault in only
        assert "plugin.py:" in only


def test_the_domain_of_texts_is_read_from_the_code(install: Install) -> None:
    folder = install("tree", code='_, _l, _n = translator("bush")\n')
    ((domain, where),) = domains_of(folder)
    assert domain == "bush"
    assert where.endswith("plugin.py:1")


@pytest.mark.database
class TestCatalogue:
    @pytest.fixture
    def connection(self, servers: Servers, database: str) -> Iterator[psycopg.Connection]:
        with servers.connect(database) as connection:
            connection.execute("DROP SCHEMA IF EXISTS orchard CASCADE; CREATE SCHEMA orchard")
            yield connection
            connection.execute("DROP SCHEMA orchard CASCADE")

    @pytest.mark.parametrize(
        "change",
        [
            "ALTER TABLE orchard.tree ALTER height TYPE bigint",
            "ALTER TABLE orchard.tree ALTER height DROP NOT NULL",
            "ALTER TABLE orchard.tree ALTER height SET DEFAULT 2",
            "ALTER TABLE orchard.tree DROP CONSTRAINT tree_height_check",
            "ALTER TABLE orchard.tree ADD CONSTRAINT tall CHECK (height > 1)",
            "ALTER TABLE orchard.tree DISABLE ROW LEVEL SECURITY",
            "ALTER POLICY tenant ON orchard.tree WITH CHECK (true)",
            "DROP INDEX orchard.live; CREATE INDEX live ON orchard.tree (height) WHERE height > 3",
            "DROP TRIGGER bump ON orchard.tree",
            "GRANT TRUNCATE ON orchard.tree TO ossature_test_app",
            "ALTER TABLE orchard.tree ADD COLUMN age integer",
            "ALTER TABLE orchard.tree ALTER name TYPE text COLLATE \"C\"",
        ],
    )  # fmt: skip
    def test_a_difference_of_any_kind_is_named(self, connection: psycopg.Connection, change: str) -> None:
        connection.execute(
            "CREATE TABLE orchard.tree (tenant_id uuid, height integer NOT NULL CHECK (height > 0), name text);"
            "ALTER TABLE orchard.tree ENABLE ROW LEVEL SECURITY;"
            "CREATE POLICY tenant ON orchard.tree USING (tenant_id IS NULL) WITH CHECK (tenant_id IS NULL);"
            "CREATE INDEX live ON orchard.tree (height) WHERE height > 2;"
            "CREATE TRIGGER bump BEFORE UPDATE ON orchard.tree FOR EACH ROW EXECUTE FUNCTION ossature.bump_version('{}')"
        )
        before = read_schema(connection, "orchard")
        connection.execute(change)
        after = read_schema(connection, "orchard")
        assert differences(before, before, ["tree"]) == []
        assert differences(after, before, ["tree"]) != []

    def test_a_table_that_lets_tenants_meet_is_named(self, connection: psycopg.Connection) -> None:
        connection.execute(
            "CREATE TABLE orchard.tree (id uuid PRIMARY KEY, tenant_id uuid, up_id uuid REFERENCES orchard.tree)"
        )
        faults = "\n".join(wall_faults(read_schema(connection, "orchard")))
        for fault in (
            "row-level security is off",
            "no policy",
            "does not begin with tenant_id",
            "no trigger writes its history",
            "a foreign key that can cross tenants",
        ):
            assert fault in faults

    def test_a_policy_without_check_is_named(self, connection: psycopg.Connection) -> None:
        connection.execute(
            "CREATE TABLE orchard.tree (tenant_id uuid); ALTER TABLE orchard.tree ENABLE ROW LEVEL SECURITY;"
            "CREATE POLICY open ON orchard.tree USING (true)"
        )
        faults = "\n".join(wall_faults(read_schema(connection, "orchard")))
        assert "a policy without the tenant" in faults
        assert "a policy without check" in faults

    def test_a_table_without_tenant_needs_no_wall(self, connection: psycopg.Connection) -> None:
        connection.execute("CREATE TABLE orchard.season (name text PRIMARY KEY)")
        assert wall_faults(read_schema(connection, "orchard")) == []
