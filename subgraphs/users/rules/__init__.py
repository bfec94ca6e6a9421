"""What may be done, by whom and when. Pure: no I/O."""

from subgraphs.users.rules import (
    accounts,
    blocks,
    emails,
    exports,
    mailed_codes,
    mails,
    passwords,
    profile,
    second_factor,
    sessions,
)

__all__ = [
    "accounts",
    "blocks",
    "emails",
    "exports",
    "mailed_codes",
    "mails",
    "passwords",
    "profile",
    "second_factor",
    "sessions",
]
