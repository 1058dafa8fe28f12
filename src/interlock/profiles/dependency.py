"""Dependencies: what the values of a row have to do with each other, as SQL counted in the profile's pass.

A dependency says something of single rows (``hour * 100 + minute`` is the time,
a text is in capitals) or of rows that share values (origin and destination
determine the distance). `Dependency.counts` gives two aggregates: how many rows
it could be tested on, and how many of them break it. NULL is no evidence either
way, nor is what is no finite number where numbers are compared; of `EQUAL` and
`DETERMINES` NaN is a value like others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from interlock.engines.parquet import literal, quoted
from interlock.engines.schema import Column, Kind, Schema

Parameter = float | str
_GROUPS_MAX = 200_000  # rows of a partition whose groups are all counted; of a larger one every k-th group


class Form(StrEnum):
    """What is said of a row; the comment names columns and parameters."""

    EQUAL = "equal"  # a, b: the same value
    ORDER = "order"  # a, b: numbers, a ≤ b
    BEFORE = "before"  # a, b: moments of one kind, a ≤ b
    LINEAR = "linear"  # c, a …; factors, constant, tolerance: c = α·a + β·b + … + γ
    PRODUCT = "product"  # c, a, b; factor, tolerance (of c): c = k·a·b
    RATIO = "ratio"  # c, a, b; factor, tolerance (of c): c = k·a/b
    NEAR = "near"  # b, a; factor, constant, width: |b − (α·a + γ)| ≤ width
    ALIKE = "alike"  # a, b; their middles: both above or both below
    PART = "part"  # a, moment; part[, shift]: a is the moment's hour, day …, or so many more
    ELAPSED = "elapsed"  # a, first, last; unit, tolerance: a is the time from one moment to the other
    WHOLE = "whole"  # moment; unit: nothing finer than the unit
    UPPER = "upper"  # text: in capitals
    LOWER = "lower"  # text: in small letters
    TRIMMED = "trimmed"  # text: no blanks at the ends
    PLAIN = "plain"  # text: printable ASCII only
    DECIMALS = "decimals"  # number; digits: no more digits after the point
    MULTIPLE = "multiple"  # whole number; of
    EMPTY = "empty"  # a, b: where a is NULL, b is NULL
    GROUPED = "grouped"  # number, by; width, then each group and its middle: |number − middle| ≤ width
    MAPPED = "mapped"  # a, by; then each value of by and the one of a that belongs to it
    BANDED = "banded"  # a, number; then each value of a and the smallest and largest number it goes with, ascending
    DETERMINES = "determines"  # a …, b: rows alike in a … are alike in b


LOOSE = frozenset(
    {Form.ORDER, Form.BEFORE, Form.NEAR, Form.ALIKE, Form.GROUPED}
)  # may be broken by an odd row
EXACT = frozenset(Form) - LOOSE - {Form.EMPTY}  # a row either keeps to it or has a reason of its own
QUOTING = frozenset({Form.GROUPED, Form.MAPPED, Form.BANDED})  # hold values of rows
_NUMBERS = (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)
UNITS: Mapping[str, int] = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}  # seconds
_MOMENTS = (Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ)
_KINDS: Mapping[Form, tuple[Kind, ...]] = {
    **dict.fromkeys((Form.ORDER, Form.LINEAR, Form.PRODUCT, Form.RATIO, Form.NEAR), _NUMBERS),
    **dict.fromkeys((Form.ALIKE, Form.DECIMALS), _NUMBERS),
    **dict.fromkeys((Form.BEFORE, Form.WHOLE), _MOMENTS),
    **dict.fromkeys((Form.UPPER, Form.LOWER, Form.TRIMMED, Form.PLAIN), (Kind.TEXT,)),
    Form.MULTIPLE: (Kind.INTEGER,),
}
_ANY = tuple(k for k in Kind if k not in (Kind.NESTED, Kind.NULL, Kind.OTHER, Kind.INTERVAL))
_ALIKE_KINDS = (Form.EQUAL, Form.BEFORE)


@dataclass(frozen=True, slots=True)
class Dependency:
    """A statement about rows that a partition can be counted against."""

    form: Form
    columns: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()

    @property
    def text(self) -> str:
        """The one spelling stored in the catalog."""
        return json.dumps(
            [self.form.value, list(self.columns), list(self.parameters)],
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @staticmethod
    @lru_cache(maxsize=16_384)
    def parse(text: str) -> Dependency:
        """The inverse of `text`."""
        form, columns, parameters = json.loads(text)
        return Dependency(Form(form), tuple(columns), tuple(parameters))

    def fits(self, schema: Schema) -> bool:
        """Whether a partition of this schema can be counted against it."""
        by_name = {c.name: c for c in schema}
        found = [by_name[c] for c in self.columns if c in by_name]
        if len(found) < len(self.columns):
            return False
        if self.form in _ALIKE_KINDS and len({_alike(c) for c in found}) > 1:
            return False
        number = {Form.GROUPED: 0, Form.BANDED: 1}.get(self.form)
        if number is not None and found[number].kind not in _NUMBERS:
            return False
        if self.form in QUOTING:
            return all(c.kind in kinds for c, kinds in zip(found, self._told(), strict=True))
        if self.form in (Form.PART, Form.ELAPSED):
            return found[0].kind in _NUMBERS and all(c.kind in _MOMENTS for c in found[1:])
        return all(c.kind in _KINDS.get(self.form, _ANY) for c in found)

    def _told(self) -> tuple[tuple[Kind, ...], tuple[Kind, ...]]:
        """Of a quoting form: the kinds that the values written down for each column are compared with."""
        pairs = self.parameters[1:] if self.form is Form.GROUPED else self.parameters
        if self.form is Form.BANDED:
            return _kinds_of(pairs[0]), _NUMBERS
        return _kinds_of(pairs[1]), _kinds_of(pairs[0])

    @property
    def sql(self) -> str:
        """What holds of a row, as SQL; of `DETERMINES`, of the rows together."""
        if self.form is Form.DETERMINES:
            *by, of = map(quoted, self.columns)
            return f"count(DISTINCT ({', '.join((*by, of))})) = count(DISTINCT ({', '.join(by)}))"
        return _ROW_FORMS[self.form](list(self.columns), list(self.parameters))

    def counts(self, rows: int) -> tuple[str, str]:
        """Aggregates: on how much it was tested, and how much of that breaks it.

        Both count rows; for `DETERMINES` groups of rows and values too many, of
        every k-th group where there are many ``rows``.
        """
        if self.form is not Form.DETERMINES:
            return f"count({self.sql})", f"count(CASE WHEN NOT ({self.sql}) THEN 1 END)"
        *by, of = map(quoted, self.columns)
        known = " AND ".join(f"{c} IS NOT NULL" for c in (*by, of))
        every = rows // _GROUPS_MAX + 1
        if every > 1:
            known += f" AND hash({', '.join(by)}) % {every} = 0"
        groups = f"count(DISTINCT CASE WHEN {known} THEN hash({', '.join(by)}) END)"
        pairs = f"count(DISTINCT CASE WHEN {known} THEN hash({', '.join((*by, of))}) END)"
        return groups, f"{pairs} - {groups}"

    def __str__(self) -> str:
        """In words: ``distance is determined by origin, dest``."""
        return _WORDS[self.form](self.columns, self.parameters)


def _alike(column: Column) -> object:
    return "number" if column.kind in _NUMBERS else column.kind


def _kinds_of(value: Parameter) -> tuple[Kind, ...]:
    return (Kind.TEXT,) if isinstance(value, str) else _NUMBERS


def _number(name: str) -> str:
    """A number as a double; NULL where it is none."""
    value = f"CAST({quoted(name)} AS DOUBLE)"
    return f"CASE WHEN isfinite({value}) THEN {value} END"


def _equal(c: list[str], p: list[Parameter]) -> str:
    return f"{quoted(c[0])} = {quoted(c[1])}"


def _order(c: list[str], p: list[Parameter]) -> str:
    return f"({_number(c[0])}) <= ({_number(c[1])})"


def _before(c: list[str], p: list[Parameter]) -> str:
    return f"{quoted(c[0])} <= {quoted(c[1])}"


def _linear(c: list[str], p: list[Parameter]) -> str:
    *factors, constant, tolerance = p
    terms = [f"{float(f)!r} * ({_number(name)})" for f, name in zip(factors, c[1:], strict=True)]
    return f"abs(({_number(c[0])}) - ({' + '.join(terms)} + {float(constant)!r})) <= {float(tolerance)!r}"


def _product(c: list[str], p: list[Parameter]) -> str:
    expected = f"{float(p[0])!r} * ({_number(c[1])}) * ({_number(c[2])})"
    return f"abs(({_number(c[0])}) - {expected}) <= {float(p[1])!r} + 1e-6 * abs({expected})"


def _ratio(c: list[str], p: list[Parameter]) -> str:
    expected = f"{float(p[0])!r} * ({_number(c[1])}) / nullif(({_number(c[2])}), 0)"
    return f"abs(({_number(c[0])}) - {expected}) <= {float(p[1])!r} + 1e-6 * abs({expected})"


def _alike_sides(c: list[str], p: list[Parameter]) -> str:
    return f"(({_number(c[0])}) > {float(p[0])!r}) = (({_number(c[1])}) > {float(p[1])!r})"


def _part(c: list[str], p: list[Parameter]) -> str:
    shift = f" + {float(p[1])!r}" if len(p) > 1 else ""
    return f"({_number(c[0])}) = date_part({literal(str(p[0]))}, {quoted(c[1])}){shift}"


def _elapsed(c: list[str], p: list[Parameter]) -> str:
    first, last = (f"CASE WHEN isfinite({quoted(name)}) THEN epoch({quoted(name)}) END" for name in c[1:])
    took = f"(({last}) - ({first})) / {float(UNITS[str(p[0])])!r}"
    return f"abs(({_number(c[0])}) - {took}) <= {float(p[1])!r}"


def _whole(c: list[str], p: list[Parameter]) -> str:
    return f"{quoted(c[0])} = date_trunc({literal(str(p[0]))}, {quoted(c[0])})"


def _decimals(c: list[str], p: list[Parameter]) -> str:
    value = f"({_number(c[0])}) * {10.0 ** int(p[0])!r}"
    return f"abs({value} - round({value})) <= 1e-3"


def _empty(c: list[str], p: list[Parameter]) -> str:
    return f"CASE WHEN {quoted(c[0])} IS NULL THEN {quoted(c[1])} IS NULL END"


def _grouped(c: list[str], p: list[Parameter]) -> str:
    return f"abs(({_number(c[0])}) - {_of_group(c[1], p[1:])}) <= {float(p[0])!r}"


def _mapped(c: list[str], p: list[Parameter]) -> str:
    value = quoted(c[0]) if isinstance(p[1], str) else f"({_number(c[0])})"
    return f"{value} = {_of_group(c[1], p)}"


def _banded(c: list[str], p: list[Parameter]) -> str:
    value, number = quoted(c[0]) if isinstance(p[0], str) else f"({_number(c[0])})", f"({_number(c[1])})"
    cases = [
        f"WHEN {number} BETWEEN {_literal(p[i + 1])} AND {_literal(p[i + 2])} THEN {value} = {_literal(p[i])}"
        for i in range(0, len(p), 3)
    ]
    return f"(CASE {' '.join(cases)} END)"


def _of_group(by: str, pairs: Sequence[Parameter]) -> str:
    value = quoted(by) if isinstance(pairs[0], str) else _number(by)
    cases = [f"WHEN {_literal(pairs[i])} THEN {_literal(pairs[i + 1])}" for i in range(0, len(pairs), 2)]
    return f"(CASE ({value}) {' '.join(cases)} END)"


def _literal(value: Parameter) -> str:
    return literal(value) if isinstance(value, str) else repr(float(value))


_ROW_FORMS: Mapping[Form, Callable[[list[str], list[Parameter]], str]] = {
    Form.EQUAL: _equal,
    Form.ORDER: _order,
    Form.BEFORE: _before,
    Form.LINEAR: _linear,
    Form.NEAR: _linear,
    Form.PRODUCT: _product,
    Form.RATIO: _ratio,
    Form.ALIKE: _alike_sides,
    Form.PART: _part,
    Form.ELAPSED: _elapsed,
    Form.WHOLE: _whole,
    Form.UPPER: lambda c, p: f"{quoted(c[0])} = upper({quoted(c[0])})",
    Form.LOWER: lambda c, p: f"{quoted(c[0])} = lower({quoted(c[0])})",
    Form.TRIMMED: lambda c, p: f"{quoted(c[0])} = trim({quoted(c[0])})",
    Form.PLAIN: lambda c, p: f"regexp_full_match({quoted(c[0])}, '[ -~]*')",
    Form.DECIMALS: _decimals,
    Form.MULTIPLE: lambda c, p: f"{quoted(c[0])} % {int(p[0])} = 0",
    Form.EMPTY: _empty,
    Form.GROUPED: _grouped,
    Form.MAPPED: _mapped,
    Form.BANDED: _banded,
}


_Names = tuple[str, ...]
_PARTS = {"isodow": "weekday", "dow": "weekday"}


def _shift(parameters: tuple[Parameter, ...]) -> str:
    return "".join(f" {'−' if float(s) < 0 else '+'} {abs(float(s)):g}" for s in parameters)


_WORDS: Mapping[Form, Callable[[_Names, tuple[Parameter, ...]], str]] = {
    Form.EQUAL: lambda c, p: f"{c[0]} = {c[1]}",
    Form.ORDER: lambda c, p: f"{c[0]} ≤ {c[1]}",
    Form.BEFORE: lambda c, p: f"{c[0]} ≤ {c[1]}",
    Form.LINEAR: lambda c, p: f"{c[0]} = {_sum(c[1:], p)}",
    Form.NEAR: lambda c, p: f"{c[0]} ≈ {_sum(c[1:], p)} ± {float(p[-1]):.4g}",
    Form.PRODUCT: lambda c, p: f"{c[0]} = {'' if p[0] == 1 else f'{p[0]:g} × '}{c[1]} × {c[2]}",
    Form.RATIO: lambda c, p: f"{c[0]} = {'' if p[0] == 1 else f'{p[0]:g} × '}{c[1]} / {c[2]}",
    Form.ALIKE: lambda c, p: f"{c[0]} above {p[0]:.4g} where {c[1]} is above {p[1]:.4g}",
    Form.PART: lambda c, p: f"{c[0]} = the {_PARTS.get(str(p[0]), p[0])} of {c[1]}{_shift(p[1:])}",
    Form.ELAPSED: lambda c, p: f"{c[0]} = the {p[0]}s from {c[1]} to {c[2]}",
    Form.WHOLE: lambda c, p: f"{c[0]} has nothing finer than the {p[0]}",
    Form.UPPER: lambda c, p: f"{c[0]} in capitals",
    Form.LOWER: lambda c, p: f"{c[0]} in small letters",
    Form.TRIMMED: lambda c, p: f"{c[0]} without blanks at its ends",
    Form.PLAIN: lambda c, p: f"{c[0]} in plain characters",
    Form.DECIMALS: lambda c, p: f"{c[0]} with {p[0]:.0f} decimals" if p[0] else f"{c[0]} in whole numbers",
    Form.MULTIPLE: lambda c, p: f"{c[0]} in multiples of {p[0]:.0f}",
    Form.EMPTY: lambda c, p: f"{c[1]} empty where {c[0]} is",
    Form.GROUPED: lambda c, p: f"{c[0]} as usual for its {c[1]} ± {float(p[0]):.4g}",
    Form.MAPPED: lambda c, p: f"{c[0]} as ever for its {c[1]}",
    Form.BANDED: lambda c, p: f"{c[0]} as ever for such {c[1]}",
    Form.DETERMINES: lambda c, p: f"{c[-1]} determined by {', '.join(c[:-1])}",
}


def _sum(columns: _Names, parameters: tuple[Parameter, ...]) -> str:
    *factors, constant, _ = (float(p) for p in parameters)
    terms = []
    for factor, name in zip(factors, columns, strict=True):
        size = "" if abs(factor) == 1 else f"{abs(factor):.6g} × "
        terms.append(f"{'−' if factor < 0 else '+'} {size}{name}")
    if constant:
        terms.append(f"{'−' if constant < 0 else '+'} {abs(constant):.6g}")
    return " ".join(terms).removeprefix("+ ").replace("− ", "−", 1 if terms[0].startswith("−") else 0)
