"""What a table's past says of each sensitivity: faults planted in its own partitions, and its false alarms."""

from interlock.backtest.plant import Site
from interlock.backtest.result import Backtest, Level, Recall
from interlock.backtest.run import PARTITIONS_MIN, Past, run

__all__ = ["PARTITIONS_MIN", "Backtest", "Level", "Past", "Recall", "Site", "run"]
