"""Regular expressions: RE2's common part, as PostgreSQL writes it.

Only what means the same in both is let through: characters, classes, groups,
alternatives, repetitions, the ends of the text. Whether a text matches does not
depend on which match is preferred, so greed is dropped.
"""

from __future__ import annotations

import re

from interlock.errors import ExpressionRefused

_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": "\\t\\n\\f\\r "}
_CONTROLS = {"t": "\\t", "n": "\\n", "r": "\\r", "f": "\\f", "v": "\\v"}
_PART = re.compile(
    r"""(?P<escape>\\.)|(?P<bracket>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<group>\((?:\?:|\?P?<\w+>)?)
    |(?P<repeat>(?:[*+?]|\{\d+(?:,\d*)?\})\??)|(?P<dot>\.)|(?P<plain>[)|^$]|[^\\\[\](){}.*+?|^$])""",
    re.VERBOSE | re.DOTALL,
)


def to_posix(pattern: str, *, whole: bool) -> str:
    """``pattern`` as PostgreSQL's advanced regular expression; ``whole``: it must match the whole text.

    Raises `ExpressionRefused` for what is not known to mean the same there.
    """
    parts, at = [], 0
    while at < len(pattern):
        found = _PART.match(pattern, at)
        if found is None or (pattern.startswith("(?", at) and found["group"] == "("):
            raise _refused(pattern, pattern[at : at + 4])
        parts.append(_part(pattern, found))
        at = found.end()
    made = "".join(parts)
    return f"^(?:{made})$" if whole else f"(?:{made})"


def _part(pattern: str, found: re.Match[str]) -> str:
    part = found[0]
    if found["escape"]:
        return _escape(pattern, part[1])
    if found["bracket"]:
        return _bracket(pattern, part)
    if found["group"]:
        return "(?:"
    if found["repeat"]:
        return _repeat(pattern, part)
    return "[^\\n]" if found["dot"] else part


def _escape(pattern: str, char: str) -> str:
    if char in _CLASSES:
        return f"[{_CLASSES[char]}]"
    if char.lower() in _CLASSES:
        return f"[^{_CLASSES[char.lower()]}]"
    if char in _CONTROLS:
        return _CONTROLS[char]
    if char.isalnum() or ord(char) > 127:
        raise _refused(pattern, "\\" + char)
    return "\\" + char


def _bracket(pattern: str, part: str) -> str:
    inside, made = part[1:-1], "["
    if inside.startswith("^"):
        inside, made = inside[1:], "[^"
    if inside.startswith("]"):
        inside, made = inside[1:], made + "\\]"
    if "[" in inside.replace("\\[", ""):  # [:alpha:] depends on the database; a plain [ is written \[
        raise _refused(pattern, part)
    for piece in re.findall(r"\\.|[^\\]", inside, re.DOTALL):
        if not piece.startswith("\\"):
            made += piece
        elif piece[1] in _CLASSES:
            made += _CLASSES[piece[1]]
        elif piece[1] in _CONTROLS:
            made += _CONTROLS[piece[1]]
        elif piece[1].isalnum():
            raise _refused(pattern, piece)
        else:
            made += piece
    return made + "]"


def _repeat(pattern: str, part: str) -> str:
    plain = part[:-1] if len(part) > 1 and part.endswith("?") else part
    if any(int(n) > 255 for n in re.findall(r"\d+", plain)):
        raise _refused(pattern, part)
    return plain


def _refused(pattern: str, part: str) -> ExpressionRefused:
    return ExpressionRefused(
        f"{part!r} in the pattern {pattern!r} is not known to mean the same in PostgreSQL",
        hint="write it with characters, classes such as [a-z], groups and repetitions",
    )
