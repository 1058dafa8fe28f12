"""An expression after it was read and allowed: our own small tree.

Nothing a person wrote runs; SQL is built anew from these nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from interlock.constraints.types import Type


@dataclass(frozen=True, slots=True)
class Node:
    """``op`` is a name of `language.OPERATIONS`, or ``column``, ``literal``, ``cast`` …

    ``value`` is the column's name, the literal's Python value, or what else the
    operation needs to be fixed before it runs (a unit, a pattern, an option).
    """

    op: str
    type: Type
    args: tuple[Node, ...] = ()
    value: object = None

    def walk(self) -> Iterator[Node]:
        yield self
        for arg in self.args:
            yield from arg.walk()
