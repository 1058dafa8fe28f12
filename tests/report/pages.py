"""What a page holds, as a parser sees it."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class Seen(HTMLParser):
    """Elements with their attributes, texts, and the raw content of styles and scripts."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    raw: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._within = tag
        if tag in ("script", "style"):
            self.raw.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within in ("script", "style"):
            tag, content = self.raw[-1]
            self.raw[-1] = (tag, content + data)
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def policy(self) -> str:
        (found,) = [m["content"] for m in self.all("meta") if "http-equiv" in m]
        return found or ""

    @property
    def facts(self) -> Any:
        """What the page's script reads."""
        (found,) = [content for tag, content in self.raw if tag == "script" and content.startswith("{")]
        return json.loads(found)


def seen(page: str) -> Seen:
    found = Seen()
    found.feed(page)
    found.close()
    return found


def hash_of(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
