"""A document of the standard that remembers what of it was understood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml.comments import CommentedMap

from interlock.constraints import yaml_file
from interlock.errors import ContractError, nearest

# The keys of the standard from 3.0.0 to 3.2.0, for the parts that are read here.
_KEYS = {
    "contract": """
        version kind apiVersion id name tenant tags status servers dataProduct description domain schema support
        price team roles slaDefaultElement slaProperties authoritativeDefinitions customProperties context
        contractCreatedTs""",
    "element": """
        id name physicalType physicalName description businessName deprecated synonyms authoritativeDefinitions
        tags customProperties logicalType relationships quality properties""",
    "table": "dataGranularityDescription context",
    "column": """
        primaryKey primaryKeyPosition logicalTypeOptions semanticType required unique partitioned
        partitionKeyPosition classification encryptedName transformSourceObjects transformLogic
        transformDescription examples enum criticalDataElement items map""",
    "rule": """
        id authoritativeDefinitions businessImpact customProperties description dimension method name schedule
        scheduler severity tags type unit metric rule arguments mustBe mustNotBe mustBeGreaterThan
        mustBeGreaterOrEqualTo mustBeGreaterThanOrEqualTo mustBeLessThan mustBeLessOrEqualTo
        mustBeLessThanOrEqualTo mustBeBetween mustNotBeBetween query engine implementation validValues""",
    "promise": """
        id property value valueExt unit element driver description scheduler schedule customProperties
        authoritativeDefinitions""",
}
KNOWN = {shape: frozenset(keys.split()) for shape, keys in _KEYS.items()}
KNOWN |= {shape: KNOWN[shape] | KNOWN["element"] for shape in ("table", "column")}


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A place of the document that has no counterpart: ``schema[0].tags``, its line from 1, and why."""

    path: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.path}: {self.why}"


@dataclass(slots=True)
class Document:
    """The whole file, which parts of it were understood, and reasons why others were not."""

    root: CommentedMap
    filename: str
    understood: set[tuple[str | int, ...]] = field(default_factory=set)
    reasons: dict[tuple[str | int, ...], str] = field(default_factory=dict)

    def error(
        self, path: tuple[str | int, ...], message: str, hint: str | None = None, *, key: bool = False
    ) -> ContractError:
        """What is wrong at a place of the file."""
        where = yaml_file.place(self.filename, *yaml_file.mark(self.root, path, key=key))
        return ContractError(f"{where}: {message}", hint=hint)

    def unmapped(self) -> tuple[Unmapped, ...]:
        """Every part that was not understood, as large as possible."""
        return tuple(self._left((), yaml_file.plain(self.root)))

    def _left(self, path: tuple[str | int, ...], value: Any) -> Iterator[Unmapped]:
        if path in self.understood or value in (None, [], {}, ""):
            return
        spoken_of = (*self.understood, *(reason for reason in self.reasons if reason != path))
        inside = any(done[: len(path)] == path for done in spoken_of)
        if not inside or not isinstance(value, dict | list):
            line = yaml_file.mark(self.root, path, key=True)[0] + 1
            yield Unmapped(spelled(path), line, self._why(path))
            return
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in items:
            yield from self._left((*path, key), part)

    def _why(self, path: tuple[str | int, ...]) -> str:
        for end in range(len(path), 0, -1):
            if path[:end] in self.reasons:
                return self.reasons[path[:end]]
        key = next((step for step in reversed(path) if isinstance(step, str)), "")
        return _WHY.get(key, "Interlock has no place for it")


_WHY = {
    "physicalType": "types are those of the data",
    "logicalType": "types are those of the data",
    "servers": "where data lies is the workspace's to say",
    "properties": "columns inside a column have no constraints of their own",
    "items": "columns inside a column have no constraints of their own",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A mapping of the document and where it is."""

    document: Document
    path: tuple[str | int, ...]
    values: dict[str, Any]

    @classmethod
    def of(cls, document: Document, path: tuple[str | int, ...], value: Any, shape: str) -> Node:
        """A mapping with the keys of this shape. Raises `ContractError`."""
        if not isinstance(value, dict):
            raise document.error(path, f"{spelled(path)} must be a mapping")
        for key in value:
            if key not in KNOWN[shape]:
                hint = nearest(str(key), KNOWN[shape])
                raise document.error((*path, key), f"unknown key {str(key)!r}", hint, key=True)
        return cls(document, path, value)

    def take(self, key: str, kind: type | tuple[type, ...] = object) -> Any:
        """A value, understood from here on; None where it is absent. Raises `ContractError` for another kind."""
        self.document.understood.add((*self.path, key))
        return self.look(key, kind)

    def look(self, key: str, kind: type | tuple[type, ...] = object) -> Any:
        """`take` without having understood it."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, kind):
            raise self.document.error((*self.path, key), f"{key!r} is {value!r}, which cannot be")
        return value

    def parts(self, key: str, shape: str) -> list[Node]:
        """A list of mappings."""
        found = self.look(key, list) or []
        return [Node.of(self.document, (*self.path, key, i), part, shape) for i, part in enumerate(found)]

    def done(self, *keys: str) -> None:
        """These keys are understood; without any, all of it."""
        self.document.understood |= {(*self.path, key) for key in keys} if keys else {self.path}

    def because(self, why: str, *keys: str) -> None:
        """Why these keys, or all of it, are not understood."""
        for key in keys or ("",):
            self.document.reasons[(*self.path, key) if key else self.path] = why


def spelled(path: tuple[str | int, ...]) -> str:
    """``schema[0].name``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the document"
