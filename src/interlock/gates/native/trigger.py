"""A trigger of ours as it shall stand, sealed by a comment of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from interlock.gates.native import quoting
from interlock.gates.native.standing import OURS, TRIGGER_SEAL


@dataclass(frozen=True, slots=True)
class Trigger:
    """``on`` is the relation as SQL writes it, ``events`` what stands between name and table, ``does`` what follows.

    ``first`` are statements to run before it is made: what PostgreSQL reads only when a row comes is tried there.
    """

    on: str
    name: str
    events: str
    does: str
    first: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Of what it is made from."""
        return hashlib.sha256("\0".join((self.name, self.events, self.does)).encode()).hexdigest()[:16]

    def create(self) -> Iterator[str]:
        yield from self.first
        name = quoting.name(self.name)
        yield f"CREATE TRIGGER {name} {self.events} ON {self.on} {self.does}"
        made = (
            f"FROM pg_trigger WHERE tgrelid = {quoting.text(self.on)}::regclass"
            f" AND tgname = {quoting.text(self.name)}"
        )
        yield sealed(f"TRIGGER {name} ON {self.on}", self.digest, f"SELECT {TRIGGER_SEAL} {made}")


def sealed(what: str, digest: str, seal: str) -> str:
    """A comment on what was made: what from, and what the catalog says of it, by which a change is known."""
    said = f"{quoting.text(OURS + digest + ' ')} || ({seal})"
    comment = quoting.text(f"COMMENT ON {what} IS ")
    return "DO " + quoting.text(f"BEGIN EXECUTE {comment} || quote_literal({said}); END")
