"""The pytest plugin: fixtures on real servers for the kernel's tests and those of plugins.

* `servers`, `database`, `ossature_config`: PostgreSQL, Redis, one migrated database per worker, its configuration
* `app`: the application with every installed plugin; `client`: a client that nobody has signed in to
* `make_tenant()`, `tenant`: organisations made for one test alone; `member("viewer")`: somebody in `tenant`, with
  `.page` and `.api` clients signed in
* `statements`: `with statements.counting() as counted:`, from PostgreSQL's own log
* `live_server`: the application on a port; `browser`, `screen(person)`: Chromium, signed in

Tests share a database and never meet: each makes its own tenant. What a machine lacks is skipped by name; with
`CI=true` or `OSSATURE_REQUIRE_ALL=1` it fails instead.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from ossature.testing.needs import need
from ossature.testing.ports import free_port

if TYPE_CHECKING:
    from flask import Flask
    from playwright.sync_api import Browser, Page

    from ossature.config import Config
    from ossature.testing.people import HostClient, Person, Tenant
    from ossature.testing.servers import Servers
    from ossature.testing.statements import StatementLog

pytest.register_assert_rewrite("ossature.testing.contract", "ossature.testing.contract_api")

# Parts of the product are imported inside fixtures: this module is loaded in every run of pytest in the environment.

_MARKERS = (
    "req(*ids): the requirements this test proves, at most three",
    "database: touches SQL; runs on the oldest and on the embedded PostgreSQL",
    "browser: drives a real browser",
)


def pytest_configure(config: pytest.Config) -> None:
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)


_stack = pytest.StashKey[ExitStack]()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """In a parallel run the controller owns the servers, since it outlives its workers."""
    parallel = getattr(session.config.option, "numprocesses", None) and not hasattr(session.config, "workerinput")
    if parallel and not session.config.option.collectonly:
        from ossature.testing.servers import HOME, running_servers

        stack = session.config.stash[_stack] = ExitStack()
        os.environ[HOME] = str(stack.enter_context(running_servers()).home)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _stack in config.stash:
        config.stash[_stack].close()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    from ossature.testing.servers import running_servers

    with running_servers() as found:
        yield found


@pytest.fixture(scope="session")
def worker_number() -> int:
    """0 for the only process or the first worker of a parallel run."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@pytest.fixture(scope="session")
def installed_plugins() -> tuple[str, ...]:
    """Keys of the plugins that tests run with: all that are installed and usable."""
    from ossature.plugins.manifest import discover

    return tuple(plugin.key for plugin in discover() if plugin.manifest)


@pytest.fixture(scope="session")
def database(servers: Servers, worker_number: int, installed_plugins: tuple[str, ...]) -> Iterator[str]:
    """The name of this worker's database, migrated, empty at the start of the session."""
    name = f"ossature_{servers.run}_{worker_number}"
    servers.clone(servers.template("all", installed_plugins), name)
    yield name
    servers.drop(name)


@pytest.fixture(scope="session")
def ossature_config(servers: Servers, database: str, worker_number: int, installed_plugins: tuple[str, ...]) -> Config:
    return servers.config(database, worker_number % 16, installed_plugins, port=free_port())


@pytest.fixture(scope="session")
def app(ossature_config: Config) -> Iterator[Flask]:
    """The application with every installed plugin, as `ossature serve` makes it."""
    from ossature.app import create_app

    application = create_app(ossature_config)
    gc.freeze()  # it stays to the end, and is not looked through for garbage again and again
    yield application
    application.extensions["ossature"].db.dispose()


@pytest.fixture
def client(app: Flask) -> HostClient:
    """Nobody, on the main host."""
    from ossature.testing.people import client_of

    return client_of(app, app.extensions["ossature"].config.base_url)


@pytest.fixture
def make_tenant(app: Flask) -> Callable[..., Tenant]:
    """`make_tenant(slug=..., plugins=frozenset(), locale="fr")`: another organisation."""
    from ossature.testing.people import new_tenant

    return lambda slug=None, plugins=None, **fields: new_tenant(app, slug, plugins, **fields)


@pytest.fixture
def tenant(make_tenant: Callable[..., Tenant]) -> Tenant:
    """An organisation of this test's own, with every plugin enabled."""
    return make_tenant()


@pytest.fixture
def member(tenant: Tenant) -> Callable[..., Person]:
    """`member("viewer")`: somebody new in `tenant`; owner when no role is named."""
    return tenant.member


@pytest.fixture
def statements(servers: Servers, database: str) -> StatementLog:
    from ossature.testing.statements import StatementLog

    if servers.log is None or not servers.log.is_file():
        need("PostgreSQL's log cannot be read; name it with OSSATURE_TEST_DATABASE_LOG")
    return StatementLog(servers.log, database)


@pytest.fixture(scope="session")
def live_server(app: Flask) -> Iterator[str]:
    """The address of the application, answering real HTTP; tenants are at `tenant.url`."""
    from ossature.testing.browser import serving

    config = app.extensions["ossature"].config
    with serving(app, config.port):
        yield config.base_url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from ossature.testing.browser import chromium

    with chromium() as found:
        yield found


@pytest.fixture
def screen(browser: Browser, live_server: str) -> Iterator[Callable[..., Page]]:
    """`screen(person, path="/", width=390, dark=True, locale="fr")`: a page in a browser of its own, signed in."""
    from ossature.testing.browser import open_screen

    with ExitStack() as stack:

        def opened(person: Person | None = None, path: str = "/", **look: Any) -> Page:
            return stack.enter_context(open_screen(browser, live_server, person, path, **look))

        yield opened
