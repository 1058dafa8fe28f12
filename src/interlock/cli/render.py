"""What a verdict looks like in a terminal: one line of truth, then the reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from interlock.alerts.alert import Alert
from interlock.constraints.constraint import Violation
from interlock.gates.verdict import Verdict
from interlock.names import Decision, Outcome, Severity
from interlock.profile.profile import Profile

BARS = "▁▂▃▄▅▆▇█"
COLOUR = {Severity.PAGE: "bold red", Severity.TICKET: "yellow", Severity.INFO: "dim"}
DECISION = {
    Decision.PUBLISHED: ("green", "published"),
    Decision.ADMITTED: ("green", "admitted"),
    Decision.QUARANTINED: ("bold red", "quarantined"),
    Decision.REFUSED: ("bold red", "refused"),
}
OUTCOME = {Outcome.PASS: "green", Outcome.FAIL: "bold red", Outcome.INCONCLUSIVE: "yellow"}
WIDTH_MAX = 60
PROOF_MAX = 20


def sparkline(values: Sequence[float | None], *, mark_last: bool = True) -> Text:
    """A history in one line; gaps are dots, and the last point stands out."""
    known = [v for v in values if v is not None and v == v]
    if not known:
        return Text("no history", style="dim")
    shown = list(values)[-WIDTH_MAX:]
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    text = Text()
    for i, value in enumerate(shown):
        last = mark_last and i == len(shown) - 1
        glyph = "·" if value is None or value != value else BARS[round((value - low) / span * (len(BARS) - 1))]
        text.append(glyph, style="bold red" if last else "cyan")
    return text


def number(value: float) -> str:
    """A number a person can read: 1,234 or 0.0123."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.4g}"


def headline(verdict: Verdict) -> Text:
    """``flights@2013-06-01  published  outcome pass · 832 rows · 214 constraints``."""
    colour, word = DECISION[verdict.decision]
    text = Text()
    text.append(f"{verdict.table}@{verdict.partition}", style="bold")
    text.append("  ")
    text.append(word if verdict.stored else f"would be {word}", style=colour)
    text.append("  outcome ")
    text.append(verdict.outcome.value, style=OUTCOME[verdict.outcome])
    text.append(f" · {verdict.profile.rows:,} rows · {verdict.judged} constraints judged", style="dim")
    return text


def violations(found: Sequence[Violation]) -> Grid:
    """One row a violation, the loudest first."""
    grid = Grid(box=None, pad_edge=False, header_style="dim", show_edge=False)
    for title in ("severity", "column", "observed", "expected", "rows", "since", "constraint"):
        grid.add_column(title, overflow="fold", justify="right" if title == "rows" else "left")
    for v in sorted(found, key=lambda v: (v.severity.rank, -v.score)):
        rows = "" if v.rows is None else f"{v.rows:,}" + (f" ({v.share:.1%})" if v.share is not None else "")
        grid.add_row(
            Text(v.severity.value + (" ⛔" if v.blocking and v.outcome is Outcome.FAIL else ""), style=COLOUR[v.severity]),
            Text(v.column or "(table)"),
            Text(v.observed),
            Text(v.expected),
            rows,
            v.since or "",
            Text(v.constraint, style="dim"),
        )
    return grid


def alert(one: Alert) -> Text:
    """What, how loud, and the next command."""
    text = Text("● ", style=COLOUR[one.severity])
    text.append(one.title)
    if one.cause:
        text.append(f"\n  likely cause: {one.cause}", style="italic")
    if one.advice:
        text.append(f"\n  next: {one.advice}", style="dim")
    return text


def samples(found: Sequence[Violation]) -> list[RenderableType]:
    """The failing rows a violation brought along."""
    return [
        Text(f"  {v.constraint}: " + "; ".join(", ".join(f"{k}={x}" for k, x in row.items()) for row in v.sample), style="dim")
        for v in found
        if v.sample
    ]


def verdict(one: Verdict, history: Mapping[str, Sequence[float | None]] | None = None) -> RenderableType:
    """The whole verdict: headline, alerts, violations, samples, history of what broke."""
    parts: list[RenderableType] = [headline(one)]
    parts.extend(Text(f"  note: {note}", style="yellow") for note in one.notes)
    parts.extend(alert(a) for a in one.alerts)
    if one.violations:
        parts.extend((Text(), violations(one.violations), *samples(one.violations)))
    for name, values in (history or {}).items():
        parts.append(Text.assemble((f"  {name:<28} ", "dim"), sparkline(values)))
    return Group(*parts)


