"""Alembic's entry point, the same for every subgraph."""

from shared.database import migrate

migrate.run()
