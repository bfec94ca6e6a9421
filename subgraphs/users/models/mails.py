"""The table of mails that are to be sent."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from shared.database.models import enum_field, key_field, time_field
from subgraphs.users.models.base import BYTES, KEY, Base
from subgraphs.users.rules.mails import Template


class Mail(Base, table=True):
    """A mail from the moment when its cause is committed until it is sent or given up.

    `content` is encrypted (`secrets_at_rest.mail_purpose`): recipient and code. A mail without `user_id`
    was asked for by somebody who named the address, and whether it has an account is found out when it is
    claimed; or it tells somebody who left that they are erased. `due_at` is when to
    try next; while one process tries, when another one may.
    """

    __tablename__ = "mails"
    __table_args__ = (Index("mails_due_at", "due_at"), Index("mails_of_user", "user_id"))

    id: str = key_field(primary_key=True)
    user_id: str | None = Field(sa_type=KEY, foreign_key="users.id")
    template: Template = enum_field(Template)
    content: bytes = Field(sa_type=BYTES)
    created_at: datetime = time_field()
    due_at: datetime = time_field()
    attempts: int
