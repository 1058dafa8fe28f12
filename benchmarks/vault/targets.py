"""What the vault is to reach, whether it did, and the page that says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from benchmarks.vault import series

Found = Mapping[str, Any]
LIMIT_MIB = 300


class Row(NamedTuple):
    """One target: ``value`` is to be at least or at most ``limit`` (``sense`` says which)."""

    what: str
    value: float
    sense: str
    limit: float
    unit: str

    @property
    def met(self) -> bool:
        return self.value >= self.limit if self.sense == "≥" else self.value <= self.limit


def rows(found: Found) -> Iterator[Row]:
    """Every target of which there are measurements."""
    yield from _beside(found.get("tools", {}))
    if "series" in found:
        yield from _of_series(found["series"])
    if "scrub" in found:
        scrub, sums = found["scrub"]["scrub"], found["scrub"]["sha256sum"]
        yield Row("scrub, speed beside sha256sum", _over(sums["median_s"], scrub["call_s"]), "≥", 0.8, "×")
    if "catalog" in found:
        many = found["catalog"]
        yield Row(f"{many['models']:,} models restored", many["restore"]["call_s"], "≤", 5, "s")
        slowest = max(way["p95_ms"] for way in many["look"]["calls"].values())
        yield Row(f"listing, resolving at {many['versions']:,} versions, 95%", slowest, "≤", 50, "ms")
    for what, mib in _peaks(found):
        yield Row(f"memory, {what}", mib, "≤", LIMIT_MIB, "MiB")


def _beside(tools: Found) -> Iterator[Row]:
    """A call beside `cp` and its sync; a command beside the peers' commands, imports and all."""
    ours, cp = tools.get("interlock", {}), tools.get("cp", {})
    calls = tools.get("interlock-calls", {})
    for act in ("put", "get"):
        if act in calls and act in cp:
            yield Row(
                f"{act}, speed beside cp and fsync",
                _over(cp[act]["median_s"], calls[act]["call_s"]),
                "≥",
                0.7,
                "×",
            )
        for name, peer in tools.items():
            if name not in ("interlock", "interlock-calls", "cp") and act in peer and act in ours:
                times = _over(peer[act]["median_s"], ours[act]["median_s"])
                yield Row(f"{act}, speed beside {name}", times, "≥", 1, "×")


def _of_series(series: Found) -> Iterator[Row]:
    first, second = (
        series["tensor_warm"]["first_put"]["call_s"],
        series["tensor_warm"]["second_put"]["call_s"],
    )
    yield Row("second version by tensors, speed beside the first", _over(first, second), "≥", 4, "×")
    added = max(series[way]["second_added_bytes"] for way in ("tensor_warm", "tensor_cold"))
    share = _over(added, series["changed_bytes"])
    yield Row("second version by tensors, bytes beside those changed", share, "≤", 1.05, "×")


def _peaks(found: Found) -> Iterator[tuple[str, float]]:
    for act in ("put", "get"):
        peaks = [tool[act]["peak_mib"] for tool in _ours(found.get("tools", {})) if act in tool]
        if peaks:
            yield act, max(peaks)
    for act in series.ACTS if "series" in found else ():
        yield f"{act.replace('_', ' ')} by tensors", found["series"]["tensor_cold"][act]["peak_mib"]
    if "scrub" in found:
        yield "scrub", found["scrub"]["scrub"]["peak_mib"]
    if "catalog" in found:
        yield "restore", found["catalog"]["restore"]["peak_mib"]
        yield "listing, resolving", found["catalog"]["look"]["peak_mib"]


def _ours(tools: Found) -> list[Found]:
    return [tool for name, tool in tools.items() if name.startswith("interlock")]


def _over(one: float, other: float) -> float:
    return round(one / other, 2)


# --- the page -------------------------------------------------------------------------


def page(found: Found, reached: list[Row]) -> str:
    """All measurements as text."""
    lines = [f"{'':<28}{'median':>10}{'least':>9}{'most':>9}{'call':>9}{'peak':>10}"]
    for name, tool in found.get("tools", {}).items():
        lines += [f"{name:<28}{tool['failed']}"] if "failed" in tool else []
        lines += [_timed(f"{act}, {name}", tool[act]) for act in ("put", "get") if act in tool]
    for way, acts in found.get("series", {}).items():
        if isinstance(acts, Mapping):
            named = ((f"{act.replace('_', ' ')}, {way.replace('_', ', ')}", acts[act]) for act in series.ACTS)
            lines += [_timed(*each) for each in named]
    lines += [_timed(name, turns) for name, turns in found.get("scrub", {}).items()]
    if "catalog" in found:
        lines.append(_timed("restore", found["catalog"]["restore"]))
        for name, way in found["catalog"]["look"]["calls"].items():
            lines.append(
                f"{name:<28}{way['median_ms']:>7.1f} ms   95% {way['p95_ms']:.1f}, first {way['first_ms']:.1f}"
            )
    lines.append("")
    for row in reached:
        said = "met" if row.met else "MISSED"
        lines.append(f"{row.what:<56}{row.value:>10g} {row.sense} {row.limit:g} {row.unit:<4} {said}")
    return "\n".join(lines)


def _timed(what: str, turns: Found) -> str:
    call = f"{turns['call_s']:>7.2f} s" if "call_s" in turns else f"{'':>9}"
    least, most = f"{turns['least_s']:>7.2f} s", f"{turns['most_s']:>7.2f} s"
    return f"{what:<28}{turns['median_s']:>8.2f} s{least}{most}{call}{turns['peak_mib']:>6.0f} MiB"
