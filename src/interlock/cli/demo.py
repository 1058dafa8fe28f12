"""``interlock demo`` and ``interlock incident``: stories that run."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.cli.options import JsonOption
from interlock.cli.output import console, print_json, progress
from interlock.errors import UsageError, nearest


def demo(
    keep: Annotated[
        str, typer.Option("--workspace", "-w", help="Where to leave the workspace.")
    ] = "interlock-demo",
    as_json: JsonOption = False,
) -> int:
    """A year of real flights, planted faults, one blizzard: watch the gates work."""
    from interlock.incidents import flights_year

    with progress("a year of flights", quiet=as_json) as advance:
        story = flights_year.run(keep, progress=advance)
    if as_json:
        print_json(story.to_dict())
    else:
        console().print(story)
    return 0


def incident(
    name: Annotated[str | None, typer.Argument(help="Which; lists them if left out.")] = None,
    as_json: JsonOption = False,
) -> int:
    """A reported failure as a story, with the gate and without."""
    from interlock.incidents import INCIDENTS

    if name is None:
        for known, story in INCIDENTS.items():
            console().print(f"{known}  {story.question}", markup=False)
        return 0
    if name not in INCIDENTS:
        raise UsageError(
            f"no incident called {name!r}", hint=nearest(name, INCIDENTS) or "interlock incident lists them"
        )
    told = INCIDENTS[name].run()
    if as_json:
        print_json(told.to_dict())
    else:
        console().print(told)
    return 0
