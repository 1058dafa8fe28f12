"""The list of keys grows, and where a key stands says the same whenever it came."""

from __future__ import annotations

import numpy as np

from interlock.detect.features import Key
from interlock.detect.layout import Layout

KEYS = [
    Key("", "rows"),
    *(Key("code", f) for f in ("nulls", "min", "max", "q50")),
    *(Key("name", f) for f in ("nulls", "distinct", "length_mean", "length_min")),
    Key("code", "mean", "name", "a"),
    Key("code", "share", None, "1"),
]
NEW = [Key("name", "share", None, "b"), Key("code", "share", None, "2"), Key("stray", "share", None, "c")]


def _facts(layout: Layout) -> dict[str, object]:
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in vars(layout).items()
        if name != "places"
    }


def test_a_value_that_is_met_later_is_placed_as_if_known_from_the_start() -> None:
    later, start = Layout(), Layout()
    later.extend(KEYS)
    later.of_columns(frozenset({"code"}))
    later.extend(NEW)
    start.extend(KEYS + NEW)
    assert _facts(later) == _facts(start)
    assert later.of_columns(frozenset({"code"})).tolist() == start.of_columns(frozenset({"code"})).tolist()


def test_a_copy_that_grows_leaves_the_original_as_it_was() -> None:
    layout = Layout()
    layout.extend(KEYS)
    before = _facts(layout) | {"keys": list(KEYS), "names": list(layout.names)}
    layout.copy().extend(NEW)
    assert _facts(layout) == before
