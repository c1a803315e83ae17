"""`ossature check`: everything that can be known to be wrong with a deployment, told at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from ossature.config import Config, ConfigError

# Parts without which no application can be made, so that nothing more can be found out.
NEEDED_TO_START = frozenset({"configuration", "database", "migrations", "redis"})
RECENT = timedelta(days=31)
"""So much of the history is read at every call; the hourly job reads all of it within a week."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: which part, what, and what to do."""

    part: str
    text: str


def configuration() -> Iterator[Problem]:
    """Settings that cannot be used, and variables that nobody reads."""
    try:
        Config.load()
    except ConfigError as error:
        yield from (Problem("configuration", text) for text in error.problems)
    yield from (Problem("configuration", text) for text in Config.unknown_variables())


def database(config: Config) -> Iterator[Problem]:
    """The server's version, the roles and what they may not do, the migrations."""
    import psycopg
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    from ossature.cli import explain
    from ossature.context import Context, use_context
    from ossature.db import Database, migrate
    from ossature.db.database import OLDEST_VERSION
    from ossature.plugins import migrations

    connected = Database(config)
    try:
        with use_context(Context(means="command")):
            for role in ("app", "system"):
                with connected.engine(role).connect() as connection:
                    number = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
                    if number < OLDEST_VERSION and role == "app":
                        yield Problem(
                            "database",
                            f"PostgreSQL {number // 10000} is too old, {OLDEST_VERSION // 10000} or newer is "
                            "needed; upgrade the server.",
                        )
                    powers = connection.execute(
                        text("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
                    ).one()
                    if powers.rolsuper or powers.rolbypassrls:
                        yield Problem(
                            "database",
                            f"the role {powers.rolname} sees every tenant's rows; take SUPERUSER and BYPASSRLS from it, "
                            f"or correct OSSATURE_{role.upper()}_DATABASE_URL.",
                        )
                    owned = connection.execute(
                        text(
                            "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner "
                            "WHERE r.rolname = current_user AND c.relkind IN ('r', 'p')"
                        )
                    ).scalar_one()
                    if owned:
                        yield Problem(
                            "database",
                            f"the role {powers.rolname} owns {owned} tables and so escapes their policies; give them to "
                            f"{config.db_role_prefix}_owner.",
                        )
        for state in migrations.status(config):
            if state.behind:
                yield Problem(
                    "migrations",
                    f"{state.key} is at {state.current or 'nothing'}, the code at {state.head}; run: ossature migrate",
                )
    except (SQLAlchemyError, psycopg.Error, migrate.DatabaseTooOld) as error:
        yield from (Problem("database", text) for text in explain(error))
    finally:
        connected.dispose()


def redis_server(config: Config) -> Iterator[Problem]:
    import redis

    try:
        with redis.Redis.from_url(config.redis_url, socket_timeout=5) as client:
            client.ping()
    except redis.RedisError as error:
        yield Problem("redis", f"Redis does not answer ({error}); start it, or correct OSSATURE_REDIS_URL.")


def background_processes() -> Iterator[str]:
    """Kinds of background process that nobody runs: a warning, since they may be started after this."""
    from ossature.kernel import kernel
    from ossature.processes_seen import KINDS, seen

    found = {one.kind for one in seen(kernel())}
    for kind in KINDS:
        if kind not in found:
            yield f"no {kind} is seen running; start it: ossature {kind}"


def mail_server() -> Iterator[str]:
    """What is the matter with outgoing mail: a warning, since everything else goes on without it."""
    from ossature.kernel import kernel
    from ossature.mail.speaking import NotNow, connect

    server = kernel().config.mail_server
    if server is None:
        yield "no mail server is set up, so that mail is kept and not sent; give OSSATURE_SMTP_URL and OSSATURE_MAIL_FROM"
        return
    try:
        connect(server).close()
    except NotNow as error:
        yield f"mail waits: {error}"


def application(config: Config) -> Iterator[Problem]:
    """Plugins that fail, and routes that do not say who may call them: what making the application refuses."""
    from ossature.app import create_app
    from ossature.cli import explain

    try:
        app = create_app(config)
    except ConfigError:
        raise
    except Exception as error:  # whatever it is, it is the finding
        yield from (Problem("application", text) for text in explain(error))
        return
    for status in app.extensions["ossature"].plugins.problems:
        yield Problem("plugins", f"{status.key}: {status.reason}; {status.next_step}.")
    yield from undeclared_permissions(app)


def history(config: Config, *, everything: bool = False) -> Iterator[Problem]:
    """Changes of any tenant that are not as they were written and sealed: of the last month, or `everything`."""
    from sqlalchemy import text

    from ossature.context import Context, TenantInfo
    from ossature.db import Database, transaction
    from ossature.history.seals import faults

    since = None if everything else datetime.now(UTC) - RECENT
    database = Database(config)
    try:
        with transaction(Context(means="command"), role="system", database=database) as work:
            tenants = work.execute(text("SELECT id, slug, name FROM ossature.tenant ORDER BY slug")).all()
        for row in tenants:
            context = Context(TenantInfo(row.id, row.slug, row.name), means="command")
            with transaction(context, role="system", database=database):
                yield from (
                    Problem("history", f"{row.slug}: {fault}; compare with a backup of before.")
                    for fault in faults(since)
                )
    finally:
        database.dispose()


def undeclared_permissions(app: object) -> Iterator[Problem]:
    """Routes without an access rule, and rules that name a permission nobody registered."""
    from flask import Flask

    from ossature.rbac.rights import rights
    from ossature.rbac.rules import rule_of

    if not isinstance(app, Flask):
        raise TypeError("an application is needed")
    with app.app_context():
        known = set(rights().everything)
    for route in app.url_map.iter_rules():
        view = app.view_functions[route.endpoint]
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
            rule = rule_of(view, method)
            if rule is None:
                yield Problem("rights", f"{method} {route.rule} does not say who may call it; decorate its view.")
            elif rule.permission and rule.permission not in known:
                yield Problem(
                    "rights",
                    f"{method} {route.rule} asks for {rule.permission}, which no plugin registers; correct it.",
                )


def installed_plugins() -> Iterator[Problem]:
    """Manifests that cannot be read, requirements that are not installed, circles."""
    from ossature.plugins.loading import assess
    from ossature.plugins.manifest import discover

    installed = {plugin.key: plugin for plugin in discover()}
    for status in assess(installed, frozenset(installed)):
        if status.broken:
            yield Problem("plugins", f"{status.key}: {status.reason}; {status.next_step}.")


def translations() -> Iterator[Problem]:
    """Texts that a catalogue lacks, of the packages that are being worked on; a wheel's were checked when it was made."""
    import ossature
    from ossature.i18n.check import check_package, too_many_same
    from ossature.i18n.extraction import Package
    from ossature.plugins.manifest import KERNEL, discover

    packages = [Package(KERNEL, Path(ossature.__file__).parent)]
    packages += [Package(plugin.key, plugin.directory) for plugin in discover() if plugin.directory and plugin.manifest]
    reports = [check_package(package) for package in packages if "site-packages" not in package.directory.parts]
    for text in [*(text for report in reports for text in report.problems), too_many_same(reports)]:
        if text is not None:
            yield Problem("translations", text)


@click.command()
@click.option("--static", is_flag=True, help="Only what needs no database: configuration, plugins, translations.")
@click.option("--all", "everything", is_flag=True, help="Verify the whole history, not only that of the last 31 days.")
def check(static: bool, everything: bool) -> None:
    """List every problem of this deployment at once; exit code 1 when there is one."""
    problems = list(configuration())
    parts: list[Callable[[], Iterator[Problem]]] = [installed_plugins, translations]
    if not static and not problems:
        config = Config.load()
        parts += [lambda: database(config), lambda: redis_server(config)]
    for part in parts:
        problems += part()
    if not static and not {problem.part for problem in problems} & NEEDED_TO_START:
        told = {problem.text for problem in problems}
        problems += [problem for problem in application(Config.load()) if problem.text not in told]
        problems += history(Config.load(), everything=everything)
    if not static and not {problem.part for problem in problems} & {*NEEDED_TO_START, "application"}:
        for warning in (*background_processes(), *mail_server()):
            click.echo(f"warning: {warning}", err=True)
    for problem in problems:
        click.echo(f"{problem.part}: {problem.text}", err=True)
    click.echo(f"{len(problems)} problem{'s' if len(problems) != 1 else ''} found." if problems else "All is well.")
    sys.exit(1 if problems else 0)
