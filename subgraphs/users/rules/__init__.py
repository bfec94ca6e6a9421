"""What may be done, by whom and when. Pure: no I/O."""

from subgraphs.users.rules import (
    accounts,
    badges,
    blocks,
    countries,
    emails,
    erasure,
    exports,
    mailed_codes,
    mails,
    openid,
    passwords,
    profile,
    reports,
    second_factor,
    sessions,
    verification,
)

__all__ = [
    "accounts",
    "badges",
    "blocks",
    "countries",
    "emails",
    "erasure",
    "exports",
    "mailed_codes",
    "mails",
    "openid",
    "passwords",
    "profile",
    "reports",
    "second_factor",
    "sessions",
    "verification",
]
