"""How fast bytes are read: within a limit, told as they pass, from any number of threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_STEP_S = 0.5  # the longest sleep, so that whoever stops it does not wait


class Pace:
    """Called with a number of bytes it counts them, tells ``progress(done, total)``, and waits if they came early."""

    def __init__(
        self,
        total_bytes: int,
        rate_mb_s: float | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._per_s = rate_mb_s * 1e6 if rate_mb_s else None
        self._total, self._progress = total_bytes, progress
        self._lock, self._free_at = threading.Lock(), 0.0
        self.done_bytes = 0

    def __call__(self, some_bytes: int) -> None:
        with self._lock:
            self.done_bytes += some_bytes
            if self._per_s is not None:
                self._free_at = max(self._free_at, time.monotonic()) + some_bytes / self._per_s
            due = self._free_at
            if self._progress is not None:
                self._progress(min(self.done_bytes, self._total), self._total)
        while (left := due - time.monotonic()) > 0:
            time.sleep(min(left, _STEP_S))
