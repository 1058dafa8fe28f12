"""Which engine's SQL is written by what, and what an engine needs for it, by the engine's name."""

from __future__ import annotations

from functools import lru_cache

from interlock.constraints.compile import Emits
from interlock.constraints.emit import Emitter
from interlock.constraints.postgres import SESSION, SessionEmitter, functions
from interlock.constraints.spark import SparkEmitter
from interlock.engines.protocol import Afar, Engine

EMITTERS: dict[str, Emits] = {"duckdb": Emitter, "postgres": SessionEmitter, "spark": SparkEmitter}


def provide(engine: Engine | Afar) -> None:
    """Let an engine's session have the functions that constraints written for it call."""
    text = _functions(engine.name)
    if text:
        engine.provide(text)  # type: ignore[union-attr]  # only engines afar need any


@lru_cache
def _functions(engine: str) -> str:
    return functions(SESSION) if engine == "postgres" else ""
