"""Tables of users: accounts, their sessions and the refresh tokens of those, and what people do to each other."""

from subgraphs.users.models.accounts import User
from subgraphs.users.models.base import Base
from subgraphs.users.models.blocks import Block
from subgraphs.users.models.sessions import RefreshToken, Session

__all__ = ["Base", "Block", "RefreshToken", "Session", "User"]
