"""What all tables of users share."""

from typing import Any

from sqlalchemy import LargeBinary, Text
from sqlalchemy.orm import registry
from sqlmodel import SQLModel


class Base(SQLModel, registry=registry()):
    """A registry of its own: other subgraphs have models and tables of the same names."""


KEY: Any = Text(collation="C")
BYTES: Any = LargeBinary()
