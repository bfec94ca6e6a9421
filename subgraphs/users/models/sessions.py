"""Tables of sessions and of the refresh tokens of those."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from shared.database.models import enum_field, key_field, text_field, time_field
from subgraphs.users.models.base import BYTES, KEY, Base
from subgraphs.users.rules.sessions import EndReason


class Session(Base, table=True):
    """A signed-in device: the family of refresh tokens that follow one another, and their access tokens."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("sessions_live_of_user", "user_id", "id", postgresql_where=text("ended_at IS NULL")),
        # What `revocations` asks for every two seconds.
        Index("sessions_revoked", "access_expires_at", postgresql_where=text("ended_at IS NOT NULL")),
        Index("sessions_expires_at", "expires_at"),
    )

    id: str = key_field(primary_key=True)
    user_id: str = Field(sa_type=KEY, foreign_key="users.id")
    user_agent: str | None = text_field()
    created_at: datetime = time_field()
    last_used_at: datetime = time_field()
    expires_at: datetime = time_field()
    access_expires_at: datetime = time_field()
    ended_at: datetime | None = time_field()
    end_reason: EndReason | None = enum_field(EndReason)


class RefreshToken(Base, table=True):
    """One refresh token, by its SHA-256.

    Once used it stays until it expires, so that its reuse is noticed. `successor_salt` and the token
    itself, which only its holder has, make the successor: so the same token can answer twice with the
    same successor, while what is stored here makes none.
    """

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        Index("refresh_tokens_of_session", "session_id"),
        Index("refresh_tokens_expires_at", "expires_at"),
    )

    token_hash: bytes = Field(sa_type=BYTES, primary_key=True)
    session_id: str = Field(sa_type=KEY, foreign_key="sessions.id", ondelete="CASCADE")
    issued_at: datetime = time_field()
    expires_at: datetime = time_field()
    replaced_at: datetime | None = time_field()
    successor_salt: bytes | None = Field(sa_type=BYTES)
