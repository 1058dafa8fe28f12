"""Models that read a table: whom an alert hits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.alerts.alert import Alert
from interlock.alerts.impact import Hit

Predict = Callable[[Any], Any]
Loss = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class ModelReader:
    """A model as one of its tables knows it.

    ``shares`` maps each column of the table that it reads to its share (0 … 1) of
    the importance of all it reads. ``predict(rows)`` gives predictions,
    ``loss(rows, predictions)`` one loss for each row (NaN where the truth is not
    known) or their mean; both None where nobody gave them.
    """

    name: str
    table: str
    shares: Mapping[str, float]
    writes: str | None = None
    readers: tuple[str, ...] = ()
    predict: Predict | None = None
    loss: Loss | None = None
    frame: str = "pandas"

    def hit(self, alert: Alert) -> Hit:
        """What of an alert it reads; an alert without columns is about every row, and all it reads."""
        named = [c for c in alert.columns if c in self.shares]
        columns = tuple(named if alert.columns else self.shares)
        importance = sum(self.shares[c] for c in columns)
        return Hit(self.name, self.table, columns, importance, self.writes, self.readers)


def hits(alert: Alert, models: Sequence[ModelReader]) -> tuple[Hit, ...]:
    """Every model that reads the alert's table, with what of the alert it reads."""
    return tuple(m.hit(alert) for m in models)
