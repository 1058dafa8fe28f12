"""Writes docs/reference from the code, so that it cannot say anything else.

``python docs/generate.py`` writes, ``--check`` only says what is stale (exit status 1).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parent / "reference"
NOTICE = "<!-- Written by `make docs`; edit the code it was read from instead. -->\n"


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table; pipes in cells are escaped."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def prose(text: str | None) -> str:
    """A docstring as Markdown: reflowed, ``code`` and `cross references` both as code."""
    return inspect.cleandoc(text or "").replace("``", "`")


def sentence(text: str | None) -> str:
    """The first paragraph, on one line."""
    return " ".join(prose(text).split("\n\n")[0].split())


# --- errors ---------------------------------------------------------------------------


def error_tree() -> Iterator[tuple[type[Any], int]]:
    """Every error class with its depth, parents first, by code."""
    from interlock.errors import InterlockError

    pending: list[tuple[type[Any], int]] = [(InterlockError, 0)]
    while pending:
        error, depth = pending.pop()
        yield error, depth
        children = sorted(error.__subclasses__(), key=lambda e: e.code, reverse=True)
        pending.extend((child, depth + 1) for child in children if child.__module__ == "interlock.errors")


def errors() -> str:
    rows = [
        (
            f"`{error.code}`",
            "&emsp;" * depth + f"`{error.__name__}`",
            str(error.exit_status),
            sentence(error.__doc__),
        )
        for error, depth in error_tree()
    ]
    return f"""# Errors

Every failure you can cause or meet is one of these. The command line prints `error[CODE]: message` and a
hint on standard error (with `--json`, an object with `error`, `message` and `hint` on standard output) and
ends with the exit status. In Python they all derive from `interlock.InterlockError`, with `.code`,
`.message` and `.hint`. Codes are never given to another error.

{table(("code", "error", "exit status", "when"), rows)}
"""


# --- settings -------------------------------------------------------------------------


def settings() -> str:
    from interlock.settings import Settings, environment_variable

    def shown(value: object) -> str:
        return f"{value:_}" if isinstance(value, int) and not isinstance(value, bool) else str(value)

    rows = [
        (f"`{f.name}`", f"`{environment_variable(f.name)}`", shown(f.default), f.metadata["why"])
        for f in fields(Settings)
    ]
    return f"""# Settings

Every default and limit. Set one for a process with its environment variable, or for some lines of Python with
`interlock.settings.override(threads=2)`. A unit ends the name: `_s` seconds, `_mb` megabytes.

{table(("setting", "environment variable", "default", "why"), rows)}
"""


# --- statistics -----------------------------------------------------------------------


def statistics() -> str:
    from interlock.profiles.statistics import REGISTRY

    rows = [(f"`{s.name}`", s.unit, s.kinds, s.classes, s.nulls, s.error) for s in REGISTRY]
    return table(("statistic", "unit", "columns", "class", "NULL", "error bound"), rows)


# --- command line ---------------------------------------------------------------------


def cli() -> str:
    from typer.main import get_command

    from interlock.cli import app

    root = get_command(app)
    sections = [text for path, command in commands(root, ("interlock",)) for text in section(path, command)]
    return "# Command line\n\n" + prose(getattr(root, "help", "")) + "\n\n" + "\n\n".join(sections) + "\n"


def commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The commands below ``command`` that do something themselves, in the order the help shows."""
    for name, child in getattr(command, "commands", {}).items():
        if child.hidden:
            continue
        if not getattr(child, "commands", None):
            yield (*path, name), child
        else:
            if child.callback is not None and getattr(child, "invoke_without_command", False):
                yield (*path, name), child
            yield from commands(child, (*path, name))


def section(path: tuple[str, ...], command: Any) -> Iterator[str]:
    shown = [p for p in command.params if not getattr(p, "hidden", False) and p.name != "help"]
    arguments = [p for p in shown if p.param_type_name == "argument"]
    options = [p for p in shown if p.param_type_name == "option"]
    usage = [*path, *(["[OPTIONS]"] if options else []), *map(argument_usage, arguments)]
    yield f"## `{' '.join(path)}`"
    yield prose(command.help)
    yield f"```text\n{' '.join(usage)}\n```"
    if arguments:
        yield table(("argument", "meaning"), [(f"`{placeholder(p)}`", p.help or "") for p in arguments])
    if options:
        yield table(("option", "default", "meaning"), [option_row(p) for p in options])


def placeholder(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def argument_usage(parameter: Any) -> str:
    name = placeholder(parameter) + ("…" if parameter.nargs == -1 or parameter.multiple else "")
    return name if parameter.required else f"[{name}]"


def option_row(parameter: Any) -> tuple[str, str, str]:
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    value = "" if parameter.is_flag or parameter.count else f" `{placeholder(parameter)}`"
    return names + value, default_of(parameter), parameter.help or ""


def default_of(parameter: Any) -> str:
    if parameter.required:
        return "required"
    default = getattr(parameter.default, "value", parameter.default)
    return "" if callable(default) or default in (None, False, "", (), []) else f"`{default}`"


# --- Python ---------------------------------------------------------------------------


def python() -> str:
    import interlock

    names = [name for name in interlock.__all__ if not name.startswith("_")]
    values = {name: getattr(interlock, name) for name in names}
    functions = [name for name in names if inspect.isfunction(values[name])]
    classes = [name for name in names if inspect.isclass(values[name])]
    parts = [
        "# Python",
        "Everything that `import interlock` offers. What is not on this page is not public.",
        "## Functions",
        *(text for name in functions for text in function("###", f"interlock.{name}", values[name])),
        "## Classes",
        *(text for name in classes for text in class_(name, values[name])),
    ]
    return "\n\n".join(part for part in parts if part)


def function(level: str, name: str, value: Any) -> Iterator[str]:
    signature = str(inspect.signature(value)).replace("'", "").replace("interlock.names.", "")
    signature = signature.replace("(self, ", "(").replace("(self)", "()")
    yield f"{level} `{name}`"
    yield f"```text\n{name}{signature}\n```"
    yield prose(value.__doc__)


def class_(name: str, value: type[Any]) -> Iterator[str]:
    yield f"### `{name}`"
    yield prose(value.__doc__)
    if issubclass(value, StrEnum):
        yield "Values: " + ", ".join(f"`{member.value}`" for member in value) + "."
        return
    members = [(n, m) for n, m in inspect.getmembers_static(value) if not n.startswith("_")]
    described = [
        (f"`.{n}`", sentence(m.__doc__)) for n, m in members if isinstance(m, property) and m.__doc__
    ]
    if described:
        yield table(("property", "what it is"), described)
    for n, member in members:
        called = getattr(member, "__func__", member)
        if inspect.isfunction(called) and called.__doc__:
            yield from function("####", f"{name}.{n}", called)


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli,
    "errors.md": errors,
    "python.md": python,
    "settings.md": settings,
    "statistics.md": statistics,
}


def page(name: str) -> str:
    return NOTICE + "\n" + PAGES[name]().rstrip() + "\n"


def main(arguments: list[str]) -> int:
    stale = [
        name
        for name in PAGES
        if not (path := REFERENCE / name).exists() or path.read_text(encoding="utf-8") != page(name)
    ]
    for name in stale:
        if "--check" not in arguments:
            (REFERENCE / name).write_text(page(name), encoding="utf-8")
        print(f"{'stale' if '--check' in arguments else 'wrote'} docs/reference/{name}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
