"""How many models something affects, whatever the path it takes, and how many one person's doings may.

A name of the kind *model* or *snapshot* is one model. A name of the kind *file* is part of one: of the
folder that a marker (`MLmodel`, `config.json`, …) says to be a model; without a marker a file that is a
model by its ending is one, and any other belongs to its folder's. Counting too many asks for an approval
that was not needed; counting too few loses models. So a marker high up does not make one model of others
below it: the nearest folder with a marker of the highest rank counts.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping

from sqlalchemy import select

from interlock.catalog import Reader, Writer, clock
from interlock.catalog.vault import aliases, requests, versions
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.parts import parts
from interlock.catalog.vault.policy import Policy
from interlock.catalog.vault.records import Action, Kind, RequestRecord, RequestState, VersionState
from interlock.words import count

# A whole holds parts with markers of lower rank: a diffusion pipeline's unet/ has a config.json of its own.
MARKERS: Mapping[str, int] = {
    "MLmodel": 3,
    "model_index.json": 2,
    "modules.json": 2,
    "config.json": 1,
    "adapter_config.json": 1,
    "saved_model.pb": 1,
    ".metadata": 1,  # a distributed checkpoint of torch
    "model.safetensors.index.json": 1,
    "pytorch_model.bin.index.json": 1,
    "diffusion_pytorch_model.safetensors.index.json": 1,
}
_MODEL = re.compile(  # a file that is a whole model by its ending
    r"\.(bin|bst|cbm|ckpt|gguf|h5|joblib|keras|mlmodel|model|npz|onnx|pickle|pkl|pmml|pt|pth|safetensors|skops"
    r"|tflite|ubj)$",
    re.IGNORECASE,
)
_SHARD = re.compile(r"-\d{5}-of-\d{5}\.|\.distcp$")


def models(rx: Reader, kinds: Mapping[str, Kind]) -> frozenset[str]:
    """The models that these names (name → kind) are, or are parts of. A folder's ends in ``/``."""
    files = [name for name, kind in kinds.items() if kind is Kind.FILE]
    found = {name for name, kind in kinds.items() if kind is not Kind.FILE}
    ranks = _marked(rx, {folder for name in files for folder in _above(name)})
    for name in files:
        found.add(_model(name, ranks))
    # A folder with models by their ending is not one more for the file that describes them.
    loose = {f"{name.rpartition('/')[0]}/" for name in files if name in found}
    return frozenset(found - {folder for folder in loose if folder.rstrip("/") not in ranks})


def over(rx: Reader, policy: Policy, affected: frozenset[str]) -> str | None:
    """Why these models are too many together with those affected lately; None where they are not."""
    if not affected:
        return None
    before = lately(rx, policy)
    if len(before | affected) <= policy.radius_models:
        return None
    said = f"it affects {count(len(affected), 'model')}"
    more = len(before - affected)
    if more:
        said += f" after {count(more, 'other')} in the last {policy.radius_window_h} h"
    most = f"{policy.radius_models:,} {'is' if policy.radius_models == 1 else 'are'} the most"
    return f"{said}; {most} without a second person"


def lately(rx: Reader, policy: Policy) -> frozenset[str]:
    """Models affected within the window by whatever was done without an approval and is still so, by anybody."""
    now = _now(rx)
    done = requests.list_(rx, states=[RequestState.DONE], since=now - policy.window)
    found = set(models(rx, _deleted(rx, [r.id for r in done if r.action is Action.DELETE])))
    found |= _moved(rx, [r for r in done if r.action is Action.ALIAS])
    for request in done:
        if request.action in (Action.OVERWRITE, Action.RENAME):
            found |= set(request.document["models"])
    return frozenset(found)


def is_being_made(rx: Reader, model: str, who: str, policy: Policy) -> bool:
    """Whether somebody is still making a model: its first version is theirs, and younger than the window."""
    v = s.versions
    is_it = versions.under(v.c.name, model[:-1]) if model.endswith("/") else v.c.name == model
    first = select(v.c.created_at, v.c.who).where(is_it).order_by(v.c.created_at).limit(1)
    row = rx.connection.execute(first).first()
    return row is not None and bool(row.who == who and row.created_at >= _now(rx) - policy.window)


def _now(rx: Reader) -> dt.datetime:
    return rx.now if isinstance(rx, Writer) else clock.now()


def _deleted(rx: Reader, request_ids: Iterable[int]) -> dict[str, Kind]:
    """Names with a version that one of these requests deleted and nobody restored."""
    v, found = s.versions, dict[str, Kind]()
    gone = (VersionState.DELETED.value, VersionState.PURGED.value)
    for some in parts(request_ids):
        wanted = select(v.c.name, s.names.c.kind).join(s.names, s.names.c.name == v.c.name).distinct()
        wanted = wanted.where(v.c.request_id.in_(some), v.c.state.in_(gone))
        found |= {row.name: Kind(row.kind) for row in rx.connection.execute(wanted)}
    return found


def _moved(rx: Reader, moves: Iterable[RequestRecord]) -> set[str]:
    """Names with an alias that does not stand where the first of these moves took it from."""
    first: dict[tuple[str, str], int] = {}
    for request in sorted(moves, key=lambda r: r.id):
        said = request.document
        if said["from"] is not None:
            first.setdefault((said["name"], said["alias"]), said["from"])
    standing: dict[tuple[str, str], int] = {}
    for name in {name for name, _ in first}:
        standing |= {(a.name, a.alias): a.version for a in aliases.list_(rx, name)}
    return {at[0] for at, version in first.items() if standing.get(at) != version}


def _marked(rx: Reader, folders: Iterable[str]) -> dict[str, int]:
    """Rank of each of these folders that holds a marker, or ever did: one deleted first still marks."""
    found: dict[str, int] = {}
    for some in parts(f"{folder}/{marker}" for folder in folders for marker in MARKERS):
        wanted = select(s.names.c.name).where(s.names.c.name.in_(some), s.names.c.kind == Kind.FILE.value)
        for name in rx.connection.scalars(wanted):
            folder, _, marker = name.rpartition("/")
            found[folder] = max(found.get(folder, 0), MARKERS[marker])
    return found


def _above(name: str) -> list[str]:
    """The folders a name lies in, the nearest first."""
    found = []
    while name := name.rpartition("/")[0]:
        found.append(name)
    return found


def _model(name: str, ranks: Mapping[str, int]) -> str:
    above = _above(name)
    marked = max((f for f in above if f in ranks), key=lambda f: (ranks[f], len(f)), default=None)
    if marked is not None:
        return f"{marked}/"
    if not above or (_MODEL.search(name) and not _SHARD.search(name)):
        return name
    return f"{above[0]}/"
