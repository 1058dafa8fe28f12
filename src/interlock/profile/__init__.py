"""What a partition of data looks like: statistics from one pass."""

from __future__ import annotations

from interlock.profile.compute import compute, compute_by
from interlock.profile.document import from_document, to_document
from interlock.profile.mask import mask
from interlock.profile.merge import merge
from interlock.profile.profile import ColumnProfile, Profile, Segment, StatisticClass

__all__ = [
    "ColumnProfile",
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
