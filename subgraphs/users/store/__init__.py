"""All SQL of users.

Lock order everywhere: a login's challenge, then the user's row, then the second factor's, then those of the user's
codes, sessions and mails, then (in `emit`) the stream's. The session's row lock orders everything that is done with
its refresh tokens, the second factor's everything that is done with its codes.
"""

from subgraphs.users.store import (
    accounts,
    blocks,
    encrypted,
    engagements,
    exports,
    mailed_codes,
    mails,
    openid,
    reports,
    second_factor,
    sessions,
    verification,
)

__all__ = [
    "accounts",
    "blocks",
    "encrypted",
    "engagements",
    "exports",
    "mailed_codes",
    "mails",
    "openid",
    "reports",
    "second_factor",
    "sessions",
    "verification",
]
