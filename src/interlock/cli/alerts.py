"""``interlock alerts``: what is wrong now, since when, and what people say of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from interlock.cli import render
from interlock.cli.options import AllOption, JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json
from interlock.words import count

if TYPE_CHECKING:
    from interlock.workspace.alerts import KnownAlert

app = typer.Typer(
    help="List and show alerts, and say what they were worth.", no_args_is_help=True, rich_markup_mode=None
)

STATE = {"open": "bold", "acknowledged": "cyan", "recovered": "green", "settled": "yellow", "closed": "dim"}

Id = Annotated[str, typer.Argument(metavar="ID", help="The alert, such as A17.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; recorded in the ledger.")]


@app.command("list")
def list_(
    table: Annotated[str | None, typer.Argument(help="One table only.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most N.")] = 20,
    only_open: Annotated[bool, typer.Option("--open", help="Only what is not over.")] = False,
    ranked: Annotated[
        bool, typer.Option("--ranked", help="By confidence and impact on the models that read the tables.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also, one by one, what is in the week's digest.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Alerts: open ones first, then the last to end, or ranked; and how often each table's were worth a look."""
    with existing(workspace) as ws:
        found = ws.alerts(table, limit, only_open=only_open, ranked=ranked)
        precision = ws.precision(table)
        if as_json:
            document = {
                "alerts": [a.to_dict() for a in found],
                "precision": {name: p.to_dict() for name, p in precision.items()},
            }
            print_json(document)
            return 0
        if not found:
            console().print("no alerts", style="dim")
            return 0
        folded = [] if everything else [a for a in found if a.folded]
        console().print(_listing([a for a in found if a not in folded]))
        if folded:
            more = count(len(folded), "more ticket")
            said = f"digest  {more} beyond the week's budget: {', '.join(a.id for a in folded)} (--all)"
            console().print(plain(said), markup=False)
        for name, measured in precision.items():
            console().print(plain(f"{name}: {measured}"), style="dim", markup=False)
        console().print(f"\nnext: interlock alerts show {found[0].id}", style="dim", markup=False)
    return 0


def _listing(found: Sequence[KnownAlert]) -> RenderableType:
    grid = render.grid("id", "", "state", "seen", "since", "table", "what", right=("seen",))
    for one in found:
        said = " (false alarm)" if one.feedback == "false_alarm" else ""
        grid.add_row(
            one.id,
            Text(one.severity, style=render.COLOUR[one.severity]),
            Text(one.state + said, style=STATE[one.state]),
            f"{one.seen:,}",
            Text(plain(one.first)),
            Text(plain(_tables(one))),
            _what(one),
        )
    return grid


def _what(one: KnownAlert) -> Text:
    """What broke; of one that goes on also how long, and when that was last seen."""
    text = Text(render.short(one.title))
    if one.state in ("open", "acknowledged") and one.standing != "new":
        text.append(f"\n{one.standing}; updated {one.record.updated_at:%Y-%m-%d %H:%M} UTC", style="dim")
    return text


def _tables(one: KnownAlert) -> str:
    more = len(one.tables) - 1
    return f"{one.table} +{more}" if more else one.table


@app.command()
def show(
    id: Id, everything: AllOption = False, as_json: JsonOption = False, workspace: WorkspaceOption = None
) -> int:
    """One alert: since when, how sure, before and after, the likely cause, and what to do next."""
    with existing(workspace) as ws:
        alert = ws.alert(id)
        details = alert.details()
        past = alert.history(details["violations"])
        if as_json:
            values = list(past[1]) if past is not None else []
            print_json(details | {"history": values})
            return 0
        console().print(Group(*_shown(alert, details, past, everything=everything)))
    return 0


def _shown(
    alert: KnownAlert,
    details: Mapping[str, Any],
    past: tuple[str, list[float | None]] | None,
    *,
    everything: bool,
) -> Iterator[RenderableType]:
    head = Text(f"{alert.id}  ", style="bold").append(alert.state, style=STATE[alert.state])
    yield head.append(plain(f"  {', '.join(alert.tables)}"))
    facts = render.grid("", "")
    facts.show_header = False
    for name, said in _facts(alert, details):
        facts.add_row(Text(f"  {name}", style="dim"), Text(plain(said)))
    yield facts
    yield Text()
    series = {past[0]: render.past(details["violations"], *past)} if past is not None else {}
    said_above = ("id", "note", "advice", "false_alarms_per_year", "hit")
    stored = {name: value for name, value in details.items() if name not in said_above}
    yield from render.alert_parts(stored, "", series, everything=everything)
    yield Text()
    for line in _next(alert):
        yield Text(plain(line), style="dim")


