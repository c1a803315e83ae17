"""What plugins offer a reader: of what they registered, what is enabled in the tenant and permitted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeVar

from ossature.context import current
from ossature.hooks.calls import Registers
from ossature.kernel import kernel
from ossature.plugins.registry import Registered


class _Permitted(Protocol):
    @property
    def permission(self) -> str | None: ...


T = TypeVar("T", bound=_Permitted)


def offered(register: Registers[T]) -> Iterator[Registered[T]]:
    """Objects of one hook for the bound caller, in their order; those without a permission are for everybody."""
    access = current().access
    for entry in kernel().plugins.registered(register, access.plugins):
        if entry.value.permission is None or access.allows(entry.value.permission):
            yield entry
