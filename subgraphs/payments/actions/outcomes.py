"""What becomes of charges, as the provider says it."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.messaging.outbox import emit
from shared.money import Money
from shared.transitions import By
from subgraphs.payments import models, store
from subgraphs.payments.actions import books, charging, funding, refunds, steps
from subgraphs.payments.actions.books import Line, Pages
from subgraphs.payments.provider import port
from subgraphs.payments.rules import charges, escrows, ledger, transactions
from subgraphs.payments.rules.charges import DeclineReason, Purpose
from subgraphs.payments.rules.escrows import FailureReason

_TO_SETTLE = (charges.Status.PENDING, charges.Status.ACTION_REQUIRED, charges.Status.CANCELLING)


async def prepared(session: AsyncSession, charge_id: str, provider_id: str) -> None:
    """The provider knows the charge: under this id."""
    charge = await store.charges.lock_charge(session, charge_id)
    if charge is not None and charge.provider_id is None:
        charge.provider_id = provider_id


async def take_over(session: AsyncSession, charge_id: str, answer: port.Charge, attempt: int) -> bool:
    """Takes over what the provider says of a charge; whether nothing is open then. Locks escrow and charge.

    `attempt` is the try that it says so of: what it says of another one than the newest is no decision about that.
    """
    escrow, charge = await steps.lock_charge(session, charge_id)
    charge.confirmed_attempt = max(charge.confirmed_attempt, attempt)
    match answer.status:
        case port.ChargeStatus.SUCCEEDED if charge.status in charges.UNSETTLED:
            await _succeed(session, escrow, charge)
        case port.ChargeStatus.CANCELLED if charge.status in charges.UNSETTLED:
            await _cancelled(session, escrow, charge)
        case port.ChargeStatus.REQUIRES_ACTION if charge.status in charges.OPEN and charge.attempt == attempt:
            await _require_action(session, escrow, charge, answer.action)
        case port.ChargeStatus.PROCESSING if charge.status is charges.Status.ACTION_REQUIRED:
            steps.step_charge(charge, charges.Command.PROCESS, By.PROVIDER)
        case port.ChargeStatus.PREPARED if charge.attempt == attempt and answer.decline is not None:
            await charging.decline(session, escrow, charge, charges.reason_of(answer.decline))
        case _:
            pass
    return charge.status not in _TO_SETTLE


async def refused(session: AsyncSession, charge_id: str, attempt: int) -> bool:
    """The provider does not make a try at all; whether nothing is open then. Locks escrow and charge.

    The payer can make another one, with another card.
    """
    escrow, charge = await steps.lock_charge(session, charge_id)
    if charge.attempt == attempt:
        charge.confirmed_attempt = attempt
        await charging.decline(session, escrow, charge, DeclineReason.PAYMENT_METHOD_UNUSABLE)
    return charge.status not in _TO_SETTLE


async def without_card(session: AsyncSession, charge_id: str) -> bool:
    """The payer has never given a card to the provider, which knows nothing of the charge. Locks escrow and charge."""
    escrow, charge = await steps.lock_charge(session, charge_id)
    if charge.status is charges.Status.CANCELLING:
        steps.step_charge(charge, charges.Command.CANCEL, By.PROVIDER)
    else:
        await charging.decline(session, escrow, charge, DeclineReason.PAYMENT_METHOD_REQUIRED)
    return True


async def _cancelled(session: AsyncSession, escrow: models.Escrow, charge: models.Charge) -> None:
    """The provider takes nothing any more: as we asked it, or by itself, so that it will not be paid."""
    if charge.status is not charges.Status.CANCELLING:
        steps.step_charge(charge, charges.Command.GIVE_UP, By.PROVIDER)
        if charge.purpose is Purpose.FUNDING and escrow.status is escrows.Status.PENDING:
            await funding.fail(session, escrow, FailureReason.NOT_PAID_IN_TIME, By.TIMER)
        elif charge.purpose is Purpose.PRICE_CHANGE:
            await charging.tell_price_stays(session, escrow, charge)
    steps.step_charge(charge, charges.Command.CANCEL, By.PROVIDER)


async def _succeed(session: AsyncSession, escrow: models.Escrow, charge: models.Charge) -> None:
    was_given_up = charge.status is charges.Status.CANCELLING
    steps.step_charge(charge, charges.Command.SUCCEED, By.PROVIDER)
    amount = Money(charge.amount_minor, charge.currency)
    paid = Line(charge.payer_id, transactions.Kind.CHARGE, -amount, charge.id, charge.task_id)
    if was_given_up:
        await refunds.refund_late(session, escrow, charge, paid)
        return
    if charge.purpose is Purpose.TIP:
        await _tip(session, escrow, charge, amount)
        return
    escrow.held_minor += charge.amount_minor
    posting = ledger.charged(charge.id, escrow.id, amount)
    if charge.purpose is Purpose.FUNDING:
        steps.step(escrow, escrows.Command.FUND, By.PROVIDER)
        await deadlines.cancel(session, funding.FUNDING, escrow.id)
        told: events.Event = events.EscrowFunded(escrow=steps.snapshot(escrow))
    else:
        assert charge.agreement_id is not None, "a price change is one of an agreement"
        escrow.amount_minor += charge.amount_minor
        escrow.version += 1
        escrow.updated_at = clock.now()
        await deadlines.cancel(session, charging.PRICE_CHANGE, charge.id)
        told = events.EscrowPriceChangeFunded(escrow=steps.snapshot(escrow), agreement_id=charge.agreement_id)
    await books.write(session, Pages([posting], [paid], [told]))


async def _tip(session: AsyncSession, escrow: models.Escrow, charge: models.Charge, amount: Money) -> None:
    posting = ledger.tipped(charge.id, escrow.tasker_id, amount)
    lines = [
        Line(charge.payer_id, transactions.Kind.TIP_PAID, -amount, charge.id, charge.task_id),
        Line(escrow.tasker_id, transactions.Kind.TIP_RECEIVED, amount, charge.id, charge.task_id),
    ]
    told = events.TransactionTipped(
        user_id=escrow.tasker_id,
        transaction_id=charge.id,
        amount=amount,
        task_id=escrow.task_id,
        poster_id=escrow.poster_id,
    )
    await books.write(session, Pages([posting], lines, [told]))


async def _require_action(
    session: AsyncSession, escrow: models.Escrow, charge: models.Charge, action: port.Action | None
) -> None:
    assert action is not None, "what requires an action says which"
    if charge.status is charges.Status.ACTION_REQUIRED and charge.action_client_secret == action.client_secret:
        return
    if (charge.status, charges.Command.REQUIRE_ACTION) not in charges.TRANSITIONS:
        return
    steps.step_charge(charge, charges.Command.REQUIRE_ACTION, By.PROVIDER)
    charge.action_client_secret, charge.action_redirect_url = action.client_secret, action.redirect_url
    if charge.purpose is not Purpose.TIP:
        told = events.EscrowActionRequired(
            escrow=steps.snapshot(escrow), for_price_change=charge.purpose is Purpose.PRICE_CHANGE
        )
        await emit(session, told)
