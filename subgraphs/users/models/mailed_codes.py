"""The table of codes that went out by mail."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from shared.database.models import enum_field, time_field
from subgraphs.users.models.base import BYTES, KEY, Base
from subgraphs.users.rules.mailed_codes import Purpose


class MailedCode(Base, table=True):
    """The one code of a purpose that an account has at a time, by its SHA-256; using it deletes it."""

    __tablename__ = "mailed_codes"
    __table_args__ = (Index("mailed_codes_of_user", "user_id", "purpose", unique=True),)

    code_hash: bytes = Field(sa_type=BYTES, primary_key=True)
    user_id: str = Field(sa_type=KEY, foreign_key="users.id")
    purpose: Purpose = enum_field(Purpose)
    created_at: datetime = time_field()
    expires_at: datetime = time_field(index=True)
