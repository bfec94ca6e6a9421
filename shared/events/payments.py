"""What `payments` tells."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from shared.events.base import Body, Event, Personal
from shared.money import Money


class EscrowSnapshot(Body):
    """The money that is held for a task, as it was after the event. For the task's two alone."""

    id: str
    task_id: str
    bid_id: str
    bid_version: int = Field(description="The version that the bid had when it was accepted.")
    poster_id: str
    tasker_id: str
    status: str
    version: int
    amount: Money = Field(description="What is to be held: the price.")
    held: Money = Field(description="What is held now.")
    released: Money = Field(description="The tasker's share, the fee included, once it is released.")
    fee: Money = Field(description="The platform's part of what was released.")
    refunded: Money = Field(description="What went back, or is going back, to the poster.")
    funding_expires_at: AwareDatetime = Field(description="Until when the poster can pay.")
    release_at: AwareDatetime | None = Field(None, description="When it is released unless the poster answers before.")
    created_at: AwareDatetime
    updated_at: AwareDatetime


class EscrowEvent(Event):
    """Something that happened to the money of a task."""

    topic: ClassVar[str] = "payments.escrow"

    escrow: EscrowSnapshot

    @property
    def stream(self) -> str:
        return f"task:{self.escrow.task_id}"


class EscrowOpened(EscrowEvent):
    """A bid was accepted: its price is being charged."""

    type: ClassVar[str] = "payments.escrow.opened"


class EscrowActionRequired(EscrowEvent):
    """The poster's bank asks the poster something; without an answer in time the money does not come."""

    type: ClassVar[str] = "payments.escrow.action_required"

    for_price_change: bool = False


class EscrowPaymentDeclined(EscrowEvent):
    """A try to charge the poster was declined; until `funding_expires_at` the poster can try again."""

    type: ClassVar[str] = "payments.escrow.payment_declined"

    reason: str = Field(description="A value of `PaymentDeclineReason`.")
    for_price_change: bool = False


class EscrowFunded(EscrowEvent):
    """The price is held."""

    type: ClassVar[str] = "payments.escrow.funded"


class EscrowFundingFailed(EscrowEvent):
    """The price did not come in time, or the task ended meanwhile: nothing is held, and nothing will be charged."""

    type: ClassVar[str] = "payments.escrow.funding_failed"

    reason: str = Field(description="A value of `EscrowFailureReason`.")


class EscrowPriceChangeFunded(EscrowEvent):
    """The difference to a higher price is held."""

    type: ClassVar[str] = "payments.escrow.price_change_funded"

    agreement_id: str


class EscrowPriceChangeFailed(EscrowEvent):
    """The difference to a higher price did not come in time: the price stays."""

    type: ClassVar[str] = "payments.escrow.price_change_failed"

    agreement_id: str
    reason: str = Field(description="A value of `EscrowFailureReason`.")


class EscrowPriceLowered(EscrowEvent):
    """The difference to a lower price goes back to the poster."""

    type: ClassVar[str] = "payments.escrow.price_lowered"

    agreement_id: str


class EscrowAutoReleaseScheduled(EscrowEvent):
    """The tasker delivered: at `release_at` the money is the tasker's, unless the poster answers before."""

    type: ClassVar[str] = "payments.escrow.auto_release_scheduled"


class EscrowFrozen(EscrowEvent):
    """The money stays where it is while a dispute or a chargeback is open."""

    type: ClassVar[str] = "payments.escrow.frozen"

    reason: str = Field(description="`DISPUTE` or `CHARGEBACK`.")


class EscrowUnfrozen(EscrowEvent):
    """What had frozen the money is over."""

    type: ClassVar[str] = "payments.escrow.unfrozen"


class EscrowReleased(EscrowEvent):
    """All of the money is the tasker's, minus the fee."""

    type: ClassVar[str] = "payments.escrow.released"


class EscrowRefunded(EscrowEvent):
    """All of the money goes back to the poster."""

    type: ClassVar[str] = "payments.escrow.refunded"

    reason: Annotated[str | None, Personal("escrow.poster_id")] = Field(
        None, description="What an admin or the bank gave as the reason, if one of them ended it."
    )


