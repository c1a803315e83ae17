"""The `ossature` command. Heavy parts are imported when their command runs; errors that a person can mend are one line
each, and `--debug` shows where they come from.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

import click

from ossature.memory import collected_later

if TYPE_CHECKING:
    from ossature.config import Config

# Command -> where its click object is; imported when asked for.
ELSEWHERE = {
    "plugin": "ossature.plugins.cli:plugin_group",
    "tenant": "ossature.auth.cli:tenant_group",
    "user": "ossature.auth.cli:user_group",
    "token": "ossature.auth.cli:token_group",
    "demo": "ossature.demo.cli:demo_group",
    "person": "ossature.history.cli:person_group",
    "files": "ossature.files.cli:files_group",
    "check": "ossature.checks:check",
    "health": "ossature.health.cli:health",
    "worker": "ossature.jobs.commands:worker",
    "dispatcher": "ossature.jobs.commands:dispatcher",
    "scheduler": "ossature.jobs.commands:scheduler",
    "job": "ossature.jobs.commands:job_group",
    "schedule": "ossature.jobs.cli:schedule_group",
}
SHORT_HELP = {
    "plugin": "Plugins: list, activate, deactivate, enable, disable.",
    "tenant": "Tenants: create, list, suspend.",
    "user": "User accounts and members.",
    "token": "API keys.",
    "demo": "Demo data: load, remove.",
    "person": "What is held of one person: erase it.",
    "files": "Files of records: check, sweep.",
    "check": "Check configuration, database, plugins, translations and rights.",
    "health": "Ask a running instance whether it is well.",
    "worker": "Run jobs.",
    "dispatcher": "Hand events to their handlers and jobs to workers.",
    "scheduler": "Ask for jobs by the clock.",
    "job": "Jobs: list, show, retry, cancel.",
    "schedule": "Schedules: list, run, pause, resume.",
}
NEEDS_SERVERS = frozenset(
    {
        "check",
        "db",
        "demo",
        "dispatcher",
        "files",
        "job",
        "migrate",
        "openapi",
        "person",
        "plugin",
        "schedule",
        "scheduler",
        "serve",
        "setup",
        "tenant",
        "token",
        "user",
        "worker",
    }
)


class Commands(click.Group):
    """Own commands, commands kept elsewhere, and those of active plugins (`ossature KEY ...`)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *ELSEWHERE})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        own = super().get_command(ctx, name)
        if own is not None:
            return own
        if name in ELSEWHERE:
            module, _, attribute = ELSEWHERE[name].partition(":")
            with collected_later():
                command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        return _plugin_command(ctx, name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(ctx):
            own = super().get_command(ctx, name)
            if own is None or not own.hidden:
                rows.append((name, SHORT_HELP.get(name) or (own.get_short_help_str(90) if own else "")))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _plugin_command(ctx: click.Context, name: str) -> click.Command | None:
    """The command group of an active plugin; needs the application, hence asked last."""
    from importlib.metadata import entry_points

    if name not in {point.name for point in entry_points(group="ossature.plugins")}:
        return None
    from ossature.app import create_app
    from ossature.embedded.servers import running

    config = load_config()
    ctx.find_root().with_resource(running(config))
    commands = create_app(config).extensions["ossature"].extras["commands"].get(name)
    return click.Group(name, {one.name: one for one in commands}) if commands else None


def load_config() -> Config:
    from ossature.config import Config
    from ossature.logs import configure_logging

    config = Config.load()
    configure_logging(config, "command")
    return config


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
@click.pass_context
def root(ctx: click.Context, debug: bool) -> None:
    """Ossature: an ERP that is a small kernel and plugins."""
    if debug:
        os.environ["OSSATURE_DEBUG"] = "1"
    if ctx.invoked_subcommand == "serve":
        # structlog takes rich along wherever it is installed: 6 MB in each process for what only other commands write.
        sys.modules["rich"] = None  # type: ignore[assignment]
    helping = any(word in ctx.help_option_names for word in sys.argv[1:])
    if ctx.invoked_subcommand in NEEDS_SERVERS and not helping:
        from ossature.embedded.servers import running

        ctx.with_resource(running(load_config(), say=_aside))


@root.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (OSSATURE_PORT).")
def up(port: int | None) -> None:
    """Run everything: embedded servers, database, pages and API. Ctrl-C stops it."""
    _set_port(port)
    from ossature.processes import up as run

    sys.exit(run(load_config(), _say))


@root.command()
@click.option("--reload", is_flag=True, help="Start again when code, templates or texts change.")
@click.option("--workers", type=click.IntRange(1, 64), help="Serving processes (OSSATURE_WORKERS).")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (OSSATURE_PORT).")
def serve(reload: bool, workers: int | None, port: int | None) -> None:
    """Serve pages and API."""
    _set_port(port)
    if workers:
        os.environ["OSSATURE_WORKERS"] = str(workers)
    from ossature.logs import configure_logging
    from ossature.serving import serve as run

    config = load_config()
    configure_logging(config, "serve")
    run(config, reload=reload)


@root.command()
def setup() -> None:
    """Prepare the database, migrate it and make the first accounts; safe to repeat."""
    from ossature.db import migrate as migrations
    from ossature.first_run import activate_first_plugins, first_run
    from ossature.plugins.migrations import status

    config = load_config()
    for line in migrations.prepare(config):
        _say(f"  {line}")
    before = {state.key: state.current for state in status(config)}
    for state in migrations.upgrade(config):
        if state.current != before.get(state.key):
            _say(f"  {state.key}: migrated to {state.current}")
    for line in activate_first_plugins(config):
        _say(f"  {line}")
    with collected_later():
        from ossature.app import create_app

    for line in first_run(create_app(config)):
        _say(f"  {line}")


@root.group()
def db() -> None:
    """The database as a whole."""


@db.command("prepare")
def db_prepare() -> None:
    """Create the roles and extensions; needs an administrator in OSSATURE_DATABASE_URL. Safe to repeat."""
    from ossature.db import migrate as migrations

    for line in migrations.prepare(load_config()) or ["nothing to do"]:
        _say(line)


@root.command()
@click.option("--plugin", help="Only this plugin.")
@click.option("--to", "revision", help="A revision; `-1` rolls one back, `base` all. Needs --plugin.")
@click.option("--status", "only_status", is_flag=True, help="Only say where each plugin stands.")
def migrate(plugin: str | None, revision: str | None, only_status: bool) -> None:
    """Bring the database to the newest schema, or one plugin back to an earlier one."""
    from ossature.db import migrate as migrations
    from ossature.plugins.migrations import behind, status

    config = load_config()
    if revision and not plugin:
        raise click.UsageError("--to needs --plugin KEY: revisions are a plugin's own.")
    if only_status:
        states = status(config)
    elif plugin and revision and _is_back(config, plugin, revision):
        states = migrations.downgrade(config, plugin, revision)
    else:
        states = migrations.upgrade(config, plugin, revision or "head")
    for state in states:
        note = "" if not state.behind else f"  (newest: {state.head or 'none'})"
        _say(f"{state.key:<16} {state.current or '-'}{note}")
    if only_status and behind(states):
        sys.exit(1)


def _is_back(config: Config, plugin: str, revision: str) -> bool:
    if revision == "base" or revision.startswith("-"):
        return True
    from ossature.plugins.migrations import status

    current = {state.key: state.current for state in status(config)}.get(plugin)
    return current is not None and revision < current  # revisions are numbered in order


@root.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def config(as_json: bool) -> None:
    """List every setting with its value and source; secrets are masked."""
    from ossature.config import Config

    found = Config.load()
    settings = found.settings()
    if as_json:
        import orjson

        rows = [{"name": one.name, "value": one.value, "source": one.source, "help": one.help} for one in settings]
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
        return
    width = max(len(one.name) for one in settings)
    for one in settings:
        _say(f"{one.name:<{width}}  {one.value}" + (f"  ({one.source})" if one.source != "default" else ""))
        _say(f"{'':<{width}}  {click.style(one.help, dim=True)}")
    for sentence in Config.unknown_variables():
        click.echo(f"Note: {sentence}", err=True)


@root.command()
@click.option("--output", type=click.Path(dir_okay=False, writable=True), help="Write to a file.")
def openapi(output: str | None) -> None:
    """Print the API's description (OpenAPI 3.1, JSON)."""
    import orjson

    from ossature.app import create_app

    app = create_app(load_config())
    with app.app_context():
        spec: Any = app.spec
    text = orjson.dumps(spec, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS, default=str)
    if output:
        with open(output, "wb") as file:
            file.write(text + b"\n")
    else:
        click.echo(text)


@root.command()
def version() -> None:
    """Versions of the kernel, the plugins and what they run on."""
    import platform
    from importlib.metadata import entry_points
    from importlib.metadata import version as version_of

    _say(f"ossature {version_of('ossature')}")
    for point in sorted(entry_points(group="ossature.plugins"), key=lambda one: one.name):
        if point.dist is not None:
            _say(f"  {point.name} {point.dist.version}")
    _say(f"Python {platform.python_version()} on {platform.system()}")


def main() -> None:
    """Run the command line; never shows a traceback unless asked to."""
    try:
        root.main(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        if isinstance(error, click.UsageError):
            error.show()
        else:
            _complain([error.format_message()])
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        if _debugging():
            traceback.print_exc()
        _complain(explain(error))
        sys.exit(1)


def explain(error: Exception) -> list[str]:
    """What went wrong and what to do, one line per problem."""
    from ossature.config import ConfigError
    from ossature.embedded.children import EmbeddedError

    if isinstance(error, ConfigError):
        return error.problems
    if isinstance(error, EmbeddedError):
        return [str(error)]
    name = f"{type(error).__module__}.{type(error).__name__}"
    if name == "ossature.db.migrate.DatabaseTooOld":
        return [str(error)]
    if name.startswith(("sqlalchemy.exc.", "psycopg.")):
        return [_explain_database(error)]
    if name.startswith("redis.exceptions."):
        return [f"Redis cannot be used: {_first_line(error)}; check OSSATURE_REDIS_URL."]
    if isinstance(error, ImportError) and _debugging() is False:
        return [f"a part is missing: {error}; install the requirements again, or run with --debug."]
    message = _first_line(getattr(error, "message", error))
    return [f"{message or type(error).__name__}; run again with `ossature --debug ...` to see where."]


def _explain_database(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    state = getattr(cause, "sqlstate", None) or ""
    text = _first_line(cause)
    if state in {"3F000", "42P01", "42883", "42703"}:
        return f"the database is behind on migrations ({text}); run: ossature migrate"
    if state == "28000" or (state == "28P01" or ("does not exist" in text and "role" in text)):
        return f"the database refuses the role ({text}); run: ossature db prepare"
    if state == "3D000":
        return f"the database does not exist ({text}); create it, or correct OSSATURE_DATABASE_URL."
    if state == "42501":
        return (
            f"the database refuses: {text}; OSSATURE_DATABASE_URL must name an administrator. Run: ossature db prepare"
        )
    if state.startswith(("08", "57")) or (not state and type(error).__name__ in {"OperationalError", "InterfaceError"}):
        return f"the database cannot be reached ({text}); start it, or correct OSSATURE_DATABASE_URL."
    return f"the database answers with an error ({state or type(error).__name__}): {text}"


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    from ossature.redaction import redact_text

    return redact_text(lines[0].strip().rstrip(".")) if lines else ""


def _set_port(port: int | None) -> None:
    if port:
        os.environ["OSSATURE_PORT"] = str(port)


def _complain(problems: list[str]) -> None:
    for problem in problems:
        click.echo(f"ossature: {problem}", err=True)


def _debugging() -> bool:
    return os.environ.get("OSSATURE_DEBUG", "") not in {"", "0"}


def _say(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()


def _aside(line: str) -> None:
    click.echo(line, err=True)
