"""Regular expressions as PostgreSQL writes them: its advanced ones."""

from __future__ import annotations

from interlock.constraints.patterns import Syntax, translated

_SYNTAX = Syntax(
    engine="PostgreSQL",
    classes={"d": "0-9", "w": "0-9A-Za-z_", "s": "\\t\\n\\f\\r "},
    controls={"t": "\\t", "n": "\\n", "r": "\\r", "f": "\\f", "v": "\\v"},
    start="^",
    end="$",
    inside="[]-^\\",
    repeats=255,
    escapes={},
)


def to_posix(pattern: str, *, whole: bool) -> str:
    """``pattern`` as PostgreSQL's advanced regular expression; ``whole``: it must match the whole text.

    Raises `ExpressionRefused` for what is not known to mean the same there.
    """
    return translated(pattern, _SYNTAX, whole=whole)
