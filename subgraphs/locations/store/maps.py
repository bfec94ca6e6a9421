"""SQL of the map."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import BigInteger, Integer, Select, case, func, literal_column, or_, select
from sqlmodel import col

from shared.database.db import Database, any_of
from subgraphs.locations import models
from subgraphs.locations.rules.maps import COUNTED_LEVELS, View
from subgraphs.locations.store.tasks import TABLE

Cell = models.Cell


@dataclass(frozen=True, slots=True)
class Cluster:
    """The open tasks of a cell. The centre is in positions of the map; `task_id` is set where there is one task."""

    tasks: int
    x: float
    y: float
    task_id: str | None


async def list_clusters(database: Database, view: View) -> Sequence[Cluster]:
    """What is in the cells of a view."""
    statement = counted(view) if view.level in COUNTED_LEVELS else counting(view)
    # The centre of several positions; a position is a square, whose middle it is meant to be.
    return [
        Cluster(row.tasks, row.sum_x / row.tasks + 0.5, row.sum_y / row.tasks + 0.5, row.id)
        for row in cast("Sequence[_Counted]", await database.fetch(statement))
    ]


@dataclass(frozen=True, slots=True)
class _Counted:
    tasks: int
    sum_x: int
    sum_y: int
    id: str | None


def counted(view: View) -> Select[int, int, int, str | None]:
    """By the counts that are kept."""
    columns = [column for each in view.columns for column in each]
    alone = case((col(Cell.tasks) == 1, col(Cell.sum_number)))
    return (
        select(col(Cell.tasks), col(Cell.sum_x), col(Cell.sum_y), TABLE.c.id)
        .outerjoin(TABLE, TABLE.c.number == alone)
        .where(
            col(Cell.level) == view.level,
            any_of(col(Cell.x), columns),
            col(Cell.tasks) > 0,
            col(Cell.y).between(view.rows[0], view.rows[-1]),
        )
    )


def counting(view: View) -> Select[int, int, int, str | None]:
    """By the tasks themselves."""
    x, y = TABLE.c.x, TABLE.c.y
    shift = literal_column(str(view.shift), Integer)
    ranges = [x.between(each[0] << view.shift, ((each[-1] + 1) << view.shift) - 1) for each in view.columns]
    cells = (
        select(
            func.count().label("tasks"),
            func.sum(x, type_=BigInteger).label("sum_x"),
            func.sum(y, type_=BigInteger).label("sum_y"),
            func.min(TABLE.c.number).label("number"),
        )
        .where(
            models.IS_OPEN,
            or_(*ranges),
            y.between(view.rows[0] << view.shift, ((view.rows[-1] + 1) << view.shift) - 1),
        )
        .group_by(x.op(">>")(shift), y.op(">>")(shift))
        .subquery("cells")
    )
    alone = case((cells.c.tasks == 1, cells.c.number))
    return select(cells.c.tasks, cells.c.sum_x, cells.c.sum_y, TABLE.c.id).outerjoin(TABLE, TABLE.c.number == alone)
