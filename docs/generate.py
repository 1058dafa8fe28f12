"""Writes docs/reference from the code, so that it cannot say anything else.

``python docs/generate.py`` writes, ``--check`` only says what is stale (exit status 1).
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
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

TYPES = {
    "INTEGER": "BIGINT",
    "FLOAT": "DOUBLE",
    "DECIMAL": "DECIMAL(18,3)",
    "BOOLEAN": "BOOLEAN",
    "TEXT": "VARCHAR",
    "BINARY": "BLOB",
    "DATE": "DATE",
    "TIME": "TIME",
    "TIMESTAMP": "TIMESTAMP",
    "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE",
    "INTERVAL": "INTERVAL",
    "NESTED": "INTEGER[]",
    "OTHER": "UUID",
}


def statistics() -> str:
    from interlock.profiles.statistics import FAMILIES
    from interlock.settings import Settings

    rows = [statistic(family, name) for family in FAMILIES for name in family.means]
    exact = f"{Settings().exact_rows_max:_}"
    return f"""# Statistics

What a profile holds. Every statistic has a class: *exact*; *deterministic* (from a sample with a fixed hash: the same
data gives the same value, on any machine and any number of threads); or *advisory* (an engine's own approximation,
stable within one version). Only the first two may decide a blocking constraint.

Up to {exact} rows (`exact_rows_max`) everything is exact. The class and the error bound below are those of larger
partitions. An empty column, or one without a value, has `None` where the statistic is undefined.

## Of a column

{table(("statistic", "what it is", "unit", "columns", "NULL", "class when large", "error bound when large"), rows)}

## Of the rows

| statistic | what it is |
|---|---|
| `rows` | How many. |
| `key_duplicates` | Rows beyond the first with the same key; only where the table has a key. |
| `key_gaps` | Combinations of the key's columns, as they occur in the partition, that no row has: 0 where every store has every hour; a row with a null in its key is in none of them. Only for keys of several columns, and not of partitions above `exact_rows_max` rows. |
| `row_duplicates` | Rows beyond the first that are equal in every column; of a sample when large. |
"""


def statistic(family: Any, name: str) -> tuple[str, ...]:
    from interlock.engines.schema import Column, Kind
    from interlock.profiles.statistics.family import Scope, Size

    columns = {kind: Column("x", TYPES[kind.name], kind) for kind in Kind if kind.name in TYPES}
    applies = [kind for kind, column in columns.items() if family.applies(column)]
    classes = {
        str(family.classes(Scope(columns[kind], "x", Size.LARGE, counted=False), name)) for kind in applies
    }
    meaning = family.means[name]
    where = "all" if len(applies) == len(columns) else ", ".join(kind.value for kind in applies)
    error = "" if classes == {"exact"} else meaning.error
    return f"`{name}`", meaning.text, meaning.unit, where, meaning.nulls, ", ".join(sorted(classes)), error


# --- support --------------------------------------------------------------------------

ENGINES = {"duckdb": "DuckDB", "postgres": "PostgreSQL", "spark": "Spark"}
KINDS = {
    "row rule": "x > 0",
    "row rule with a pattern": "regexp_matches(s, '^[A-Z]+$')",
    "`count`, `count_if`": "count(*) > 5 AND count_if(x > 0) > 5",
    "`sum`, `avg`": "sum(x) > 0 AND avg(f) > 0",
    "`min`, `max`": "min(x) > 0 AND max(s) < 'z'",
    "`stddev`, `variance`": "stddev(f) > 0 AND var_pop(f) > 0",
    "`median`, quantiles": "median(f) > 0 AND quantile_disc(x, 0.9) > 0",
    "`count(DISTINCT …)`": "count(DISTINCT s) > 2",
    "`bool_and`, `bool_or`": "bool_and(x > 0) OR bool_or(x > 5)",
    "`unique(…)`": "unique(x, s)",
    "`references(…)`": "references(x, other.x)",
    "`fresh(…)`": "fresh(at, '1 day')",
    "remainder of floats": "f % 2 > 1",
    "length of a list": "length(l) > 1",
}


def support() -> str:
    from interlock.profiles.statistics import FAMILIES

    statistics = [statistic_support(family, name) for family in FAMILIES for name in family.means]
    kinds = [(name, f"`{text}`", *constraint_support(text)) for name, text in KINDS.items()]
    return f"""# What runs where

