"""What every plugin promises, tested: inherit it in three lines.

from ossature.testing import PluginContract

class TestContract(PluginContract):
    key = "crm"
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from flask import Flask

from ossature.db import migrate
from ossature.hooks.calls import (
    BLUEPRINTS,
    NAVIGATION,
    PERMISSIONS,
    PRESET_GRANTS,
    RECORD_TABS,
    SETTINGS_PAGES,
    WIDGETS,
    Registers,
)
from ossature.i18n.check import check_package
from ossature.i18n.extraction import Package
from ossature.kernel import Kernel
from ossature.plugins.manifest import FoundPlugin, Manifest, compatible, discover
from ossature.rbac.rules import rule_of
from ossature.testing.catalogue import differences, read_schema, wall_faults
from ossature.testing.contract_api import RecordContract
from ossature.testing.contract_external import ExternalContract
from ossature.testing.contract_round_trip import RoundTripContract
from ossature.testing.declared import declare
from ossature.testing.imports import domains_of, forbidden_imports
from ossature.testing.servers import Servers

# Run in a process of its own: whatever an import does to the world ends it.
_IMPORT = """
import sys
FORBIDDEN = ("socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.fork", "os.remove", "os.mkdir",
             "os.rename", "shutil.rmtree", "sqlite3.connect", "_thread.start_new_thread")
def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if event in FORBIDDEN or writes:
        raise RuntimeError(f"importing does work: {event} {arguments!r}")
