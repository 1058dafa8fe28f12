"""HTML and SVG as values: every text is escaped unless it is markup already."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Any

_VOID = frozenset({"meta", "br", "col", "hr", "input"})


class Markup(str):
    """Text that is markup. Only `el`, `join` and `data` make it."""

    __slots__ = ()


Child = str | None
EMPTY = Markup("")


def text(value: str) -> Markup:
    """Escaped text; control characters, which no page may hold, become spaces."""
    if isinstance(value, Markup):
        return value
    clean = "".join(c if c in "\n\t" or (c >= " " and c != "\x7f") else " " for c in value)
    return Markup(html.escape(clean, quote=True))


def el(tag: str, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """An element. ``class_`` means class, ``aria_label`` aria-label; None and False leave an attribute out.

    >>> el("b", "<x>", title='"')
    '<b title="&quot;">&lt;x&gt;</b>'
    """
    opened = f"<{tag}{''.join(_attribute(k, v) for k, v in attributes.items())}>"
    if tag in _VOID:
        return Markup(opened)
    return Markup(f"{opened}{join(children)}</{tag}>")


def join(children: Iterable[Child], between: str = "") -> Markup:
    """Markup and texts one after the other."""
    return Markup(text(between).join(text(c) for c in children if c is not None))


def _attribute(name: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    shown = name.rstrip("_").replace("_", "-")
    return f" {shown}" if value is True else f' {shown}="{text(str(value))}"'


def data(id_: str, document: Any) -> Markup:
    """A JSON document that the page's script reads; nothing in it can end its element."""
    shown = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        shown = shown.replace(character, f"\\u{ord(character):04x}")
    return Markup(f'<script type="application/json" id="{text(id_)}">{shown}</script>')


def raw(tag: str, content: str) -> Markup:
    """A style or script of our own; its bytes are those its hash in the policy is of."""
    if f"</{tag}" in content.lower():
        raise ValueError(f"a {tag} must not hold its own end")
    return Markup(f"<{tag}>{content}</{tag}>")
