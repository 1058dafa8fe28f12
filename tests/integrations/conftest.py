"""What is in ``inside`` runs in the orchestrators' own environments (test_orchestrators.py)."""

collect_ignore = ["inside"]
