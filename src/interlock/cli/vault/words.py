"""How the vault's commands name and show things."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.cli.output import console, plain, print_json
from interlock.errors import UsageError

if TYPE_CHECKING:
    from interlock.catalog.vault.records import RequestRecord, VersionRecord
    from interlock.gates.delete.gate import Outcome

Reference = Annotated[
    str, typer.Argument(help="NAME, NAME@v41 or NAME@ALIAS, and /PATH for one file of it.", metavar="REF")
]

What = Annotated[
    list[str],
    typer.Argument(
        help="Versions, names or folders: ranker@v41, ranker, team/; / is everything.",
        metavar="WHAT...",
        show_default=False,
    ),
]
RequestArgument = Annotated[str, typer.Argument(metavar="ID", help="The request, such as D17.")]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", "-r", help="Why; recorded in the ledger.", show_default=False)
]


def moment(text: str | None, option: str) -> dt.datetime | None:
    """A moment as people write it: ``2h`` ago, or ``2026-01-31T12:00``, in UTC where no zone is named. `UsageError`."""
    from interlock.constraints.parse import short_span

    if text is None:
        return None
    span = short_span(text)
    if span is not None:
        from interlock.catalog import clock

        return clock.now() - span
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no time", hint="write 2h, or 2026-01-31T12:00") from None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(size_bytes: float) -> str:
    """Bytes as people read them.

    >>> size(1536), size(12)
    ('1.5 KiB', '12 bytes')
    """
    unit = 0
    while size_bytes >= 1024 and unit < len(_UNITS) - 1:
        size_bytes, unit = size_bytes / 1024, unit + 1
    return f"{size_bytes:.1f} {_UNITS[unit]}" if unit else f"{size_bytes:.0f} bytes"


def to_dict(record: VersionRecord) -> dict[str, Any]:
    """A version as JSON."""
    found = {
        "ref": record.ref,
        "name": record.name,
        "version": record.version,
        "kind": record.kind.value,
        "state": record.state.value,
        "files": record.files,
        "size_bytes": record.size_bytes,
        "manifest": record.manifest,
        "created_at": record.created_at,
        "who": record.who,
        "metadata": dict(record.metadata),
        "lineage": dict(record.lineage),
    }
    if record.deleted_at is not None:
        found |= {
            "deleted_at": record.deleted_at,
            "deleted_by": record.deleted_by,
            "purge_after": record.purge_after,
        }
    return found


def request_to_dict(request: RequestRecord) -> dict[str, Any]:
    """A request as JSON; a key's digest is nobody's business."""
    from interlock.catalog.vault.records import Action

    document = {} if request.action is Action.KEY else dict(request.document)
    return {
        "id": request.ref,
        "action": request.action.value,
        "subject": request.subject,
        "state": request.state.value,
        "who": request.who,
        "at": request.at,
        "models": request.models,
        "reason": request.reason,
        "why": request.why,
        "decided_by": request.decided_by,
        "decided_at": request.decided_at,
        "document": document,
    }


def outcome_to_dict(outcome: Outcome) -> dict[str, Any]:
    """What the delete gate did, as JSON."""
    found: dict[str, Any] = {"versions": outcome.versions, "left_out": list(outcome.left_out)}
    return found | ({} if outcome.request is None else {"request": request_to_dict(outcome.request)})


def tell(outcome: Outcome, said: str, as_json: bool) -> int:
    """Print what was done, and what was left out."""
    if as_json:
        print_json(outcome_to_dict(outcome))
        return 0
    console().print(plain(said), markup=False)
    for left in outcome.left_out:
        console().print(plain(f"  left out: {left}"), markup=False, style="yellow")
    return 0
