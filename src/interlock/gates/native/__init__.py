"""The write gate inside PostgreSQL: what a contract promises as objects of the database, for every writer.

`plan` says what shall stand on a relation, `standing` what does, `install` which statements make the one of the
other, and `change` carries them out. Each kind of object has a file of its own: `rules`, `at_commit`, `quarantine`,
`marks`, `mass_change` with `approval` and `kept`, `reads` (the view that warns its readers) with `swap`.
"""

from interlock.gates.native.at_commit import CommitRule
from interlock.gates.native.plan import Plan, plan
from interlock.gates.native.rules import Rule
from interlock.gates.native.statements import change, install, script, uninstall
from interlock.gates.native.trigger import Trigger

__all__ = [
    "CommitRule",
    "Plan",
    "Rule",
    "Trigger",
    "change",
    "install",
    "plan",
    "script",
    "uninstall",
]