Both tables are read from the code. Everything that is said of one engine holds of the others where nothing else is said;
the suites in `interlock.testing` compare them on real and on random tables.

## Statistics

Of a partition of more than `exact_rows_max` rows; up to it every engine says exactly what DuckDB says, save the order of rows.
*exact* and *deterministic* statistics may decide, *advisory* ones never do ([classes](statistics.md)).

{table(("statistic", *ENGINES.values()), statistics)}

Segments and learned dependencies between columns are counted over all rows on DuckDB, over the sample elsewhere.

## Constraints

*Judged*: a partition after it was written. *Installed*: a trigger that refuses the row, by [`interlock install`](../how-to/postgres.md).

{table(("kind", "such as", *(f"{e}, judged" for e in ENGINES.values()), "PostgreSQL, installed"), kinds)}
"""


def statistic_support(family: Any, name: str) -> tuple[str, ...]:
    from interlock.engines.schema import Column, Kind
    from interlock.profiles.spellings import SPELLINGS
    from interlock.profiles.statistics.family import Scope, Size
    from interlock.profiles.statistics.spelling import DUCKDB

    columns = [Column("x", TYPES[kind.name], kind) for kind in Kind if kind.name in TYPES]
    cells = []
    for dialect in ENGINES:
        spelling = SPELLINGS.get(dialect, DUCKDB)
        scopes = [
            Scope(c, "x", Size.LARGE, counted=False, sql=spelling) for c in columns if family.applies(c)
        ]
        classes = sorted({str(family.classes(scope, name)) for scope in scopes})
        error = spelling.bounds.get(name, family.means[name].error if classes != ["exact"] else "none")
        bound = "" if error == "none" else f": {error}"
        cells.append(f"no: {spelling.lacks[name]}" if name in spelling.lacks else ", ".join(classes) + bound)
    return f"`{name}`", *cells


def constraint_support(text: str) -> tuple[str, ...]:
    """By engine, then for a trigger: yes, or why not."""
    import datetime as dt

    from sqlglot import exp

    from interlock import constraints
    from interlock.engines.postgres import Relation
    from interlock.engines.schema import Column, Kind
    from interlock.gates.native import rules

    schema = (
        Column("x", "INTEGER", Kind.INTEGER),
        Column("f", "DOUBLE", Kind.FLOAT),
        Column("s", "VARCHAR", Kind.TEXT),
        Column("at", "TIMESTAMP", Kind.TIMESTAMP),
        Column("l", "INTEGER[]", Kind.NESTED),
    )
    constraint = constraints.parse(text)
    cells = []
    for dialect in ENGINES:
        compiled = constraints.compile(
            constraint,
            schema,
            now=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
            source_of=lambda _: exp.Var(this="other"),
            emitter=constraints.EMITTERS[dialect],
        )
        assert compiled.broken is None, compiled.broken
        cells.append(f"no: {compiled.inconclusive}" if compiled.inconclusive else "yes")
    made = rules.of(constraint, Relation(0, "public", "t", "r", False, False, "owner", schema))
    return *cells, f"no: {made}" if isinstance(made, str) else "yes"


# --- expressions ----------------------------------------------------------------------


def expressions() -> str:
    from interlock.constraints import language
    from interlock.constraints.postgres import REFUSED

    operations = list(language.OPERATIONS.values())
    plain = [(f"`{o.signature}`", o.means) for o in operations if not o.aggregate]
    aggregates = [(f"`{o.signature}`", o.means) for o in operations if o.aggregate]
    special = [(f"`{name}`", means) for name, means in language.SPECIAL.items()]
    predicates = [(f"`{name}`", means) for name, means in language.PREDICATES.items()]
    aliases = ", ".join(f"`{other}` ({name})" for other, name in sorted(language.ALIASES.items()))
    refused: dict[str, list[str]] = {}
    for name, why in language.REFUSED_FUNCTIONS.items():
        refused.setdefault(why, []).append(f"`{name}`")
    from interlock.constraints.spark import REFUSED as SPARK_REFUSED

    spark_refused = "\n".join(f"- {written} is refused: {why}." for written, why in SPARK_REFUSED.values())
    postgres_refused = "\n".join(f"- {written} is refused: {why}." for written, why in REFUSED.values())
    why_not = "\n".join(f"- {', '.join(names)}: {why}." for why, names in refused.items())
    return f"""# Expressions

