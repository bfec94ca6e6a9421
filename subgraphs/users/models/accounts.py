"""The table of accounts."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, text
from sqlmodel import Field

from shared.database.models import EnumText, enum_field, key_field, text_field, texts_field, time_field
from shared.locale import Locale
from subgraphs.users.models.base import Base
from subgraphs.users.rules.accounts import Status
from subgraphs.users.rules.profile import DEFAULT_TIME_ZONE

LOCALE: Any = EnumText(Locale)


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
    # With defaults in the database, since processes of the release before insert while it is already migrated.
    skills: list[str] = texts_field(may_be_left_out=True)
    phone: str | None = text_field()
    locale: Locale = Field(default=Locale.EN, sa_type=LOCALE, sa_column_kwargs={"server_default": Locale.EN.value})
    time_zone: str = Field(default=DEFAULT_TIME_ZONE, sa_type=Text, sa_column_kwargs={"server_default": "UTC"})
    status: Status = enum_field(Status)
    roles: list[str] = texts_field()
    identity_verified_at: datetime | None = time_field()
    identity_verified_until: datetime | None = time_field()
    suspended_at: datetime | None = time_field()
    suspension_reason: str | None = text_field()
    suspended_from: Status | None = enum_field(Status)
    standing_set_by: str | None = key_field()
    """The admin who suspended or reinstated last."""
    version: int
    email_verified_at: datetime | None = time_field()
    created_at: datetime = time_field()
    updated_at: datetime = time_field()
