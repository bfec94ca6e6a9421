"""Leaving: what makes up a person goes, their id stays."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, copies, events, idempotency
from shared.config import Settings
from shared.identity.actor import Actor
from shared.identity.cipher import Cipher
from shared.messaging.outbox import emit
from shared.money import Money
from shared.privacy import erasure
from shared.transitions import next_status
from subgraphs.users import credentials, models, rules, store
from subgraphs.users.actions import administration, mails, second_factor, sessions
from subgraphs.users.personal_data import HELD
from subgraphs.users.rules.accounts import TRANSITIONS, Command
from subgraphs.users.rules.sessions import EndReason
from subgraphs.users.secrets_at_rest import cipher


async def erase_my_account(
    session: AsyncSession, actor: Actor, settings: Settings, code: str | None
) -> tuple[models.User, Sequence[models.Session]]:
    """Erases the actor, with a code where they have a second factor; answers the account and its sessions, which end.

    Raises as `second_factor.confirm`, and InvalidTransition, AccountHasOpenEngagements, AccountHasMoney.
    """
    user = await second_factor.confirm(session, actor, settings, code)
    return await _erase(session, cipher(settings), user, by=None, reason=None)


async def erase_user(
    session: AsyncSession, actor: Actor, settings: Settings, user_id: str, reason: str
) -> tuple[models.User, Sequence[models.Session]]:
    """What an admin does for somebody who cannot themselves.

    Raises as `suspend_user`, and AccountHasOpenEngagements, AccountHasMoney before InvalidInput.
    """
    user = await administration.lock_other(session, actor, user_id)
    return await _erase(session, cipher(settings), user, by=actor.id, reason=reason)


async def replay_erasures(session: AsyncSession, since: datetime) -> Sequence[str]:
    """Tells everybody once more who was erased at that time or later; answers their ids.

    For subgraphs whose database is older than that. Neither who did it nor why is told again.
    """
    erased = await store.accounts.list_erased_since(session, since)
    for user_id in erased:
        await emit(session, events.UserErased(user_id=user_id))
    return erased


async def forget_person(session: AsyncSession, user_id: str) -> None:
    """Erases what is left of somebody who left: from the tables and from the log of events.

    Locks the account with all of its sessions.
    """
    await store.accounts.lock_user(session, user_id)
    await store.sessions.lock_all_sessions(session, user_id)
    await erasure.erase(session, user_id, "users", HELD)
    await store.sessions.forget_ended(session, user_id, clock.now())


async def copy_engagement(session: AsyncSession, task: events.TaskSnapshot) -> None:
    """Takes over what `tasks` says of a task that somebody was given."""
    if task.tasker_id is not None:
        await store.engagements.save_engagement(
            session,
            models.Engagement(
                task_id=task.id,
                poster_id=task.poster_id,
                tasker_id=task.tasker_id,
                open=rules.erasure.binds(task.status),
                version=task.version,
            ),
        )


async def copy_escrow(session: AsyncSession, escrow: events.EscrowSnapshot) -> None:
    """Takes over what `payments` says of the money of a task."""
    await store.money.save_escrow(
        session,
        models.Escrow(
            id=escrow.id,
            poster_id=escrow.poster_id,
            tasker_id=escrow.tasker_id,
            live=rules.erasure.is_live(escrow.status),
            version=escrow.version,
        ),
    )


async def copy_balance(session: AsyncSession, event: events.BalanceChanged, seq: int) -> None:
    """Takes over what `payments` says of somebody's balance."""
    balance = models.Balance(
        user_id=event.user_id,
        currency=event.balance.currency,
        available_minor=event.balance.minor,
        on_its_way_minor=event.on_its_way.minor,
        seq=seq,
    )
    await copies.save_newer(session, balance)


async def _erase(
    session: AsyncSession, keys: Cipher, user: models.User, *, by: str | None, reason: str | None
) -> tuple[models.User, Sequence[models.Session]]:
    rules.erasure.check_free(await store.engagements.has_open(session, user.id))
    balances = await store.money.list_balances(session, user.id)
    rules.erasure.check_without_money(
        await store.money.has_live_escrow(session, user.id),
        [Money(each.available_minor, each.currency) for each in balances],
        [Money(each.on_its_way_minor, each.currency) for each in balances],
    )
    now = clock.now()
    user.status = next_status(TRANSITIONS, user.status, Command.ERASE)
    if reason is not None:
        reason = rules.accounts.clean_reason(reason, rules.erasure.REASON_LENGTH)
    user.version += 1
    user.updated_at = now
    # Also those that will end nothing: their rows are emptied after this has emitted.
    await store.sessions.lock_all_sessions(session, user.id)
    ended = await sessions.end_all(session, user.id, EndReason.ERASED, now)
    if user.email is not None:
        await idempotency.forget(session, credentials.sign_up_actor(user.email))
    await session.flush()
    await emit(session, events.UserErased(user_id=user.id, by=by, reason=reason))
    await mails.queue_farewell(session, keys, user)
    await erasure.schedule(session, user.id)
    await forget_person(session, user.id)
    erased = await store.accounts.lock_user(session, user.id)
    assert erased is not None, "accounts are never deleted"
    return erased, ended