A constraint is a SQL boolean expression over the columns of one table; this is version {language.VERSION} of the
language. Without an aggregate it must hold for every row, up to the constraint's `tolerance`; with one, for the
partition. What is not on this page is refused before it runs, with the place underlined: a second statement, a
subquery, a window function, another table (other than by `references`), anything that writes, and every function that
reaches files, the network or the environment.

## NULL and errors

- A row for which the expression is NULL does **not** break it: `age >= 0` says nothing of an unknown age. Say
  `age IS NOT NULL` for that.
- A row for which the evaluation **fails** (a text that is no number, an integer divided by 0) does break it.
- An expression over the partition that is NULL, such as the average of nothing, is **inconclusive**: never a pass.
- An error inside the argument of an aggregate is counted, and fails.
- Sums, means and deviations of floats are exact to 1e-9 of themselves. Where one lies so near the number it is compared
  with, the verdict says so, whether the rule holds or not.

## Operators

{table(("written", "means"), [(f"`{written}`", means) for written, means in language.OPERATORS])}

## Functions

NULL in, NULL out, unless said otherwise. A `moment` is a date or timestamp, a zoned one taken in UTC; `count`, `places`,
`fraction`, `pattern` and `unit` are constants.

{table(("function", "means"), [*plain, *special])}

{part_functions(language)}

Other spellings: {aliases}.

## Aggregates

NULLs are left out; over no rows all are NULL but the counts.

{table(("aggregate", "means"), aggregates)}

## A constraint of their own

These are the whole expression or nothing.

{table(("written", "means"), predicates)}

## In PostgreSQL

Rules that [`interlock install`](../how-to/postgres.md) writes into a database mean the same there, and a property test compares
them on a real server with the same reference as DuckDB's. Text is compared by code point, moments are computed in UTC, letter case is
Unicode's, whatever the database's locale is. What is otherwise:

{postgres_refused}
- A pattern is taken where it means the same in both: characters, classes such as `[a-z]`, `\\d`, `\\w` and `\\s`, groups,
  alternatives, repetitions up to 255, `^` and `$`. Others (`\\b`, look-arounds, `[[:alpha:]]`, flags) are refused there.
- A text is a number in decimal notation, with an exponent or without; a date is year-month-day, a time
  hours:minutes with or without seconds. Other spellings DuckDB reads (`1_000`, `0x10`, `24:00:00`, a zone after a time) fail there.
- Dates and moments outside the years 1 to 9999 may be computed otherwise, or fail. The length of a list is refused.
- A `numeric` column without a precision is computed as a float. A NaN in a `numeric` column with one
  compares as PostgreSQL has it, larger than every number.
- A power beyond about e^700 may differ in its last digits.

## In Spark

Rules judged [in a Spark job](../how-to/spark.md) mean the same there too, with ANSI mode on or off, whatever the session's time
zone and parser settings; the same property test compares. What is otherwise:

{spark_refused}
- A product of decimals that may need all 38 digits with more than six after the point is refused: Spark drops digits there.
- `references` is not judged there. The length of what is no list is refused.
- A pattern is taken where it means the same in Java: as in PostgreSQL, with `\\b`, `\\B`, `\\A` and `\\z`, and repetitions up
  to 1000. Java steps back where RE2 does not: a group repeated without a bound, or repetitions inside each other, may be slow
  or run out of stack on texts of many thousand characters.
- A text is a number in decimal notation, with an exponent or without; a date is year-month-day, with or without a time.
- Dates and moments outside the years 1 to 9999 may be computed otherwise, or fail.
- `exp`, `ln`, `log10` and `pow` may differ in their last digit.
- `quantile_disc`, `stddev` and `variance` sort all values of their column in one task, in its memory.

