"""How the vault's commands name and show things."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from interlock.catalog.vault.records import VersionRecord

Reference = Annotated[
    str, typer.Argument(help="NAME, NAME@v41 or NAME@ALIAS, and /PATH for one file of it.", metavar="REF")
]

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(size_bytes: float) -> str:
    """Bytes as people read them.

    >>> size(1536), size(12)
    ('1.5 KiB', '12 bytes')
    """
    unit = 0
    while size_bytes >= 1024 and unit < len(_UNITS) - 1:
        size_bytes, unit = size_bytes / 1024, unit + 1
    return f"{size_bytes:.1f} {_UNITS[unit]}" if unit else f"{size_bytes:.0f} bytes"


def to_dict(record: VersionRecord) -> dict[str, Any]:
    """A version as JSON."""
    found = {
        "ref": record.ref,
        "name": record.name,
        "version": record.version,
        "kind": record.kind.value,
        "state": record.state.value,
        "files": record.files,
        "size_bytes": record.size_bytes,
        "manifest": record.manifest,
        "created_at": record.created_at,
        "who": record.who,
        "metadata": dict(record.metadata),
        "lineage": dict(record.lineage),
    }
    if record.deleted_at is not None:
        found |= {
            "deleted_at": record.deleted_at,
            "deleted_by": record.deleted_by,
            "purge_after": record.purge_after,
        }
    return found
