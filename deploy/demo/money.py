"""The work and its money, after a bid was accepted; and what the books say of it."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal

from rich.console import Console

from deploy.demo.client import Client
from deploy.demo.documents import (
    APPROVE_DELIVERY,
    LEDGER,
    MY_BALANCES,
    PAYOUT_ACCOUNT,
    PLATFORM_BALANCE,
    REQUEST_PAYOUT,
    START_TASK,
    SUBMIT_DELIVERY,
    TIP_TASKER,
)
from deploy.demo.live import Data
from deploy.demo.people import DemoFailed, Person
from deploy.demo.provider import give_card, set_up_payouts

# As long as the sandbox says that banks take, unless it is told otherwise.
_BANK_SECONDS = 5.0
_ADMIN = "Ada"
# On the left side of the books; everything else is on the right.
_ASSETS = ("CLEARING", "CHARGEBACKS", "LOSSES")
_SHARED_ACCOUNTS = ("clearing:EUR", "revenue:EUR", "tips:EUR", "payouts:EUR")


async def prepare_to_pay(poster: Person, sandbox: str) -> None:
    """The poster gives a card to the provider."""
    poster.does("gives a card to the payment provider")
    await give_card(poster.client.call, sandbox)


async def set_up(tasker: Person) -> None:
    """The tasker tells the provider where payouts go."""
    since = tasker.does("sets payouts up with the payment provider")
    await set_up_payouts(tasker.client.call)

    async def is_active() -> bool:
        return bool((await tasker.client.call(PAYOUT_ACCOUNT))["status"] == "ACTIVE")

    await tasker.comes_to_see("the payout account is active", since, is_active)


async def work(task_id: str, poster: Person, tasker: Person) -> None:
    """The tasker does the work."""
    both = (poster, tasker)
    since = tasker.does("starts")
    await tasker.client.call(START_TASK, input={"taskId": task_id})
    await asyncio.gather(*(each.sees_task(f"{tasker.name} started", since, "STARTED", tasker) for each in both))
    await poster.is_notified("Work begun", since, tasker.name)
    since = tasker.does("delivers")
    delivery = {"taskId": task_id, "message": "Both sides have two coats now."}
    await tasker.client.call(SUBMIT_DELIVERY, input=delivery)
    await asyncio.gather(
        *(each.sees_task(f"{tasker.name} delivered", since, "DELIVERED", tasker) for each in both),
        *(
            each.sees_money("in 14 days the money is released by itself", since, "AUTO_RELEASE_SCHEDULED")
            for each in both
        ),
        poster.is_notified("Work delivered", since, tasker.name),
        poster.is_notified("Payment due", since, "165.00 EUR"),
    )


async def approve(task_id: str, poster: Person, tasker: Person) -> str:
    """The poster approves, and the money is the tasker's. Answers the escrow's id."""
    both = (poster, tasker)
    version = poster.views["task"].shown[-1]["task"]["version"]
    since = poster.does("approves")
    await poster.client.call(APPROVE_DELIVERY, input={"taskId": task_id, "expectedVersion": version})
    shares = {"held": "0.00", "released": "165.00", "fee": "16.50"}
    await asyncio.gather(
        *(
            each.sees_money("165.00 EUR are released, 16.50 of it the fee", since, "RELEASED", **shares)
            for each in both
        ),
        *(each.sees_task("the task is completed", since, "COMPLETED", tasker) for each in both),
        tasker.is_notified("Work approved", since, poster.name),
        tasker.is_notified("You were paid", since, "148.50 EUR"),
        poster.is_notified("Tasker paid", since, tasker.name),
    )
    return str(poster.views["money"].shown[-1]["escrow"]["id"])


async def tip(task_id: str, poster: Person, tasker: Person) -> None:
    """The poster gives more, without a fee."""
    since = poster.does("gives a tip of 20.00 EUR")
    given = {"taskId": task_id, "amount": _euro("20.00"), "idempotencyKey": str(uuid.uuid4())}
    await poster.client.call(TIP_TASKER, input=given)
    await tasker.is_notified("A tip", since, "20.00 EUR")
    await _check_balance(tasker, available="168.50", on_its_way="0.00")


async def pay_out(tasker: Person) -> None:
    """The tasker takes everything out."""
    since = tasker.does("asks for a payout of 168.50 EUR")
    wanted = {"amount": _euro("168.50"), "idempotencyKey": str(uuid.uuid4())}
    await tasker.client.call(REQUEST_PAYOUT, input=wanted)
    await tasker.is_notified("Payout begun", since, "168.50 EUR")
    await tasker.is_notified("Payout made", since + _BANK_SECONDS, "168.50 EUR")
    await _check_balance(tasker, available="0.00", on_its_way="0.00")


async def _check_balance(tasker: Person, available: str, on_its_way: str) -> None:
    (balance,) = await tasker.client.call(MY_BALANCES)
    found = (balance["available"]["amount"], balance["onItsWay"]["amount"])
    if found != (available, on_its_way):
        raise DemoFailed(f"{tasker.name} has {found[0]} EUR, and {found[1]} EUR are on their way")


async def show_books(
    edge: str, make_admin: Callable[[str], Awaitable[None]], console: Console, escrow_id: str, tasker: Person
) -> None:
    """Prints each transaction of the money and what all accounts hold. Raises DemoFailed unless both sides agree."""
    email, password = f"ada.{uuid.uuid4().hex[:12]}@example.com", f"demo {uuid.uuid4()}"
    async with Client(edge, _ADMIN) as admin:
        await admin.sign_up(email, password, ["POSTER"])
        await make_admin(email)
        await admin.log_in(email, password)
        own = (f"escrow:{escrow_id}:EUR", f"payable:{tasker.client.user_id}:EUR")
        accounts = await asyncio.gather(*(admin.call(LEDGER, account=each) for each in (*own, *_SHARED_ACCOUNTS)))
        totals = await admin.call(PLATFORM_BALANCE)
    console.print("\nThe books of it, as an admin reads them:")
    for (_, step), (debit, credit) in _transactions(accounts).items():
        console.print(f"  {step:<17} {_text(debit)} = {_text(credit)}", soft_wrap=True)
        _check_equal(step, debit, credit)
    for account in accounts[: len(own)]:
        if Decimal(account["balance"]["amount"]):
            raise DemoFailed(f"{account['kind']} is not empty: {account['balance']}")
    for currency in sorted({each["balance"]["currency"] for each in totals}):
        lines = [
            (each["kind"], Decimal(each["balance"]["amount"]))
            for each in totals
            if each["balance"]["currency"] == currency
        ]
        left = [line for line in lines if line[0] in _ASSETS]
        right = [line for line in lines if line[0] not in _ASSETS]
        console.print(f"  all of it, {currency:<6} {_text(left)} = {_text(right)}", soft_wrap=True)
        _check_equal(currency, left, right)


_Lines = list[tuple[str, Decimal]]


def _transactions(accounts: list[Data]) -> dict[tuple[str, str], tuple[_Lines, _Lines]]:
    """The lines of each transaction that the first two accounts know of, or whose subject they do, by time."""
    entries = sorted(
        ((line, account["kind"]) for account in accounts if account for line in account["entries"]["nodes"]),
        key=lambda entry: entry[0]["createdAt"],
    )
    subjects = {line["subjectId"] for account in accounts[:2] for line in account["entries"]["nodes"]}
    found: dict[tuple[str, str], tuple[_Lines, _Lines]] = {}
    for line, kind in entries:
        if line["subjectId"] in subjects:
            debit, credit = found.setdefault((line["subjectId"], line["step"]), ([], []))
            (debit if line["side"] == "DEBIT" else credit).append((kind, Decimal(line["amount"]["amount"])))
    return found


def _check_equal(what: str, debit: _Lines, credit: _Lines) -> None:
    if sum(amount for _, amount in debit) != sum(amount for _, amount in credit):
        raise DemoFailed(f"The books do not agree about {what}: {_text(debit)} is not {_text(credit)}")


def _text(lines: _Lines) -> str:
    return " + ".join(f"{kind.lower()} {amount}" for kind, amount in lines) or "nothing"


def _euro(amount: str) -> Data:
    return {"amount": amount, "currency": "EUR"}
