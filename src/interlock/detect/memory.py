"""A watch as bytes, so that a new process need not learn a year again.

A cache and nothing more: it names the rows it was learned from by a digest,
and whoever finds another digest learns anew. Arrays and JSON only; reading one
runs nothing.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from interlock.detect import calibration
from interlock.detect.calibration import Evidence
from interlock.detect.features import Array, Key
from interlock.detect.novelty import Domain
from interlock.detect.watch import Watch

if TYPE_CHECKING:
    from interlock.detect.history import Row

VERSION = 15  # raise it with any change of what a watch holds or how it learns
_STATES = ("baseline", "never", "rare", "range", "order")


def digest(rows: Sequence[Row]) -> str:
    """Names a series of rows by label, trust and values."""
    found = hashlib.sha256()
    for row in rows:
        found.update(f"{row.label}\x00{row.trusted}{row.new_normal}{len(row.features.keys)}\x00".encode())
        found.update(row.features.values.tobytes())
    return found.hexdigest()


def dump(watch: Watch, rows: Sequence[Row]) -> bytes:
    """What ``rows`` taught, as bytes for `load`."""
    about = {
        "version": VERSION,
        "digest": digest(rows),
        "count": len(rows),
        "seasons": watch.seasons,
        "partitions": watch.partitions,
        "rows": watch.rows,
        "keys": [k.text for k in watch.layout.keys],
        "domains": {c: [getattr(d, f) for f in Domain.__slots__] for c, d in watch.domains.items()},
        "follows": {c: sorted(parts) for c, parts in watch.dated.follows.items()},
        "constants": watch.dated.constants,
        "loud_for": watch.loud_for,
        "loud_before": watch.loud_before,
        "copies": vars(watch.copies),
        "losses": {model: [*past] for model, past in watch.losses.items()},
    }
    arrays: dict[str, Any] = {
        f"{name}.{field}": array for name in _STATES for field, array in vars(getattr(watch, name)).items()
    }
    arrays |= {
        "about": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
        "loudest": np.array(watch.loudest),
        "swings": _square(watch.swings),
        "suspect_for": watch.suspect_for,
    }
    arrays |= {f"broken.{evidence}": np.array(past) for evidence, past in watch.broken.items()}
    into = io.BytesIO()
    np.savez(into, allow_pickle=False, **arrays)
    return into.getvalue()


def covered(stored: bytes, rows: Sequence[Row]) -> int:
    """How many of ``rows`` taught it; 0 if it was taught by others, or is damaged."""
    known = load(stored, rows)
    return known[1] if known else 0


def load(stored: bytes, rows: Sequence[Row]) -> tuple[Watch, int] | None:
    """The watch and how many of ``rows`` taught it; None if it was taught by others, or is damaged."""
    try:
        with np.load(io.BytesIO(stored), allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            count = int(about["count"])
            if about["version"] != VERSION or count > len(rows) or about["digest"] != digest(rows[:count]):
                return None
            return _restored(about, arrays), count
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile):
        return None


def _restored(about: dict[str, Any], arrays: Any) -> Watch:
    watch = Watch(int(about["seasons"]))
    watch.partitions, watch.rows = int(about["partitions"]), int(about["rows"])
    watch.layout.extend([Key.parse(text) for text in about["keys"]])
    for name in _STATES:
        state = getattr(watch, name)
        for field in vars(state):
            setattr(state, field, arrays[f"{name}.{field}"])
    watch.domains = {c: Domain(*values) for c, values in about["domains"].items()}
    watch.dated.follows = {c: frozenset(parts) for c, parts in about["follows"].items()}
    watch.dated.constants = dict(about["constants"])
    watch.loud_for, watch.loud_before = dict(about["loud_for"]), dict(about["loud_before"])
    vars(watch.copies).update(about["copies"])
    watch.losses = {m: deque(past, maxlen=calibration.MEMORY) for m, past in about["losses"].items()}
    watch.loudest = deque(arrays["loudest"].tolist(), maxlen=calibration.MEMORY)
    for evidence in Evidence:
        past = arrays[f"broken.{evidence}"].tolist()
        watch.broken[evidence] = deque(past, maxlen=calibration.MEMORY_BREAKS)
    watch.swings = deque(arrays["swings"], maxlen=calibration.MEMORY)
    watch.suspect_for = arrays["suspect_for"]
    return watch


def _square(rows: Sequence[Array]) -> Array:
    """Rows of any length as one matrix, short ones filled with NaN."""
    width = max((len(r) for r in rows), default=0)
    found = np.full((len(rows), width), np.nan)
    for into, row in zip(found, rows, strict=True):
        into[: len(row)] = row
    return found
