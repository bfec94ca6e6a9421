"""What must hold once all has come to rest, read from the databases and the provider past all rules."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from shared.money import CurrencyCode, Money
from subgraphs.payments.provider.port import ChargeStatus, DisputeStatus, PayoutStatus, RefundStatus
from subgraphs.payments.rules import shares
from tests.simulation.scheduling import Violation

if TYPE_CHECKING:
    from tests.simulation.run import Run

Row = asyncpg.Record

_SHARED = "SELECT id, balance_minor FROM ledger_accounts WHERE owner_id IS NULL"
_RECEIPTS = "SELECT value FROM counters WHERE name = 'receipts'"
_SIGNED = """CASE WHEN entry.side = ledger_normal_side(account.kind) THEN entry.amount_minor
    ELSE -entry.amount_minor END"""
_UNBALANCED = """SELECT transaction_id FROM ledger_entries AS entry JOIN ledger_accounts AS account
    ON account.id = entry.account_id WHERE entry.id > $1 GROUP BY transaction_id, account.currency
    HAVING sum(CASE side WHEN 'DEBIT' THEN amount_minor ELSE -amount_minor END) <> 0"""
_ENTERED = f"""SELECT account.id, account.kind, account.owner_id, account.currency, account.balance_minor,
    sum({_SIGNED})::bigint AS entered FROM ledger_entries AS entry JOIN ledger_accounts AS account
    ON account.id = entry.account_id WHERE entry.id > $1 GROUP BY account.id"""
_BOOKED = f"""SELECT booked.subject_id, booked.step, account.kind, sum({_SIGNED})::bigint AS amount
    FROM ledger_transactions AS booked JOIN ledger_entries AS entry ON entry.transaction_id = booked.id
    JOIN ledger_accounts AS account ON account.id = entry.account_id
    WHERE booked.id > $1 GROUP BY booked.subject_id, booked.step, account.kind"""


@dataclass
class Before:
    """What stood in the accounts that all runs share before this one."""

    shared: Mapping[str, int]
    receipts: int

    @classmethod
    async def of(cls, run: "Run") -> "Before":
        money = run.world["payments"].monitor
        rows = await money.fetch(_SHARED)
        return cls({row["id"]: row["balance_minor"] for row in rows}, await money.fetchval(_RECEIPTS) or 0)


@dataclass
class Books:
    """All that a run has written."""

    tasks: Sequence[Row]
    agreements: Sequence[Row]
    bids: Sequence[Row]
    escrows: Sequence[Row]
    charges: Sequence[Row]
    refunds: Sequence[Row]
    payouts: Sequence[Row]
    chargebacks: Sequence[Row]
    transactions: Sequence[Row]
    settlements: Sequence[Row]
    accounts: Sequence[Row]
    booked: Mapping[tuple[str, str, str], int]
    """Amounts by subject, step and kind of account, on the side on which the account grows."""
    unbalanced: Sequence[Row]
    receipts: int

    @classmethod
    async def of(cls, run: "Run") -> "Books":
        tasks, bids, money = (run.world[name].monitor for name in ("tasks", "bids", "payments"))
        ids = run.cast.task_ids

        async def since(table: str, prefix: str) -> Sequence[Row]:
            return await money.fetch(f"SELECT * FROM {table} WHERE id > $1 ORDER BY id", f"{prefix}_{run.began}")

        return cls(
            tasks=await tasks.fetch("SELECT * FROM tasks WHERE id = ANY($1)", ids),
            agreements=await tasks.fetch("SELECT * FROM agreements WHERE task_id = ANY($1)", ids),
            bids=await bids.fetch("SELECT * FROM bids WHERE task_id = ANY($1)", ids),
            escrows=await since("escrows", "escrow"),
            charges=await since("charges", "charge"),
            refunds=await since("refunds", "refund"),
            payouts=await since("payouts", "payout"),
            chargebacks=await since("chargebacks", "chargeback"),
            transactions=await since("transactions", "transaction"),
            settlements=await money.fetch("SELECT * FROM settlements"),
            accounts=await money.fetch(_ENTERED, f"line_{run.began}"),
            booked={
                (row["subject_id"], row["step"], row["kind"]): row["amount"]
                for row in await money.fetch(_BOOKED, f"entry_{run.began}")
            },
            unbalanced=await money.fetch(_UNBALANCED, f"line_{run.began}"),
            receipts=await money.fetchval(_RECEIPTS) or 0,
        )

    def total(self, step: str, kind: str, subject_ids: Sequence[str]) -> int:
        """What was booked by a step on accounts of a kind for these subjects."""
        return sum(self.booked.get((subject_id, step, kind), 0) for subject_id in subject_ids)


async def check(run: "Run", before: Before) -> None:
    """Raises Violation with all that does not hold."""
    books = await Books.of(run)
    broken = [
        *_at_rest(books),
        *_ledger(books, before),
        *_escrows(books),
        *_people(books, before),
        *_provider(run, books, before),
        *_saga(books),
        *_once(run, books),
    ]
    if broken:
        raise Violation("\n".join(broken))


def _at_rest(books: Books) -> Iterator[str]:
    for row in books.settlements:
        yield f"still to be settled: {row['kind']} {row['subject_id']}"
    for charge in books.charges:
        if charge["status"] not in ("SUCCEEDED", "CANCELLED"):
            yield f"{charge['id']} is {charge['status']} for ever"
    for row in [*books.refunds, *books.payouts]:
        if row["status"] == "PENDING":
            yield f"{row['id']} is pending for ever"
    for agreement in books.agreements:
        if agreement["status"] == "AWAITING_FUNDING":
            yield f"{agreement['id']} waits for money for ever"


def _ledger(books: Books, before: Before) -> Iterator[str]:
    for row in books.unbalanced:
        yield f"{row['transaction_id']} is not balanced"
    for account in books.accounts:
        held = account["balance_minor"] - before.shared.get(account["id"], 0)
        if held != account["entered"]:
            yield f"{account['id']} holds {held}, its entries sum to {account['entered']}"
        on_its_way = account["kind"] in ("TIPS", "PAYOUTS", "CHARGEBACKS")
        if on_its_way and held:
            yield f"{account['id']} holds {held} at rest"
        failed = [row for row in books.refunds if row["status"] == "FAILED"]
        owed = sum(row["amount_minor"] for row in failed)
        owed += books.total("REFUNDED_BY_BANK", "REFUNDS", [row["id"] for row in failed])
        if account["kind"] == "REFUNDS" and held != owed:
            yield f"{account['id']} holds {held}; of refunds {owed} came back"


def _escrows(books: Books) -> Iterator[str]:
    held_by = {row["owner_id"]: row["balance_minor"] for row in books.accounts if row["kind"] == "ESCROW"}
    for escrow in books.escrows:
        escrow_id, held, currency = escrow["id"], escrow["held_minor"], CurrencyCode(escrow["currency"])
        if held != held_by.get(escrow_id, 0):
            yield f"{escrow_id} holds {held}, its account {held_by.get(escrow_id, 0)}"
        charges = [row for row in books.charges if row["escrow_id"] == escrow_id and row["purpose"] != "TIP"]
        charged = sum(row["amount_minor"] for row in charges if row["status"] == "SUCCEEDED")
        refunds = [row["id"] for row in books.refunds if row["escrow_id"] == escrow_id]
        goodwill = books.total("GOODWILL", "LOSSES", refunds)
        parts = held + escrow["released_minor"] + escrow["refunded_minor"] - goodwill
        if charged != parts:
            yield f"of {escrow_id} {charged} was charged; held, released and refunded is {parts}"
        ends = [step for subject, step, kind in books.booked if (subject, kind) == (escrow_id, "ESCROW")]
        if escrow["status"] in ("PENDING", "FUNDED", "FROZEN") and ends:
            yield f"{escrow_id} is {escrow['status']} and was ended"
        if escrow["status"] in ("PENDING", "FAILED", "RELEASED", "SPLIT", "REFUNDED") and held:
            yield f"{escrow_id} is {escrow['status']} and holds {held}"
        if escrow["status"] in ("FUNDED", "FROZEN") and held != escrow["amount_minor"]:
            yield f"{escrow_id} holds {held} of {escrow['amount_minor']}"
        if escrow["status"] == "FROZEN" or escrow["holds"] or escrow["due_refund_minor"] is not None:
            yield f"{escrow_id} is {escrow['status']} by {escrow['holds']} although nothing is open"
        gross = Money(escrow["released_minor"], currency)
        fee = shares.fee_of(gross, escrow["fee_basis_points"])
        net = books.booked.get((escrow_id, "ENDED", "PAYABLE"), 0)
        if escrow["fee_minor"] != fee.minor or net + fee.minor != gross.minor:
            yield f"of {escrow_id} {gross.minor} is released: {net} and a fee of {escrow['fee_minor']}"
        for row in charges:
            if row["status"] == "CANCELLED" and row["refunded_minor"]:
                yield f"{row['id']} took nothing and gave {row['refunded_minor']} back"
        funded = [row for row in charges if row["purpose"] == "FUNDING" and row["status"] == "SUCCEEDED"]
        if len(funded) > 1:
            yield f"{escrow_id} was paid {len(funded)} times"


def _people(books: Books, before: Before) -> Iterator[str]:
    numbers = sorted(row["receipt_number"] for row in books.transactions)
    if numbers != list(range(before.receipts + 1, books.receipts + 1)):
        yield f"receipts are {numbers} after {before.receipts}, the counter is at {books.receipts}"
    kinds = ("EARNING", "TIP_RECEIVED", "PAYOUT", "PAYOUT_RETURNED", "RECOVERY")
    for account in (row for row in books.accounts if row["kind"] == "PAYABLE"):
        seen = sum(
            row["amount_minor"]
            for row in books.transactions
            if row["user_id"] == account["owner_id"] and row["kind"] in kinds
        )
        if seen != account["balance_minor"]:
            yield f"a tasker sees {seen} and has {account['balance_minor']}"
    paid = sum(-row["amount_minor"] for row in books.transactions if row["kind"] in ("CHARGE", "TIP_PAID"))
    charged = sum(row["amount_minor"] for row in books.charges if row["status"] == "SUCCEEDED")
    if paid != charged:
        yield f"the poster sees {paid} and paid {charged}"


def _provider(run: "Run", books: Books, before: Before) -> Iterator[str]:
    bank = run.bank
    for account in books.accounts:
        if account["kind"] == "CLEARING":
            ours = account["balance_minor"] - before.shared.get(account["id"], 0)
            theirs = bank.balance.get(CurrencyCode(account["currency"]), 0)
            if ours != theirs:
                yield f"{account['id']} holds {ours}, the provider {theirs}"
    taken = {each.key: each.amount.minor for each in bank.charges.values() if each.status is ChargeStatus.SUCCEEDED}
    ours = {row["id"]: row["amount_minor"] for row in books.charges if row["status"] == "SUCCEEDED"}
    yield from _differences("charges", ours, taken)
    many = Counter(each.key for each in bank.charges.values())
    yield from (f"{key} was prepared {count} times" for key, count in many.items() if count > 1)
    asked = {row["provider_id"]: row["attempt"] for row in books.charges}
    for charge_id, count in bank.tries.items():
        if count > (most := asked.get(charge_id, 0)):
            yield f"the card of {charge_id} was tried {count} times, {most} were asked for"
    for mine, theirs, done in (
        (books.refunds, bank.refunds, RefundStatus.SUCCEEDED), (books.payouts, bank.payouts, PayoutStatus.PAID)
    ):  # fmt: skip
        ours = Counter(row["id"] for row in mine if row["status"] == done)
        yield from _differences(done, ours, Counter(each.key for each in theirs.values() if each.status is done))
    statuses = {row["provider_id"]: row["status"] for row in books.chargebacks}
    yield from _differences("chargebacks", statuses, {each.id: each.status for each in bank.disputes.values()})
    lost = [each.amount.minor for each in bank.disputes.values() if each.status is DisputeStatus.LOST]
    if sum(lost) != books.total("CHARGEBACK_LOST", "CHARGEBACKS", [row["id"] for row in books.chargebacks]) * -1:
        yield f"chargebacks of {lost} were lost, and others are booked"


def _differences(what: str, ours: Mapping[str, object], theirs: Mapping[str, object]) -> Iterator[str]:
    for key in sorted(ours.keys() | theirs.keys()):
        if ours.get(key) != theirs.get(key):
            yield f"{what}: {key} is {ours.get(key)} here and {theirs.get(key)} at the provider"


def _saga(books: Books) -> Iterator[str]:
    for task in books.tasks:
        bids = [bid for bid in books.bids if bid["task_id"] == task["id"]]
        won = [bid for bid in bids if bid["status"] in ("ACCEPTED", "AWARDED")]
        if len(won) > 1:
            yield f"{task['id']} has {len(won)} winning bids"
        for bid in bids:
            if bid["status"] == "ACCEPTED":
                yield f"{bid['id']} is accepted for ever, its task is {task['status']}"
            if bid["status"] == "AWARDED" and bid["id"] != task["bid_id"]:
                yield f"{bid['id']} is awarded a task that has {task['bid_id']}"
        escrows = [escrow for escrow in books.escrows if escrow["task_id"] == task["id"]]
        held = [escrow for escrow in escrows if escrow["status"] in ("PENDING", "FUNDED", "FROZEN")]
        counting = [*held, *(escrow for escrow in escrows if escrow["status"] in ("RELEASED", "SPLIT"))]
        if len(counting) > 1:
            yield f"{task['id']} has {len(counting)} escrows that count"
        if task["tasker_id"] is not None:
            if not any(escrow["bid_id"] == task["bid_id"] for escrow in escrows):
                yield f"{task['id']} was assigned without money"
            if [bid["id"] for bid in won] != [task["bid_id"]]:
                yield f"{task['id']} is assigned to {task['bid_id']}, not awarded"
        if held and task["status"] in ("OPEN", "EXPIRED", "CANCELLED", "COMPLETED"):
            yield f"{task['id']} is {task['status']}, its money {held[0]['status']}"
        if held and task["status"] not in ("OPEN", "EXPIRED") and held[0]["amount_minor"] != task["price_minor"]:
            yield f"{task['id']} costs {task['price_minor']}, held is {held[0]['amount_minor']}"


def _once(run: "Run", books: Books) -> Iterator[str]:
    """Each request that was sent, however often, had one effect at most."""
    effects = {
        "tipTasker": sum(row["purpose"] == "TIP" for row in books.charges),
        "requestPayout": sum(not row["is_scheduled"] for row in books.payouts),
        "chargeTasker": sum(row["kind"] == "RECOVERY" for row in books.transactions),
        "issueRefund": sum(step == "GOODWILL" and kind == "LOSSES" for _, step, kind in books.booked),
    }
    for name, count in effects.items():
        if count > run.keys.get(name, 0):
            yield f"{name} had {count} effects of {run.keys.get(name, 0)} requests"
    acceptances = Counter((row["bid_id"], row["bid_version"]) for row in books.escrows)
    yield from (f"{bid} has {count} escrows for one acceptance" for (bid, _), count in acceptances.items() if count > 1)
