"""``interlock verdict``: what stands of a partition, for whatever waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from interlock.cli import render
from interlock.cli.options import (
    AllOption,
    JsonOption,
    StrictOption,
    WorkspaceOption,
    existing,
    table_and_partition,
)
from interlock.cli.output import (
    EXIT_INCONCLUSIVE,
    EXIT_OK,
    EXIT_REFUSED,
    console,
    plain,
    print_json,
)


def verdict(
    place: Annotated[
        str,
        typer.Argument(help="TABLE@PARTITION, such as flights@2013-06-01; without one what was judged last."),
    ],
    strict: StrictOption = False,
    everything: AllOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """The verdict that stands on a partition; judges nothing.

    Exit status 0: what follows may run. 1: it is quarantined or refused. 3: it has not been judged.
    A partition that was released from quarantine counts as published.
    """
    name, label = table_and_partition(place) if "@" in place else (place, None)
    with existing(workspace) as ws:
        document = ws.existing_table(name).verdict(label)
    if as_json:
        print_json(document)
    elif document is None:
        console().print(plain(f"{place} has not been judged"), markup=False)
    else:
        console().print(render.document(document, everything=everything))
        if document["released"]:
            console().print("  released from quarantine by a person", style="dim")
    return EXIT_INCONCLUSIVE if document is None else _status(document, strict=strict)


def _status(document: Mapping[str, Any], *, strict: bool) -> int:
    from interlock.integrations import told

    if told.refusal(document, strict=strict) is None:
        return EXIT_OK
    unknown = strict and told.refusal({**document, "outcome": "pass"}, strict=True) is None
    return EXIT_INCONCLUSIVE if unknown else EXIT_REFUSED
