"""What can be done: one function per mutation, in a module per noun.

Each runs in the caller's transaction, which also holds the events that it emits.
"""

from subgraphs.users.actions import (
    accounts,
    administration,
    blocks,
    challenges,
    emails,
    erasure,
    exports,
    mailed_codes,
    mails,
    openid,
    ownership,
    passwords,
    profile,
    reports,
    second_factor,
    sessions,
    verification,
)

__all__ = [
    "accounts",
    "administration",
    "blocks",
    "challenges",
    "emails",
    "erasure",
    "exports",
    "mailed_codes",
    "mails",
    "openid",
    "ownership",
    "passwords",
    "profile",
    "reports",
    "second_factor",
    "sessions",
    "verification",
]
