"""Alembic's entry point, the same for every subgraph."""

from shared import migrate

migrate.run()
