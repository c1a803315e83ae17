"""For the tests of plugins: the contract that each inherits, and fixtures on real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ossature.testing.contract import PluginContract

__all__ = ["PluginContract"]


def __getattr__(name: str) -> Any:
    # the contract imports much of the product, and this package is imported by every run of pytest
    if name == "PluginContract":
        from ossature.testing.contract import PluginContract

        return PluginContract
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