def document(stored: Mapping[str, Any]) -> RenderableType:
    """A stored verdict, as JSON kept it."""
    head = Text()
    head.append(f"{stored['table']}@{stored['partition']}", style="bold")
    head.append(f"  {stored['decision']}  outcome {stored['outcome']} · {stored['rows']:,} rows · {stored['judged_at'][:19]}")
    grid = Grid(box=None, pad_edge=False, header_style="dim")
    for title in ("severity", "column", "observed", "expected", "rows", "constraint"):
        grid.add_column(title, overflow="fold")
    for v in stored["violations"]:
        grid.add_row(
            Text(v["severity"], style=COLOUR[Severity(v["severity"])]),
            Text(v["column"] or "(table)"),
            Text(v["observed"]),
            Text(v["expected"]),
            "" if v["rows"] is None else f"{v['rows']:,}",
            Text(v["constraint"], style="dim"),
        )
    return Group(head, *(alert_document(a) for a in stored["alerts"]), Text(), grid)


def alert_document(stored: Mapping[str, Any]) -> Text:
    """A stored alert in words."""
    text = Text("● ", style=COLOUR[Severity(stored["severity"])])
    text.append(stored["title"])
    if stored.get("advice"):
        text.append(f"\n  next: {stored['advice']}", style="dim")
    return text


def summary(verdicts: Sequence[Verdict]) -> Text:
    """How a backfill went, in one line."""
    kept = sum(v.decision in (Decision.PUBLISHED, Decision.ADMITTED) for v in verdicts)
    rows = sum(v.profile.rows for v in verdicts)
    text = Text(f"{len(verdicts):,} partitions, {rows:,} rows: ")
    text.append(f"{kept:,} published", style="green")
    if kept < len(verdicts):
        text.append(f", {len(verdicts) - kept:,} kept back", style="bold red")
    loud = sum(any(a.severity is not Severity.INFO for a in v.alerts) for v in verdicts)
    text.append(f", {loud:,} with an alert", style="yellow" if loud else "dim")
    return text


def proof(verdicts: Sequence[Verdict]) -> RenderableType:
    """Day-one proof: what the gate would have said of the history."""
    alerts = [(v, a) for v in verdicts for a in v.alerts if a.severity is not Severity.INFO]
    parts: list[RenderableType] = [
        summary(verdicts),
        Text(f"over your last {len(verdicts):,} partitions: {len(alerts):,} alerts; here they are", style="bold"),
    ]
    for v, a in alerts[-PROOF_MAX:]:
        parts.append(Text.assemble((f"{v.partition}  ", "dim"), alert(a)))
    if len(alerts) > PROOF_MAX:
        parts.append(Text(f"… and {len(alerts) - PROOF_MAX:,} before; interlock alerts shows them", style="dim"))
    return Group(*parts)


def evidence(facts: Mapping[str, Any]) -> str:
    """``360 partitions, 330,000 rows`` and the like."""
    return ", ".join(f"{k} {number(v) if isinstance(v, int | float) else v}" for k, v in facts.items())


def profile(one: Profile) -> RenderableType:
    """One row a column."""
    grid = Grid(box=None, pad_edge=False, header_style="dim")
    for title in ("column", "type", "nulls", "distinct", "min", "mean", "max", "most frequent"):
        grid.add_column(title, overflow="fold", justify="right" if title in ("nulls", "distinct", "mean") else "left")
    for name, c in one.columns.items():
        nulls, top = c["nulls"] or 0, c["top"] or []
        grid.add_row(
            Text(name, style="bold"),
            Text(c.column.type),
            f"{nulls / one.rows:.1%}" if one.rows and nulls else "",
            "" if c["distinct"] is None else f"{c['distinct']:,}",
            Text("" if c["min"] is None else str(c["min"])),
            "" if c["mean"] is None else number(float(c["mean"])),
            Text("" if c["max"] is None else str(c["max"])),
            Text(", ".join(f"{value} ×{count:,}" for value, count in top[:3])),
        )
    facts = ", ".join(f"{k} {v:,}" for k, v in one.table.items() if isinstance(v, int))
    return Group(Text(f"{one.rows:,} rows, {len(one.columns):,} columns" + (f", {facts}" if facts else "")), grid)
