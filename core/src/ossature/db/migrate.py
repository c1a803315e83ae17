"""Migrations: one schema and one Alembic version table per plugin, upgraded in dependency order by a command.

Nothing here runs when an application starts; `ossature migrate` does, as the owner role, each plugin in one
transaction.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, LiteralString

from alembic.config import Config as AlembicConfig
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from psycopg.errors import DuplicateObject, InternalError_, UniqueViolation
from sqlalchemy import Connection, create_engine, make_url, text

import ossature.db.operations as _operations  # noqa: F401  (registers the operations)
from ossature.config import Config
from ossature.context import Context, use_context
from ossature.db.database import OLDEST_VERSION, Database
from ossature.plugins.migrations import KERNEL, MigrationState, Source, sources, status

EXTENSIONS = ("pg_trgm", "btree_gin")


class DatabaseTooOld(RuntimeError):
    """The server is older than the product supports."""


def prepare(config: Config) -> list[str]:
    """Create the roles and what extensions the server offers; safe to repeat. Returns what was done, in words."""
    engine = create_engine(make_url(config.database_url).set(drivername="postgresql+psycopg"))
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            return [*_prepare_roles(connection, config), *_prepare_extensions(connection)]
    finally:
        engine.dispose()


def _prepare_roles(connection: Connection, config: Config) -> list[str]:
    done = []
    _check_version(connection)
    database = connection.exec_driver_sql("SELECT current_database()").scalar_one()
    present = set(connection.exec_driver_sql("SELECT rolname FROM pg_roles").scalars())
    names = {suffix: f"{config.db_role_prefix}_{suffix}" for suffix in ("owner", "app", "system")}
    for name in names.values():
        if name not in present and _said(connection, "CREATE ROLE {} NOSUPERUSER NOBYPASSRLS", name):
            done.append(f"role {name} created")
    for suffix, url in (("app", config.app_database_url), ("system", config.system_database_url)):
        if password := make_url(url).password:
            _said(connection, "ALTER ROLE {} LOGIN PASSWORD {}", names[suffix], sql.Literal(str(password)))
        else:
            _said(connection, "ALTER ROLE {} LOGIN", names[suffix])
        _said(connection, "ALTER ROLE {} SET search_path = ''", names[suffix])
        _said(connection, "GRANT CONNECT ON DATABASE {} TO {}", database, names[suffix])
    # A page of a list stops after some rows. With the true size of the cache PostgreSQL spreads the cost of a table that
    # lies in it over all of its rows, and walks through 25,000 in their order where an index names 3,000.
    _said(connection, "ALTER ROLE {} SET effective_cache_size = '32MB'", names["app"])
    _said(connection, "GRANT {} TO CURRENT_USER", names["owner"])
    _said(connection, "GRANT CREATE, CONNECT ON DATABASE {} TO {}", database, names["owner"])
    return done


def _said(connection: Connection, statement: LiteralString, *names: str | sql.Literal) -> bool:
    """Run a statement about roles. Roles are shared by all databases of a server, so that another one being prepared
    at the same moment may be met: it is tried again. False when that one has done it already."""
    raw = connection.connection.driver_connection
    assert raw is not None
    parts = [sql.Identifier(name) if isinstance(name, str) else name for name in names]
    for attempt in range(20):
        try:
            raw.execute(sql.SQL(statement).format(*parts))
        except (DuplicateObject, UniqueViolation):
            return False
        except InternalError_:
            if attempt == 19:
                raise
            time.sleep(0.05 * (attempt + 1))
        else:
            break
    return True


def _prepare_extensions(connection: Connection) -> list[str]:
    done = []
    for extension in EXTENSIONS:
        state = connection.execute(
            text("SELECT installed_version FROM pg_available_extensions WHERE name = :name"), {"name": extension}
        ).first()
        if state is None:
            done.append(f"extension {extension} is not offered by this server: search finds beginnings of words only")
        elif state.installed_version is None:
            connection.exec_driver_sql(f"CREATE EXTENSION {extension}")
            done.append(f"extension {extension} created")
    if connection.exec_driver_sql("SELECT to_regclass('ossature.record_type')").scalar():
        connection.exec_driver_sql(
            "SELECT ossature.index_search(schema_name, table_name) FROM ossature.record_type WHERE searchable"
        )
    return done


def upgrade(config: Config, plugin: str | None = None, to: str = "head") -> list[MigrationState]:
    """Bring the schemas of all installed plugins (or one) to their newest revision, or to `to`.

    Makes the partitions of the history for the year ahead as well; rows beyond them are kept in a common one.
    """
    states = _run(config, plugin, to, "upgrade")
    if plugin in (None, KERNEL) and any(state.key == KERNEL and not state.behind for state in states):
        database = Database(config)
        with use_context(Context(means="command")), database.owner.begin() as connection:
            connection.exec_driver_sql("SELECT ossature.ensure_partitions(12)")
        database.dispose()
    return states


def downgrade(config: Config, plugin: str, to: str) -> list[MigrationState]:
    """Roll one plugin back to a revision, `-1` for one step, `base` for none."""
    return _run(config, plugin, to, "downgrade")


def _run(config: Config, plugin: str | None, to: str, way: str) -> list[MigrationState]:
    database = Database(config)
    chosen = [source for source in sources(config) if plugin in (None, source.key)]
    if not chosen:
        raise LookupError(f"no plugin {plugin!r} is installed; `ossature plugin list` names them")
    try:
        with use_context(Context(means="command")):
            for source in chosen:
                _migrate(database, source, to, way)
        return status(config)
    finally:
        database.dispose()


def _migrate(database: Database, source: Source, to: str, way: str) -> None:
    script = _script(source)
    if script is None:
        return
    with database.owner.connect() as connection:
        _check_version(connection)
        connection.rollback()

        def steps(revision: Any, _context: MigrationContext) -> Any:
            if way == "upgrade":
                return script._upgrade_revs(to, revision)
            return script._downgrade_revs(to, revision)

        environment = EnvironmentContext(script_config(source), script, fn=steps)
        with connection.begin():
            connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'; SET LOCAL search_path = ''")
            ensure_schema(connection, database.config, source.key)
            options = migration_options(database.config, source.key, connection)
            environment.config.attributes["options"] = {**options, "fn": steps}
            with environment:
                script.run_env()
            _grant_version_table(connection, database.config, source.key)


def migration_options(config: Config, key: str, connection: Connection) -> dict[str, Any]:
    """What Alembic is configured with; one place for migrating and for writing revisions."""
    return {
        "connection": connection,
        "version_table": "migration",
        "version_table_schema": key,
        "role_prefix": config.db_role_prefix,
        "include_schemas": True,
        "transactional_ddl": True,
    }


def ensure_schema(connection: Connection, config: Config, key: str) -> None:
    """The plugin's own schema, usable by the app and system roles."""
    prefix = config.db_role_prefix
    connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{key}"')
    connection.exec_driver_sql(f'GRANT USAGE ON SCHEMA "{key}" TO "{prefix}_app", "{prefix}_system"')


def _grant_version_table(connection: Connection, config: Config, key: str) -> None:
    prefix = config.db_role_prefix
    connection.exec_driver_sql(f'GRANT SELECT ON "{key}".migration TO "{prefix}_app", "{prefix}_system"')


def script_config(source: Source) -> AlembicConfig:
    config = AlembicConfig()
    kernel = Path(__file__).parent.parent / "migrations"
    config.set_main_option("script_location", str(kernel).replace("%", "%%"))
    config.set_main_option("version_locations", str(source.versions).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config


def _script(source: Source) -> ScriptDirectory | None:
    if not source.versions.is_dir():
        return None
    return ScriptDirectory.from_config(script_config(source))


def _check_version(connection: Connection) -> None:
    number = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    if number < OLDEST_VERSION:
        raise DatabaseTooOld(
            f"PostgreSQL {number // 10000} is too old: Ossature needs {OLDEST_VERSION // 10000} or newer; "
            "upgrade the server or point OSSATURE_DATABASE_URL at a newer one"
        )
