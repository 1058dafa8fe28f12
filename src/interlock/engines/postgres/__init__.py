"""PostgreSQL: a connection, what a relation there holds, and the engine that looks at its rows."""

from interlock.engines.postgres.relation import Relation, connected, relation

__all__ = ["Relation", "connected", "relation"]
