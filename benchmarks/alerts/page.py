"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from benchmarks.alerts.tables import HELD_OUT

Document = dict[str, Any]
HOW = """## How

Each partition is judged by those before it, as it would have come; nothing is accepted, muted or digested in
between. A false alarm of Interlock is a clean partition with a ticket or a page; a note (`info`) is none. The
first 60 partitions of a table are for learning and counted apart. What is not clean was written down in
`benchmarks/alerts/catalogue` before anything was measured, with the reason. Settings were chosen on the
*tuning* tables. Of the *held-out* ones only the sums on this page were looked at; a table on which anything else was
looked at, as what it alarms on, is a tuning table from then on (`catalogue/looked_at.py`) and others take its place.

A fault changes at least its share of the rows, drawn by seed among those in which the value really changes; which
column is drawn too. Where a kind has no share of rows (a stale partition) there are three sizes instead: 1, 7 and 28
partitions old. *Upstream* faults break a column that others are made from, and those are made again;
*confined* ones break rows of one airline, store or state only. Spared are columns that name the partition or
hold one value; values are mixed among rows only in columns that follow from others of their row.
A fault on a day that alarms even when clean counts as caught, for every method.

*At equal rate*: the other method's threshold is moved, table by table, until it alarms on exactly as many clean
partitions as Interlock does. The interval is a paired bootstrap over partitions, clean and broken, with the
threshold set anew each time. Recall *from 5%*, and at a strength, is over faults in values: direct, upstream and
confined. Faults in whole rows (truncated, lost, stale, duplicated) stand beside it.

The z score, Redyuk, GATE, Auto-Validate-by-History and Deequ-style methods are short reimplementations over
Interlock's profiles, each with its source and what was left out in `benchmarks/alerts/methods.py`. TFDV and
Evidently are the libraries themselves; they take long and judge a fixed random subset of each table,
on which Interlock is compared with them."""


def render(document: Document) -> str:
    parts = [
        _head(document),
        _table(("target", "wanted", "measured", ""), targets(document)),
        "## Tables",
        _table(
            (
                "table",
                "group",
                "partitions",
                "clean",
                "alarmed",
                "rate (95%)",
                "first 60",
                "recall 1% / 5% / 20%",
            ),
            map(_of_table, document["tables"]),
        ),
    ]
    for name, of in document["sets"].items():
        parts += [f"## Interlock on the {name} tables", _strengths(of)]
        if document["peers"].get(name):
            parts += [
                f"### Beside other methods, {name} tables",
                _own(document["peers"][name], of),
                "At equal rate, from 5% of the rows on, and over all faults:",
                _equal(document["peers"][name]),
                _behind(document["peers"][name]),
            ]
        parts += [f"### Every kind, {name} tables", _kinds(document["kinds"][name])]
    if "contaminated" in document:
        parts += ["## Thirty bad partitions among three hundred", _contaminated(document["contaminated"])]
    return "\n\n".join([*parts, HOW]) + "\n"


def targets(document: Document) -> Iterator[tuple[str, ...]]:
    """What is wanted of the held-out tables, and what came."""
    if HELD_OUT in document["sets"]:
        of = document["sets"][HELD_OUT]
        alarms, some, one = of["false_alarms"], of["from_5"], of["by_strength"]["0.01"]
        yield _target("recall from 5% of the rows", "≥ 90%", some["recall"], some["recall"] >= 0.9)
        yield _target("recall at 1% of the rows", "≥ 70%", one["recall"], one["recall"] >= 0.7)
        yield _target("clean partitions alarmed", "≤ 1.5%", alarms["rate"], alarms["rate"] <= 0.015)
        yield _target("… upper end of 95%", "≤ 2.5%", alarms["high"], alarms["high"] <= 0.025)
        yield _target("right column first, from 5%", "≥ 90%", some["first"], some["first"] >= 0.9)
        behind = [f"{p['name']}: {g}" for p in document["peers"].get(HELD_OUT, []) for g in p["behind"]]
        yield ("significantly behind a peer", "nowhere", f"{len(behind)} places", _word(not behind))
    clean = sum(t["clean"] for t in document["tables"])
    held = sum(t["clean"] for t in document["tables"] if t["group"] == HELD_OUT)
    yield ("clean partitions judged", "≥ 1,500", f"{clean:,}, {held:,} held out", _word(clean >= 1500))
    if "contaminated" in document:
        lost = document["contaminated"]["lost"]
        yield (
            "recall lost to 30 bad partitions of 300",
            "< 3 points",
            f"{lost * 100:.1f}",
            _word(lost < 0.03),
        )


def _target(what: str, wanted: str, value: float, met: bool) -> tuple[str, ...]:
    return what, wanted, f"{value:.1%}", _word(met)


def _word(met: bool) -> str:
    return "met" if met else "**missed**"


def _head(document: Document) -> str:
    m = document["machine"]
    return "\n".join(
        [
            "# Alerts: recall, false alarms, and peers",
            "",
            f"- {m['cpu']}, {m['cores']} cores, {m['memory_gib']} GiB; {m['os']}, kernel {m['kernel']}",
            f"- Interlock at {m['commit']}, Python {m['python']}",
            f"- load average when it began: {document['load_at_start']}",
            f"- every kind and strength in {document['broken_partitions']} clean partitions of each table",
        ]
    )


