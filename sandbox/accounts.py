"""Accounts of those who are paid, how they are set up, and payouts to them."""

import secrets
from datetime import timedelta
from urllib.parse import quote

from sandbox.cards import is_secret
from sandbox.context import Sandbox
from sandbox.objects import Account, Fault, Onboarding, Payout
from sandbox.outcomes import BANKS
from sandbox.refused import Refused, not_found
from shared import clock
from shared.ids import new_id

_LINK_HOLDS = timedelta(minutes=15)


def create(sandbox: Sandbox, user: str, key: str) -> Account:
    """An account that its owner is yet to set up."""
    account = Account(id=new_id(Account.kind), key=key, user=user)
    sandbox.state.put(account)
    return account


def start_onboarding(sandbox: Sandbox, account_id: str, return_url: str) -> Onboarding:
    """A link for the account's owner; see `url_of`."""
    sandbox.state.get(Account, account_id)
    onboarding = Onboarding(
        id=new_id(Onboarding.kind),
        account=account_id,
        secret=secrets.token_urlsafe(24),
        return_url=return_url,
        expires_at=clock.now() + _LINK_HOLDS,
    )
    sandbox.state.put(onboarding)
    return onboarding


def url_of(sandbox: Sandbox, onboarding: Onboarding) -> str:
    """Where the owner goes."""
    return f"{sandbox.options.public_url}/onboarding/{onboarding.id}?secret={quote(onboarding.secret)}"


def onboarding(sandbox: Sandbox, onboarding_id: str, secret: str) -> Onboarding:
    """A link for whoever has its secret. Raises Refused."""
    found = sandbox.state.get(Onboarding, onboarding_id)
    if not is_secret(found.secret, secret):
        raise not_found(Onboarding.kind)
    if found.expires_at < clock.now():
        raise Refused(410, "link_expired", "The link held for some minutes only; begin again.")
    return found


def tell_bank(sandbox: Sandbox, account: Account, bank: str) -> Account:
    """The owner names a test bank account, which decides what becomes of theirs."""
    test_bank = BANKS.get(bank)
    if test_bank is None:
        raise Refused(400, "no_such_bank", f"There are {', '.join(BANKS)}.", {"bank": "is none of them"})
    account.bank = bank
    if test_bank.status == "pending":
        sandbox.state.later(account, "activate", sandbox.options.settle_seconds)
    return change(sandbox, account, test_bank.status, *test_bank.requirements)


def change(sandbox: Sandbox, account: Account, status: str, *requirements: str) -> Account:
    """The provider makes up its mind about an account."""
    changed = account.model_copy(update={"status": status, "requirements": list(requirements)})
    sandbox.state.put(changed)
    sandbox.state.tell(changed, status)
    return changed


def pay_out(sandbox: Sandbox, account_id: str, amount: int, currency: str, key: str) -> Payout:
    """Sends money to the account's bank."""
    account = sandbox.state.get(Account, account_id)
    if account.status != "active" or account.bank is None:
        raise Refused(409, "account_not_active", "The account cannot be paid out.")
    if amount > sandbox.state.balances().get(currency, 0):
        raise Refused(409, "balance_too_low", "There is not so much in the balance.")
    payout = Payout(id=new_id(Payout.kind), key=key, account=account_id, amount=amount, currency=currency)
    sandbox.state.put(payout)
    sandbox.state.move(payout, -amount, currency)
    sandbox.state.tell(payout, "created")
    becomes = BANKS[account.bank].payouts
    if becomes != "wait":
        push = "pay" if becomes == "paid" else f"fail_{becomes}"
        sandbox.state.later(payout, push, sandbox.options.settle_seconds)
    return payout


def settle(sandbox: Sandbox, payout: Payout, fault: Fault | None) -> Payout:
    """The end of a payout; without a fault it is paid."""
    payout.status, payout.fault = ("failed" if fault else "paid"), fault
    sandbox.state.put(payout)
    if fault:
        sandbox.state.move(payout, payout.amount, payout.currency)
    sandbox.state.tell(payout, payout.status)
    return payout
