"""Learning what a table normally holds, and judging a partition by it."""

from interlock.detect.features import Features, Key, features
from interlock.detect.history import History, Row
from interlock.detect.learned import Learned, learn
from interlock.detect.mining import asked, mine
from interlock.detect.sensitivity import LEVELS, NORMAL, Sensitivity, as_sensitivity

__all__ = [
    "LEVELS",
    "NORMAL",
    "Features",
    "History",
    "Key",
    "Learned",
    "Row",
    "Sensitivity",
    "as_sensitivity",
    "asked",
    "features",
    "learn",
    "mine",
]
