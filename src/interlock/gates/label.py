"""What a file that is a partition is called."""

from __future__ import annotations

import re
from pathlib import Path

from interlock.names import partition_label

HIVE = re.compile(r"^[^=/]+=(?P<value>[^/]+)$")


def label_of(path: Path) -> str:
    """``day=2013-01-01/part.parquet`` → ``2013-01-01``; else the file's name without its ending.

    Several levels are joined by ``-``. Files of one hive folder are told apart by name.
    """
    values = [m["value"] for part in path.parts[:-1] if (m := HIVE.match(part))]
    stem = path.name.split(".", 1)[0]
    return partition_label("-".join(values) if values else stem)
