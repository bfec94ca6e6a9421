"""Tables of second factors, their recovery codes, and logins that wait for a code."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from shared.database.models import bigint_field, time_field
from subgraphs.users.models.base import BYTES, KEY, Base


class SecondFactor(Base, table=True):
    """The secret of an account's one-time codes (RFC 6238), encrypted.

    It counts from `enabled_at` on; before, it waits for its first code. `last_step` is the newest time step
    whose code was accepted: no code of it or of an older one is accepted again.
    """

    __tablename__ = "second_factors"

    user_id: str = Field(sa_type=KEY, primary_key=True, foreign_key="users.id")
    secret: bytes = Field(sa_type=BYTES)
    created_at: datetime = time_field()
    enabled_at: datetime | None = time_field()
    last_step: int | None = bigint_field()


class RecoveryCode(Base, table=True):
    """A recovery code that is left, by its SHA-256; a used one is deleted."""

    __tablename__ = "recovery_codes"

    user_id: str = Field(sa_type=KEY, primary_key=True, foreign_key="second_factors.user_id", ondelete="CASCADE")
    code_hash: bytes = Field(sa_type=BYTES, primary_key=True)


class SecondFactorChallenge(Base, table=True):
    """A login whose password was right and whose second factor is awaited, by the SHA-256 of its challenge.

    What is presented without ever having been given gets a row too, with no user: so attempts are counted
    by the same statement, and take the same time, whatever is presented. `password_digest` is the SHA-256
    of the password hash that was checked (empty without one): a new password makes the challenge worthless.
    """

    __tablename__ = "second_factor_challenges"
    __table_args__ = (Index("second_factor_challenges_expires_at", "expires_at"),)

    challenge_hash: bytes = Field(sa_type=BYTES, primary_key=True)
    user_id: str | None = Field(sa_type=KEY, foreign_key="users.id")
    password_digest: bytes | None = Field(sa_type=BYTES)
    attempts: int
    expires_at: datetime = time_field()
    used_at: datetime | None = time_field()
