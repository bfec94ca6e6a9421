"""Tables of users: accounts, their sessions, what people do to each other, and the exports of their data."""

from subgraphs.users.models.accounts import User
from subgraphs.users.models.base import Base
from subgraphs.users.models.blocks import Block
from subgraphs.users.models.exports import DataExport, ExportPart
from subgraphs.users.models.mailed_codes import MailedCode
from subgraphs.users.models.mails import Mail
from subgraphs.users.models.sessions import RefreshToken, Session

__all__ = ["Base", "Block", "DataExport", "ExportPart", "Mail", "MailedCode", "RefreshToken", "Session", "User"]
