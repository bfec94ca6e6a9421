"""What happens to the money of tasks, for subscribers."""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated, Self, cast

import strawberry

from shared import events
from shared.context import Followed
from shared.graphql.events import AFTER, StreamEvent, made_once
from shared.graphql.ids import TaskId
from shared.graphql.schema import subscription
from shared.graphql.types import register_enum
from shared.identity.actor import MARKETPLACE
from subgraphs.payments import rules
from subgraphs.payments.schema.escrow import Escrow
from subgraphs.payments.schema.info import Info


class EscrowEventType(StrEnum):
    """What happened to the money of a task: the last part of its event's type."""

    OPENED = "opened"
    ACTION_REQUIRED = "action_required"
    PAYMENT_DECLINED = "payment_declined"
    FUNDED = "funded"
    FUNDING_FAILED = "funding_failed"
    PRICE_CHANGE_FUNDED = "price_change_funded"
    PRICE_CHANGE_FAILED = "price_change_failed"
    PRICE_LOWERED = "price_lowered"
    AUTO_RELEASE_SCHEDULED = "auto_release_scheduled"
    FROZEN = "frozen"
    UNFROZEN = "unfrozen"
    RELEASED = "released"
    REFUNDED = "refunded"
    SPLIT = "split"


register_enum(
    EscrowEventType,
    description="What happened to the money of a task.",
    values={
        EscrowEventType.OPENED: "A bid was accepted: its price is being charged.",
        EscrowEventType.ACTION_REQUIRED: "The poster's bank asks the poster something. For the poster alone.",
        EscrowEventType.PAYMENT_DECLINED: "A try to charge the poster was declined. For the poster alone.",
        EscrowEventType.FUNDED: "The price is held.",
        EscrowEventType.FUNDING_FAILED: "The price did not come in time, or the task ended meanwhile.",
        EscrowEventType.PRICE_CHANGE_FUNDED: "The difference to a higher price is held.",
        EscrowEventType.PRICE_CHANGE_FAILED: "The difference to a higher price did not come: the price stays.",
        EscrowEventType.PRICE_LOWERED: "The difference to a lower price goes back to the poster.",
        EscrowEventType.AUTO_RELEASE_SCHEDULED: "The tasker delivered: it is released by itself at `releaseAt`.",
        EscrowEventType.FROZEN: "It stays where it is while a dispute or a chargeback is open.",
        EscrowEventType.UNFROZEN: "What had frozen it is over.",
        EscrowEventType.RELEASED: "All of it is the tasker's, minus the fee.",
        EscrowEventType.REFUNDED: "All of it goes back to the poster.",
        EscrowEventType.SPLIT: "A part of it is the tasker's, minus the fee; the rest goes back to the poster.",
    },
)


@strawberry.type(description="Something that happened to the money of a task, which is as it was at that moment.")
class EscrowEvent(StreamEvent):
    type: EscrowEventType = strawberry.field(description="What happened.")
    escrow: Escrow = strawberry.field(description="The money right after it.")

    @classmethod
    @made_once
    def of(cls, followed: Followed) -> Self:
        envelope = followed.envelope
        return cls(
            seq=envelope.seq,
            previous_seq=followed.previous_seq,
            occurred_at=envelope.occurred_at,
            type=_type_of(envelope.event),
            escrow=Escrow.of_snapshot(cast("events.EscrowEvent", envelope.event).escrow),
        )


def _type_of(event: events.Event) -> EscrowEventType:
    return EscrowEventType(event.type.rpartition(".")[2])


_OF_THE_POSTER = frozenset({EscrowEventType.ACTION_REQUIRED, EscrowEventType.PAYMENT_DECLINED})


@strawberry.type
class EventSubscription:
    @subscription(
        scope=MARKETPLACE,
        description="What happens to the money of a task, for its poster and its tasker.",
    )
    async def escrow_events(
        self,
        info: Info,
        task_id: Annotated[TaskId, strawberry.argument(description="The task whose money to follow.")],
        after: Annotated[int | None, AFTER] = None,
    ) -> AsyncIterator[EscrowEvent]:
        viewer = info.context.require_actor().id

        def visible(event: events.Event) -> bool:
            escrow = cast("events.EscrowEvent", event).escrow
            if _type_of(event) in _OF_THE_POSTER:
                return viewer == escrow.poster_id
            return rules.escrows.may_see(viewer, escrow.poster_id, escrow.tasker_id)

        async for followed in info.context.follow(f"task:{task_id}", after, visible):
            yield EscrowEvent.of(followed)
