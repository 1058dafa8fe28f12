"""Figures read out of a results document; None where something was not measured."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]
Entries = dict[str, Any]  # tool name → what was measured on one table


def entries(document: Document, case: str) -> Entries:
    found: Entries = document["cases"].get(case, {}).get("tools", {})
    return found


def profile_s(of: Entries, tool: str) -> float | None:
    return of.get(tool, {}).get("profile_s", {}).get("median")


def loaded_s(of: Entries, tool: str) -> float | None:
    """Loading and profiling together."""
    seconds = profile_s(of, tool)
    return None if seconds is None else seconds + float(of[tool]["load_s"]["median"])


def peak_mib(of: Entries, tool: str) -> float | None:
    return of.get(tool, {}).get("peak_rss_mib", {}).get("max")


def ratio(a: float | None, b: float | None) -> float | None:
    return None if a is None or not b else a / b


def written(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
