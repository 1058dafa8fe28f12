"""Domains: values never seen before, and values always seen until now.

How likely a new value is follows Good and Turing: a domain in which many
values were seen in one partition only will show more new ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from interlock.detect import odds
from interlock.detect.invariants import AFTER, EPISODES, bad_ones

OPEN = 2_000  # a domain with more values is open: nothing is learned of it
_MEMBERS_MAX = 64


@dataclass(slots=True)
class Domain:
    """What one column's values were. ``seen`` maps a value to the partitions that held it."""

    partitions: int = 0
    rows: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    least: dict[str, int] = field(default_factory=dict)  # smallest count, of values in every partition
    burst: float = 1.0  # most rows a value had when it was new
    gap: float = 1.0  # most rows that were expected of a value when it was absent
    open: bool = False
    out: dict[str, int] = field(default_factory=dict)  # values that stayed out, and how often they came
    beyond: list[str] = field(default_factory=list)  # which of them the last partition held
    doubted: list[str] = field(default_factory=list)  # values learned although they alarmed
    doubts: int = 0  # partitions that brought such

    def copy(self) -> Domain:
        return Domain(
            *(self.partitions, self.rows, dict(self.seen), dict(self.least), self.burst, self.gap, self.open),
            dict(self.out),
            list(self.beyond),
            list(self.doubted),
            self.doubts,
        )

    @property
    def once(self) -> int:
        """Values seen in a single partition; not those that alarmed, while few partitions brought such."""
        found = sum(1 for n in self.seen.values() if n == 1)
        if self.doubts <= bad_ones(self.partitions):
            found -= sum(1 for v in self.doubted if self.seen.get(v) == 1)
        return found

    def unseen(self, counts: Mapping[str, int]) -> dict[str, int]:
        if counts.keys() <= self.seen.keys():
            return {}
        return {v: n for v, n in counts.items() if v not in self.seen}

    def score_new(self, counts: Mapping[str, int], looks: int = 1) -> float:
        """How surprising the new values of a partition are; 0 where there is none.

        Of a domain that goes on showing new ones, ``looks`` says how many domains might have.
        """
        if self.open or self.partitions < AFTER or not (new := self.unseen(counts)):
            return 0.0
        rows = sum(counts.values())
        usual = max(self.rows / self.partitions, 1.0)
        once = self.once
        rate = (once + 2.0 * math.sqrt(once) + 3.0) / self.partitions * rows / usual
        weight = sum(max(1.0, n / self.burst) for n in new.values())
        log_odds = float(odds.poisson_tail(np.array(weight), np.array(rate)))
        return float(odds.score(min(log_odds + math.log(looks if once else 1), 0.0)))

    def score_gone(self, counts: Mapping[str, int]) -> dict[str, float]:
        """How surprising each value's absence is, for values that every partition held."""
        if self.open or self.partitions < 2 * AFTER or self.least.keys() <= counts.keys():
            return {}
        rows, usual = sum(counts.values()), max(self.rows / self.partitions, 1.0)
        looks = math.log(max(len(self.least), 1))  # any of them might have been absent
        found = {}
        for value in (v for v in self.least if v not in counts):  # in an order that lasts
            expected = self.least[value] * min(1.0, rows / usual)
            log_odds = looks - expected / self.gap - math.log(self.partitions / 3.0)
            found[value] = float(odds.score(min(0.0, log_odds)))
        return found

    def _missed(self, counts: Mapping[str, int]) -> None:
        """Once values that were always there have been absent, others of their size may be."""
        if self.partitions < 2 * AFTER:
            return
        ratio = min(1.0, sum(counts.values()) * self.partitions / max(self.rows, 1))
        missed = (n * ratio for v, n in self.least.items() if v not in counts)
        self.gap = max(self.gap, *missed, 1.0)

    def recur(self, counts: Mapping[str, int]) -> None:
        """Of a partition that stays out only what comes for the third time is learned: it does happen."""
        if self.open:
            return
        new = list(self.unseen(counts))[:_MEMBERS_MAX]
        for value in new:
            self.out[value] = self.out.get(value, 0) + (value not in self.beyond)
            if self.out[value] > EPISODES:
                self.seen[value] = self.out.pop(value)
        self.beyond = new
        if len(self.out) > OPEN:
            self.out = {}

    def admit(self, counts: Mapping[str, int], *, alarmed: bool = False) -> None:
        """Learn from a partition. What ``alarmed`` may come again; it shows of no other value that it may."""
        self.beyond = []
        if self.open:
            return
        if self.partitions == 0:
            self.least = dict(counts)
        else:
            new = self.unseen(counts)
            if alarmed:
                self.doubted += new
                self.doubts += 1
            elif new:
                self.burst = max(self.burst, float(max(new.values())))
            if not self.least.keys() <= counts.keys():
                self._missed(counts)
                self.least = {v: n for v, n in self.least.items() if v in counts}
            least = self.least.get
            self.least.update([(v, n) for v, n in counts.items() if n < least(v, 0)])
        seen = self.seen
        for value in counts:
            seen[value] = seen.get(value, 0) + 1
        self.partitions += 1
        self.rows += sum(counts.values())
        if len(self.seen) > OPEN:
            self.open, self.seen, self.least, self.doubted = True, {}, {}, []
