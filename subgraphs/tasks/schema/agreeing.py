"""Asking the other side of a task for something, and answering."""

from datetime import datetime
from typing import Self

import strawberry

from shared.graphql.acting import IDEMPOTENCY_KEY, act, act_once
from shared.graphql.ids import AgreementId, TaskId
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import mutation
from shared.graphql.types import MoneyInput, UserError
from subgraphs.tasks import actions, models, store
from subgraphs.tasks.rules.agreements import Kind
from subgraphs.tasks.schema.agreement import TaskAgreement
from subgraphs.tasks.schema.info import Info

QUOTAS = [
    Quota("task requests", "task_requests_per_address"),
    Quota("task requests account", "task_requests_per_account", by_actor),
]


@strawberry.input(description="Another time to ask for.")
class RequestRescheduleInput:
    task_id: TaskId = strawberry.field(description="A task that one posted or got, assigned or in progress.")
    due_at: datetime = strawberry.field(description="When the work must be done.")
    message: str = strawberry.field(description="Why, in 10 to 2,000 characters.")
    due_from: datetime | None = strawberry.field(default=None, description="When a window for the work begins.")
    time_zone: str | None = strawberry.field(
        default=None, description="An IANA name such as `Asia/Bangkok`; left out, the task's."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Another price to ask for.")
class RequestPriceChangeInput:
    task_id: TaskId = strawberry.field(description="A task that one posted or got, assigned or in progress.")
    price: MoneyInput = strawberry.field(
        description="For the whole task, in its currency: about 1 to 100,000 euro's worth."
    )
    message: str = strawberry.field(description="Why, in 10 to 2,000 characters.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="The end to ask for.")
class RequestCancellationInput:
    task_id: TaskId = strawberry.field(description="A task that one posted or got, in progress.")
    reason: str = strawberry.field(
        description="Why, in 1 to 500 characters; everybody who may see the task can read it once it is called off."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="The answer to a request.")
class AnswerInput:
    agreement_id: AgreementId = strawberry.field(description="A request of the other side.")
    accept: bool = strawberry.field(description="Whether to agree.")
    expected_version: int = strawberry.field(
        description="The `version` that you saw; `VERSION_CONFLICT` if the request changed since."
    )


@strawberry.type(description="The outcome of asking or answering.")
class AgreementPayload:
    agreement: TaskAgreement | None = strawberry.field(
        default=None, description="The request after it; null if it was refused, except for `VERSION_CONFLICT`."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )

    @classmethod
    def of(cls, row: models.Agreement) -> Self:
        return cls(agreement=TaskAgreement.of(row))


@strawberry.input(description="The answer to a request for another time.")
class AnswerRescheduleInput(AnswerInput): ...


@strawberry.type(description="The outcome of `requestReschedule`.")
class RequestReschedulePayload(AgreementPayload): ...


@strawberry.type(description="The outcome of `answerReschedule`.")
class AnswerReschedulePayload(AgreementPayload): ...


@strawberry.input(description="The answer to a request for another price.")
class AnswerPriceChangeInput(AnswerInput): ...


@strawberry.type(description="The outcome of `requestPriceChange`.")
class RequestPriceChangePayload(AgreementPayload): ...


@strawberry.type(description="The outcome of `answerPriceChange`.")
class AnswerPriceChangePayload(AgreementPayload): ...


@strawberry.input(description="The answer to a request for an end.")
class AnswerCancellationInput(AnswerInput): ...


@strawberry.type(description="The outcome of `requestCancellation`.")
class RequestCancellationPayload(AgreementPayload): ...


@strawberry.type(description="The outcome of `answerCancellation`.")
class AnswerCancellationPayload(AgreementPayload): ...


async def _answer(info: Info, input: AnswerInput, kind: Kind) -> models.Agreement:
    return await act(
        info, actions.agreements.answer, input.agreement_id, kind, input.expected_version, accept=input.accept
    )


@strawberry.type
class AgreeingMutation:
    @mutation(
        description="Asks the other side of a task for another time. The task stays as it is until they agree.",
        quotas=QUOTAS,
    )
    async def request_reschedule(self, info: Info, input: RequestRescheduleInput) -> RequestReschedulePayload:
        row = await act_once(
            info,
            input,
            store.agreements.get_agreement,
            actions.agreements.request_reschedule,
            input.task_id,
            due_from=input.due_from,
            due_at=input.due_at,
            time_zone=input.time_zone,
            message=input.message,
        )
        return RequestReschedulePayload.of(row)

    @mutation(description="Agrees to another time, or does not. Who was asked does this.")
    async def answer_reschedule(self, info: Info, input: AnswerRescheduleInput) -> AnswerReschedulePayload:
        return AnswerReschedulePayload.of(await _answer(info, input, Kind.RESCHEDULE))

    @mutation(
        description="Asks the other side of a task for another price. The price stays as it is until they agree.",
        quotas=QUOTAS,
    )
    async def request_price_change(self, info: Info, input: RequestPriceChangeInput) -> RequestPriceChangePayload:
        row = await act_once(
            info,
            input,
            store.agreements.get_agreement,
            actions.agreements.request_price_change,
            input.task_id,
            price=input.price,
            message=input.message,
        )
        return RequestPriceChangePayload.of(row)

    @mutation(
        description="Agrees to another price, or does not. A lower one counts at once, a higher one "
        "when the difference is held."
    )
    async def answer_price_change(self, info: Info, input: AnswerPriceChangeInput) -> AnswerPriceChangePayload:
        return AnswerPriceChangePayload.of(await _answer(info, input, Kind.PRICE_CHANGE))

    @mutation(
        description="Asks the other side to end what has begun. Without an answer for 48 hours it ends.", quotas=QUOTAS
    )
    async def request_cancellation(self, info: Info, input: RequestCancellationInput) -> RequestCancellationPayload:
        row = await act_once(
            info,
            input,
            store.agreements.get_agreement,
            actions.agreements.request_cancellation,
            input.task_id,
            input.reason,
        )
        return RequestCancellationPayload.of(row)

    @mutation(description="Agrees to end a task, or does not. If the poster asked, the tasker gets 15 % of the price.")
    async def answer_cancellation(self, info: Info, input: AnswerCancellationInput) -> AnswerCancellationPayload:
        return AnswerCancellationPayload.of(await _answer(info, input, Kind.CANCELLATION))
