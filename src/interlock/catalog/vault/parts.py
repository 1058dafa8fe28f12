"""Long lists of parameters, in parts that every database takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

AT_ONCE = 500  # below every database's limit on parameters, several of them a row
T = TypeVar("T")


def parts(items: Iterable[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    """The items in lists of at most ``size``, in order; nothing for no items."""
    left = iter(items)
    while some := list(islice(left, size)):
        yield some
