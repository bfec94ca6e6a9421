"""What may become of a charge: money that is taken from a payer's card. Pure: no I/O."""

from datetime import datetime
from enum import StrEnum

from shared.errors import InvalidTransition
from shared.transitions import By, Transition, step


class Purpose(StrEnum):
    """What a charge is for."""

    FUNDING = "FUNDING"
    PRICE_CHANGE = "PRICE_CHANGE"
    TIP = "TIP"


class Status(StrEnum):
    """Where a charge stands."""

    PENDING = "PENDING"
    """It is being tried, or it is being asked what became of a try."""
    ACTION_REQUIRED = "ACTION_REQUIRED"
    DECLINED = "DECLINED"
    """The last try was; the payer can try again."""
    CANCELLING = "CANCELLING"
    """Nothing more is to be taken: the provider is asked to see to it."""
    SUCCEEDED = "SUCCEEDED"
    CANCELLED = "CANCELLED"


class Command(StrEnum):
    """What can happen to a charge."""

    TRY = "try"
    REQUIRE_ACTION = "require action"
    PROCESS = "process"
    DECLINE = "decline"
    SUCCEED = "succeed"
    GIVE_UP = "give up"
    CANCEL = "cancel"


class DeclineReason(StrEnum):
    """Why a try to pay did not succeed."""

    PAYMENT_METHOD_REQUIRED = "PAYMENT_METHOD_REQUIRED"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    EXPIRED_CARD = "EXPIRED_CARD"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    AUTHENTICATION_FAILED = "AUTHENTICATION_FAILED"
    CURRENCY_NOT_SUPPORTED = "CURRENCY_NOT_SUPPORTED"
    PAYMENT_METHOD_UNUSABLE = "PAYMENT_METHOD_UNUSABLE"
    PROCESSING_ERROR = "PROCESSING_ERROR"
    DECLINED = "DECLINED"


_OPEN = (Status.PENDING, Status.ACTION_REQUIRED, Status.DECLINED)

TRANSITIONS: dict[tuple[Status, Command], Transition[Status]] = {
    **{
        (status, Command.TRY): step(Status.PENDING, By.POSTER, why="the payer tries again, perhaps with another card")
        for status in (Status.ACTION_REQUIRED, Status.DECLINED)
    },
    **{
        (status, Command.REQUIRE_ACTION): step(
            Status.ACTION_REQUIRED, By.PROVIDER, why="the payer's bank asks the payer something"
        )
        for status in (Status.PENDING, Status.ACTION_REQUIRED)
    },
    (Status.ACTION_REQUIRED, Command.PROCESS): step(
        Status.PENDING, By.PROVIDER, why="the payer answered; the bank is not done yet"
    ),
    **{
        (status, Command.DECLINE): step(Status.DECLINED, By.PROVIDER, why="the bank said no")
        for status in (Status.PENDING, Status.ACTION_REQUIRED)
    },
    **{
        (status, Command.SUCCEED): step(Status.SUCCEEDED, By.PROVIDER, why="the money is with the provider")
        for status in (*_OPEN, Status.CANCELLING)
    },
    **{
        (status, Command.GIVE_UP): step(
            Status.CANCELLING,
            By.TIMER,
            By.STEP,
            By.PROVIDER,
            why="what it was for has ended, or its time is over",
        )
        for status in _OPEN
    },
    (Status.CANCELLING, Command.CANCEL): step(Status.CANCELLED, By.PROVIDER, why="it will take nothing any more"),
}

OPEN = frozenset(_OPEN)
UNSETTLED = OPEN | {Status.CANCELLING}


def check_in_time(expires_at: datetime, now: datetime) -> None:
    """Raises InvalidTransition once the time to pay is over, also before its deadline is handled."""
    if expires_at <= now:
        raise InvalidTransition("The time to pay it is over.")


def reason_of(code: str) -> DeclineReason:
    """What the payer is told of the provider's code.

    Who tries a stolen card is not told that this is known (https://docs.stripe.com/declines/codes#fraudulent).
    """
    return DeclineReason(code) if code in DeclineReason.__members__ else DeclineReason.DECLINED
