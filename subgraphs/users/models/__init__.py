"""Tables of users: accounts, their sessions, and the refresh tokens of those."""

from subgraphs.users.models.accounts import User
from subgraphs.users.models.base import Base
from subgraphs.users.models.sessions import RefreshToken, Session

__all__ = ["Base", "RefreshToken", "Session", "User"]
