"""What may be done, by whom and when. Pure: no I/O."""

from subgraphs.users.rules import accounts, blocks, passwords, profile, sessions

__all__ = ["accounts", "blocks", "passwords", "profile", "sessions"]
