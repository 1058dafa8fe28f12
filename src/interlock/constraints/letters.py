"""Letters that change case one for one, for engines whose own functions do more or less."""

from __future__ import annotations

from collections.abc import Callable
from unicodedata import ucd_3_2_0

# Characters of Unicode 3.2 whose case every Python changes alike; Lo has got case in later versions.
_LETTERS = [c for c in map(chr, range(128, 0x1_0500)) if ucd_3_2_0.category(c) not in ("Cn", "Cs", "Lo")]


def changed(other: Callable[[str], str]) -> tuple[str, str]:
    """The letters beyond ASCII that ``other`` (str.lower or str.upper) turns into one, and what it makes of them."""
    before = "".join(c for c in _LETTERS if len(other(c)) == 1 and other(c) != c)
    return before, "".join(map(other, before))
