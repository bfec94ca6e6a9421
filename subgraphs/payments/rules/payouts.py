"""What may be paid out, and when. Pure: no I/O."""

from datetime import datetime, timedelta
from enum import StrEnum

from shared import amounts
from shared.amounts import LIMITS
from shared.errors import DomainError, InvalidAmount, InvalidInput, RoleRequired, UserErrorCode
from shared.identity.actor import Actor, Role
from shared.money import CurrencyCode, Entered, Money

LEAST_OF_PRICES = 10
"""The least payout is so many times the least price of its currency."""


class AccountStatus(StrEnum):
    """Whether a tasker can be paid out."""

    INCOMPLETE = "INCOMPLETE"
    """The tasker has something to tell the provider: `requirements`."""
    PENDING = "PENDING"
    """The provider looks at what it was told."""
    ACTIVE = "ACTIVE"
    REJECTED = "REJECTED"


class PayoutAccountNotReady(DomainError):
    code = UserErrorCode.PAYOUT_ACCOUNT_NOT_READY


class BalanceTooLow(DomainError):
    code = UserErrorCode.BALANCE_TOO_LOW


class AccountSuspended(DomainError):
    code = UserErrorCode.ACCOUNT_SUSPENDED


def least(currency: CurrencyCode) -> Money:
    """The least that is paid out: what a transfer costs should not eat it up."""
    return Money(LIMITS[currency].least.minor * LEAST_OF_PRICES, currency)


# Banks have no fractions of these, though cards do.
_STEPS = {CurrencyCode.HUF: 100, CurrencyCode.TWD: 100}


def step_of(currency: CurrencyCode) -> int:
    """The least amount that is paid out, in minor units; each payout is a multiple of it."""
    return _STEPS.get(currency, amounts.step_of(currency))


def most(balance: Money) -> Money:
    """The most of a balance that can be paid out; what is less than a step stays."""
    minor = max(balance.minor, 0)
    return Money(minor - minor % step_of(balance.currency), balance.currency)


def check_account(status: AccountStatus | None) -> None:
    """Raises PayoutAccountNotReady unless the provider pays the tasker out."""
    if status is not AccountStatus.ACTIVE:
        raise PayoutAccountNotReady("Set your payouts up with the provider first.")


def check_not_suspended(is_suspended: bool) -> None:
    """Raises AccountSuspended for somebody who is."""
    if is_suspended:
        raise AccountSuspended("Your account is suspended.")


def next_weekly(now: datetime) -> datetime:
    """When what has come together is paid out by itself: at the beginning of the next Monday, UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=7 - now.weekday())


def check_tasker(actor: Actor) -> None:
    """Raises RoleRequired for who is no tasker."""
    if Role.TASKER not in actor.roles:
        raise RoleRequired("Only taskers are paid out; add the role TASKER to your account.")


def read_amount(entered: Entered) -> Money:
    """What is to be paid out, in steps that providers move. Raises InvalidAmount."""
    amount, step = Money.parse(entered.amount, entered.currency, field=("amount", "amount")), step_of(entered.currency)
    if amount.minor % step:
        raise InvalidAmount(
            f"Pay out a multiple of {Money(step, amount.currency).format()} {amount.currency}.",
            field=("amount", "amount"),
        )
    return amount


def check_balance(amount: Money, balance: Money) -> None:
    """Raises BalanceTooLow if there is less, also for a balance below zero."""
    if amount > balance:
        most = Money(max(balance.minor, 0), balance.currency)
        raise BalanceTooLow("There is less in your balance.", field=("amount", "amount"), max=most.format())


def check_rest(amount: Money, balance: Money, *, has_more_to_come: bool) -> None:
    """Raises InvalidInput for less than the least payout that is not the rest of a balance to which nothing is added.

    That rest is paid out: whoever leaves could otherwise neither have it nor go.
    """
    lowest = least(amount.currency)
    if has_more_to_come or amount.minor <= 0 or amount != most(balance):
        raise InvalidInput(
            f"At least {lowest.format()} {amount.currency} is paid out, or the whole balance once no money is held for "
            "a task of yours.",
            field=("amount", "amount"),
            min=lowest.format(),
        )
