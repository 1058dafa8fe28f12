"""What the profile is to reach, and whether it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from data import MIXED_1M, MIXED_10M, WIDE
from figures import Document, Entries, entries, loaded_s, peak_mib, profile_s, ratio, written

from tools import ALL, CORE, HASH, OURS

PEERS = ("tfdv-frame", "tfdv-beam", "whylogs", "evidently")


@dataclass(frozen=True, slots=True)
class Target:
    what: str
    case: str
    value: Callable[[Entries], float | None]
    unit: str
    most: float | None = None
    least: float | None = None

    def row(self, document: Document) -> tuple[str, ...] | None:
        found = self.value(entries(document, self.case))
        if found is None:
            return None
        limit, sign = (self.most, "≤") if self.least is None else (self.least, "≥")
        met = found <= self.most if self.most is not None else found >= (self.least or 0)
        return (
            self.what,
            self.case,
            f"{sign} {limit:g} {self.unit}",
            f"{written(found)} {self.unit}",
            _word(met),
        )


def _word(met: bool) -> str:
    return "met" if met else "**missed**"


def _slower(peer: str, seconds: Callable[[Entries, str], float | None]) -> Callable[[Entries], float | None]:
    return lambda of: ratio(seconds(of, peer), seconds(of, CORE.name))


TARGETS = (
    Target(
        "core ÷ hash",
        MIXED_10M.name,
        lambda of: ratio(profile_s(of, CORE.name), profile_s(of, HASH.name)),
        "×",
        5,
    ),
    Target(
        "all ÷ hash",
        MIXED_10M.name,
        lambda of: ratio(profile_s(of, ALL.name), profile_s(of, HASH.name)),
        "×",
        9,
    ),
    Target("all, peak memory", MIXED_10M.name, lambda of: peak_mib(of, ALL.name), "MiB", 2048),
    Target("all, time", WIDE.name, lambda of: profile_s(of, ALL.name), "s", 40),
    Target("all, peak memory", WIDE.name, lambda of: peak_mib(of, ALL.name), "MiB", 2048),
    *(
        Target(f"{p} ÷ core, both from the file", MIXED_1M.name, _slower(p, loaded_s), "×", least=25)
        for p in PEERS
    ),
    *(
        Target(f"{p} ÷ core, its loading left out", MIXED_1M.name, _slower(p, profile_s), "×", least=25)
        for p in PEERS
    ),
)


def rows(document: Document) -> Iterator[tuple[str, ...]]:
    yield from filter(None, (target.row(document) for target in TARGETS))
    for case in document["cases"]:
        for ours in OURS:
            measured = entries(document, case).get(ours.name, {})
            if "same" in measured:
                runs = f"{measured['runs']} runs"
                yield (f"{ours.name}: the same profile", case, "every run", runs, _word(measured["same"]))
