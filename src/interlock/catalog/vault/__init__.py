"""What the catalog knows of the vault: names, versions, aliases, objects, leases, requests, holds."""
