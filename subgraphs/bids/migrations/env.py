"""Alembic's entry point for bids."""

from shared import migrate
from subgraphs.bids.models import Base

migrate.run(Base.metadata)
