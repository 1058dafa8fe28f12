"""Regular expressions: RE2's common part, as an engine with a syntax of its own writes it.

Only what means the same in both is let through: characters, classes, groups,
alternatives, repetitions, the ends of the text. Whether a text matches does not
depend on which match is preferred, so greed is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from interlock.errors import ExpressionRefused


@dataclass(frozen=True, slots=True)
class Syntax:
    """How one engine writes what RE2 writes otherwise.

    ``classes`` are the insides of brackets for ``\\d``, ``\\w`` and ``\\s``,
    ``escapes`` what stands for other escaped letters, ``inside`` the characters
    that a bracket must escape, ``repeats`` the largest number of repetitions.
    """

    engine: str
    classes: Mapping[str, str]
    controls: Mapping[str, str]
    start: str
    end: str
    inside: str
    repeats: int
    escapes: Mapping[str, str]


_ITEM = re.compile(r"\\.|.", re.DOTALL)
_PART = re.compile(
    r"""(?P<escape>\\.)|(?P<bracket>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<group>\((?:\?:|\?P?<\w+>)?)
    |(?P<repeat>(?:[*+?]|\{\d+(?:,\d*)?\})\??)|(?P<dot>\.)|(?P<plain>[)|^$]|[^\\\[\](){}.*+?|^$])""",
    re.VERBOSE | re.DOTALL,
)


def translated(pattern: str, syntax: Syntax, *, whole: bool) -> str:
    """``pattern`` as ``syntax`` writes it; ``whole``: it must match the whole text.

    Raises `ExpressionRefused` for what is not known to mean the same there.
    """
    return _Translation(pattern, syntax).written(whole=whole)


@dataclass(frozen=True, slots=True)
class _Translation:
    pattern: str
    syntax: Syntax

    def written(self, *, whole: bool) -> str:
        parts: list[str] = []
        not_repeated = (self.syntax.start, self.syntax.end, "|", "(?:", *self.syntax.escapes.values())
        at, repeated = 0, False
        while at < len(self.pattern):
            found = _PART.match(self.pattern, at)
            if found is None or (self.pattern.startswith("(?", at) and found["group"] == "("):
                raise self.refused(self.pattern[at : at + 4])
            if found["repeat"] and (not parts or repeated or parts[-1] in not_repeated):
                raise self.refused(found[0])
            repeated = found["repeat"] is not None
            parts.append(self.part(found))
            at = found.end()
        made = "".join(parts)
        return f"{self.syntax.start}(?:{made}){self.syntax.end}" if whole else f"(?:{made})"

    def part(self, found: re.Match[str]) -> str:
        part = found[0]
        if found["escape"]:
            return self.escape(part[1])
        if found["bracket"]:
            return self.bracket(part)
        if found["group"]:
            return "(?:"
        if found["repeat"]:
            return self.repeat(part)
        if found["dot"]:
            return "[^\\n]"
        return {"^": self.syntax.start, "$": self.syntax.end}.get(part, part)

    def escape(self, char: str) -> str:
        classes = self.syntax.classes
        if char in classes:
            return f"[{classes[char]}]"
        if char.lower() in classes:
            return f"[^{classes[char.lower()]}]"
        known = self.syntax.controls.get(char) or self.syntax.escapes.get(char)
        if known is not None:
            return known
        if char.isalnum() or ord(char) > 127:
            raise self.refused("\\" + char)
        return "\\" + char

    def bracket(self, part: str) -> str:
        """Item by item; a ``-`` that is no range is written so that it never becomes one."""
        inside, made = part[1:-1], "["
        if inside.startswith("^"):
            inside, made = inside[1:], "[^"
        items = [m[0] for m in _ITEM.finditer(inside)]
        while items:
            first = items.pop(0)
            if first == "[" and items and items[0] in ":.=":  # [:alpha:] depends on the database
                raise self.refused(part)
            if len(items) > 1 and items[0] == "-":
                made += f"{self.one(first)}-{self.one(items[1])}"
                del items[:2]
                if len(items) > 1 and items[0] == "-":  # a-b-c
                    raise self.refused(part)
            elif first.startswith("\\") and first[1] in self.syntax.classes:
                made += self.syntax.classes[first[1]]
            else:
                made += self.one(first)
        return made + "]"

    def one(self, item: str) -> str:
        """One character of a bracket; refused where it is none, as a class at the end of a range."""
        char = item[-1]
        if item.startswith("\\") and char in self.syntax.controls:
            return self.syntax.controls[char]
        if item.startswith("\\") and (char.isalnum() or ord(char) > 127):
            raise self.refused(item)
        return "\\" + char if char in self.syntax.inside else char

    def repeat(self, part: str) -> str:
        plain = part[:-1] if len(part) > 1 and part.endswith("?") else part
        if any(int(n) > self.syntax.repeats for n in re.findall(r"\d+", plain)):
            raise self.refused(part)
        return plain

    def refused(self, part: str) -> ExpressionRefused:
        return ExpressionRefused(
            f"{part!r} in the pattern {self.pattern!r} is not known to mean the same in {self.syntax.engine}",
            hint="write it with characters, classes such as [a-z], groups and repetitions",
        )
