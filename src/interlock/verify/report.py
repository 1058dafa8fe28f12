"""What a verification found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from interlock.settings import current


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not hold. ``place``: ``catalog``, a file of the ledger, or an object of the vault."""

    place: str
    what: str
    version: str | None = None

    def __str__(self) -> str:
        return f"{self.place}: {f'{self.version}: ' if self.version else ''}{self.what}"

    def to_dict(self) -> dict[str, Any]:
        return {"place": self.place, "version": self.version, "what": self.what}


@dataclass(slots=True)
class Report:
    """What was looked at, and what does not hold. ``problems`` are the first; ``found`` counts all.

    ``notes`` are leftovers and what could not be looked at: no damage.
    """

    entries: int = 0
    root: str = ""
    versions: int = 0
    files: int = 0
    read_bytes: int = 0
    found: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.found

    def problem(self, place: str, what: str, version: str | None = None) -> None:
        """Add one that was found."""
        self.found += 1
        if len(self.problems) < current().vault_findings_max:
            self.problems.append(Problem(place, what, version))

    def note(self, count: int, what: str) -> None:
        """Add a note, with a number in place of ``{}``; nothing where there are none."""
        if count:
            self.notes.append(what.format(f"{count:,}"))

    def to_dict(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "entries": self.entries,
            "root": self.root,
            "versions": self.versions,
            "files": self.files,
            "read_bytes": self.read_bytes,
            "found": self.found,
            "problems": [p.to_dict() for p in self.problems],
            "notes": self.notes,
        }


Progress = Callable[[int, int], None]  # (done, in all)
