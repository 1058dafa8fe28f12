"""Erasing rows from a table, its past and its snapshots: others' rows stay as they are, old bytes go under approval."""
