"""Every hook has its page entry and its example in the plugin `_dummy`, and they say the same as the code."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from ossature.hooks import specs
from ossature.hooks.calls import REGISTERS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/authors/hooks.md").read_text("utf-8")
EXAMPLES = (ROOT / "tests/plugins/_dummy/src/ossature_dummy/plugin.py").read_text("utf-8")
HOOKS = [name for name, value in vars(specs).items() if hasattr(value, f"{specs.PROJECT}_spec")]
ENTRIES = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def words(text: str) -> str:
    return " ".join(text.replace("**", "").replace("- ", " ").split())


def test_the_page_names_every_hook_in_order_and_no_other() -> None:
    assert list(ENTRIES) == HOOKS


@pytest.mark.parametrize("hook", HOOKS)
def test_an_entry_says_what_the_specification_says(hook: str) -> None:
    specification = words(inspect.getdoc(getattr(specs, hook)) or "")
    assert specification in words(ENTRIES[hook])
    for part in ("Called:", "Returns:", "Errors:"):
        assert part in specification


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_of_an_entry_is_code_that_runs(hook: str) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", ENTRIES[hook], re.DOTALL)
    assert example in EXAMPLES
    assert f"@hookimpl\ndef {hook}(" in example


def test_every_registering_hook_is_collected_at_boot() -> None:
    assert {register.hook for register in REGISTERS} == {hook for hook in HOOKS if hook.startswith("register_")}
