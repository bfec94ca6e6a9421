"""What all tables of locations share."""

from typing import Any

from sqlalchemy import Double
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

# SQLModel's Field is typed for type classes, but takes configured types as well.
_DOUBLE: Any = Double()


class Base(SQLModel, registry=registry()):
    """A registry of its own: other subgraphs have models and tables of the same names."""


def number_field() -> Any:
    """A number of 64 bits, such as degrees or metres."""
    return Field(sa_type=_DOUBLE)
