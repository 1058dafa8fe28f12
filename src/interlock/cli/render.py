"""What a verdict looks like in a terminal: one line of truth, then each cause with its reasons."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from interlock.cli.output import plain
from interlock.names import Decision, Origin, Outcome, Severity
from interlock.words import count

if TYPE_CHECKING:
    from interlock.gates.verdict import Verdict
    from interlock.profiles.profile import Profile
    from interlock.workspace.series import Series, Values

BARS = "▁▂▃▄▅▆▇█"
COLOUR = {"page": "bold red", "ticket": "yellow", "info": "dim"}
DECISION = {"published": "green", "admitted": "green", "quarantined": "bold red", "refused": "bold red"}
OUTCOME = {"pass": "green", "fail": "bold red", "inconclusive": "yellow"}
HISTORY_MAX = 32  # points of a sparkline
REASONS_MAX = 3  # violations shown under one alert; --all shows every one
ALERTS_MAX = 8  # alerts shown of one verdict
PROOF_MAX = 20  # alerts of a whole history that are shown
EVERYTHING = 1_000_000
_THRESHOLD = re.compile(r" \(alarm at [^)]*\)$")


# --- small words ----------------------------------------------------------------------


def number(value: float) -> str:
    """A number a person can read: 1,234 or 0.0123."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.4g}"


