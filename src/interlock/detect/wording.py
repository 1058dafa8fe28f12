"""Numbers, columns and features as a person reads them, and constraint names."""

from __future__ import annotations

import datetime as dt
import math

from interlock.detect.features import PATTERN, TABLE, Family, Key
from interlock.profiles.dependency import QUOTING, Dependency, Form

_SQL = {
    "mean": "avg({c})",
    "stddev": "stddev({c})",
    "distinct": "count(DISTINCT {c})",
    "nulls": "count_if({c} IS NULL) / count(*)",
    "zeros": "count_if({c} = 0) / count({c})",
    "negatives": "count_if({c} < 0) / count({c})",
    "length_mean": "avg(length({c}))",
    "min": "min({c})",
    "max": "max({c})",
    "length_min": "min(length({c}))",
    "length_max": "max(length({c}))",
    "earliest": "min({c})",
    "latest": "max({c})",
    "q05": "quantile_disc({c}, 0.05)",
    "q25": "quantile_disc({c}, 0.25)",
    "q50": "quantile_disc({c}, 0.5)",
    "q75": "quantile_disc({c}, 0.75)",
    "q95": "quantile_disc({c}, 0.95)",
}
_WORDS = {
    "nulls": "share of nulls",
    "zeros": "share of zeros",
    "negatives": "share of negatives",
    "nans": "share of NaN",
    "infinities": "share of infinities",
    "distinct": "distinct values",
    "mean": "mean",
    "stddev": "standard deviation",
    "top": "share of the most frequent value",
    "length_mean": "mean length",
    "q05": "5% quantile",
    "q25": "25% quantile",
    "q50": "median",
    "q75": "75% quantile",
    "q95": "95% quantile",
    "rows": "rows",
    "key_duplicates": "rows that repeat a key",
    "row_duplicates": "rows that repeat another in full",
    "key_gaps": "no row has these values of the key's columns",
    "min": "smallest value",
    "max": "largest value",
    "length_min": "shortest length",
    "length_max": "longest length",
    "earliest": "earliest time",
    "latest": "latest time",
}


def identifier(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def shown(column: str) -> str:
    """A column's name in prose."""
    return column.removeprefix(PATTERN)


def sql(key: Key) -> str | None:
    """The SQL that computes a feature; None where the expression language has none."""
    if key.segment is not None:
        return None
    if key.feature == "dependency":
        return None
    if key.column == TABLE:
        return "count(*)" if key.feature == "rows" else None
    column = identifier(key.column)
    if key.feature == "share":
        return f"count_if({column} = {literal(key.value or '')}) / count({column})"
    text = _SQL.get(key.feature)
    return text.format(c=column) if text else None


def words(key: Key) -> str:
    """A feature in prose: ``share of nulls of dep_time where carrier is 'UA'``."""
    if key.feature == "loss":
        return f"the loss of {key.value}"
    if key.column == TABLE:
        return _WORDS[key.feature]
    if key.feature == "share":
        return f"share of {key.value!r} in {key.column}"
    where = f" where {key.segment} is {key.value!r}" if key.segment else ""
    return f"{_WORDS.get(key.feature, key.feature)} of {key.column}{where}"


def name(key: Key, what: str | None = None) -> str:
    """A constraint's name, stable across runs."""
    feature = what or key.feature
    parts = [key.column or None, feature]
    if key.value is not None:
        parts += [key.segment, key.value]
    return "_".join(p for p in parts if p)


def dependency(about: Dependency) -> str:
    """A dependency's name as a constraint: its columns and what they have to do with each other."""
    told = [p for p in about.parameters if isinstance(p, str)]
    if about.form is Form.NEAR:
        told = [f"{about.parameters[-1]:.4g}"]
    if about.form in QUOTING:
        told = [f"{about.parameters[0]:.4g}"] if about.form is Form.GROUPED else []
    return "_".join((*about.columns, about.form.value, *told))


def number(value: float, family: Family | None = None) -> str:
    """A number short enough to read: shares as percent, times as ISO 8601."""
    if math.isnan(value):
        return "nothing"
    if family is Family.SHARE:
        return percent(value)
    if family is Family.MOMENT:
        return moment(value)
    if abs(value) >= 1e15 or (value != 0 and abs(value) < 1e-3):
        return f"{value:.3g}"
    if abs(value) >= 1000 or value == int(value):
        return (
            f"{value:,.0f}"
            if family is Family.COUNT
            else f"{value:.0f}"
            if value == int(value)
            else f"{value:.1f}"
        )
    return f"{value:.4g}"


def percent(share: float) -> str:
    text = (
        f"{share * 100:.1f}" if share == 0 or share >= 0.0995 or share * 100 >= 0.1 else f"{share * 100:.2g}"
    )
    return text.removesuffix(".0") + "%"


def moment(seconds: float) -> str:
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).replace(tzinfo=None).isoformat(" ", "seconds")
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.3g}"