def _of_table(t: Document) -> tuple[str, ...]:
    recall = " / ".join(f"{t['recall'][s]['recall']:.0%}" for s in t["recall"])
    early = f"{t['early']['alarmed']} of {t['early']['clean']}"
    return (
        f"{t['name']} ({t['about']})", t["group"], str(t["partitions"]), str(t["clean"]), str(t["alarmed"]),
        _share(t), early, recall,
    )  # fmt: skip


def _share(of: Document, name: str = "rate") -> str:
    return f"{of[name]:.1%} ({of['low']:.1%} – {of['high']:.1%})"


def _strengths(of: Document) -> str:
    rows = [(f"{float(s):.0%} of the rows", r) for s, r in of["by_strength"].items()]
    rows += [
        ("from 5%", of["from_5"]),
        *((f"{place}, all strengths", r) for place, r in of["by_place"].items()),
    ]
    alarms, right = of["false_alarms"], of["precision"]
    return "\n\n".join(
        [
            f"{alarms['alarmed']} of {alarms['clean']:,} clean partitions alarmed: {_share(alarms)}. Of alarms, "
            f"{right['0.05']:.0%} are right where one partition in twenty is faulty (from 5% of the rows), "
            f"{right['0.01']:.0%} where one in a hundred is. {of['kinds']} kinds of fault by place, "
            f"{of['upstream_or_confined']:.0%} of the faults upstream or confined.",
            _table(
                ("faults", "planted", "recall (95%)", "right column first", "… or one made from it"),
                (
                    (
                        n,
                        f"{r['faults']:,}",
                        _share(r, "recall"),
                        f"{r['first']:.1%}",
                        f"{r['first_or_made_from_it']:.1%}",
                    )
                    for n, r in rows
                ),
            ),
        ]
    )


def _own(peers: Sequence[Document], of: Document) -> str:
    """By each method's own threshold."""
    alarms, some, right = of["false_alarms"], of["from_5"], of["precision"]
    ours = (
        *("**Interlock**", f"{alarms['clean']:,}", _share(alarms), f"{some['recall']:.1%}"),
        *(f"{right['0.05']:.0%} / {right['0.01']:.0%}", f"{some['first']:.0%}", f"{of['decision_ms']:.1f}"),
    )
    head = (
        *("by its own threshold", "clean", "false alarms (95%)", "recall from 5%", "precision at 5% / 1%"),
        *("right column first", "ms a decision"),
    )
    return _table(head, (ours, *map(_own_row, peers)))


def _own_row(p: Document) -> tuple[str, ...]:
    right, subset = p["own_precision"], " (subset)" if p.get("subset") else ""
    return (
        *(p["name"] + subset, f"{p['partitions']:,}", _share(p["own"]), f"{p['own_recall_from_5']:.1%}"),
        *(f"{right['0.05']:.0%} / {right['0.01']:.0%}", f"{p['own_first']:.0%}", f"{p['decision_ms']:.1f}"),
    )


def _equal(peers: Sequence[Document]) -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for p in peers:
            for group in ("from 5%", "all"):
                d = p["compared"][group]
                yield (
                    p["name"], group, f"{d['faults']:,}", f"{d['ours']:.1%}", f"{d['peer']:.1%}",
                    f"{d['difference'] * 100:+.1f} ({d['low'] * 100:+.1f} … {d['high'] * 100:+.1f})",
                )  # fmt: skip

    head = ("method", "faults", "planted", "Interlock", "method, at its rate", "points of recall more (95%)")
    return _table(head, rows())


def _behind(peers: Sequence[Document]) -> str:
    lines = [
        f"- {p['name']}, {g}: {p['compared'][g]['ours']:.0%} against {p['compared'][g]['peer']:.0%}"
        for p in peers
        for g in p["behind"]
    ]
    return "Significantly behind: " + (
        "nowhere, by table, kind or strength." if not lines else "\n\n" + "\n".join(lines)
    )


def _kinds(kinds: Sequence[Document]) -> str:
    def cell(found: Sequence[int]) -> str:
        return f"{found[0]} of {found[1]}" if found[1] else "–"

    rows = ((k["place"], k["kind"], cell(k["0.01"]), cell(k["0.05"]), cell(k["0.2"])) for k in kinds)
    return _table(("place", "kind", "1%", "5%", "20%"), rows)


def _contaminated(found: Document) -> str:
    rows = (
        (
            *(t["table"], str(t["faults"]), f"{t['clean']:.1%}", f"{t['contaminated']:.1%}"),
            *(f"{t['alarmed_clean']} of {t['judged']}", f"{t['alarmed']} of {t['judged']}"),
        )
        for t in found["tables"]
    )
    head = (
        "table",
        "faults",
        "recall, clean history",
        "30 of 300 bad",
        "false alarms, clean history",
        "30 of 300 bad",
    )
    return (
        "Faults of 5% or 20% of the rows were planted in thirty of the first three hundred partitions, and the tool\n"
        "was not told; faults were planted in partitions after them. A recall that stays high because clean\n"
        "partitions alarm too is worth nothing: both are shown.\n\n" + _table(head, rows)
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
