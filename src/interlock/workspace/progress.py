"""How far something is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with what is done, and how much it is in all."""


def quiet(done: int, total: int) -> None:
    """Tells nobody."""
