"""Becomes the command after its first argument, kept to that many cores where the system can."""

from __future__ import annotations

import os
import sys

cores = int(sys.argv[1])
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
os.execv(sys.argv[2], sys.argv[2:])
