"""What the tasks subgraph is compared with: the same answers, written as the manuals of the parts show.

Strawberry's FastAPI router with default settings; an SQLModel session for each request as a FastAPI
dependency; models with a relationship, loaded with them; Strawberry's data loader behind
`resolve_reference`. It reads the database of the tasks subgraph. Run by `uvicorn bench.reference:app`.
"""

import os
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Self

import strawberry
from fastapi import Depends, FastAPI
from sqlalchemy import Column, DateTime
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from strawberry.dataloader import DataLoader
from strawberry.fastapi import BaseContext, GraphQLRouter

engine = create_async_engine(os.environ["REFERENCE_DATABASE_URL"])


class Base(SQLModel, registry=registry()):
    """A registry of its own, beside the subgraph's models."""


class CategoryRow(Base, table=True):
    __tablename__ = "categories"

    id: str = Field(primary_key=True)
    slug: str
    name: str


def _time() -> Column[datetime]:
    return Column(DateTime(timezone=True))


class TaskRow(Base, table=True):
    __tablename__ = "tasks"

    id: str = Field(primary_key=True)
    poster_id: str
    title: str
    description: str
    category_id: str = Field(foreign_key="categories.id")
    budget_minor: int
    currency: str
    mode: str
    status: str
    version: int
    due_at: datetime | None = Field(sa_column=_time())
    created_at: datetime = Field(sa_column=_time())
    published_at: datetime | None = Field(sa_column=_time())
    expires_at: datetime | None = Field(sa_column=_time())
    category: CategoryRow = Relationship(sa_relationship_kwargs={"lazy": "selectin"})


@strawberry.enum
class TaskStatus(Enum):
    DRAFT = "DRAFT"
    OPEN = "OPEN"
    ASSIGNED = "ASSIGNED"
    IN_PROGRESS = "IN_PROGRESS"
    DELIVERED = "DELIVERED"
    COMPLETED = "COMPLETED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    DISPUTED = "DISPUTED"


@strawberry.enum
class TaskMode(Enum):
    ONSITE = "ONSITE"
    REMOTE = "REMOTE"


@strawberry.type
class Money:
    amount: Decimal
    currency: str


@strawberry.type
class Category:
    id: strawberry.ID
    slug: str
    name: str


@strawberry.federation.type(keys=["id"])
class User:
    id: strawberry.ID


@strawberry.federation.type(keys=["id"])
class Task:
    id: strawberry.ID
    poster: User
    title: str
    description: str
    category: Category
    budget: Money
    mode: TaskMode
    status: TaskStatus
    version: int
    due_at: datetime | None
    created_at: datetime
    published_at: datetime | None
    expires_at: datetime | None

    @classmethod
    def of(cls, row: TaskRow) -> Self:
        return cls(
            id=strawberry.ID(row.id),
            poster=User(id=strawberry.ID(row.poster_id)),
            title=row.title,
            description=row.description,
            category=Category(id=strawberry.ID(row.category.id), slug=row.category.slug, name=row.category.name),
            budget=Money(amount=Decimal(row.budget_minor).scaleb(-2), currency=row.currency),
            mode=TaskMode(row.mode),
            status=TaskStatus(row.status),
            version=row.version,
            due_at=row.due_at,
            created_at=row.created_at,
            published_at=row.published_at,
            expires_at=row.expires_at,
        )

    @classmethod
    async def resolve_reference(cls, info: strawberry.Info["Context", None], id: strawberry.ID) -> Self | None:
        row = await info.context.tasks.load(id)
        return cls.of(row) if row else None


class Context(BaseContext):
    """The session of one request, and the loader on it."""

    def __init__(self, session: AsyncSession) -> None:
        super().__init__()
        self.session = session
        self.tasks: DataLoader[str, TaskRow | None] = DataLoader(self._load_tasks)

    async def _load_tasks(self, ids: list[str]) -> list[TaskRow | None]:
        rows = {row.id: row for row in await self.session.exec(select(TaskRow).where(col(TaskRow.id).in_(ids)))}
        return [rows.get(each) for each in ids]


async def get_session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine) as session:
        yield session


async def get_context(session: Annotated[AsyncSession, Depends(get_session)]) -> Context:
    return Context(session)


@strawberry.type
class PageInfo:
    has_next_page: bool


@strawberry.type
class TaskConnection:
    nodes: list[Task]
    page_info: PageInfo


@strawberry.type
class Query:
    @strawberry.field
    async def task(self, info: strawberry.Info[Context, None], id: strawberry.ID) -> Task | None:
        row = await info.context.session.get(TaskRow, id)
        return Task.of(row) if row and row.published_at else None

    @strawberry.field
    async def tasks(self, info: strawberry.Info[Context, None], first: int = 20) -> TaskConnection:
        statement = (
            select(TaskRow)
            .where(col(TaskRow.published_at).is_not(None), TaskRow.status == "OPEN")
            .order_by(col(TaskRow.published_at).desc(), col(TaskRow.id).desc())
            .limit(first + 1)
        )
        rows = (await info.context.session.exec(statement)).all()
        return TaskConnection(
            nodes=[Task.of(row) for row in rows[:first]], page_info=PageInfo(has_next_page=len(rows) > first)
        )


app = FastAPI()
app.include_router(
    GraphQLRouter(strawberry.federation.Schema(query=Query), context_getter=get_context), prefix="/graphql"
)
