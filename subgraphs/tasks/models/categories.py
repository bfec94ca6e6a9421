"""Kinds of work."""

from sqlalchemy import ForeignKeyConstraint

from shared.database.models import key_field, text_field
from subgraphs.tasks.models.base import Base


class Category(Base, table=True):
    """A kind of work. Two levels: tasks belong to those that have a parent. Only migrations write here."""

    __tablename__ = "categories"
    __table_args__ = (ForeignKeyConstraint(["parent_id"], ["categories.id"]),)

    id: str = key_field(primary_key=True)
    parent_id: str | None = key_field()
    position: int
    slug: str = key_field(unique=True)
    name: str = text_field()
    name_th: str = text_field()
