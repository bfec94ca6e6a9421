"""The table of accounts."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from shared.models import enum_field, key_field, text_field, time_field
from subgraphs.users.models.base import TEXTS, Base
from subgraphs.users.rules.accounts import Status


class User(Base, table=True):
    """An account. `email` is stored normalised; without e-mail or password nobody can log in with one."""

    __tablename__ = "users"
    __table_args__ = (
        Index("users_email", text("lower(email)"), unique=True),
        # What admins look people up by, newest first.
        Index("users_name", text("lower(display_name) text_pattern_ops")),
        Index("users_status", "status", "id"),
        Index("users_roles", "roles", postgresql_using="gin"),
    )

    id: str = key_field(primary_key=True)
    email: str | None = text_field()
    password_hash: str | None = text_field()
    display_name: str = text_field()
    bio: str | None = text_field()
    avatar_url: str | None = text_field()
    status: Status = enum_field(Status)
    roles: list[str] = Field(sa_type=TEXTS)
    suspended_at: datetime | None = time_field()
    suspension_reason: str | None = text_field()
    suspended_from: Status | None = enum_field(Status)
    version: int
    created_at: datetime = time_field()
    updated_at: datetime = time_field()
