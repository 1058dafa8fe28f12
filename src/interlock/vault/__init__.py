"""Where model versions and dataset snapshots live: files as plain objects, versions as manifests over them."""
