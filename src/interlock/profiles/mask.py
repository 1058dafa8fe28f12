"""Profiles without the values of sensitive columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from interlock.profiles.profile import ColumnProfile, Profile

_SHOWS_VALUES = ("min", "max", "quantiles", "top", "domain", "patterns")


def mask(profile: Profile, columns: Collection[str]) -> Profile:
    """The profile with every statistic that shows a value of these columns set to None.

    A sensitive segment column loses its segments, since their names are values.
    """
    folded = {name.casefold() for name in columns}

    def masked(found: Mapping[str, ColumnProfile]) -> dict[str, ColumnProfile]:
        return {name: _masked(c) if name.casefold() in folded else c for name, c in found.items()}

    segments = {
        name: tuple(replace(s, columns=masked(s.columns)) for s in found)
        for name, found in profile.segments.items()
        if name.casefold() not in folded
    }
    return replace(profile, columns=masked(profile.columns), segments=segments)


def _masked(column: ColumnProfile) -> ColumnProfile:
    hidden = {name: None if name in _SHOWS_VALUES else value for name, value in column.values.items()}
    return replace(column, values=hidden)
