"""All SQL of users.

Lock order everywhere: the user's row, then the session's, then (in `emit`) the stream's. The session's
row lock orders everything that is done with its refresh tokens.
"""

from subgraphs.users.store import accounts, blocks, exports, sessions

__all__ = ["accounts", "blocks", "exports", "sessions"]
