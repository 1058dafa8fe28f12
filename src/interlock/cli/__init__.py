"""The command line. One file a command group; `main` is the entry point."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from interlock.errors import InterlockError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit status.

    A user's mistake ends in one line with a stable code and a hint, as JSON on
    standard output where ``--json`` was asked for; never in a stack trace.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(given))


def _run(arguments: list[str]) -> int:
    from interlock.cli.app import app

    try:
        status = app(arguments, prog_name="interlock", standalone_mode=False)
    except InterlockError as error:
        return _failed(error, as_json="--json" in arguments)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing was half written\n")
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        return _usage_or_raise(error)
    return status if isinstance(status, int) else 0


def _usage_or_raise(error: Exception) -> int:
    """Typer's own complaints print themselves; anything else is a bug and says so."""
    show = getattr(error, "show", None)
    if show is not None:
        show()
        return int(getattr(error, "exit_code", 2))
    if type(error).__name__ in ("Exit", "Abort"):
        return int(getattr(error, "exit_code", 1))
    raise error


def _failed(error: InterlockError, *, as_json: bool) -> int:
    from interlock.cli.output import print_json, stderr

    if as_json:
        print_json(error.to_dict())
    else:
        console = stderr()
        console.print(f"[bold red]error\\[{error.code}][/]: ", end="")
        console.print(error.message, markup=False)
        if error.hint:
            console.print(f"  {error.hint}", markup=False, style="dim")
    return error.exit_status
