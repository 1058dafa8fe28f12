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
_ITEM = re.compile(r"\\.|.", re.DOTALL)
_NOT_REPEATED = ("^", "$", "|", "(?:")
_PART = re.compile(
    r"""(?P<escape>\\.)|(?P<bracket>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<group>\((?:\?:|\?P?<\w+>)?)
    |(?P<repeat>(?:[*+?]|\{\d+(?:,\d*)?\})\??)|(?P<dot>\.)|(?P<plain>[)|^$]|[^\\\[\](){}.*+?|^$])""",
    re.VERBOSE | re.DOTALL,
)


def to_posix(pattern: str, *, whole: bool) -> str:
    """``pattern`` as PostgreSQL's advanced regular expression; ``whole``: it must match the whole text.

    Raises `ExpressionRefused` for what is not known to mean the same there.
    """
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        found = _PART.match(pattern, at)
        if found is None or (pattern.startswith("(?", at) and found["group"] == "("):
            raise _refused(pattern, pattern[at : at + 4])
        if found["repeat"] and (not parts or parts[-1] in _NOT_REPEATED):
            raise _refused(pattern, found[0])
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
    """Item by item; a ``-`` that is no range is written so that it never becomes one."""
    inside, made = part[1:-1], "["
    if inside.startswith("^"):
        inside, made = inside[1:], "[^"
    items = [m[0] for m in _ITEM.finditer(inside)]
    while items:
        first = items.pop(0)
        if first == "[" and items and items[0] in ":.=":  # [:alpha:] depends on the database
            raise _refused(pattern, part)
        if len(items) > 1 and items[0] == "-":
            made += f"{_one(pattern, first)}-{_one(pattern, items[1])}"
            del items[:2]
            if len(items) > 1 and items[0] == "-":  # a-b-c
                raise _refused(pattern, part)
        elif first.startswith("\\") and first[1] in _CLASSES:
            made += _CLASSES[first[1]]
        else:
            made += _one(pattern, first)
    return made + "]"


def _one(pattern: str, item: str) -> str:
    """One character of a bracket; refused where it is none, as a class at the end of a range."""
    char = item[-1]
    if item.startswith("\\") and char in _CONTROLS:
        return _CONTROLS[char]
    if item.startswith("\\") and (char.isalnum() or ord(char) > 127):
        raise _refused(pattern, item)
    return "\\" + char if char in "[]-^\\" else char


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
