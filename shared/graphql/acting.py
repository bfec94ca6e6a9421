"""What a resolver of a mutation does: call an action as the signed-in user, in a transaction that then commits.

    row = await act(info, actions.withdraw_bid, input.bid_id)
    return WithdrawBidPayload.of(row)

An action begins with the session and the actor; what comes after it in the call is handed on. What else a mutation does
stands before or after the call, outside of the transaction. One that strangers call, or that does something between
its statements, is written out: `async with info.context.transaction() as session`.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from shared.context import Context
from shared.idempotency import idempotent
from shared.identity.actor import Actor

IDEMPOTENCY_KEY = "Sent again with the same key within 24 hours, the input has one effect."
"""What the graph says of the field `idempotencyKey` of an input."""

P = ParamSpec("P")
R = TypeVar("R")
Action: TypeAlias = Callable[Concatenate[AsyncSession, Actor, P], Awaitable[R]]


class Keyed(Protocol):
    """The input of a mutation that takes an idempotency key."""

    @property
    def idempotency_key(self) -> str | None: ...


async def act(info: strawberry.Info[Context[Any], None], action: Action[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What the action answers, once its transaction is committed. Raises Unauthenticated, and what the action does."""
    actor = info.context.require_actor()
    async with info.context.transaction() as session:
        return await action(session, actor, *args, **kwargs)


async def act_once(
    info: strawberry.Info[Context[Any], None],
    input: Keyed,
    replay: Callable[[AsyncSession, str], Awaitable[R | None]],
    action: Action[P, R],
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """Like `act`, but once per idempotency key of the input; `replay` reads what the action had made by its id.

    Raises also what `shared.idempotency.idempotent` raises.
    """
    actor = info.context.require_actor()
    async with info.context.transaction() as session:
        return await idempotent(
            session,
            actor.id,
            input.idempotency_key,
            info.field_name,
            input,
            run=lambda: action(session, actor, *args, **kwargs),
            replay=lambda made_id: replay(session, made_id),
        )
