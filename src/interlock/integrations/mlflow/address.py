"""``vault://PREFIX?workspace=PLACE``: where MLflow's artifacts lie in a vault, and what they are called there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from interlock.errors import UsageError

SCHEME = "vault"
_ENCODED = {"@": "%40", "\\": "%5C", "%": "%25"}
_DECODED = {code: letter for letter, code in _ENCODED.items()}
_CODES = re.compile("|".join(_DECODED))


@dataclass(frozen=True, slots=True)
class Address:
    """``prefix`` is the folder of names, empty for the whole vault.

    ``workspace`` is a folder or a ``postgresql://`` address, None where none is given.
    """

    prefix: str
    workspace: str | None

    @classmethod
    def of(cls, uri: str) -> Self:
        """What ``uri`` says. `UsageError` where it is none, or its ``?`` says anything but the workspace.

        >>> Address.of("vault://team/mlflow?workspace=/srv/interlock")
        Address(prefix='team/mlflow', workspace='/srv/interlock')
        """
        parts = urlsplit(uri)
        query = parse_qs(parts.query, keep_blank_values=True)
        if parts.scheme != SCHEME or parts.fragment or set(query) - {"workspace"}:
            raise UsageError(f"{uri!r} is no place in a vault", hint="write vault://PREFIX?workspace=FOLDER")
        prefix = "/".join(p for p in (unquote(parts.netloc), *parts.path.split("/")) if p)
        return cls(prefix, query.get("workspace", [""])[-1] or None)

    def name(self, path: str | None) -> str:
        """What the artifact, or the folder of artifacts, at ``path`` is called in the vault.

        ``@`` and ``\\`` are in no name there, so they are percent-encoded; every other path is as it is.
        """
        parts = (p for p in (path or "").split("/") if p not in ("", "."))
        return "/".join(p for p in (self.prefix, *map(_encoded, parts)) if p)

    def path(self, name: str) -> str:
        """The artifact's path of a name at or under the prefix; the inverse of `name`."""
        own = name[len(self.prefix) :].lstrip("/") if self.prefix else name
        return _CODES.sub(lambda code: _DECODED[code[0]], own)


def _encoded(part: str) -> str:
    part = _CODES.sub(lambda code: f"%25{code[0][1:]}", part)  # what looks encoded already
    return part.replace("@", _ENCODED["@"]).replace("\\", _ENCODED["\\"])
