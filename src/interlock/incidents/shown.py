"""How the incidents print themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from interlock.incidents.ceo_report import CeoReport
    from interlock.incidents.flights_year import FlightsYear
    from interlock.incidents.lite_models import LiteModels
    from interlock.incidents.negative_ages import NegativeAges


def flights_year(story: FlightsYear) -> RenderableType:
    """The end of ``interlock demo``."""
    caught = sum(f.caught for f in story.faults)
    parts: list[RenderableType] = [
        Text(
            f"\n{story.partitions} days, {story.rows:,} flights, no threshold written by anybody",
            style="bold",
        ),
        Text(f"\nPlanted faults: {caught} of {len(story.faults)} caught", style="bold"),
        _faults(story),
        Text("\nThe blizzard of 8–9 February", style="bold"),
    ]
    for day in story.blizzard:
        parts.append(Text(f"  {day.day}  {day.decision}, {_alerts(day.alerts)}: {_after(day.title)}"))
    if not story.blizzard:
        parts.append(Text("  published without an alert"))
    parts += [Text("\nOther days on which the world was not as usual", style="bold")]
    parts += [
        Text(f"  {d.day}  {d.why}: {_after(d.title)}", overflow="ellipsis", no_wrap=True) for d in story.real
    ]
    rate = len(story.false_alarms) / max(story.clean_days, 1)
    parts += [
        Text("\nFalse alarms", style="bold"),
        Text(
            f"  {len(story.false_alarms)} on {story.clean_days} clean days from day 60 on ({rate:.1%}); "
            f"{story.early_false_alarms} on {story.early_clean_days} before, while it learned"
        ),
    ]
    parts += [
        Text(f"  {d.day}  {d.severity}: {_after(d.title)}", overflow="ellipsis", no_wrap=True)
        for d in story.false_alarms
    ]
    parts += [
        Text(
            f"\n{story.published} partitions published in {story.total_s:.0f} s; a day written alone took "
            f"{story.median_s * 1000:.0f} ms at the median of {story.alone}, {story.slowest_s * 1000:.0f} ms at most"
        ),
        Text(f"\nThe workspace stays in {story.workspace}. Look around:", style="dim"),
        Text(
            f"  interlock learn flights -w {story.workspace}\n"
            f"  interlock profile flights@2013-02-09 -w {story.workspace}\n"
            f"  interlock quarantine list -w {story.workspace}\n"
            f"  interlock ledger verify -w {story.workspace}",
            style="dim",
        ),
    ]
    return Group(*parts)


def _faults(story: FlightsYear) -> Table:
    grid = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
    for title in ("  day", "what happened", "decision", "what the alert said"):
        grid.add_column(title, overflow="fold")
    for f in story.faults:
        mark = "✓" if f.caught and f.among_first_two else "✗"
        grid.add_row(f"{mark} {f.day}", f.fault, f.decision, _after(f.title or "nothing"))
    return grid


def _after(title: str) -> str:
    """A title without the partition it begins with."""
    return title.split(": ", 1)[1] if ": " in title else title


def _alerts(count: int) -> str:
    return "one alert" if count == 1 else f"{count} alerts"


def negative_ages(story: NegativeAges) -> RenderableType:
    """The end of ``interlock incident negative-ages``."""
    grid = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
    for title in ("", "without the gate", "with the gate"):
        grid.add_column(title)
    grid.add_row("rows of the broken day", f"{story.broken_rows:,} negative ages", story.decision)
    grid.add_row(
        "average age in the report", f"{story.report_without:.1f} years", f"{story.report_with:.1f} years"
    )
    grid.add_row("true average", f"{story.truth:.1f} years", f"{story.truth:.1f} years")
    grid.add_row("who noticed", "nobody, until somebody asked", "the gate, before anyone could read it")
    return Group(
        Text(
            f"\n{story.days} days of customers, {story.rows:,} rows; on the last day half the ages turned negative\n"
        ),
        grid,
        Text(f"\n{story.alert}", style="bold"),
        Text(f"\nLearned from history alone, with no rule written: {story.learned_alert}", style="dim"),
    )


def ceo_report(story: CeoReport) -> RenderableType:
    """The end of ``interlock incident ceo-report``."""
    grid = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
    for title in ("", "without the gate", "with the gate"):
        grid.add_column(title, overflow="fold")
    answer = f"{story.answer:.1f} years"
    grid.add_row("the answer", answer, answer)
    grid.add_row("the truth", f"{story.truth:.1f} years", f"{story.truth:.1f} years")
    nothing = "nothing"
    grid.add_row("said beside it", "\n".join(story.said_without) or nothing, "\n".join(story.said) or nothing)
    grid.add_row("said of a healthy column", nothing, "\n".join(story.said_of_healthy) or nothing)
    return Group(
        Text(f"\nThe report goes out tomorrow. The analyst asks {story.client}:\n"),
        Text(f"  {story.query}\n", style="bold"),
        grid,
    )


def lite_models(story: LiteModels) -> RenderableType:
    """The end of ``interlock incident lite-models``."""
    grid = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
    for title in ("models left of " + f"{story.models:,}", "on a disk", "in the vault"):
        grid.add_column(title, overflow="fold")
    grid.add_row("after DELETE of their parent folder", str(story.without.left), str(story.refused.left))
    grid.add_row(
        "after DELETE of the backup's", str(story.without_backup.left), str(story.refused_backup.left)
    )
    grid.add_row("what the server answered", str(story.without.status), str(story.refused.status))
    return Group(
        Text(
            f"\n{story.models:,} small models on an MLflow server, and a backup of each. Anybody may send a DELETE:\n"
        ),
        grid,
        Text(f"\n{story.refused.said}", style="bold"),
        Text(
            f"\nOne by one, {story.one_by_one} of {story.tried} went before the gate had seen enough of that too."
        ),
        Text(
            f"Somebody lets the two folders pass: {story.approved_left} of {2 * story.models:,} models are left. "
            "Then one command:\n"
        ),
        Text(f"  {story.command}", style="bold"),
        Text(
            f"\n{story.restored:,} files came back in {story.restore_s:.1f} s: {story.restored_left:,} models, "
            f"{story.restored_backup:,} in the backup, byte for byte as they were logged"
        ),
    )
