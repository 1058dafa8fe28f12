"""Shipped with the package: suites and strategies for those who write an engine. Needs pytest and hypothesis."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from interlock.errors import ExtraMissing

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
    if name not in _FILES:
        raise AttributeError(name)
    try:
        return getattr(import_module(f"interlock.testing.{_FILES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name not in ("pytest", "hypothesis"):
            raise
        raise ExtraMissing(f"{name} needs {error.name}", hint=f"pip install {error.name}") from None
