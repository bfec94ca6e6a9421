"""What poster and tasker ask of each other, in the graph."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

import strawberry
from strawberry import ID

from shared import clock
from shared.graphql.entities import Node, entity
from shared.graphql.schema import field
from shared.graphql.types import Money, register_commands, register_enum
from shared.money import Money as Amount
from subgraphs.tasks import models, rules
from subgraphs.tasks.rules.agreements import TRANSITIONS, Command, Kind, Status
from subgraphs.tasks.rules.tasks import Party
from subgraphs.tasks.schema.info import Info

register_enum(
    Kind,
    name="TaskAgreementKind",
    description="What one of poster and tasker asks of the other.",
    values={
        Kind.RESCHEDULE: "Another time.",
        Kind.PRICE_CHANGE: "Another price.",
        Kind.CANCELLATION: "To end what has begun.",
    },
)
register_enum(
    Status,
    name="TaskAgreementStatus",
    description="Where a request of poster or tasker stands.",
    values={
        Status.OPEN: "Waits for an answer.",
        Status.AWAITING_FUNDING: "A higher price was agreed on; it counts once the difference is held.",
        Status.ACCEPTED: "Agreed to, or a cancellation without an answer for 48 hours.",
        Status.DECLINED: "Not agreed to.",
        Status.WITHDRAWN: "The task went on before it was settled.",
    },
)
register_commands(
    Command,
    TRANSITIONS,
    name="TaskAgreementCommand",
    description="What somebody can do with a request of poster or tasker.",
    values={
        Command.ACCEPT: "Agree: `accept: true` of the mutation that answers its kind.",
        Command.ACCEPT_MORE: "Agree to a higher price, which counts once the difference is held: `accept: true` of "
        "`answerPriceChange`.",
        Command.DECLINE: "Not agree: `accept: false` of the mutation that answers its kind.",
    },
)


@entity(description="What one of poster and tasker asks of the other. Only the two see it.")
class TaskAgreement(Node):
    id: ID = strawberry.field(description="The request's id.")
    kind: Kind = strawberry.field(description="What is asked for.")
    status: Status = strawberry.field(description="Where it stands.")
    version: int = strawberry.field(description="Counts its changes; who answers gives it.")
    requested_by: Party = strawberry.field(description="Who asks; the other one answers.")
    message: str = strawberry.field(description="Why.")
    due_from: datetime | None = strawberry.field(description="Of another time: when its window begins, if it has one.")
    due_at: datetime | None = strawberry.field(description="Of another time: when the work must be done.")
    time_zone: str | None = strawberry.field(description="Of another time: in which time zone it is thought of.")
    price: Money | None = strawberry.field(description="Of another price: the one that is asked for.")
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    expires_at: datetime | None = strawberry.field(
        description="Of a cancellation: when it counts as agreed to, without an answer."
    )
    answered_at: datetime | None = strawberry.field(description="When it was settled; null before that.")
    row: strawberry.Private[models.Agreement]

    @classmethod
    def of(cls, row: models.Agreement) -> Self:
        return cls(
            id=ID(row.id),
            kind=row.kind,
            status=row.status,
            version=row.version,
            requested_by=row.requested_by,
            message=row.message,
            due_from=row.due_from,
            due_at=row.due_at,
            time_zone=row.time_zone,
            price=Money.of(Amount(row.price_minor, row.currency)) if row.price_minor is not None else None,
            requested_at=row.created_at,
            expires_at=row.expires_at,
            answered_at=row.answered_at,
            row=row,
        )

    @field(
        description="What the caller can do with the request as it is here: now, or right after an answer. Who asks "
        "can only wait."
    )
    async def viewer_can(self, info: Info) -> list[Command]:
        return rules.agreements.commands(
            info.context.require_actor().id,
            requested_by=self.requested_by,
            requested_by_id=self.row.requested_by_id,
            status=self.status,
            due_at=self.due_at,
            price_minor=self.row.price_minor,
            price_before_minor=self.row.price_before_minor,
            now=clock.now(),
        )

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["TaskAgreement | None"]:
        rows = await info.context.loaders.agreement_by_id.load_many(ids)
        tasks = await info.context.loaders.task_by_id.load_many([row.task_id for row in rows if row])
        of_the_caller = {
            task.id
            for task in tasks
            if task and (info.context.is_actor(task.poster_id) or info.context.is_actor(task.tasker_id))
        }
        return [cls.of(row) if row and row.task_id in of_the_caller else None for row in rows]
