"""What all that is done with the money of a task has in common."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.errors import NotFound
from shared.identity.actor import Actor
from shared.money import Money
from shared.transitions import By, take
from subgraphs.payments import models, rules, store
from subgraphs.payments.rules import charges, escrows, settlements


def snapshot(escrow: models.Escrow) -> events.EscrowSnapshot:
    """The escrow as its events carry it."""

    def money(minor: int) -> Money:
        return Money(minor, escrow.currency)

    return events.EscrowSnapshot(
        id=escrow.id,
        task_id=escrow.task_id,
        bid_id=escrow.bid_id,
        bid_version=escrow.bid_version,
        poster_id=escrow.poster_id,
        tasker_id=escrow.tasker_id,
        status=escrow.status,
        version=escrow.version,
        amount=money(escrow.amount_minor),
        held=money(escrow.held_minor),
        released=money(escrow.released_minor),
        fee=money(escrow.fee_minor),
        refunded=money(escrow.refunded_minor),
        funding_expires_at=escrow.funding_expires_at,
        release_at=escrow.release_at,
        created_at=escrow.created_at,
        updated_at=escrow.updated_at,
    )


async def lock_as_poster(session: AsyncSession, actor: Actor, escrow_id: str) -> models.Escrow:
    """The escrow, locked, for what its poster alone does. Raises NotFound, NotAllowed."""
    escrow = await store.escrows.lock_escrow(session, escrow_id)
    if escrow is None or not escrows.may_see(actor.id, escrow.poster_id, escrow.tasker_id):
        raise NotFound("There is no such escrow.", field=("escrowId",))
    rules.escrows.check_poster_of(actor, escrow.poster_id)
    return escrow


async def lock_charge(session: AsyncSession, charge_id: str) -> tuple[models.Escrow, models.Charge]:
    """A charge with its escrow, both locked, the escrow first."""
    found = await store.charges.get_charge(session, charge_id)
    assert found is not None, "charges are never deleted"
    escrow = await store.escrows.lock_escrow(session, found.escrow_id)
    charge = await store.charges.lock_charge(session, charge_id)
    assert escrow is not None, "escrows are never deleted"
    assert charge is not None, "charges are never deleted"
    return escrow, charge


def step(escrow: models.Escrow, command: escrows.Command, by: By) -> None:
    """Takes a step of the table; hold the lock. Raises InvalidTransition."""
    take(escrows.TRANSITIONS, escrow, command, by)
    escrow.updated_at = clock.now()


def step_charge(charge: models.Charge, command: charges.Command, by: By) -> None:
    """Takes a step of a charge; hold the lock. Raises InvalidTransition."""
    take(charges.TRANSITIONS, charge, command, by)
    charge.updated_at = clock.now()
    if charge.status is not charges.Status.ACTION_REQUIRED:
        charge.action_client_secret = charge.action_redirect_url = None


async def settle_soon(session: AsyncSession, kind: settlements.Kind, subject_id: str) -> None:
    """Has something brought together with the provider as soon as the transaction is committed."""
    await store.settlements.schedule(session, kind, subject_id, clock.now())
