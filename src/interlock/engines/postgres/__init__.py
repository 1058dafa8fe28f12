"""PostgreSQL: a connection, what a relation there holds, and the engine that looks at its rows."""

from interlock.engines.postgres.relation import Part, Relation, connected, relation

__all__ = ["Part", "Relation", "connected", "relation"]
