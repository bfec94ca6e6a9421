"""Tables of notifications: the inbox of each person, and local copies of the names that texts need."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.database.models import enum_field, key_field, keys_field, text_field, time_field
from subgraphs.notifications.rules import Category


class Base(SQLModel, registry=registry()):
    """A registry of its own: other subgraphs have models and tables of the same names."""


class Notification(Base, table=True):
    """What one person was told about one event."""

    __tablename__ = "notifications"
    __table_args__ = (
        Index("notifications_one_per_event", "user_id", "event_id", unique=True),
        Index("notifications_about", "about_ids", postgresql_using="gin"),
        Index("notifications_by_user", "user_id", "id"),
        Index("notifications_unread", "user_id", "id", postgresql_where=text("read_at IS NULL")),
    )

    id: str = key_field(primary_key=True)
    user_id: str = key_field()
    event_id: str = key_field()
    about_ids: list[str] = keys_field(may_be_left_out=True)
    """The other people whose names or words the text may hold."""
    category: Category = enum_field(Category)
    title: str = text_field()
    body: str = text_field()
    link: str = text_field()
    created_at: datetime = time_field()
    read_at: datetime | None = time_field()


class User(Base, table=True):
    """The local copy of a user's name, fed by `users.user.*`."""

    __tablename__ = "users"

    id: str = key_field(primary_key=True)
    display_name: str = text_field()
    erased: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})


class Task(Base, table=True):
    """The local copy of a task's title, fed by `tasks.task.*`."""

    __tablename__ = "tasks"

    id: str = key_field(primary_key=True)
    poster_id: str | None = key_field(index=True)
    title: str = text_field()