def grid(*titles: str, right: Iterable[str] = ()) -> Grid:
    """A table without lines; cells fold, they are never cut."""
    made = Grid(box=None, pad_edge=False, show_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title in titles:
        made.add_column(plain(title), overflow="fold", justify="right" if title in right else "left")
    return made


def sparkline(values: Sequence[float | None], *, mark_last: bool = True) -> Text:
    """A history in one line; gaps are dots, and the last point stands out."""
    shown = [None if v is None or v != v else v for v in values][-HISTORY_MAX:]
    known = [v for v in shown if v is not None]
    if not known:
        return Text("no history", style="dim")
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    text = Text()
    for i, value in enumerate(shown):
        glyph = "·" if value is None else BARS[round((value - low) / span * (len(BARS) - 1))]
        text.append(glyph, style="bold red" if mark_last and i == len(shown) - 1 else "cyan")
    return text


# --- a verdict ------------------------------------------------------------------------


def verdict(one: Verdict, history: Sequence[Series] = (), *, everything: bool = False) -> RenderableType:
    """The whole verdict: what was decided, then each cause with its loudest reasons and its past."""
    past = {
        s.violation.constraint: _past(s.violation.column, s.violation.statistic, s.values)
        for s in reversed(history)
    }
    return document(one.to_dict(), past, everything=everything)


def document(
    stored: Mapping[str, Any], history: Mapping[str, Text] | None = None, *, everything: bool = False
) -> RenderableType:
    """A verdict from its document. ``history`` holds the past by the name of a violated constraint."""
    parts: list[RenderableType] = [headline(stored)]
    parts.extend(Text(f"  note: {plain(note)}", style="yellow") for note in stored["notes"])
    name = f"{stored['table']}@{stored['partition']}: "
    most = EVERYTHING if everything else ALERTS_MAX
    for alert in stored["alerts"][:most]:
        parts.append(Text())
        parts.extend(alert_parts(alert, name, history or {}, everything=everything))
    if len(stored["alerts"]) > most:
        parts.append(
            Text(f"\n… and {count(len(stored['alerts']) - most, 'more alert')} (--all)", style="dim")
        )
    parts.extend(_undecided(stored, everything=everything))
    return Group(*parts)


def headline(stored: Mapping[str, Any]) -> Text:
    """``flights@2013-06-01  published, 1 page``, and below it what was looked at."""
    text = Text()
    text.append(plain(f"{stored['table']}@{stored['partition']}"), style="bold")
    said = stored["decision"] if stored["stored"] else f"would be {stored['decision']}"
    text.append("  ").append(said, style=DECISION[stored["decision"]])
    loud = Counter(a["severity"] for a in stored["alerts"])
    for severity in Severity:
        if loud[severity.value]:
            word = "note" if severity is Severity.INFO else severity.value
            text.append(", ").append(count(loud[severity.value], word), style=COLOUR[severity.value])
    text.append("\n  ").append(f"outcome {stored['outcome']}", style=OUTCOME[stored["outcome"]])
    text.append(
        f" · {count(stored['rows'], 'row')} · {count(stored['constraints'], 'constraint')} judged",
        style="dim",
    )
    return text


def alert_parts(
    stored: Mapping[str, Any], name: str, history: Mapping[str, Text], *, everything: bool
) -> Iterable[RenderableType]:
    """One cause: what, the loudest reasons, its past, the next command."""
    yield alert_title(stored, name)
    found = stored["violations"]
    most = EVERYTHING if everything else REASONS_MAX
    told = [v for v in found if plain(v["observed"]) not in plain(stored["title"])] or []
    reasons = grid("", "", "", "")
    reasons.show_header = False
    for v in told[:most]:
        _reason(reasons, v, everything=everything)
    if told:
        yield Padding(reasons, (0, 0, 0, 2), expand=False)
    if len(told) > most:
        yield Text(f"  … and {len(told) - most:,} more (--all)", style="dim")
    shown = next((history[v["constraint"]] for v in found if v["constraint"] in history), None)
    if shown is not None:
        yield shown
    yield from (Padding(line, (0, 0, 0, 2), expand=False) for v in found[:most] for line in _sample(v))
    for who in hit(stored.get("hit", ())):
        yield Padding(Text(f"hits {who}", style="magenta"), (0, 0, 0, 2), expand=False)
    if stored.get("note"):
        yield Padding(Text(plain(stored["note"]), style="cyan"), (0, 0, 0, 2), expand=False)
    if (said := how_often(stored)) is not None:
        yield Padding(Text(said, style="dim"), (0, 0, 0, 2), expand=False)
    if stored.get("advice"):
        yield Padding(Text(f"next: {plain(stored['advice'])}", style="dim"), (0, 0, 0, 2), expand=False)


def hit(stored: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """Who reads what broke, one line a model."""
    from interlock.alerts import impact

    found = map(impact.from_dict, stored)
    return (plain(impact.in_words(h)) for h in found if h.hurts or h.problem)


def how_often(stored: Mapping[str, Any]) -> str | None:
    """How often a clean table would raise this alert; None for what was declared, and for notes."""
    learned = all(v["origin"] == Origin.LEARNED.value for v in stored["violations"])
    if not learned or stored["severity"] == Severity.INFO.value or "false_alarms_per_year" not in stored:
        return None
    from interlock.detect.rate import in_words

    return in_words(stored["false_alarms_per_year"])


def alert_title(stored: Mapping[str, Any], name: str = "") -> Text:
    """``page  age is negative in 150 rows``; ``name`` is said above already."""
    text = Text(f"{stored['severity']:<7}", style=COLOUR[stored["severity"]])
    text.append(_THRESHOLD.sub("", plain(stored["title"].removeprefix(name))), style="bold")
    if any(v["blocking"] and v["outcome"] == "fail" for v in stored["violations"]):
        text.append("  blocks", style="bold red")
    if stored.get("id"):
        text.append(f"  {stored['id']}", style="dim")
    return text


def _reason(into: Grid, v: Mapping[str, Any], *, everything: bool) -> None:
    expected = plain(v["expected"])
    cells = [
        Text(plain(v["observed"])),
        Text("expected " + (expected if everything else _THRESHOLD.sub("", expected)), style="dim"),
    ]
    if everything:
        cells += [
            Text(plain(v["constraint"]), style="dim"),
            Text(f"since {plain(v['since'])}" if v["since"] else "", style="dim"),
        ]
    into.add_row(*cells)


def past(broken: Sequence[Mapping[str, Any]], constraint: str, values: Values) -> Text:
    """The sparkline of a stored violation's statistic."""
    found = next(v for v in broken if v["constraint"] == constraint)
    return _past(found["column"], found["statistic"], values)


def short(title: str) -> str:
    """A title without the threshold behind it."""
    return _THRESHOLD.sub("", plain(title))


def _past(column: str | None, statistic: str, values: Values) -> Text:
    known = [v for v in values[:-1] if v is not None and v == v]
    text = Text("  ")
    text.append_text(sparkline(values))
    of = f"{column} " if column else ""
    low, high, now = number(min(known)), number(max(known)), values[-1]
    text.append(plain(f"  {of}{statistic.replace('_', ' ')}: {low} … {high} before, "), style="dim")
    return text.append("nothing now" if now is None or now != now else f"{number(now)} now")


def _sample(v: Mapping[str, Any]) -> Iterable[Text]:
    if v["sample"]:
        rows = "; ".join(", ".join(f"{k}={x}" for k, x in row.items()) for row in v["sample"])
        yield Text(f"such as {plain(rows)}", style="dim")


def _undecided(stored: Mapping[str, Any], *, everything: bool) -> Iterable[RenderableType]:
    """What could not be judged, which no alert speaks of."""
    found = [v for v in stored["violations"] if v["outcome"] == Outcome.INCONCLUSIVE.value]
    most = EVERYTHING if everything else ALERTS_MAX
    for v in found[:most]:
        text = Text("\ninconclusive  ", style="yellow")
        yield text.append(plain(v["constraint"]), style="bold").append(plain(f": {v['observed']}"))
    if len(found) > most:
        yield Text(f"… and {len(found) - most:,} more (--all)", style="dim")


# --- many verdicts --------------------------------------------------------------------


def summary(verdicts: Sequence[Verdict]) -> Text:
    """How a backfill went, in one line."""
    kept = sum(v.decision in (Decision.PUBLISHED, Decision.ADMITTED) for v in verdicts)
    attached = any(v.decision in (Decision.ADMITTED, Decision.REFUSED) for v in verdicts)
    text = Text(
        f"{count(len(verdicts), 'partition')}, {count(sum(v.profile.rows for v in verdicts), 'row')}: "
    )
    text.append(f"{kept:,} {'admitted' if attached else 'published'}", style="green")
    if kept < len(verdicts):
        word = "refused" if attached else "quarantined"
        text.append(f", {len(verdicts) - kept:,} {word}", style="bold red")
    loud = sum(any(a.severity is not Severity.INFO for a in v.alerts) for v in verdicts)
    return text.append(f", {loud:,} with an alert", style="yellow" if loud else "dim")


def proof(verdicts: Sequence[Verdict], *, everything: bool = False) -> RenderableType:
    """Day-one proof: what the gate would have said of the history."""
    found = [(v, a) for v in verdicts for a in v.alerts if a.severity is not Severity.INFO]
    over = f"over your last {count(len(verdicts), 'partition')}: {count(len(found), 'alert') if found else 'no alerts'}"
    parts: list[RenderableType] = [
        summary(verdicts),
        Text(over + ("; here they are" if found else ""), style="bold"),
    ]
    most = EVERYTHING if everything else PROOF_MAX
    if len(found) > most:
        parts.append(Text(f"… {len(found) - most:,} before these (--all)", style="dim"))
    lines = grid("", "")
    lines.show_header = False
    for v, a in found[-most:]:
        name = f"{v.table}@{v.partition}: "
        lines.add_row(Text(plain(v.partition), style="dim"), alert_title(a.to_dict(), name))
    parts.append(lines)
    return Group(*parts)


# --- a profile, evidence --------------------------------------------------------------


def evidence(facts: Mapping[str, Any]) -> str:
    """``held in every row: 30 partitions, 9,000 rows``."""
    why = facts.get("why")
    rest = ", ".join(_fact(k, v) for k, v in facts.items() if k != "why")
    return ": ".join(filter(None, (str(why) if why else "", rest)))


def _fact(name: str, value: Any) -> str:
    shown = number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    return f"{shown} {name}" if name in ("partitions", "rows") else f"{name.replace('_', ' ')} {shown}"


def profile(one: Profile) -> RenderableType:
    """One row a column."""
    lines = grid(
        "column",
        "type",
        "nulls",
        "distinct",
        "min",
        "mean",
        "max",
        "most frequent",
        right=("nulls", "distinct", "mean"),
    )
    for name, c in one.columns.items():
        nulls, top = c["nulls"] or 0, c["top"] or []
        lines.add_row(
            Text(plain(name), style="bold"),
            Text(plain(c.column.type).lower()),
            f"{nulls / one.rows:.1%}" if one.rows and nulls else "",
            "" if c["distinct"] is None else f"{c['distinct']:,}",
            Text(_cell(c["min"])),
            "" if c["mean"] is None else number(float(c["mean"])),
            Text(_cell(c["max"])),
            Text(", ".join(f"{_cell(value)} ×{n:,}" for value, n in top[:3])),
        )
    facts = "".join(f", {v:,} {k.replace('_', ' ')}" for k, v in one.table.items() if isinstance(v, int))
    return Group(Text(f"{count(one.rows, 'row')}, {count(len(one.columns), 'column')}{facts}"), Text(), lines)


def _cell(value: Any, most: int = 24) -> str:
    """A value, short."""
    shown = "" if value is None else plain(number(value) if isinstance(value, float) else value)
    return shown if len(shown) <= most else shown[: most - 1] + "…"
