"""Models that read the workspace's tables, declared as data, with the callables of this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlock.catalog import ModelRecord
from interlock.errors import UsageError
from interlock.gates.readers import Loss, ModelReader, Predict

FRAMES = ("pandas", "arrow")


@dataclass(frozen=True, slots=True)
class Replay:
    """The callables of a model, which live as long as the workspace is open."""

    predict: Predict
    loss: Loss
    frame: str = "pandas"


def replay(predict: Predict | None, loss: Loss | None, frame: str) -> Replay | None:
    """Both callables, or None. Raises `UsageError` for one without the other."""
    if (predict is None) != (loss is None):
        raise UsageError("a model is replayed with predict and loss", hint="give both, or neither")
    if frame not in FRAMES:
        raise UsageError(f"frame is {frame!r}", hint="one of " + ", ".join(FRAMES))
    return Replay(predict, loss, frame) if predict is not None and loss is not None else None


def readers(
    table: str, models: Sequence[ModelRecord], replays: Mapping[str, Replay]
) -> tuple[ModelReader, ...]:
    """The models that read a table, each with the share of importance of every column it reads there."""
    return tuple(made for m in models if (made := _reader(table, m, models, replays.get(m.name))) is not None)


def _reader(
    table: str, model: ModelRecord, models: Sequence[ModelRecord], how: Replay | None
) -> ModelReader | None:
    weights = {c: model.importance.get(c, 0.0) for c in model.reads}
    if not sum(weights.values()):
        weights = dict.fromkeys(model.reads, 1.0)
    total = sum(weights.values())
    own = {c.partition(".")[2]: w / total for c, w in weights.items() if c.partition(".")[0] == table}
    if not own:
        return None
    behind = tuple(
        m.name for m in models if model.writes and any(c.partition(".")[0] == model.writes for c in m.reads)
    )
    given = (how.predict, how.loss, how.frame) if how is not None else (None, None, "pandas")
    return ModelReader(model.name, table, own, model.writes, behind, *given)
