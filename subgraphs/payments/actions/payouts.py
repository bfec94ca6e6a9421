"""What taskers have earned, on its way to their banks."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, copies, deadlines, events
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.money import CurrencyCode, Entered, Money
from subgraphs.payments import models, rules, store
from subgraphs.payments.actions import books, charging, steps
from subgraphs.payments.actions.books import Line, Pages
from subgraphs.payments.provider import port
from subgraphs.payments.rules import ledger, transactions
from subgraphs.payments.rules.settlements import Kind


async def start_onboarding(session: AsyncSession, actor: Actor) -> models.PayoutAccount:
    """The account of a tasker, which the provider may not know yet: it is to be asked next. Raises RoleRequired."""
    rules.payouts.check_tasker(actor)
    provider, now = charging.provider_of(session), clock.now()
    account = models.PayoutAccount(
        user_id=actor.id,
        provider=provider,
        provider_id=None,
        status=rules.payouts.AccountStatus.INCOMPLETE,
        requirements=[],
        created_at=now,
        updated_at=now,
    )
    await store.payouts.add_account(session, account)
    kept = await store.payouts.get_account(session, actor.id, provider)
    assert kept is not None
    return kept


async def take_over_account(session: AsyncSession, user_id: str, provider: str, answer: port.PayoutAccount) -> None:
    """Takes over what the provider says of an account. Locks it.

    Once it is active, what has come together is paid out by itself.
    """
    account = await store.payouts.lock_account(session, user_id, provider)
    assert account is not None, "accounts are never deleted"
    account.provider_id = answer.id
    if (account.status, account.requirements) == (answer.status, list(answer.requirements)):
        return
    account.status, account.requirements = answer.status, list(answer.requirements)
    account.updated_at = clock.now()


async def request_payout(session: AsyncSession, actor: Actor, *, amount: Entered) -> models.Payout:
    """Pays out a part of the caller's balance, which is less from now on. Locks the balance.

    Raises AccountSuspended, PayoutAccountNotReady, InvalidAmount, BalanceTooLow, InvalidInput.
    """
    account = await _ready_account(session, actor.id)
    asked = rules.payouts.read_amount(amount)
    await books.hold_weekly_payout(session, actor.id, asked.currency)
    balance = Money(await store.ledger.lock_balance(session, ledger.payable(actor.id, asked.currency)), asked.currency)
    rules.payouts.check_balance(asked, balance)
    if asked < rules.payouts.least(asked.currency):
        has_more_to_come = await store.escrows.has_live(session, actor.id)
        rules.payouts.check_rest(asked, balance, has_more_to_come=has_more_to_come)
    return await _pay_out(session, account, asked, is_scheduled=False)


async def weekly_due(session: AsyncSession, subject_id: str) -> None:
    """The deadline of a tasker's balance in one currency: pays out what has come together, if it may be.

    While it may not be, it is looked at again a week later; one that is empty again when it is filled.
    """
    tasker_id, _, code = subject_id.partition(":")
    currency = CurrencyCode(code)
    balance = await store.ledger.lock_balance(session, ledger.payable(tasker_id, currency))
    amount = rules.payouts.most(Money(balance, currency))
    if amount < rules.payouts.least(currency):
        return
    due_at = rules.payouts.next_weekly(clock.now())
    await deadlines.schedule(session, books.WEEKLY_PAYOUT, subject_id, due_at)
    account = await store.payouts.get_account(session, tasker_id, charging.provider_of(session))
    is_suspended = bool(await copies.list_suspended(session, models.Suspension, (tasker_id,)))
    if account is None or account.status is not rules.payouts.AccountStatus.ACTIVE or is_suspended:
        return
    await _pay_out(session, account, amount, is_scheduled=True)


async def take_over(session: AsyncSession, payout_id: str, answer: port.Payout) -> port.PayoutStatus:
    """Takes over what the provider says of a payout, and answers with what it is then. Locks the payout."""
    payout = await store.payouts.lock_payout(session, payout_id)
    assert payout is not None, "payouts are never deleted"
    payout.provider_id = answer.id
    return await _settle(session, payout, answer.status, answer.fault)


async def refused(session: AsyncSession, payout_id: str) -> None:
    """The provider will not make a payout: it is in the balance again. Locks the payout."""
    payout = await store.payouts.lock_payout(session, payout_id)
    assert payout is not None, "payouts are never deleted"
    await _settle(session, payout, port.PayoutStatus.FAILED, port.PayoutFault.DECLINED)


async def _settle(
    session: AsyncSession, payout: models.Payout, status: port.PayoutStatus, fault: port.PayoutFault | None
) -> port.PayoutStatus:
    was = payout.status
    if was is status or was is port.PayoutStatus.FAILED or status is port.PayoutStatus.PENDING:
        return was
    amount = Money(payout.amount_minor, payout.currency)
    payout.status, payout.fault, payout.updated_at = status, fault, clock.now()
    await session.flush()
    pages = Pages()
    if status is port.PayoutStatus.PAID:
        pages.postings.append(ledger.payout_paid(payout.id, amount))
        pages.told.append(events.PayoutPaid(payout=snapshot(payout)))
    else:
        was_paid = was is port.PayoutStatus.PAID
        pages.postings.append(ledger.payout_returned(payout.id, payout.tasker_id, amount, was_paid=was_paid))
        pages.lines.append(Line(payout.tasker_id, transactions.Kind.PAYOUT_RETURNED, amount, payout.id))
        pages.told.append(events.PayoutFailed(payout=snapshot(payout), reason=fault or port.PayoutFault.DECLINED))
    await books.write(session, pages)
    return status


async def _ready_account(session: AsyncSession, tasker_id: str) -> models.PayoutAccount:
    rules.payouts.check_not_suspended(bool(await copies.list_suspended(session, models.Suspension, (tasker_id,))))
    account = await store.payouts.get_account(session, tasker_id, charging.provider_of(session))
    rules.payouts.check_account(account.status if account else None)
    assert account is not None
    return account


async def _pay_out(
    session: AsyncSession, account: models.PayoutAccount, amount: Money, *, is_scheduled: bool
) -> models.Payout:
    assert account.provider_id is not None, "an active account is one that the provider knows"
    now = clock.now()
    payout = models.Payout(
        id=new_id("payout"),
        tasker_id=account.user_id,
        amount_minor=amount.minor,
        currency=amount.currency,
        status=port.PayoutStatus.PENDING,
        fault=None,
        is_scheduled=is_scheduled,
        account=account.provider_id,
        provider=account.provider,
        provider_id=None,
        created_at=now,
        updated_at=now,
    )
    session.add(payout)
    await session.flush()
    await steps.settle_soon(session, Kind.PAYOUT, payout.id)
    posting = ledger.payout_requested(payout.id, payout.tasker_id, amount)
    line = Line(payout.tasker_id, transactions.Kind.PAYOUT, -amount, payout.id)
    await books.write(session, Pages([posting], [line], [events.PayoutRequested(payout=snapshot(payout))]))
    return payout


def snapshot(payout: models.Payout) -> events.PayoutSnapshot:
    """The payout as its events carry it."""
    return events.PayoutSnapshot(
        id=payout.id,
        tasker_id=payout.tasker_id,
        status=payout.status,
        amount=Money(payout.amount_minor, payout.currency),
        is_scheduled=payout.is_scheduled,
        created_at=payout.created_at,
        updated_at=payout.updated_at,
    )


async def look_soon(session: AsyncSession, user_id: str) -> None:
    """The tasker is at the provider's pages: the account is looked at until it is active, or for about a day."""
    await steps.settle_soon(session, Kind.PAYOUT_ACCOUNT, user_id)
