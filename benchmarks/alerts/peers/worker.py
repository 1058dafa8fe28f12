"""One library on one table, in its own environment: ``worker.py <peer> <folder>``.

Reads ``partitions.parquet`` and ``cases.parquet`` (rows with their number in ``case_``) and
``at.json`` (which partition each case stands for); writes ``judged.json``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import sys
import time
import warnings
from pathlib import Path

import pandas as pd

warnings.filterwarnings("ignore")


def frames(path: Path, count: int) -> list[pd.DataFrame]:
    found = dict(list(pd.read_parquet(path).groupby("case_")))
    return [found[i].drop(columns="case_").reset_index(drop=True) for i in range(count)]


def main(peer: str, folder: Path) -> None:
    module = importlib.import_module(peer)
    at = json.loads((folder / "at.json").read_text())
    cases = frames(folder / "cases.parquet", len(at["cases"]))
    judge = module.Peer(frames(folder / "partitions.parquet", at["partitions"])).judge
    judge(at["cases"][0], cases[0])  # lazy imports are nobody's handicap
    began = time.perf_counter()
    judged = [judge(i, frame) for i, frame in zip(at["cases"], cases, strict=True)]
    seconds = time.perf_counter() - began
    found = {
        "package": f"{module.PACKAGE} {importlib.metadata.version(module.PACKAGE)}",
        "judged": judged,
        "decision_ms": seconds / len(judged) * 1000,
    }
    (folder / "judged.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
