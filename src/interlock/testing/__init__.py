"""Shipped with the package: suites and strategies for those who write an engine or a store. Needs pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlock.testing.engine import EngineConformance

__all__ = ["EngineConformance"]


def __getattr__(name: str) -> Any:
    if name == "EngineConformance":
        from interlock.testing.engine import EngineConformance

        return EngineConformance
    raise AttributeError(name)