def _facts(alert: KnownAlert, details: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    from interlock.alerts import impact

    record = alert.record
    times = count(record.seen, "partition")
    last = f", last in {record.last_label}" if record.last_label != record.first_label else ""
    yield "since", f"{record.first_label}{last}; seen in {times}"
    if record.state.is_open:
        yield "now", f"{alert.standing}; updated {record.updated_at:%Y-%m-%d %H:%M} UTC"
    if len(record.parts) > 1:
        yield "source", f"{record.source or '?'}, which feeds {len(record.parts)} of the broken tables"
        for part in record.parts:
            over = f"; healthy since {part.recovered}" if part.recovered is not None else ""
            yield "", f"{part.table}: {_columns(part.columns)}; {part.first_label} … {part.last_label}{over}"
    if record.opened_as is not None and record.opened_as != record.title and len(record.parts) == 1:
        yield "first read", render.short(record.opened_as)
    if not record.state.is_open:
        yield "ended", details["closed"]
    yield "how sure", details["sure"]
    for hit in (h for h in alert.hit if h.hurts or h.problem):
        yield "hits", impact.in_words(hit)
    if details["likely_cause"]:
        yield "likely", details["likely_cause"]
    if alert.feedback or record.state.value == "acknowledged":
        said = (alert.feedback or "acknowledged").replace("_", " ")
        yield "said", f"{said} by {record.who}" + (f": {record.reason}" if record.reason else "")
    if record.quiet_until is not None:
        quiet = count(record.silenced, "time")
        yield "quiet", f"until {record.quiet_until:%Y-%m-%d} at this size; silenced {quiet} so far"
    told = details["precision"]
    if told["precision"] is not None:
        yield (
            "measured",
            f"{told['useful']:,} of the table's alerts useful, {told['false_alarms']:,} false alarms",
        )


def _columns(names: Sequence[str], most: int = 6) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"{count(len(names), 'column')} ({', '.join(names[:most])}{more})" if names else "its rows"


def _next(alert: KnownAlert) -> Iterator[str]:
    if alert.state in ("open", "acknowledged") and alert.record.advice:
        yield f"next: {alert.record.advice}"
    if alert.feedback is None:
        yield f"then: interlock alerts useful {alert.id}"
        yield f"  or: interlock alerts false-alarm {alert.id} --reason '…'"


@app.command()
def ack(id: Id, reason: Reason = "", as_json: JsonOption = False, workspace: WorkspaceOption = None) -> int:
    """Say that somebody knows; it stays open until a clean partition."""
    return _act("ack", "acknowledged", id, reason, as_json, workspace)


@app.command()
def useful(
    id: Id, reason: Reason = "", as_json: JsonOption = False, workspace: WorkspaceOption = None
) -> int:
    """Say that it was worth a look; counts in the table's measured precision."""
    return _act("useful", "counted as useful", id, reason, as_json, workspace)


@app.command("false-alarm")
def false_alarm(
    id: Id,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; recorded in the ledger.")],
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Close it, and keep this cause quiet at this size; what blocks is never silenced."""
    return _act("false_alarm", "a false alarm", id, reason, as_json, workspace)


@app.command()
def close(id: Id, reason: Reason = "", as_json: JsonOption = False, workspace: WorkspaceOption = None) -> int:
    """Close it without waiting for a clean partition."""
    return _act("close", "closed", id, reason, as_json, workspace)


def _act(action: str, done: str, id: str, reason: str, as_json: bool, workspace: str | None) -> int:
    with existing(workspace) as ws:
        alert: KnownAlert = getattr(ws.alert(id), action)(reason)
        if as_json:
            print_json({"action": action, **alert.to_dict()})
            return 0
        until = alert.record.quiet_until
        quiet = f", quiet until {until:%Y-%m-%d} at this size" if until is not None else ""
        console().print(plain(f"{alert.id} is {done}{quiet}; recorded in the ledger"), markup=False)
    return 0
