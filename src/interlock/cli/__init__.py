"""The command line. One file a command group; `main` is the entry point."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TextIO

from interlock.errors import HealthWarning, InterlockError, UsageError, nearest

INTERRUPTED = 130
_SUGGESTION = re.compile(r"[.;,]? *(\(Possible options:.*\)|\(Did you mean.*\)|Did you mean.*\?)$", re.DOTALL)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit status.

    A user's mistake ends in one line with a stable code and a hint, as JSON on
    standard output where ``--json`` was asked for; never in a stack trace.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot spell a name shows it with gaps
    with warnings.catch_warnings():
        warnings.showwarning = _warned
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=UserWarning, module="interlock")
        warnings.filterwarnings("always", category=HealthWarning)
        status = _run(given)
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    from interlock.cli.app import app

    try:
        status = app(arguments, prog_name="interlock", standalone_mode=False)
        sys.stdout.flush()
    except InterlockError as error:
        return _failed(error, as_json="--json" in arguments)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing is half written\n")
        return INTERRUPTED
    except BrokenPipeError:  # `interlock … | head`: nobody reads on, and nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _otherwise(error, arguments)
    return status if isinstance(status, int) else 0


def _otherwise(error: Exception, arguments: Sequence[str]) -> int:
    """Typer's own complaints, in our words; anything else is a bug and says so in one line."""
    as_json = "--json" in arguments
    if type(error).__name__ in ("Exit", "Abort"):
        return int(getattr(error, "exit_code", 1))
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stdout.write(f"{error}\n")
        return UsageError.exit_status
    if hasattr(error, "format_message"):
        return _failed(_usage(error, arguments), as_json=as_json)
    from interlock import settings

    if settings.current().trace:
        raise error
    line = (str(error).strip() or "no message").splitlines()[0][:240]
    hint = "this is a bug in Interlock; INTERLOCK_TRACE=1 shows where"
    return _failed(InterlockError(f"unexpected {type(error).__name__}: {line}", hint=hint), as_json=as_json)


def _usage(error: Exception, arguments: Sequence[str]) -> UsageError:
    """What is wrong with the arguments, and the nearest word where one was meant."""
    message = _SUGGESTION.sub("", str(error.format_message()).strip())  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    known = [
        *getattr(getattr(context, "command", None), "commands", {}),
        *(getattr(error, "possibilities", None) or ()),
    ]
    word = getattr(error, "option_name", None) or message.partition("'")[2].partition("'")[0]
    hint = nearest(word, known) or f"{getattr(context, 'command_path', 'interlock')} --help"
    if "--against" in arguments and "extra argument" in message:
        hint = "put the glob in quotes: --against 'history/*.parquet'"
    return UsageError(message[:1].lower() + message[1:].rstrip("."), hint=hint)


def _failed(error: InterlockError, *, as_json: bool) -> int:
    from interlock.cli.output import plain, print_json, stderr

    if as_json:
        print_json(error.to_dict())
    else:
        console = stderr()
        console.print(f"[bold red]error\\[{error.code}][/]: ", end="")
        console.print(plain(error.message), markup=False)
        if error.hint:
            console.print(f"  {plain(error.hint)}", markup=False, style="dim")
    return error.exit_status


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Only what we say ourselves, in one line without a place in the code."""
    if category.__module__ == "interlock.errors":
        sys.stderr.write(f"warning: {message}\n")
