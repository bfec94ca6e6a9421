"""What all tables of payments share."""

from sqlalchemy.orm import registry
from sqlmodel import SQLModel


class Base(SQLModel, registry=registry()):
    """A registry of its own: other subgraphs have models and tables of the same names."""