## Sums of floats

Adding floats in another order gives another sum. Here each value is turned into a whole number first, by one of four
scales for values below 2^-10, 2^30, 2^70 and 2^110 (about 10^33), and whole numbers add up the same in any order: `sum`
and `avg` of a float column give the same bits on every run, whatever the number of threads. What is smaller than 2^-110
counts as 0 in a sum, and what is 2^110 or more as infinite. `stddev` and `variance` take their values in ascending order,
for the same reason. Still compare floats with a margin, never with `=`.

## Refused, and what to write instead

{why_not}
"""


def part_functions(language: Any) -> str:
    names = ", ".join(f"`{name}(moment)`" for name in language.PARTS)
    return f"{names} are short for `date_part`."


# --- command line ---------------------------------------------------------------------


def cli() -> str:
    from typer.main import get_command

    from interlock.cli.app import app

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
    signature = re.sub(r"<function .*?>", "…", signature.replace("(self, ", "(").replace("(self)", "()"))
    yield f"{level} `{name}`"
    yield f"```text\n{name}{signature}\n```"
    yield prose(value.__doc__)


def class_(name: str, value: type[Any]) -> Iterator[str]:
    yield f"### `{name}`"
    yield prose(value.__doc__)
    if issubclass(value, StrEnum):
        yield "Values: " + ", ".join(f"`{member.value}`" for member in value) + "."
        return
    if is_dataclass(value):
        yield table(("field", "type"), [(f"`.{f.name}`", f"`{f.type}`") for f in fields(value)])
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


# --- threat model -----------------------------------------------------------------------


def threat_model() -> str:
    from interlock.vault.threats import ACTIONS, THREATS, WHO, Adversary, Answer

    by_cell = {(t.action, t.adversary): t for t in THREATS}
    overview = [
        (
            ACTIONS[action],
            *(by_cell[action, a].answer.value if (action, a) in by_cell else "" for a in Adversary),
        )
        for action in ACTIONS
    ]
    titles = [WHO[a][0] for a in Adversary]
    sections = []
    for adversary in Adversary:
        rows = []
        for t in (t for t in THREATS if t.adversary is adversary):
            noticed = f", by {t.within}" if t.within else ""
            rows.append((ACTIONS[t.action], f"**{t.answer}**{noticed}", t.how))
        title, what = WHO[adversary]
        sections.append(f"### {title[0].upper()}{title[1:]}\n\n{what}\n")
        sections.append(table(("tries to", "", "how, or why not"), rows))
    not_shown = sum(t.answer is Answer.NEITHER for t in THREATS)
    return f"""# Who could harm the vault, and what comes of it

Each protection names its adversary and says one of three things: the step is **prevented**; it happens and is **detected**, at the
latest then; or **neither**. Every *prevented* and *detected* on this page is the name of a test in `tests/vault/test_threats.py`;
the {not_shown} *neither* are what you have to see to yourself. [Honest limits](limits.md) says the same of everything else.

{table(("", *titles), overview)}

An empty cell: they have no way of their own to it. Whoever writes the workspace's files may also go through Interlock.

A server, where users hold tokens and only it holds the store's credentials, is not there yet; nor is what its **administrator**
could do. Until then a second person is another operating-system user, another PostgreSQL role, or whoever has a second key.

## What it rests on

- **Two stores under different credentials.** Without a replica damage is found, and cannot be mended. `interlock vault replica set …`
- **A scrub on a timer.** *Detected by the next scrub* is as soon as you run one: `interlock vault scrub --repair` every night, at a
  `--rate` your disk does not mind; it goes on where it was stopped. `interlock verify` every hour.
- **A bucket with versions and object lock**, for a store others can write to.
- **`ledger/checkpoint` kept elsewhere**, by somebody else: it proves that history was rewritten.

## In detail

{chr(10).join(section + chr(10) for section in sections)}"""


PAGES: dict[str, Callable[[], str]] = {
    "../threat-model.md": threat_model,
    "cli.md": cli,
    "errors.md": errors,
    "expressions.md": expressions,
    "python.md": python,
    "settings.md": settings,
    "statistics.md": statistics,
    "support.md": support,
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
