"""Verifying a workspace from outside: catalog, ledger and vault, as their format pages write them.

*Shares no code with what writes them*, and writes nothing. What is read here is read by plain SQL, from
files, and by plain requests to S3; a mistake of the writers is not repeated. Only names for settings and
errors come from the rest of Interlock.
"""

from interlock.verify.run import verify as verify