class EscrowSplit(EscrowEvent):
    """A part of the money is the tasker's, minus the fee, the rest goes back to the poster."""

    type: ClassVar[str] = "payments.escrow.split"


ESCROW_EVENTS: Sequence[type[EscrowEvent]] = tuple(EscrowEvent.__subclasses__())
"""All of them, for who cares about the status of the money, whatever brought it there."""


class PayoutSnapshot(Body):
    """Money on its way from a tasker's balance to their bank, as it was after the event."""

    id: str
    tasker_id: str
    status: str
    amount: Money
    is_scheduled: bool = Field(description="Whether it is the weekly one.")
    created_at: AwareDatetime
    updated_at: AwareDatetime


class PayoutEvent(Event):
    """Something that happened to a payout."""

    topic: ClassVar[str] = "payments.payout"

    payout: PayoutSnapshot

    @property
    def stream(self) -> str:
        return f"user:{self.payout.tasker_id}"


class PayoutRequested(PayoutEvent):
    """Money left a tasker's balance for their bank."""

    type: ClassVar[str] = "payments.payout.requested"


class PayoutPaid(PayoutEvent):
    """The provider paid it out."""

    type: ClassVar[str] = "payments.payout.paid"


class PayoutFailed(PayoutEvent):
    """It did not arrive, and is in the tasker's balance again."""

    type: ClassVar[str] = "payments.payout.failed"

    reason: str = Field(description="A value of `PayoutFailureReason`.")


class TransactionEvent(Event):
    """Money moved in somebody's books."""

    topic: ClassVar[str] = "payments.transaction"

    user_id: str = Field(description="Whose books.")
    transaction_id: str
    amount: Money = Field(description="What the person has more; negative if less.")

    @property
    def stream(self) -> str:
        return f"user:{self.user_id}"


class TransactionProcessed(TransactionEvent):
    """A transaction of a person's balance or card was booked, and its receipt written."""

    type: ClassVar[str] = "payments.transaction.processed"

    kind: str = Field(description="A value of `TransactionKind`.")
    task_id: str | None = None


class TransactionTipped(TransactionEvent):
    """A poster gave a tip; all of it is the tasker's, whose books these are."""

    type: ClassVar[str] = "payments.transaction.tipped"

    task_id: str
    poster_id: str


class TransactionChargedBack(TransactionEvent):
    """The poster's bank takes a charge back. The books are the poster's."""

    type: ClassVar[str] = "payments.transaction.charged_back"

    task_id: str
    status: str = Field(description="`OPEN`, `WON` or `LOST`.")


class TaskerCharged(TransactionEvent):
    """An admin had a tasker, whose books these are, pay for a loss of the platform."""

    type: ClassVar[str] = "payments.transaction.tasker_charged"

    reason: Annotated[str, Personal("user_id")]


class BalanceChanged(Event):
    """What a tasker has earned and not been paid out yet, or what of it is on its way, is another amount now."""

    type: ClassVar[str] = "payments.transaction.balance_changed"
    topic: ClassVar[str] = "payments.transaction"

    user_id: str
    balance: Money = Field(description="What can be paid out; negative if the tasker owes it.")
    on_its_way: Money = Field(description="Payouts that have not arrived yet.")

    @property
    def stream(self) -> str:
        return f"user:{self.user_id}"


class PaymentMethodEvent(Event):
    """Something that happened to a way to pay."""

    topic: ClassVar[str] = "payments.payment_method"

    user_id: str
    payment_method_id: str
    brand: Annotated[str, Personal("user_id")]
    last_four: Annotated[str, Personal("user_id")]

    @property
    def stream(self) -> str:
        return f"user:{self.user_id}"


class PaymentMethodAdded(PaymentMethodEvent):
    """A person can pay with a card from now on."""

    type: ClassVar[str] = "payments.payment_method.added"


class PaymentMethodRemoved(PaymentMethodEvent):
    """A card is forgotten."""

    type: ClassVar[str] = "payments.payment_method.removed"


class PaymentMethodExpiring(PaymentMethodEvent):
    """A card is good for less than a month more."""

    type: ClassVar[str] = "payments.payment_method.expiring"

    expires_month: int
    expires_year: int
