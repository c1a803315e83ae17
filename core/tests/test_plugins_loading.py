"""Loading: one plugin's failure is named, with the next step, and the rest runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ossature.hooks.calls import NAVIGATION, PERMISSIONS
from ossature.plugins.loading import load_plugins
from ossature.plugins.manifest import discover
from ossature.plugins.registry import PluginFailure, PluginRegistry, PluginState, PluginStatus

Install = Callable[..., Path]

NAV = """
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import NavItem

@hookimpl
def register_navigation():
    return [NavItem("{label}.start", {label!r}, url="/{label}", weight={weight})]
"""


def dry() -> None:
    raise ValueError("no water")


def load(*keys: str, strict: bool = False) -> PluginRegistry:
    return load_plugins(
        keys, found=[plugin for plugin in discover() if plugin.module.startswith("test_")], strict=strict
    )


def healthy(install: Install, key: str = "garden", **fields: object) -> None:
    install(key, code=NAV.format(label=key, weight=100), **fields)


def broken(registry: PluginRegistry, key: str) -> PluginStatus:
    """The status of a plugin that must not run, while the healthy `garden` does."""
    assert key not in registry
    assert "garden" in registry
    assert [item.label for item in registry.values(NAVIGATION)] == ["garden"]
    status = registry.statuses[key]
    assert status.next_step
    return status


@pytest.mark.req("S0-06", "S4-094", "S4-677")
def test_active_plugins_load_in_order_and_inactive_ones_are_not_imported(install: Install) -> None:
    healthy(install, "tree", requires=["soil"])
    healthy(install, "soil")
    install("moss", code="raise AssertionError('imported')")
    registry = load("tree", "soil")
    assert registry.keys == ("soil", "tree")
    assert registry.statuses["moss"].state is PluginState.INSTALLED
    assert "test_moss" not in sys.modules


def test_what_plugins_register_is_sorted_by_weight_then_by_plugin_order(install: Install) -> None:
    install("tree", code=NAV.format(label="tree", weight=10), requires=["soil"])
    install("soil", code=NAV.format(label="soil", weight=10))
    install("moss", code=NAV.format(label="moss", weight=5), requires=["tree"])
    entries = load("moss", "tree", "soil").registered(NAVIGATION)
    assert [entry.plugin for entry in entries] == ["moss", "soil", "tree"]


def test_objects_of_plugins_that_a_tenant_has_not_enabled_are_left_out(install: Install) -> None:
    healthy(install, "soil")
    healthy(install, "moss")
    registry = load("moss", "soil")
    assert [entry.plugin for entry in registry.registered(NAVIGATION, enabled={"soil"})] == ["soil"]
    assert registry.registered(NAVIGATION, enabled=()) == ()


def test_a_plugin_that_cannot_be_imported_fails_alone(install: Install) -> None:
    healthy(install)
    install("weeds", code="import no_such_module")
    status = broken(load("garden", "weeds"), "weeds")
    assert status.state is PluginState.FAILED
    assert "no_such_module" in status.reason


def test_a_plugin_that_ends_the_process_while_imported_fails_alone(install: Install) -> None:
    healthy(install)
    install("weeds", code="raise SystemExit(3)")
    assert "end the process" in broken(load("garden", "weeds"), "weeds").reason


def test_a_bad_manifest_fails_alone(install: Install) -> None:
    healthy(install)
    install("weeds", manifest="key = ")
    assert "cannot be read" in broken(load("garden", "weeds"), "weeds").reason


def test_a_missing_manifest_fails_alone(install: Install) -> None:
    healthy(install)
    install("weeds", manifest=None)
    assert "is missing" in broken(load("garden", "weeds"), "weeds").reason


def test_plugins_that_require_each_other_are_named_as_a_circle(install: Install) -> None:
    healthy(install)
    install("weeds", requires=["roots"])
    install("roots", requires=["weeds"])
    registry = load("garden", "roots", "weeds")
    assert "roots needs weeds needs roots" in broken(registry, "weeds").reason
    assert broken(registry, "roots").state is PluginState.FAILED


def test_a_plugin_written_for_another_api_is_incompatible(install: Install) -> None:
    healthy(install)
    install("weeds", api="7")
    status = broken(load("garden", "weeds"), "weeds")
    assert status.state is PluginState.INCOMPATIBLE
    assert "API 7" in status.reason
    assert "test-weeds" in status.next_step


def test_a_misspelt_hook_is_named_with_the_nearest_one(install: Install) -> None:
    healthy(install)
    install("weeds", code=NAV.format(label="weeds", weight=1).replace("register_navigation", "register_navigatoin"))
    status = broken(load("garden", "weeds"), "weeds")
    assert "register_navigatoin" in status.reason
    assert "did you mean register_navigation?" in status.next_step


def test_a_hook_with_an_argument_that_is_not_offered_fails_alone(install: Install) -> None:
    healthy(install)
    install("weeds", code=NAV.format(label="weeds", weight=1).replace("navigation()", "navigation(wind)"))
    assert "wind" in broken(load("garden", "weeds"), "weeds").reason


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return 7", "returned int"),
        ("return [7]", "returned 7 in its list"),
        ("raise KeyError('soil')", "raised KeyError"),
        ("return [NavItem('a', 'A')]", "either an endpoint or a url"),
        ("return [NavItem('a', 'A', url='/', group='shed')]", "group 'shed' is none of"),
    ],
)
def test_a_hook_that_raises_or_answers_nonsense_fails_alone(install: Install, body: str, says: str) -> None:
    healthy(install)
    head, _, _ = NAV.partition("    return")
    install("weeds", code=f"{head.replace('{', '{{')}    {body}\n")
    status = broken(load("garden", "weeds"), "weeds")
    assert "register_navigation" in status.reason
    assert says in status.reason


def test_a_hook_wrapper_is_refused_because_it_would_never_run(install: Install) -> None:
    healthy(install)
    code = NAV.format(label="weeds", weight=1).replace("@hookimpl", "@hookimpl(wrapper=True)")
    install("weeds", code=code.replace("return [", "yield; return ["))
    assert "is a wrapper" in broken(load("garden", "weeds"), "weeds").reason


def test_a_permission_outside_the_plugins_own_key_is_refused(install: Install) -> None:
    healthy(install)
    install(
        "weeds",
        code="""
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import Permission

