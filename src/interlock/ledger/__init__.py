"""What happened: an append-only Merkle log that nobody rewrites unnoticed.

Its format is ``docs/formats/ledger-v1.md``.
"""

from interlock.ledger.ledger import Entry, Ledger
from interlock.ledger.tiles import Checkpoint
from interlock.ledger.verify import Problem, Report, verify

__all__ = ["Checkpoint", "Entry", "Ledger", "Problem", "Report", "verify"]
