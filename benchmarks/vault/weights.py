"""A checkpoint as safetensors, written with numpy alone: ``python -m benchmarks.vault.weights FOLDER --size BYTES``.

128 tensors of one size, every other one bfloat16 (the upper halves of float32), the rest float32: normal values,
as weights are, which hardly compress. ``first`` is one file, ``second`` the same with every sixteenth tensor made anew,
``shards`` the first in eight files, as large models are published.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

TENSORS = 128
CHANGED = range(7, TENSORS, 16)
SHARDS = 8
SEED = 20_130_208
FIRST, SECOND, SHARDED = "first/model.safetensors", "second/model.safetensors", "shards"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, required=True)
    given = parser.parse_args()
    each = given.size // TENSORS
    write(given.folder / FIRST, range(TENSORS), each)
    write(given.folder / SECOND, range(TENSORS), each, CHANGED)
    of_shard = TENSORS // SHARDS
    for i in range(SHARDS):
        shard = given.folder / SHARDED / f"model-{i + 1:05}-of-{SHARDS:05}.safetensors"
        write(shard, range(i * of_shard, (i + 1) * of_shard), each)


def write(path: Path, tensors: Sequence[int], each_bytes: int, changed: Sequence[int] = ()) -> None:
    header = {
        f"layers.{n}.weight": {
            "dtype": "BF16" if n % 2 else "F32",
            "shape": [each_bytes // (2 if n % 2 else 4)],
            "data_offsets": [i * each_bytes, (i + 1) * each_bytes],
        }
        for i, n in enumerate(tensors)
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for n in tensors:
            file.write(values(n, each_bytes, generation=n in changed))
        file.flush()
        os.fsync(file.fileno())


def values(tensor: int, size_bytes: int, *, generation: int) -> bytes:
    """Normal values that depend on the tensor and its generation only."""
    width = 2 if tensor % 2 else 4
    random = np.random.Generator(np.random.SFC64([SEED, tensor, generation]))
    drawn = random.standard_normal(size_bytes // width, dtype=np.float32) * np.float32(0.02)
    return (drawn.view(np.uint32) >> 16).astype(np.uint16).tobytes() if width == 2 else drawn.tobytes()


if __name__ == "__main__":
    main()
