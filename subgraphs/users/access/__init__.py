"""Who may see and do what with accounts, in the words of `shared.access`. Each module has a noun's declarations."""

from shared.access import Declaration
from subgraphs.users.access import (
    administration,
    block,
    email,
    erasure,
    export,
    openid,
    password,
    profile,
    report,
    second_factor,
    session,
    user,
    verification,
)

ACCESS: list[Declaration] = [
    *user.ACCESS,
    *session.ACCESS,
    *openid.ACCESS,
    *second_factor.ACCESS,
    *email.ACCESS,
    *password.ACCESS,
    *profile.ACCESS,
    *block.ACCESS,
    *report.ACCESS,
    *export.ACCESS,
    *erasure.ACCESS,
    *verification.ACCESS,
    *administration.ACCESS,
]
