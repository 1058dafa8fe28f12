"""A service level objective from the words people write it in."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo

from interlock.constraints.table_contract import Slo
from interlock.errors import ContractError

_WINDOW_DAYS_MAX = 3_660


def objective(healthy: float = 0.99, window: str = "30d", fresh: str | None = None, zone: str = "UTC") -> Slo:
    """``objective(0.99, "30d", "06:00", "Europe/Berlin")``. Raises `ContractError`."""
    if not 0 < healthy < 1:
        raise ContractError(f"healthy is a share between 0 and 1, not {healthy}", hint="99% is 0.99")
    days = re.fullmatch(r"([1-9]\d{0,3})d", window)
    if days is None or int(days[1]) > _WINDOW_DAYS_MAX:
        raise ContractError(f"{window!r} is no window", hint="write a number of days, such as 30d")
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ContractError(f"{zone!r} is no time zone", hint="such as UTC or Europe/Berlin") from None
    return Slo(healthy, int(days[1]), _time(fresh), zone)


def _time(text: str | None) -> dt.time | None:
    if text is None:
        return None
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ContractError(f"{text!r} is no time of day", hint="such as '06:00'")
    return dt.time.fromisoformat(text)
