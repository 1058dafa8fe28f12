"""What a partition of data looks like: statistics from one pass."""

from __future__ import annotations

from interlock.profiles.compute import compute, compute_by
from interlock.profiles.dependency import Dependency
from interlock.profiles.document import from_document, to_document
from interlock.profiles.mask import mask
from interlock.profiles.merge import merge
from interlock.profiles.profile import ColumnProfile, Profile, Segment, StatisticClass

__all__ = [
    "ColumnProfile",
    "Dependency",
    "Profile",
    "Segment",
    "StatisticClass",
    "compute",
    "compute_by",
    "from_document",
    "mask",
    "merge",
    "to_document",
]
