"""How much an alert matters: which models read what broke, and what that costs them. Pure.

Alerts are ranked by confidence × impact. Confidence grows with the score, 0 … 1. The
impact of a model is the share of its importance that the broken columns have or, where
its loss was measured on the partition, the harm in multiples of its usual loss.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

UNREAD = 0.05  # impact of what no known model reads: it stays in the list, at its end
MOST = 1e6  # multiples of the usual loss; a model that usually loses nothing has no multiples
BESIDE = 0.5  # of the harm that does not pass through the broken columns: the alert may be a sign of it


@dataclass(frozen=True, slots=True)
class Harm:
    """What a partition costs a model, in the unit of its loss, summed over rows.

    ``loss`` is that of the partition as it came, ``usual`` that of recent healthy
    ones, ``clean`` that of the same rows with healthy values in the broken columns.
    """

    partition: str
    loss: float
    usual: float
    clean: float

    @property
    def total(self) -> float:
        """Loss beyond the usual; negative on a partition that costs less."""
        return self.loss - self.usual

    @property
    def through(self) -> float:
        """The part of it that the broken columns cause, 0 … ``total``."""
        return min(max(self.loss - self.clean, 0.0), max(self.total, 0.0))

    @property
    def relative(self) -> float:
        """Harm in multiples of the usual loss, what is not through the columns at `BESIDE`; 0 for none."""
        if self.total <= 0:
            return 0.0
        counted = self.through + BESIDE * (self.total - self.through)
        return min(MOST, counted / self.usual) if self.usual > 0 else MOST * counted / self.total


@dataclass(frozen=True, slots=True)
class Hit:
    """A model that reads an alert's table.

    ``columns`` are those of the alert that it reads, ``importance`` their share of
    all it reads (0 … 1). ``writes`` is the table of its predictions and ``readers``
    the models behind that one. ``problem`` says why harm was not measured.
    """

    model: str
    table: str
    columns: tuple[str, ...]
    importance: float
    writes: str | None = None
    readers: tuple[str, ...] = ()
    harm: Harm | None = None
    problem: str | None = None

    @property
    def weight(self) -> float:
        """Its part of the impact."""
        return self.harm.relative if self.harm is not None else self.importance

    @property
    def hurts(self) -> bool:
        """Whether it reads what broke, or was measured to lose by it."""
        return bool(self.columns) or (self.harm is not None and self.harm.total > 0)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        harm = self.harm
        return {
            "model": self.model,
            "table": self.table,
            "columns": list(self.columns),
            "importance": round(self.importance, 6),
            "writes": self.writes,
            "readers": list(self.readers),
            "partition": harm.partition if harm is not None else None,
            "loss": harm.loss if harm is not None else None,
            "usual_loss": harm.usual if harm is not None else None,
            "clean_loss": harm.clean if harm is not None else None,
            "harm": harm.total if harm is not None else None,
            "harm_through_columns": harm.through if harm is not None else None,
            "problem": self.problem,
        }


def from_dict(values: Mapping[str, Any]) -> Hit:
    """The inverse of `Hit.to_dict`."""
    harm = None
    if values["loss"] is not None:
        numbers = (float(values[name]) for name in ("loss", "usual_loss", "clean_loss"))
        harm = Harm(values["partition"], *numbers)
    return Hit(
        values["model"],
        values["table"],
        tuple(values["columns"]),
        values["importance"],
        values["writes"],
        tuple(values["readers"]),
        harm,
        values["problem"],
    )


def of(hits: Collection[Hit]) -> float | None:
    """The impact: the sum over models, at least `UNREAD`; None where no model is known."""
    return max(UNREAD, sum(h.weight for h in hits)) if hits else None


def confidence(score: float) -> float:
    """0 … 1: a half at the alarm threshold, more with every multiple of it."""
    return score / (1.0 + score) if score > 0 else 0.0


def rank(score: float, impact: float | None) -> float:
    """Confidence times impact. Without models the impact is 1, which keeps the order of scores."""
    return confidence(score) * (1.0 if impact is None else impact)


def merged(old: Iterable[Hit], new: Iterable[Hit]) -> tuple[Hit, ...]:
    """What is known of each model and table: the worst partition so far, all columns."""
    found = {(h.model, h.table): h for h in old}
    for hit in new:
        key = (hit.model, hit.table)
        known = found.get(key)
        found[key] = hit if known is None or hit.weight >= known.weight else known
    return tuple(found.values())


def in_words(hit: Hit) -> str:
    """``delay, 40% of what it goes by (dep_time), predictions in delay_predictions; loss ×3.1 …``."""
    said = hit.model
    if hit.columns:
        said += f", {hit.importance:.0%} of what it goes by ({', '.join(hit.columns)})"
    if hit.writes:
        said += f"; its predictions are in {hit.writes}"
    if hit.readers:
        said += f", which {', '.join(hit.readers)} reads"
    if hit.harm is not None and hit.harm.usual > 0:
        said += f"; its loss in {hit.harm.partition} was {hit.harm.loss / hit.harm.usual:.1f} times the usual"
    if hit.problem:
        said += f"; harm not measured: {hit.problem}"
    return said
