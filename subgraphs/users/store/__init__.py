"""All SQL of users.

Lock order everywhere: the user's row, then those of its codes, sessions and mails, then (in `emit`) the stream's.
The session's row lock orders everything that is done with its refresh tokens.
"""

from subgraphs.users.store import accounts, blocks, exports, mailed_codes, mails, sessions

__all__ = ["accounts", "blocks", "exports", "mailed_codes", "mails", "sessions"]
