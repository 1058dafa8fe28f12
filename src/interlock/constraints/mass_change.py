"""How much of a table may go or change at once, from the words people write it in."""

from __future__ import annotations

import re
from typing import Any

from interlock.constraints.contract_shape import MassChangeEntry
from interlock.constraints.parse import short_span, span_text
from interlock.constraints.table_contract import MassChange
from interlock.errors import ContractError

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*%")


def mass_change(entry: MassChangeEntry) -> MassChange | None:
    """None where all of a table may go. Raises `ContractError`."""
    if entry.share is False:
        return None
    window = short_span(entry.window)
    keep = None if entry.keep is None else short_span(entry.keep)
    if window is None or (entry.keep is not None and keep is None):
        name, said = ("window", entry.window) if window is None else ("keep", entry.keep)
        raise ContractError(f"{name!r}: {said!r} is not a time span", hint="write 1d, 12h or '90 minutes'")
    return MassChange(_share(entry.share), window, entry.rows, entry.updates, keep)


def document(said: MassChange | None) -> dict[str, object] | bool:
    """What is written of it: what is as it would be anyway is left out."""
    if said is None:
        return False
    usual = MassChange()
    written: dict[str, object] = {}
    if said.share != usual.share:
        written["share"] = said.share
    if said.window != usual.window:
        written["window"] = span_text(said.window)
    if said.rows != usual.rows:
        written["rows"] = said.rows
    if not said.updates:
        written["updates"] = False
    if said.keep is not None:
        written["keep"] = span_text(said.keep)
    return written or True


def _share(said: Any) -> float:
    """A part of one."""
    share = said
    if isinstance(said, str):
        match = _PERCENT.fullmatch(said.strip())
        share = round(float(match[1]) / 100, 9) if match else -1.0
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
        raise ContractError(f"'share': {said!r} is no share of the rows", hint="write 20% or 0.2")
    return float(share)
