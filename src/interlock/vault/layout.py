"""The keys of the vault's objects in a store, as docs/formats/vault-v1.md writes them."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

FORMAT_KEY = "format.json"
OBJECTS, VERSIONS, CHUNKS, RECIPES = "objects/", "versions/", "chunks/", "recipes/"
PREFIXES = (OBJECTS, CHUNKS, RECIPES, VERSIONS)

_OBJECT = re.compile(r"(?:objects|chunks|recipes)/([0-9a-f]{2})/\1[0-9a-f]{62}(?:\.zst|\.json)?")


def object_key(sha256: str) -> str:
    """A whole file's, named by the SHA-256 of its bytes."""
    return f"{OBJECTS}{sha256[:2]}/{sha256}"


def recipe_key(sha256: str) -> str:
    """The recipe of a file that is kept in chunks, named by the SHA-256 of the recipe's own bytes."""
    return f"{RECIPES}{sha256[:2]}/{sha256}.json"


def chunk_key(blake3: str, *, compressed: bool) -> str:
    """A chunk's, named by the BLAKE3 of its bytes before compression."""
    return f"{CHUNKS}{blake3[:2]}/{blake3}{'.zst' if compressed else ''}"


def manifest_key(name: str, version: int) -> str:
    """A version's manifest: each part of the name percent-encoded, so that any name is a safe path."""
    return f"{VERSIONS}{'/'.join(quote(part, safe='') for part in name.split('/'))}/v{version}.json"


def manifest_of(key: str) -> tuple[str, int] | None:
    """The name and number whose manifest is under this key; None where it is no manifest's."""
    path, _, number = key.removeprefix(VERSIONS).rpartition("/v")
    if not number.removesuffix(".json").isdecimal():
        return None
    found = unquote(path), int(number.removesuffix(".json"))
    return found if manifest_key(*found) == key else None


def is_object(key: str) -> bool:
    """Whether the key is a digest of what lies under it: that of a file, a chunk or a recipe."""
    return _OBJECT.fullmatch(key) is not None
