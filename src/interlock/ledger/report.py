"""What a verification found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One place that does not hold: a ledger file, or a catalog row (``file`` is then ``catalog``).

    ``entry`` is a ledger index, ``offset`` a byte position in the file.
    """

    file: str
    message: str
    entry: int | None = None
    offset: int | None = None

    def __str__(self) -> str:
        where = [f"entry {self.entry}"] * (self.entry is not None) + [f"byte {self.offset}"] * (
            self.offset is not None
        )
        return f"{self.file}: {', '.join(where)}{': ' if where else ''}{self.message}"

    def to_dict(self) -> dict[str, Any]:
        return {"file": self.file, "entry": self.entry, "offset": self.offset, "message": self.message}


@dataclass(frozen=True, slots=True)
class Report:
    """``size`` entries under ``root`` (hexadecimal); it holds where there is no problem."""

    size: int
    root: str
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "entries": self.size,
            "root": self.root,
            "problems": [p.to_dict() for p in self.problems],
            "notes": list(self.notes),
        }
