"""Libraries that take long, on a fixed random subset of a table's clean partitions and faults."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.alerts.compare import Numbers, Outcome
from benchmarks.alerts.faults import Broken
from benchmarks.alerts.packages import DATA
from benchmarks.alerts.run import Measured
from benchmarks.alerts.tables import Table
from benchmarks.profile.environments import interpreter
from interlock.names import partition_time

PEERS = Path(__file__).resolve().with_name("peers")
CLEAN, FAULTS = 40, 50  # of each table
LIMIT_S = 1_800
QUIET = {"DO_NOT_TRACK": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONHASHSEED": "0"}


@dataclass(frozen=True)
class Library:
    """``environment`` names the requirements under benchmarks/profile/peers, ``module`` the driver under peers/."""

    name: str
    module: str
    environment: str


LIBRARIES = (
    Library("TFDV", "tfdv", "tensorflow_data_validation"),
    Library("Evidently", "evidently_drift", "evidently"),
)


@dataclass(frozen=True)
class Subset:
    """Positions along a table's clean partitions and its faults, in order."""

    clean: Numbers
    faults: Numbers


def subset(measured: Measured, seed: int) -> Subset:
    rng = np.random.default_rng([seed, 2])
    clean, faults = len(measured.clean), len(measured.planted)
    return Subset(
        np.sort(rng.choice(clean, min(CLEAN, clean), replace=False)),
        np.sort(rng.choice(faults, min(FAULTS, faults), replace=False)),
    )


def restricted(measured: Measured, to: Subset) -> Measured:
    """The same, of a subset only."""
    return replace(
        measured,
        clean=tuple(measured.clean[i] for i in to.clean),
        planted=tuple(measured.planted[i] for i in to.faults),
        any_broken=measured.any_broken[to.faults],
        outcomes={name: _restricted(o, to) for name, o in measured.outcomes.items()},
    )


def _restricted(o: Outcome, to: Subset) -> Outcome:
    return Outcome(
        *(
            o.clean[to.clean],
            o.alarmed[to.clean],
            o.scores[to.faults],
            o.caught[to.faults],
            o.first[to.faults],
        ),
        o.decision_ms,
    )


def beside(
    library: Library, table: Table, measured: Measured, faults: Sequence[Broken], seed: int
) -> Measured:
    """The measurement on its subset, with the library's outcome, which is kept: it rests on the data alone.

    Raises `NotInstallable` and `subprocess.SubprocessError`.
    """
    to = subset(measured, seed)
    folder = DATA / "slow" / f"{library.module}.{table.name}.{len(faults)}.{_digest(library)}"
    kept = folder / "outcome.pickle"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(judged(library, table, measured, faults, to, folder)))
    smaller = restricted(measured, to)
    return replace(smaller, outcomes={**smaller.outcomes, library.name: pickle.loads(kept.read_bytes())})


def _digest(library: Library) -> str:
    """Of everything a library's outcome follows from."""
    here = Path(__file__).resolve().parent
    names = ("change", "faults", "tables", "slow", f"peers/{library.module}")
    files = [here / f"{n}.py" for n in names]
    files += sorted(f for folder in ("derived", "prepare") for f in (here / folder).rglob("*.py"))
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:12]


def judged(
    library: Library, table: Table, measured: Measured, faults: Sequence[Broken], to: Subset, folder: Path
) -> Outcome:
    """What a library says of the subset. Raises `NotInstallable` and `subprocess.SubprocessError`."""
    labels = list(table.partitions)
    clean = [measured.clean[i] for i in to.clean]
    broken = [faults[i] for i in to.faults]
    frames = [(label, table.partitions[label]) for label in clean] + [(f.label, f.frame) for f in broken]
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "partitions.parquet", table, table.partitions.items())
    _write(folder / "cases.parquet", table, frames)
    at = {"partitions": len(labels), "cases": [labels.index(label) for label, _ in frames]}
    (folder / "at.json").write_text(json.dumps(at))
    command = [str(interpreter(library.environment)), str(PEERS / "worker.py"), library.module, str(folder)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))} | QUIET
    subprocess.run(command, check=True, timeout=LIMIT_S, env=environment, capture_output=True)
    said = json.loads((folder / "judged.json").read_text())
    scores = np.array([s for s, _, _ in said["judged"]], dtype=float)
    alarmed = np.array([a for _, a, _ in said["judged"]], dtype=float)
    named = [c for _, _, c in said["judged"]][len(clean) :]
    first = [not f.columns or c in f.columns for f, c in zip(broken, named, strict=True)]
    n = len(clean)
    return Outcome(
        scores[:n], alarmed[:n], scores[n:], alarmed[n:], np.array(first) * 1.0, said["decision_ms"]
    )


def _write(path: Path, table: Table, frames: Iterable[tuple[str, pd.DataFrame]]) -> None:
    """Rows with their case's number; no column that names the partition, and times counted from its date."""
    parts = []
    for i, (label, frame) in enumerate(frames):
        frame = frame.drop(columns=list(table.dated))
        for column in frame.columns[frame.dtypes.map(lambda t: t.kind == "M")]:
            frame = frame.assign(**{column: (frame[column] - _date(label)).dt.total_seconds()})
        parts.append(frame.assign(case_=i))
    pd.concat(parts, ignore_index=True).to_parquet(path)


def _date(label: str) -> pd.Timestamp:
    return pd.Timestamp(partition_time(label) or 0).tz_localize(None)
