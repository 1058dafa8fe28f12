"""Orchestrators: what each needs to wait for a verdict and to stop on one.

Thin: they call the workspace's public functions and say the answer in the words
of the orchestrator. Nothing here runs, schedules or retries anything. A module
that stands on an orchestrator's own classes can only be imported beside it and
says so otherwise (`ExtraMissing`); nothing else imports those modules.
"""

from __future__ import annotations

from interlock.errors import ExtraMissing


def missing(name: str, extra: str, error: ImportError) -> ExtraMissing:
    """The error for an orchestrator that cannot be imported, with the reason it gave."""
    return ExtraMissing(f"{name} cannot be imported: {error}", hint=f"pip install 'interlock[{extra}]'")
