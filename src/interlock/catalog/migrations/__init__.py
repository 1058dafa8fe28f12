"""Bringing a workspace's catalog to the newest revision, in the caller's transaction."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from interlock.catalog.schema import VERSION_TABLE


def upgrade(connection: Connection) -> None:
    """Run every migration the catalog lacks. Alembic is imported only here: it costs 0.15 s."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)

    def steps(revision: str, context: object) -> object:
        return script._upgrade_revs("head", revision)

    with EnvironmentContext(config, script, fn=steps) as environment:
        environment.configure(connection=connection, version_table=VERSION_TABLE, transactional_ddl=True)
        environment.run_migrations()
