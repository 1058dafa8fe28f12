"""Shipped with the package: suites and strategies for those who write an engine or a store. Needs pytest."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlock.testing.agreement import AgreementConformance
    from interlock.testing.engine import EngineConformance, FileEngineConformance

__all__ = ["AgreementConformance", "EngineConformance", "FileEngineConformance"]

_FILES = {
    "AgreementConformance": "agreement",
    "EngineConformance": "engine",
    "FileEngineConformance": "engine",
}


def __getattr__(name: str) -> Any:
    if name in _FILES:
        return getattr(import_module(f"interlock.testing.{_FILES[name]}"), name)
    raise AttributeError(name)
