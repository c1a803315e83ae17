"""Questions about the fields of a record, joined into a tree: what lists are filtered by and conditions are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Join = Literal["all", "any", "none"]


@dataclass(frozen=True, slots=True)
class Question:
    """One question about one field; `value` is what was written, a list where the operator takes several."""

    field: str
    op: str
    value: Any = None

    @property
    def values(self) -> list[Any]:
        """As a list, also where there is one."""
        return self.value if isinstance(self.value, list) else [self.value]


@dataclass(frozen=True, slots=True)
class Group:
    """Questions joined: all, any or none of them must be true. An empty group asks nothing."""

    join: Join
    items: tuple[Filter, ...] = ()


Filter = Question | Group

NOTHING = Group("all")


def write(node: Filter) -> dict[str, Any]:
    """The filter as `read_json` reads it."""
    if isinstance(node, Group):
        return {node.join: [write(item) for item in node.items]}
    return {"field": node.field, "op": node.op, **({} if node.value is None else {"value": node.value})}


def tests_of(node: Filter) -> Iterator[Question]:
    """All questions of a filter."""
    if isinstance(node, Question):
        yield node
    else:
        for item in node.items:
            yield from tests_of(item)
