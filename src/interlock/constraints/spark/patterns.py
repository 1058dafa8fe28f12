"""Regular expressions as Java writes them, which Spark matches with."""

from __future__ import annotations

from interlock.constraints.patterns import Syntax, translated

_WORD = "[0-9A-Za-z_]"
_AT_EDGE = f"(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD})"
_INSIDE = f"(?<={_WORD})(?={_WORD})|(?<!{_WORD})(?!{_WORD})"
_SYNTAX = Syntax(
    engine="Spark",
    classes={"d": "0-9", "w": "0-9A-Za-z_", "s": "\\t\\n\\f\\r "},
    controls={"t": "\\t", "n": "\\n", "r": "\\r", "f": "\\f", "v": "\\x0B"},
    start="\\A",
    end="\\z",  # Java's $ matches before a last line break, too
    inside="[]-^\\&",
    repeats=1_000,
    escapes={"A": "\\A", "z": "\\z", "b": f"(?:{_AT_EDGE})", "B": f"(?:{_INSIDE})"},
)


def to_java(pattern: str, *, whole: bool) -> str:
    """``pattern`` as Java's; ``whole``: it must match the whole text.

    Raises `ExpressionRefused` for what is not known to mean the same there.
    """
    return translated(pattern, _SYNTAX, whole=whole)
