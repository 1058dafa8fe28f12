"""Options every command shares, and how a command finds its workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from interlock.errors import UsageError
from interlock.names import partition_label

if TYPE_CHECKING:
    from interlock.workspace import Workspace

WorkspaceOption = Annotated[
    str | None,
    typer.Option(
        "--workspace",
        "-w",
        envvar="INTERLOCK_WORKSPACE",
        help="The workspace: a folder, or postgresql://… [default: ./.interlock].",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
StrictOption = Annotated[
    bool,
    typer.Option("--strict", help="Exit 1 on a ticket or page too, and 3 when the outcome is inconclusive."),
]
AllOption = Annotated[bool, typer.Option("--all", help="Show every alert and every violation.")]
PartitionOption = Annotated[
    str | None,
    typer.Option("--partition", "-p", help="The partition this data is; read from the data if left out."),
]


def existing(path: str | None) -> Workspace:
    """The workspace at ``path`` (or here); `WorkspaceNotFound` rather than a new one."""
    from interlock.workspace import open as open_workspace

    return _announced(open_workspace(path, create=False))


def created(path: str | None, data: str | None = None) -> Workspace:
    """The workspace at ``path`` (or here), made if need be, with its files in ``data`` if it is a database."""
    from interlock.workspace import open as open_workspace

    return _announced(open_workspace(path, data=data))


def _announced(workspace: Workspace) -> Workspace:
    from interlock.cli.output import plain, stderr

    for note in workspace.recovered:
        stderr().print(plain(f"recovered: {note}"), style="yellow", markup=False)
    return workspace


def table_and_partition(text: str) -> tuple[str, str]:
    """``flights@2013-06-01`` → (``flights``, ``2013-06-01``)."""
    name, at, label = text.partition("@")
    if not at or not name or not label:
        raise UsageError(
            f"{text!r} names no partition", hint="write TABLE@PARTITION, such as flights@2013-06-01"
        )
    return name, partition_label(label)