import ossature.api
sys.addaudithook(watch)
import {module}
"""


class PluginContract(RecordContract, ExternalContract, RoundTripContract):
    """Subclass it, name it `TestContract` and give it the plugin's `key`."""

    key: ClassVar[str]

    # -- what is asked below ------------------------------------------------------------------------------------------

    @pytest.fixture
    def plugin(self) -> FoundPlugin:
        found = {plugin.key: plugin for plugin in discover()}
        assert self.key in found, f"no installed distribution has an entry point {self.key!r} in ossature.plugins"
        return found[self.key]

    @pytest.fixture
    def manifest(self, plugin: FoundPlugin) -> Manifest:
        assert plugin.manifest is not None, str(plugin.error)
        return plugin.manifest

    @pytest.fixture
    def kernel(self, app: Flask) -> Kernel:
        found: Kernel = app.extensions["ossature"]
        assert self.key in found.plugins, found.plugins.statuses[self.key].sentence()
        return found

    @pytest.fixture
    def required(self, manifest: Manifest) -> tuple[str, ...]:
        """Keys of all plugins that must be there first."""
        manifests = {plugin.key: plugin.manifest for plugin in discover() if plugin.manifest}
        found: list[str] = []
        pending = list(manifest.requires)
        while pending:
            key = pending.pop()
            if key not in found:
                found.append(key)
                pending.extend(manifests[key].requires if key in manifests else ())
        return tuple(found)

    @pytest.fixture
    def scratch(
        self, servers: Servers, required: tuple[str, ...], worker_number: int
    ) -> Iterator[tuple[Servers, str, tuple[str, ...]]]:
        """A database with everything but this plugin; and the plugins it is for."""
        name = f"ossature_{servers.run}_scratch_{worker_number}"
        servers.drop(name)
        template = servers.template("_".join(["with", *sorted(required)]), required)
        servers.clone(template, name)
        yield servers, name, (*required, self.key)
        servers.drop(name)

    # -- manifest and names -------------------------------------------------------------------------------------------

    def test_the_manifest_is_valid(self, manifest: Manifest) -> None:
        assert compatible(manifest.api)

    def test_the_key_is_spelled_the_same_everywhere(self, kernel: Kernel, plugin: FoundPlugin) -> None:
        key, plugins = self.key, kernel.plugins
        for rt in kernel.records.all():
            if rt.plugin == key:
                assert rt.table.schema == key, f"{rt.key} lies in schema {rt.table.schema}"
        for entry in plugins.registered(BLUEPRINTS):
            if entry.plugin == key:
                prefix = entry.value.url_prefix or ""
                roots = (f"/{key}", f"/api/{key}")
                assert any(prefix == root or prefix.startswith(f"{root}/") for root in roots), (
                    f"blueprint {entry.value.name} has the address {prefix or '/'}; put it under /{key} or /api/{key}"
                )
        assert plugin.directory is not None
        for folder in ("templates", "static"):
            inside = plugin.directory / folder
            strange = [path.name for path in inside.iterdir() if path.name != key] if inside.is_dir() else []
            assert not strange, f"{inside} holds {', '.join(strange)}; everything belongs into {inside / key}"
        strange = [f"{where} says {domain!r}" for domain, where in domains_of(plugin.directory) if domain != key]
        assert not strange, "; ".join(strange)

    # -- imports ------------------------------------------------------------------------------------------------------

    def test_its_package_is_empty_on_purpose(self, plugin: FoundPlugin) -> None:
        assert plugin.directory is not None
        assert not (plugin.directory / "__init__.py").read_text("utf-8").strip()

    def test_importing_does_no_work(self, plugin: FoundPlugin) -> None:
        done = subprocess.run(
            [sys.executable, "-B", "-c", _IMPORT.replace("{module}", plugin.module)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.strip().splitlines()[-1]

    def test_it_imports_the_facade_and_public_modules_alone(self, plugin: FoundPlugin) -> None:
        faults = forbidden_imports(plugin, discover())
        assert not faults, "\n".join(faults)

    # -- permissions --------------------------------------------------------------------------------------------------

    def test_every_route_says_who_may_call_it(self, app: Flask, kernel: Kernel) -> None:
        known = self._permissions(kernel)
        faults = []
        for route in app.url_map.iter_rules():
            if route.endpoint.partition(".")[0] not in self._blueprints(app):
                continue
            for method in (route.methods or set()) - {"HEAD", "OPTIONS"}:
                rule = rule_of(app.view_functions[route.endpoint], method)
                if rule is None:
                    faults.append(f"{method} {route.rule} says not who may call it")
                elif rule.permission and rule.permission not in known:
                    faults.append(f"{method} {route.rule} asks for {rule.permission}, which nobody registers")
        assert not faults, "\n".join(faults)

    def test_permissions_named_by_screens_exist(self, kernel: Kernel) -> None:
        known = self._permissions(kernel)
        registers: tuple[Registers[Any], ...] = (NAVIGATION, WIDGETS, RECORD_TABS, SETTINGS_PAGES)
        named = {
            f"{register.hook} {entry.value.key}": entry.value.permission
            for register in registers
            for entry in kernel.plugins.registered(register)
            if entry.plugin == self.key and entry.value.permission
        }
        for entry in kernel.plugins.registered(PRESET_GRANTS):
            if entry.plugin == self.key:
                named[f"grant to {entry.value.role}"] = entry.value.permission
        faults = [f"{where} names {permission}" for where, permission in named.items() if permission not in known]
        assert not faults, "; ".join(faults)

    # -- database -----------------------------------------------------------------------------------------------------

    def test_migrations_go_up_down_and_up_again(self, scratch: tuple[Servers, str, tuple[str, ...]]) -> None:
        servers, name, keys = scratch
        config = servers.config(name, plugins=keys)
        migrate.upgrade(config)
        with servers.connect(name) as connection:
            first = read_schema(connection, self.key)
        migrate.downgrade(config, self.key, "base")
        with servers.connect(name) as connection:
            left = sorted(set(read_schema(connection, self.key)) - {"migration"})
            assert not left, f"rolled back, the schema still holds {', '.join(left)}"
            rows = connection.execute("SELECT key FROM ossature.record_type WHERE schema_name = %s", [self.key])
            assert not rows.fetchall(), "rolled back, ossature.record_type still names its records"
        states = {state.key: state for state in migrate.upgrade(config)}
        assert not states[self.key].behind
        with servers.connect(name) as connection:
            assert read_schema(connection, self.key) == first

    def test_tables_are_as_declared(self, kernel: Kernel, scratch: tuple[Servers, str, tuple[str, ...]]) -> None:
        """Columns, types, keys, checks, indexes with predicates, policies, triggers and grants, by the catalogue."""
        servers, name, keys = scratch
        types = [rt for rt in kernel.records.all() if rt.plugin == self.key]
        config = servers.config(name, plugins=keys)
        declare(config, self.key, types)
        with servers.connect(name) as connection:
            declared = read_schema(connection, self.key)
        servers.drop(name)
        servers.clone(servers.template("_".join(["with", *sorted(keys[:-1])]), keys[:-1]), name)
        migrate.upgrade(config)
        with servers.connect(name) as connection:
            migrated = read_schema(connection, self.key)
        faults = differences(migrated, declared, [rt.table.name for rt in types])
        assert not faults, "\n".join(faults)

    def test_tenants_are_kept_apart_by_the_database(self, servers: Servers, database: str) -> None:
        with servers.connect(database) as connection:
            faults = wall_faults(read_schema(connection, self.key))
        assert not faults, "\n".join(faults)

    # -- texts --------------------------------------------------------------------------------------------------------

    def test_everything_is_translated(self, plugin: FoundPlugin) -> None:
        assert plugin.directory is not None
        report = check_package(Package(self.key, plugin.directory))
        assert not report.problems, "\n".join(report.problems)

    # -- what the tests above share -----------------------------------------------------------------------------------

    def _permissions(self, kernel: Kernel) -> set[str]:
        of_records = {permission.key for rt in kernel.records for permission in rt.permissions()}
        return of_records | {permission.key for permission in kernel.plugins.values(PERMISSIONS)}

    def _blueprints(self, app: Flask) -> set[str]:
        prefix = f"{self.key}_"
        return {name for name in app.blueprints if name == self.key or name.startswith(prefix)}


__all__ = ["PluginContract"]
