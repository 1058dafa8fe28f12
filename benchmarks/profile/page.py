"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import targets
from figures import Document, Entries, entries, loaded_s, profile_s, ratio, written

from tools import HASH, OURS, PARQUET, TOOLS, Tool

STATISTICS = (
    *("rows", "type", "nulls", "distinct", "min", "max", "mean", "stddev", "quantiles", "histogram"),
    *("true", "zeros", "negatives", "nans", "infinities", "top values", "value counts", "domain"),
    *("text length", "patterns", "decimal scale", "monotonic", "key duplicates", "row duplicates"),
    *("empty rows", "odd columns"),
)
MARKS = {"exact": "●", "deterministic": "◆", "approximate": "○"}
LEGEND = (
    "What each computed, read off its output: ● exact, ◆ from a fixed sample or in fixed point (same data,\n"
    "same value on any machine), ○ approximate. *Odd columns* are empty, constant or duplicated ones."
)
HOW = """## How

Each run is a process of its own, kept to as many cores as threads; the tools take turns. *Start* is
importing the tool and profiling a table of 1,000 rows. *Load* is reading the Parquet file into what the
tool wants: a pandas frame, with the casts it needs. *Profile* is the call alone. Times are medians over the
runs; *peak* is the resident memory of the whole process, Python included. The tables are seeded and the
same everywhere."""


def render(document: Document) -> str:
    parts = [_head(document), _table(("target", "table", "wanted", "measured", ""), targets.rows(document))]
    parts += [_case(document, name) for name in document["cases"]]
    return "\n\n".join([*parts, HOW]) + "\n"


def _head(document: Document) -> str:
    m = document["machine"]
    trial = f"**A trial on {document['scale']:g} of the rows: no result.**"
    lines = [
        f"- {m['cpu']}, {m['cores']} cores, {m['memory_gib']} GiB; {m['os']}, kernel {m['kernel']}",
        f"- Interlock at {m['commit']}, Python {m['python']}",
        f"- every tool on {document['threads']} cores and threads",
        f"- load average when it began: {document['load_at_start']}",
    ]
    return "\n\n".join(["# Profiles, timed", "\n".join(lines), *([trial] if document["scale"] != 1 else [])])


def _case(document: Document, case: str) -> str:
    facts, of = document["cases"][case], entries(document, case)
    listed = [t for t in TOOLS if t.name in of]
    parts = [f"## {case}: {facts['rows']:,} rows × {facts['columns']:,} columns", _times(listed, of)]
    parts.append(_ratios(listed, of))
    if any(of[t.name].get("answers") for t in listed):
        parts += [_computed(listed, of), _answers(listed, of), _versions(listed, of)]
    return "\n\n".join(parts)


def _times(listed: Sequence[Tool], of: Entries) -> str:
    rows = []
    for tool in listed:
        e = of[tool.name]
        if "failed" in e:
            rows.append((tool.label, e["failed"], *[""] * 7))
            continue
        p, load = e["profile_s"], e["load_s"]["median"]
        rows.append(
            (
                tool.label,
                tool.reads,
                f"**{written(p['median'])}**",
                f"{written(p['min'])} – {written(p['max'])}",
                "–" if tool.reads == PARQUET else written(load),
                written(load + p["median"]),
                written(e["import_s"]["median"] + e["warm_up_s"]["median"]),
                f"{e['peak_rss_mib']['median']:,.0f}",
                str(e["runs"]),
            )
        )
    times = ("profile, s", "least – most", "load, s", "load + profile, s", "start, s")
    return _table(("tool", "reads", *times, "peak, MiB", "runs"), rows)


def _ratios(listed: Sequence[Tool], of: Entries) -> str:
    rows = []
    for tool in listed:
        cells = [ratio(profile_s(of, tool.name), profile_s(of, HASH.name))]
        for ours in OURS:
            cells.append(ratio(profile_s(of, tool.name), profile_s(of, ours.name)))
            cells.append(ratio(loaded_s(of, tool.name), loaded_s(of, ours.name)))
        if any(cell is not None for cell in cells):
            rows.append((tool.label, *(f"{written(c)} ×" if c is not None else "–" for c in cells)))
    return _table(("time ÷", "hash", "core", "core, with loading", "all", "all, with loading"), rows)


def _computed(listed: Sequence[Tool], of: Entries) -> str:
    shown = [t for t in listed if of[t.name].get("statistics")]
    others = sorted({name for t in shown for name in of[t.name]["statistics"]} - set(STATISTICS))
    rows = []
    for name in (*STATISTICS, *others):
        found = [of[t.name]["statistics"].get(name) for t in shown]
        if any(found):
            rows.append((name, *(MARKS[f["quality"]] if f else "" for f in found)))
    return f"{LEGEND}\n\n{_table(('statistic', *map(_plain, shown)), rows)}"


def _answers(listed: Sequence[Tool], of: Entries) -> str:
    shown = [t for t in listed if of[t.name].get("answers")]
    names = dict.fromkeys(name for t in shown for name in of[t.name]["answers"])
    rows = [(name, *(f"{of[t.name]['answers'][name]:.10g}" for t in shown)) for name in names]
    return "Did they see the same data?\n\n" + _table(("", *map(_plain, shown)), rows)


def _versions(listed: Sequence[Tool], of: Entries) -> str:
    lines = []
    for tool in listed:
        if packages := of[tool.name].get("packages"):
            versions = ", ".join(f"{name} {version}" for name, version in packages.items())
            note = f". {tool.note}" if tool.note else ""
            lines.append(f"- {tool.label}: Python {of[tool.name]['python']}, {versions}{note}")
    return "\n".join(lines)


def _plain(tool: Tool) -> str:
    return tool.label.replace("*", "")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
