"""What can be wrong with what lies in a store, and what a scrub says of it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class What(StrEnum):
    """Kinds of damage; `STRAY` alone harms nobody."""

    MISSING = "missing"
    CORRUPT = "corrupt"  # other bytes than were put: changed, cut off, unreadable
    SWAPPED = "swapped"  # the bytes of another object
    HIDDEN = "hidden"  # our bytes are there, under a delete marker or a newer version
    UNLOCKED = "unlocked"  # its lock is gone, or shorter than it was
    STRAY = "stray"  # nothing of the vault's


@dataclass(frozen=True, slots=True)
class Finding:
    """One object that is not as it should be.

    ``store`` is the store's name, or how a file is kept that lies outside the stores (``lake``,
    ``adopted``; ``key`` is then where). ``versions`` need it (the first few). ``repaired`` says where
    the right bytes came from, ``why`` why it could not be repaired.
    """

    store: str
    key: str
    what: What
    detail: str
    versions: tuple[str, ...] = ()
    repaired: str | None = None
    why: str | None = None

    @property
    def left(self) -> bool:
        """Whether it is damage that is still there."""
        return self.what is not What.STRAY and self.repaired is None

    def entry(self, who: str) -> dict[str, Any]:
        """What the ledger says of its repair."""
        said = {"store": self.store, "key": self.key, "what": self.what.value, "from": self.repaired}
        return {"action": "repair", "who": who, **said}

    def to_dict(self) -> dict[str, Any]:
        return {
            "store": self.store,
            "key": self.key,
            "what": self.what.value,
            "detail": self.detail,
            "versions": list(self.versions),
            "repaired_from": self.repaired,
            "why_not": self.why,
        }


@dataclass(slots=True)
class Report:
    """What a scrub found. ``findings`` are the first of them; the numbers count all.

    ``began_at`` lies before this run where it went on with one that was stopped. ``objects`` were read and
    judged by store, with ``size_bytes``; ``unused`` lie there whole though nothing needs them (yet).
    """

    began_at: dict[str, dt.datetime] = field(default_factory=dict)
    objects: Counter[str] = field(default_factory=Counter)
    size_bytes: Counter[str] = field(default_factory=Counter)
    unused: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    repaired: int = 0
    left: int = 0
    renewed: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.left

    def add(self, found: Finding, most: int) -> None:
        """Count a finding, and keep it if there are fewer than ``most``."""
        self.counts[found.what.value] += 1
        self.repaired += found.repaired is not None
        self.left += found.left
        if len(self.findings) < most:
            self.findings.append(found)

    def to_dict(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "stores": {
                name: {
                    "began_at": self.began_at[name],
                    "objects": self.objects[name],
                    "size_bytes": self.size_bytes[name],
                    "unused": self.unused[name],
                }
                for name in self.began_at
            },
            "counts": dict(self.counts),
            "repaired": self.repaired,
            "left": self.left,
            "locks_renewed": self.renewed,
            "findings": [f.to_dict() for f in self.findings],
            "notes": self.notes,
        }
