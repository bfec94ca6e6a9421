"""How many open tasks there are in each part of the map."""

from sqlalchemy import Integer, SmallInteger
from sqlmodel import Field

from shared.database.models import bigint_field
from subgraphs.locations.models.base import Base


class Cell(Base, table=True):
    """A square of the map with open tasks in it. Triggers on the tasks' table write it, whoever changes a task.

    The sums are of the tasks' `x`, `y` and `number`: the first two give their centre, the third is, of one task
    alone, that task's number.
    """

    __tablename__ = "cells"

    level: int = Field(sa_type=SmallInteger, primary_key=True)
    x: int = Field(sa_type=Integer, primary_key=True)
    y: int = Field(sa_type=Integer, primary_key=True)
    tasks: int = Field(sa_type=Integer)
    sum_x: int = bigint_field()
    sum_y: int = bigint_field()
    sum_number: int = bigint_field()
