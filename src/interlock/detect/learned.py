"""What a table's history teaches, and judging a profile by it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from interlock.constraints.constraint import Constraint, Violation
from interlock.detect import blame, stated, violations
from interlock.detect.expected import Expected
from interlock.detect.features import Features, features
from interlock.detect.history import History
from interlock.detect.invariants import AFTER
from interlock.detect.layout import Observation
from interlock.detect.rate import Rate, partitions_per_year
from interlock.detect.sensitivity import NORMAL, Sensitivity, share
from interlock.detect.watch import Watch
from interlock.names import partition_time
from interlock.profiles.profile import Profile

VIOLATIONS_MAX = 100


def learn(
    history: History,
    *,
    since: str | Iterable[str] | None = None,
    sensitivity: Sensitivity = NORMAL,
) -> Learned:
    """What ``history`` teaches.

    ``since`` names partitions at which a new normal was accepted: they are
    learned from whatever they broke. ``sensitivity`` is a name of
    `sensitivity.LEVELS` or the false alarms a year that are accepted; it moves
    the threshold and nothing that is learned. Below seven partitions nothing is
    learned.
    """
    for label in [since] if isinstance(since, str) else since or ():
        history = history.accepted(label)
    return Learned(history, sensitivity)


class Learned:
    """Learned constraints of a table and the scores behind them."""

    def __init__(self, history: History, sensitivity: Sensitivity = NORMAL) -> None:
        self.history, self.sensitivity = history, sensitivity
        self._last: tuple[Profile, Features] | None = None
        self._seen: tuple[Features, str, Watch, Observation] | None = None
        self.watch: Watch = history.watch().at(share(sensitivity, history.labels))

    @cached_property
    def rate(self) -> Rate:
        """What a score means here: the false alarms a year at it."""
        watch = self.watch
        per_year = partitions_per_year(self.history.labels)
        losses = {model: watch.loss_surprises(model) for model in watch.models}
        return Rate(watch.surprises, watch.breaks, len(watch.loudest), per_year, losses)

    def __len__(self) -> int:
        """How many constraints there are; cheaper than making them."""
        return stated.count(self.watch)

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        """Every learned constraint as a person can read and edit it, with its evidence."""
        return stated.constraints(self.watch)

    def judge(self, profile: Profile, label: str) -> list[Violation]:
        """What of a profile breaks what was learned, loudest first; each scores at least 1.

        Judges from the profile alone. A partition without rows is judged by its
        number of rows only. With fewer than seven partitions learned from: nothing.
        """
        return self.judge_features(self._features(profile), label)

    def judge_features(self, found: Features, label: str) -> list[Violation]:
        """`judge` for a partition whose features are at hand."""
        if self.watch.partitions < AFTER:
            return []
        watch, seen = self._observed(found, label)
        told = violations.of(watch, seen, lambda: self.rate)
        return sorted(told, key=lambda v: (-v.score, v.constraint))[:VIOLATIONS_MAX]

    def expected(self, profile: Profile, label: str) -> Expected:
        """What history expects of a partition, beside what it is."""
        return Expected(*self._observed(self._features(profile), label))

    def _features(self, profile: Profile) -> Features:
        """The features of a profile; those of the last one are kept, since alerts ask again."""
        if self._last is None or self._last[0] is not profile:
            self._last = (profile, features(profile))
        return self._last[1]

    def _observed(self, found: Features, label: str) -> tuple[Watch, Observation]:
        """The watch, wider by features never met, and what it sees; the last ones are kept."""
        if self._seen is None or self._seen[0] is not found or self._seen[1] != label:
            watch = self.watch.to_judge()
            self._seen = (found, label, watch, watch.observe(label, partition_time(label), found))
        return self._seen[2], self._seen[3]

    @cached_property
    def sources(self) -> blame.Sources:
        """For each column those that it follows from, as rows have shown, and by which constraints' names."""
        return blame.sources(self.watch.dependencies, self.place)

    def suspicion(self, profile: Profile, label: str) -> blame.Suspicion:
        """What speaks against each column of a partition, beside what alarms."""
        watch, seen = self._observed(self._features(profile), label)
        return blame.Broken.of(watch, watch.judge(seen)).suspicion

    def place(self, column: str) -> int:
        """Where a column stands in the table; what is made from others mostly stands behind them."""
        columns = self.watch.layout.columns
        return columns.index(column) if column in columns else len(columns)

    def related(self, first: str, second: str) -> float:
        """Correlation (0 … 1) of how surprising two columns were in past partitions."""
        return self.watch.related(first, second)
