"""MLflow keeps its artifacts in the vault: ``vault://PREFIX``.

MLflow loads the plugin while it is itself being imported, and skips one that asks for what is not
there yet. So `plugin` imports one class of MLflow's, and Interlock only when something is stored.
"""
