"""What the delete gate allows, each value with its reason; JSON under ``vault_policy`` in the catalog.

Who may change it is the delete gate's business (`interlock.gates.delete.policy`).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from sqlalchemy import select

from interlock.catalog import schema
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.vault import guards
from interlock.catalog.vault.guards import Guard
from interlock.errors import UsageError, nearest

KEY = "vault_policy"
NUMBER_MAX = 1_000_000


def _value(default: int, why: str, *, looser: int, least: int = 1) -> Any:
    """``looser``: 1 where a larger number protects less, -1 where a smaller one does."""
    return field(default=default, metadata={"why": why, "looser": looser, "least": least})


@dataclass(frozen=True, slots=True)
class Policy:
    """The values in force. Protecting more is free; protecting less needs a second person."""

    retention_days: int = _value(
        30,
        "Days a deleted version can be restored before anybody may purge it: longer than a holiday.",
        looser=-1,
        least=0,
    )
    radius_models: int = _value(
        10, "Models one person's doings may affect within the window; a whole folder is more.", looser=1
    )
    radius_window_h: int = _value(
        24, "Hours over which many small doings add up: a script that goes one by one is one.", looser=-1
    )
    collect_grace_h: int = _value(
        24,
        "Hours an object that nothing needs stays before it is removed: time to notice, longer than any put.",
        looser=-1,
    )
    pending_days: int = _value(
        14, "Days a request waits for a second person; what was meant then may be wrong later.", looser=1
    )

    @property
    def retention(self) -> dt.timedelta:
        return dt.timedelta(days=self.retention_days)

    @property
    def window(self) -> dt.timedelta:
        return dt.timedelta(hours=self.radius_window_h)

    @property
    def grace(self) -> dt.timedelta:
        return dt.timedelta(hours=self.collect_grace_h)

    @property
    def pending(self) -> dt.timedelta:
        return dt.timedelta(days=self.pending_days)

    def with_(self, changes: Mapping[str, int]) -> Self:
        """The same with other values. `UsageError` for a name or number that cannot be."""
        known = {f.name: f.metadata for f in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise UsageError(f"the policy has no {name!r}", hint=nearest(name, known) or ", ".join(known))
            least = known[name]["least"]
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= NUMBER_MAX:
                raise UsageError(f"{name} is a whole number from {least} to {NUMBER_MAX:,}, not {value!r}")
        return replace(self, **changes)

    def looser_than(self, other: Policy) -> list[str]:
        """The names of values by which this one protects less than ``other``."""
        return [
            f.name
            for f in fields(self)
            if f.metadata["looser"] * (getattr(self, f.name) - getattr(other, f.name)) > 0
        ]

    def to_dict(self) -> dict[str, int]:
        return asdict(self)


def reasons() -> dict[str, str]:
    """Each value's reason, by name."""
    return {f.name: str(f.metadata["why"]) for f in fields(Policy)}


def get(rx: Reader) -> Policy:
    """The policy in force; values nobody changed are the defaults."""
    t = schema.workspace
    stored = rx.connection.scalar(select(t.c.value).where(t.c.key == KEY))
    known = {f.name for f in fields(Policy)}
    return Policy(**{k: v for k, v in json.loads(stored or "{}").items() if k in known})


def put(tx: Writer, policy: Policy) -> None:
    """This policy is in force from now on."""
    value = json.dumps(policy.to_dict())
    row = tx.insert(schema.workspace).values(key=KEY, value=value)
    tx.connection.execute(row.on_conflict_do_update(index_elements=["key"], set_={"value": value}))
    guards.changed(tx, Guard.POLICY, KEY)
