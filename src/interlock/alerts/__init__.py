"""Alerts: violations that share a cause, ranked, in plain words."""

from interlock.alerts.alert import Alert
from interlock.alerts.group import group

__all__ = ["Alert", "group"]
