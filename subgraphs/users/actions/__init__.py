"""What can be done: one function per mutation, in a module per noun.

Each runs in the caller's transaction, which also holds the events that it emits.
"""

from subgraphs.users.actions import (
    accounts,
    administration,
    blocks,
    emails,
    exports,
    mailed_codes,
    mails,
    passwords,
    profile,
    sessions,
)

__all__ = [
    "accounts",
    "administration",
    "blocks",
    "emails",
    "exports",
    "mailed_codes",
    "mails",
    "passwords",
    "profile",
    "sessions",
]
