"""The ledger's files after a commit."""

from __future__ import annotations

import warnings

from interlock.errors import InterlockError, LedgerWarning
from interlock.gates.site import Site
from interlock.ledger import Ledger


def project(site: Site) -> None:
    """Bring the ledger's files up to the commit; a warning where they cannot be extended."""
    try:
        Ledger(site.ledger).project(site.catalog)
    except InterlockError as error:
        warnings.warn(
            f"committed, but the ledger's files were not extended: {error}", LedgerWarning, stacklevel=2
        )
