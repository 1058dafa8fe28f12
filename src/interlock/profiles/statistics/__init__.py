"""The families of statistics; this tuple is the whole registry."""

from __future__ import annotations

from interlock.profiles.statistics import (
    extremes,
    lengths,
    moments,
    occurrences,
    oddities,
    order,
    patterns,
    presence,
    quantiles,
    scale,
    signs,
)
from interlock.profiles.statistics.family import Family

FAMILIES: tuple[Family, ...] = (
    presence.FAMILY,
    oddities.FAMILY,
    extremes.FAMILY,
    signs.FAMILY,
    moments.FAMILY,
    quantiles.FAMILY,
    occurrences.FAMILY,
    lengths.FAMILY,
    patterns.FAMILY,
    scale.FAMILY,
    order.FAMILY,
)
