"""Learning what a table normally holds, and judging a partition by it."""

from interlock.detect.features import Features, Key, features
from interlock.detect.history import History, Row
from interlock.detect.learned import Learned, learn

__all__ = ["Features", "History", "Key", "Learned", "Row", "features", "learn"]
