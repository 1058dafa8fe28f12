"""How sure a count is: 95% intervals."""

from __future__ import annotations

import math

Z = 1.959963984540054  # the 97.5% quantile of a normal distribution


def wilson(hits: int, total: int, z: float = Z) -> tuple[float, float]:
    """The interval of a share (Wilson 1927); 0 … 1 of nothing."""
    if not total:
        return 0.0, 1.0
    p, n = hits / total, total
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))


def poisson(count: int) -> tuple[float, float]:
    """The interval of a Poisson count's mean (Byar's approximation, Breslow and Day 1987, page 69)."""
    above = count + 1.0
    high = above * (1.0 - 1.0 / (9.0 * above) + Z / (3.0 * math.sqrt(above))) ** 3
    if not count:
        return 0.0, high
    return count * max(1.0 - 1.0 / (9.0 * count) - Z / (3.0 * math.sqrt(count)), 0.0) ** 3, high
