"""What a second factor is to the graph."""

from datetime import datetime
from typing import Self

import strawberry

from subgraphs.users import actions, store

CODE = "For who has a second factor: six digits from the authenticator app, or a recovery code."


@strawberry.type(description="What a login takes besides the password: a one-time code of an authenticator app.")
class SecondFactor:
    enabled_at: datetime = strawberry.field(description="Since when logins take a code.")
    recovery_codes_left: int | None = strawberry.field(
        description="How many recovery codes have not been used; null for anybody but the user themselves."
    )

    @classmethod
    def of(cls, active: store.second_factor.Active, *, own: bool) -> Self:
        return cls(enabled_at=active.enabled_at, recovery_codes_left=active.recovery_codes_left if own else None)


@strawberry.type(description="A sign-in that waits for a code of the second factor.")
class SecondFactorChallenge:
    challenge: str = strawberry.field(
        description="Goes into `completeLogIn` with a code. Keep it secret; it bears 5 attempts."
    )
    expires_at: datetime = strawberry.field(description="Until when it can be met.")

    @classmethod
    def of(cls, challenge: actions.challenges.Challenge) -> Self:
        return cls(challenge=challenge.challenge, expires_at=challenge.expires_at)
