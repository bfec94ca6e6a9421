"""What may be done, by whom and when. Pure: no I/O."""

from subgraphs.users.rules import accounts, blocks, exports, passwords, profile, sessions

__all__ = ["accounts", "blocks", "exports", "passwords", "profile", "sessions"]
