"""All SQL of users.

Lock order everywhere: the accounts' rows by their ids, then the second factor's, then those of challenges, codes,
identities, checks, exports and blocks, then the sessions' by their ids, then those of mails, then (in `emit`) the
stream's. So whoever holds an account and all of its sessions may take what else belongs to it in any order, as an
erasure does after it has emitted. The session's row lock orders everything that is done with its refresh tokens, the
second factor's everything that is done with its codes.

Two do without the account: what ends or refreshes a session, which takes that and the stream only, and housekeeping,
which waits for nobody: it leaves rows that are locked for the next time. A deadline is locked by its worker before all
else, so nobody sets one anew that may be due: its handler finds out what changed.
"""

from subgraphs.users.store import (
    accounts,
    blocks,
    encrypted,
    engagements,
    exports,
    mailed_codes,
    mails,
    money,
    openid,
    ownership,
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
    "money",
    "openid",
    "ownership",
    "reports",
    "second_factor",
    "sessions",
    "verification",
]