@hookimpl
def register_permissions():
    return [Permission("garden.dig", "Dig")]
""",
    )
    assert "'garden.dig' does not begin with 'weeds'" in broken(load("garden", "weeds"), "weeds").reason


def test_an_api_alias_that_another_plugin_took_is_refused(install: Install) -> None:
    alias = """
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import ApiAlias

@hookimpl
def register_api_aliases():
    return [ApiAlias("plants", "garden.plant")]
"""
    healthy(install)
    install("early", code=alias)
    install("weeds", code=alias)
    registry = load("early", "garden", "weeds")
    assert "'plants' is taken by plugin 'early'" in broken(registry, "weeds").reason


def test_plugins_that_require_a_failed_one_fail_too(install: Install) -> None:
    healthy(install)
    install("weeds", code="import no_such_module")
    install("roots", requires=["weeds"], code="raise AssertionError('imported')")
    install("deep", requires=["roots"])
    registry = load("garden", "weeds", "roots", "deep")
    assert broken(registry, "roots").reason == "requires weeds, which failed"
    assert broken(registry, "deep").state is PluginState.FAILED


def test_plugins_that_require_one_failing_in_a_later_step_fail_too(install: Install) -> None:
    healthy(install)
    install("roots", code=NAV.format(label="roots", weight=1))
    install("weeds", requires=["roots"], code=NAV.format(label="weeds", weight=1))
    registry = load("garden", "roots", "weeds")
    assert "weeds" in registry
    with registry.guard("roots", "adding routes"):
        dry()
    assert broken(registry, "roots").reason == "adding routes raised ValueError: no water"
    assert broken(registry, "weeds").next_step == "mend roots first"


def test_a_requirement_that_is_installed_but_not_active_is_named_with_the_command(install: Install) -> None:
    healthy(install)
    install("roots")
    install("weeds", requires=["roots"])
    status = broken(load("garden", "weeds"), "weeds")
    assert status.state is PluginState.MISSING_REQUIREMENT
    assert "ossature plugin activate roots" in status.next_step


def test_a_requirement_that_is_not_installed_is_named(install: Install) -> None:
    healthy(install)
    install("weeds", requires=["roots"])
    status = broken(load("garden", "weeds"), "weeds")
    assert status.reason == "requires roots, which is not installed"


def test_a_plugin_that_is_active_but_gone_is_named(install: Install) -> None:
    healthy(install)
    status = broken(load("garden", "weeds"), "weeds")
    assert status.reason == "it is active but not installed"
    assert "ossature plugin deactivate weeds" in status.next_step


def test_a_plugin_in_conflict_with_a_running_one_does_not_run(install: Install) -> None:
    healthy(install)
    install("weeds", conflicts=["garden"])
    assert broken(load("garden", "weeds"), "weeds").reason == "it cannot run beside garden"


def test_strict_makes_any_failure_fatal_and_names_it(install: Install) -> None:
    healthy(install)
    install("weeds", code="import no_such_module")
    with pytest.raises(PluginFailure, match=r"plugin weeds: failed: .*no_such_module"):
        load("garden", "weeds", strict=True)


def test_a_failure_of_the_kernels_own_hooks_is_never_hidden() -> None:
    class Part:
        pass

    registry = load_plugins((), builtin=[Part()], found=[])
    with pytest.raises(ZeroDivisionError), registry.guard("ossature"):
        1 / 0  # noqa: B018


def test_the_kernel_starts_without_any_plugin() -> None:
    registry = load_plugins((), found=[])
    assert registry.keys == ()
    assert registry.values(PERMISSIONS) == ()
    assert registry.problems == ()
