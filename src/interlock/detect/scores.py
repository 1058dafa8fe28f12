"""How a partition stands against everything learned: one score for each thing that may be broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from interlock.detect.calibration import Evidence
from interlock.detect.features import Array
from interlock.detect.invariants import Apart, Mask


@dataclass(frozen=True, slots=True)
class Scores:
    """Each baseline's ≥ 1 is an alarm; invariants' as `Watch.judge` gives them. Arrays run along the layout's keys."""

    surprise: Array  # signed, in units of the feature's tail
    baseline: Array
    never: Array
    range: Array
    loose: Mask  # which of `never` are
    rare: Array
    order: Apart
    new: Mapping[str, float]
    gone: Mapping[str, Mapping[str, float]]
    calendar: Mapping[str, float]
    original: str | None  # the label of the partition that this one repeats

    def loudest(self, among: Mask) -> float:
        """The largest surprise of any of these features; NaN where nothing is known yet."""
        known = np.abs(self.surprise[among & ~np.isnan(self.surprise)])
        return float(known.max()) if known.size else float("nan")

    def largest(self) -> dict[Evidence, float]:
        """The largest score of each kind of invariant; 0 where none broke."""
        never = float(self.never[~self.loose].max(initial=0.0))
        gone = (max(values.values(), default=0.0) for values in self.gone.values())
        return {
            Evidence.HELD: max(never, self.order.largest()),
            Evidence.LOOSE: float(self.never[self.loose].max(initial=0.0)),
            Evidence.RARE: float(self.rare.max(initial=0.0)),
            Evidence.RANGE: float(self.range.max(initial=0.0)),
            Evidence.NEW: max(self.new.values(), default=0.0),
            Evidence.GONE: max(gone, default=0.0),
        }

    def never_stricter(self, by: Mapping[Evidence, float]) -> Array:
        """`never` multiplied by how strict its kind of evidence is in this table: 1 is the alarm."""
        return self.never * np.where(self.loose, by[Evidence.LOOSE], by[Evidence.HELD])

    def stricter(self, by: Mapping[Evidence, float]) -> Scores:
        """The same with the scores of each kind of invariant multiplied."""
        held, gone = by[Evidence.HELD], by[Evidence.GONE]
        return replace(
            self,
            never=self.never_stricter(by),
            order=self.order.times(held),
            rare=self.rare * by[Evidence.RARE],
            range=self.range * by[Evidence.RANGE],
            new={c: score * by[Evidence.NEW] for c, score in self.new.items()},
            gone={c: {v: score * gone for v, score in values.items()} for c, values in self.gone.items()},
        )
