"""The money of tasks in the graph."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import ID

from shared import clock, events
from shared.graphql.acting import IDEMPOTENCY_KEY, act_once
from shared.graphql.entities import Node, entity
from shared.graphql.ids import ChargeId, EscrowId, PaymentMethodId, TaskId
from shared.graphql.limits import list_size
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import field, mutation, query
from shared.graphql.types import Money, MoneyInput, UserError, register_enum
from shared.money import Money as Amount
from subgraphs.payments import actions, models, rules, store
from subgraphs.payments.rules import charges
from subgraphs.payments.rules.charges import DeclineReason, Purpose
from subgraphs.payments.rules.escrows import Doing, FailureReason, Hold, Status
from subgraphs.payments.schema.info import Info
from subgraphs.payments.schema.payment_method import PaymentMethod
from subgraphs.payments.schema.user import User

register_enum(
    Status,
    name="EscrowStatus",
    description="Where the money of a task stands.",
    values={
        Status.PENDING: "The poster is being charged.",
        Status.FUNDED: "The price is held.",
        Status.FROZEN: "Held, and stays so while a dispute or a chargeback is open.",
        Status.RELEASED: "All of it is the tasker's, minus the fee.",
        Status.REFUNDED: "All of it went back to the poster, or is going back.",
        Status.SPLIT: "A part of it is the tasker's, minus the fee; the rest went back to the poster.",
        Status.FAILED: "The price did not come in time, or the task ended meanwhile; the bid is open again.",
    },
)
register_enum(
    Doing,
    name="EscrowCommand",
    description="What somebody can do with the money of a task.",
    values={
        Doing.RETRY_FUNDING: "Pay what is open, with this or another card, by `retryFunding`.",
        Doing.TIP: "Give the tasker more, by `tipTasker`.",
    },
)
register_enum(
    FailureReason,
    name="EscrowFailureReason",
    description="Why the money of a task did not come.",
    values={
        FailureReason.NOT_PAID_IN_TIME: "It was not paid within 15 minutes.",
        FailureReason.TASK_CLOSED: "The task was called off meanwhile.",
        FailureReason.ACCOUNT_SUSPENDED: "The account of one of the two is suspended.",
    },
)
register_enum(
    Hold,
    name="EscrowHold",
    description="What freezes the money of a task.",
    values={Hold.DISPUTE: "Poster and tasker disagree.", Hold.CHARGEBACK: "The poster's bank takes a charge back."},
)
register_enum(
    DeclineReason,
    name="PaymentDeclineReason",
    description="Why a try to pay did not succeed.",
    values={
        DeclineReason.PAYMENT_METHOD_REQUIRED: "There is no card to charge: add one, and try again.",
        DeclineReason.INSUFFICIENT_FUNDS: "There is not enough on the card.",
        DeclineReason.EXPIRED_CARD: "The card's time is over.",
        DeclineReason.LIMIT_EXCEEDED: "It is more than the card's limit.",
        DeclineReason.AUTHENTICATION_FAILED: "The bank's question was not answered, or not rightly.",
        DeclineReason.CURRENCY_NOT_SUPPORTED: "The card cannot pay in this currency.",
        DeclineReason.PAYMENT_METHOD_UNUSABLE: "The card was removed, or is not valid any more.",
        DeclineReason.PROCESSING_ERROR: "Nothing is wrong with the card: trying again may help.",
        DeclineReason.DECLINED: "The bank does not say why: it tells its customer.",
    },
)
register_enum(
    charges.Status,
    name="PaymentStatus",
    description="Where a payment of the poster stands.",
    values={
        charges.Status.PENDING: "It is being made.",
        charges.Status.ACTION_REQUIRED: "The poster's bank asks the poster something: `requiredAction`.",
        charges.Status.DECLINED: "The last try was declined.",
        charges.Status.CANCELLING: "It is being called off.",
        charges.Status.SUCCEEDED: "It is paid.",
        charges.Status.CANCELLED: "It was called off: nothing was taken.",
    },
)


@strawberry.type(description="What the payer's bank asks of them, such as 3-D Secure.")
class RequiredAction:
    client_secret: str = strawberry.field(description="With it the provider's library leads the payer through it.")
    redirect_url: str | None = strawberry.field(description="The bank's page, where it is one.")
    expires_at: datetime = strawberry.field(description="Until when it counts.")


@strawberry.type(description="Why the last try to pay did not succeed.")
class PaymentDecline:
    reason: DeclineReason = strawberry.field(description="Why.")
    at: datetime = strawberry.field(description="When.")
    method: strawberry.Private[str | None]

    @field(description="The card that was tried; null without one, and if it is not the caller's.")
    async def payment_method(self, info: Info) -> PaymentMethod | None:
        found = await PaymentMethod.resolve_references(info, [self.method]) if self.method else [None]
        return found[0]


@strawberry.federation.type(keys=["id"], description="A piece of work that somebody wants done.")
class Task:
    id: ID = strawberry.field(description="The task's id.")

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence[Self]:
        return [cls(id=ID(each)) for each in ids]

    @field(
        description="The money that is held for it since a bid was accepted last; null before that, and for anybody "
        "but its poster and its tasker."
    )
    async def escrow(self, info: Info) -> "Escrow | None":
        row = await info.context.loaders.escrow_by_task_id.load(self.id)
        return Escrow.of(row) if row and may_see(info, row) else None


@entity(description="The money that is held for a task. Only its poster and its tasker see it.")
class Escrow(Node):
    id: ID = strawberry.field(description="The escrow's id.")
    task: Task | None = strawberry.field(description="What it is for; null while tasks cannot be reached.")
    poster: User | None = strawberry.field(description="Who pays; null while users cannot be reached.")
    tasker: User | None = strawberry.field(description="Who is paid; null while users cannot be reached.")
    status: Status = strawberry.field(description="Where it stands.")
    amount: Money = strawberry.field(description="The price.")
    held: Money = strawberry.field(description="What is held now.")
    released: Money = strawberry.field(description="The tasker's share, the fee included, once it is released.")
    fee: Money = strawberry.field(description="The platform's part of what was released.")
    refunded: Money = strawberry.field(description="What went back to the poster, or is going back.")
    funding_expires_at: datetime = strawberry.field(description="Until when the poster can pay.")
    release_at: datetime | None = strawberry.field(
        description="When it is released by itself, unless the poster answers the delivery before."
    )
    version: int = strawberry.field(description="Counts its changes.")
    created_at: datetime = strawberry.field(description="When the bid was accepted.")
    updated_at: datetime = strawberry.field(description="When it changed last.")
    poster_id: strawberry.Private[str]
    tasker_id: strawberry.Private[str]

    @classmethod
    def of(cls, row: models.Escrow) -> Self:
        return cls.of_snapshot(actions.steps.snapshot(row))

    @classmethod
    def of_snapshot(cls, escrow: events.EscrowSnapshot) -> Self:
        """The escrow as it was when an event happened."""
        return cls(
            id=ID(escrow.id),
            task=Task(id=ID(escrow.task_id)),
            poster=User(id=ID(escrow.poster_id)),
            tasker=User(id=ID(escrow.tasker_id)),
            status=Status(escrow.status),
            amount=Money.of(escrow.amount),
            held=Money.of(escrow.held),
            released=Money.of(escrow.released),
            fee=Money.of(escrow.fee),
            refunded=Money.of(escrow.refunded),
            funding_expires_at=escrow.funding_expires_at,
            release_at=escrow.release_at,
            version=escrow.version,
            created_at=escrow.created_at,
            updated_at=escrow.updated_at,
            poster_id=escrow.poster_id,
            tasker_id=escrow.tasker_id,
        )

    @field(description="What the poster's bank asks of them now, for what is open of it; for the poster alone.")
    async def required_action(self, info: Info) -> RequiredAction | None:
        charge = await self._open_charge(info)
        return required_action(charge) if charge else None

    @field(description="Why the last try to pay what is open did not succeed; for the poster alone.")
    async def payment_decline(self, info: Info) -> PaymentDecline | None:
        charge = await self._open_charge(info)
        return payment_decline(charge) if charge else None

    @field(description="Why the money did not come; null unless it has failed.")
    async def failure_reason(self, info: Info) -> FailureReason | None:
        row = await info.context.loaders.escrow_by_id.load(self.id)
        return row.failure if row else None

    @field(description="What freezes it now; empty while nothing does.", directives=[list_size(assumed_size=len(Hold))])
    async def holds(self, info: Info) -> list[Hold] | None:
        row = await info.context.loaders.escrow_by_id.load(self.id)
        return [Hold(hold) for hold in row.holds] if row else None

    @field(description="What the caller can do with it now.")
    async def viewer_can(self, info: Info) -> list[Doing] | None:
        row = await info.context.loaders.escrow_by_id.load(self.id)
        charge = await self._open_charge(info)
        viewer = info.context.actor
        if row is None or viewer is None:
            return []
        expires_at = charge.expires_at if charge else None
        return rules.escrows.doings(viewer.id, row.poster_id, row.status, expires_at, clock.now())

    async def _open_charge(self, info: Info) -> models.Charge | None:
        """What the poster is to pay now; None for anybody else."""
        if not info.context.is_actor(self.poster_id):
            return None
        rows = await info.context.loaders.charges_by_escrow_id.load(self.id)
        return next((row for row in rows if row.status in charges.OPEN), None)

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["Escrow | None"]:
        rows = await info.context.loaders.escrow_by_id.load_many(ids)
        return [cls.of(row) if row and may_see(info, row) else None for row in rows]


@strawberry.type(description="What a poster gives a tasker beside the price, without a fee.")
class Tip:
    id: ID = strawberry.field(description="The tip's id.")
    amount: Money = strawberry.field(description="All of it is the tasker's.")
    status: charges.Status = strawberry.field(description="Where the payment of it stands.")
    required_action: RequiredAction | None = strawberry.field(description="What the poster's bank asks of them.")
    payment_decline: PaymentDecline | None = strawberry.field(description="Why it was declined.")
    created_at: datetime = strawberry.field(description="When it was given.")

    @classmethod
    def of(cls, row: models.Charge) -> Self:
        return cls(
            id=ID(row.id),
            amount=Money.of(Amount(row.amount_minor, row.currency)),
            status=row.status,
            required_action=required_action(row),
            payment_decline=payment_decline(row),
            created_at=row.created_at,
        )


@strawberry.input(description="What to pay once more.")
class RetryFundingInput:
    escrow_id: EscrowId = strawberry.field(description="The money of one's own task, of which something is open.")
    payment_method_id: PaymentMethodId | None = strawberry.field(
        default=None, description="One's own card; the default one if it is left out."
    )
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)


@strawberry.input(description="A tip.")
class TipTaskerInput:
    task_id: TaskId = strawberry.field(description="One's own task, whose work was paid.")
    amount: MoneyInput = strawberry.field(description="In the task's currency, within the limits of a price.")
    payment_method_id: PaymentMethodId | None = strawberry.field(
        default=None, description="One's own card; the default one if it is left out."
    )
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)


@strawberry.type(description="The outcome of `retryFunding`.")
class RetryFundingPayload:
    escrow: Escrow | None = strawberry.field(
        default=None, description="The escrow, while the payment is being made; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )

    @classmethod
    def of(cls, row: models.Escrow) -> Self:
        return cls(escrow=Escrow.of(row))


@strawberry.type(description="The outcome of `tipTasker`.")
class TipTaskerPayload:
    tip: Tip | None = strawberry.field(
        default=None, description="The tip, while the payment is being made; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )

    @classmethod
    def of(cls, row: models.Charge) -> Self:
        return cls(tip=Tip.of(row))


def may_see(info: Info, row: models.Escrow) -> bool:
    """Whether the caller is one of the two."""
    actor = info.context.actor
    return rules.escrows.may_see(actor.id if actor else None, row.poster_id, row.tasker_id)


def required_action(charge: models.Charge) -> RequiredAction | None:
    """What the payer is asked, as long as it counts."""
    if charge.action_client_secret is None:
        return None
    return RequiredAction(
        client_secret=charge.action_client_secret,
        redirect_url=charge.action_redirect_url,
        expires_at=charge.expires_at,
    )


def payment_decline(charge: models.Charge) -> PaymentDecline | None:
    """Why the last try failed."""
    if charge.decline is None:
        return None
    return PaymentDecline(reason=charge.decline, at=charge.updated_at, method=charge.payment_method_id)


@strawberry.type
class EscrowQuery:
    @query(description="The money of a task, for its poster and its tasker; null for anybody else.")
    async def escrow(
        self, info: Info, id: Annotated[EscrowId, strawberry.argument(description="The escrow's id.")]
    ) -> Escrow | None:
        return (await Escrow.resolve_references(info, [id]))[0]

    @query(description="A tip, for who gave it; null for anybody else.")
    async def tip(
        self, info: Info, id: Annotated[ChargeId, strawberry.argument(description="The tip's id.")]
    ) -> Tip | None:
        row = await info.context.loaders.charge_by_id.load(id)
        is_own = row is not None and row.purpose is Purpose.TIP and info.context.is_actor(row.payer_id)
        return Tip.of(row) if row and is_own else None


_PAYMENTS = [Quota("payments", "payments_per_account", by_actor), Quota("payments_by_address", "payments_per_address")]


@strawberry.type
class EscrowMutation:
    @mutation(
        description="Pays what is open of the money of one's own task, within its time. Whether it is paid is told by "
        "`escrowEvents`.",
        quotas=_PAYMENTS,
    )
    async def retry_funding(self, info: Info, input: RetryFundingInput) -> RetryFundingPayload:
        row = await act_once(
            info,
            input,
            store.escrows.get_escrow,
            actions.funding.retry_funding,
            input.escrow_id,
            input.payment_method_id,
        )
        return RetryFundingPayload.of(row)

    @mutation(
        description="Gives the tasker of one's own task more than the price, once the work was paid. There is no fee "
        "on it.",
        quotas=_PAYMENTS,
    )
    async def tip_tasker(self, info: Info, input: TipTaskerInput) -> TipTaskerPayload:
        row = await act_once(
            info,
            input,
            store.charges.get_charge,
            actions.tips.tip_tasker,
            task_id=input.task_id,
            amount=input.amount,
            payment_method_id=input.payment_method_id,
        )
        return TipTaskerPayload.of(row)
