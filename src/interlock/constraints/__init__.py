"""Constraints: SQL boolean expressions — read, allowed, compiled, judged.

`interlock.constraints.contract` (the YAML file) is imported on its own, since
it needs libraries that nothing else here does.
"""

from interlock.constraints.blame import choosing, limits, violating
from interlock.constraints.compile import Compiled, compile, failing_rows
from interlock.constraints.constraint import Constraint, Level, Violation
from interlock.constraints.document import from_dict, to_dict
from interlock.constraints.emitters import EMITTERS, provide
from interlock.constraints.judge import doubt, judge, violation
from interlock.constraints.parse import name_of, parse
from interlock.constraints.sugar import fresh, identifier, in_set, matches, not_null, references, unique

__all__ = [
    "EMITTERS",
    "Compiled",
    "Constraint",
    "Level",
    "Violation",
    "choosing",
    "compile",
    "doubt",
    "failing_rows",
    "fresh",
    "from_dict",
    "identifier",
    "in_set",
    "judge",
    "limits",
    "matches",
    "name_of",
    "not_null",
    "parse",
    "provide",
    "references",
    "to_dict",
    "unique",
    "violating",
    "violation",
]
