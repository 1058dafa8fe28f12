"""How many planted faults are caught, and how often a clean partition alarms."""
