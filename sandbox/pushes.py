"""What can be pushed on by hand, by a timer or by a test, instead of by banks and the people behind them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, get_args

from sandbox import accounts, charges, disputes, refunds
from sandbox.context import Sandbox
from sandbox.objects import Account, Charge, Dispute, Fault, Object, Payout, Refund
from sandbox.refused import Refused, not_found

T = TypeVar("T", bound=Object)


@dataclass(frozen=True, slots=True)
class Push(Generic[T]):
    """Something that can happen to an object, and while it is in which state."""

    kind: type[T]
    name: str
    is_possible: Callable[[T], bool]
    act: Callable[[Sandbox, T], Object]


def _failing(fault: Fault) -> Push[Payout]:
    return Push(Payout, f"fail_{fault}", _is_pending, lambda box, payout: accounts.settle(box, payout, fault))


def _is_asked(charge: Charge) -> bool:
    return charge.status == "requires_action"


def _is_processed(charge: Charge) -> bool:
    return charge.status == "processing"


def _is_pending(payout: Payout) -> bool:
    return payout.status == "pending"


def _is_open(dispute: Dispute) -> bool:
    return dispute.status == "open"


_ALL: tuple[Push[Charge] | Push[Refund] | Push[Payout] | Push[Account] | Push[Dispute], ...] = (
    Push(Charge, "approve", _is_asked, lambda box, charge: charges.answer(box, charge, True)),
    Push(Charge, "fail", _is_asked, lambda box, charge: charges.answer(box, charge, False)),
    Push(Charge, "succeed", _is_processed, lambda box, charge: charges.settle(box, charge, True)),
    Push(Charge, "decline", _is_processed, lambda box, charge: charges.settle(box, charge, False)),
    Push(
        Charge,
        "dispute",
        lambda charge: charge.status == "succeeded" and charge.dispute is None and charge.refunded < charge.amount,
        disputes.open_one,
    ),
    Push(Refund, "fail", lambda refund: refund.status == "succeeded", refunds.fail),
    Push(Payout, "pay", _is_pending, lambda box, payout: accounts.settle(box, payout, None)),
    *(_failing(fault) for fault in get_args(Fault)),
    Push(
        Account,
        "activate",
        lambda account: account.bank is not None and account.status != "active",
        lambda box, account: accounts.change(box, account, "active"),
    ),
    Push(
        Account,
        "restrict",
        lambda account: account.status == "active",
        lambda box, account: accounts.change(box, account, "incomplete", "identity_document"),
    ),
    Push(
        Account,
        "reject",
        lambda account: account.status != "rejected",
        lambda box, account: accounts.change(box, account, "rejected"),
    ),
    Push(Dispute, "win", _is_open, lambda box, dispute: disputes.close(box, dispute, True)),
    Push(Dispute, "lose", _is_open, lambda box, dispute: disputes.close(box, dispute, False)),
)
PUSHES: Mapping[tuple[str, str], Push[Object]] = {(push.kind.kind, push.name): push for push in _ALL}  # type: ignore[misc]  # each is given what is of its kind


def push(sandbox: Sandbox, object_id: str, name: str) -> Object:
    """Has something happen to an object. Raises Refused if there is no such thing, or not in its state."""
    kind = object_id.partition("_")[0]
    found = PUSHES.get((kind, name))
    if found is None:
        raise not_found("push")
    thing = sandbox.state.get(found.kind, object_id)
    if not found.is_possible(thing):
        raise Refused(409, "not_possible", f"It is no time to {name} this {kind}.")
    return found.act(sandbox, thing)


def possible(thing: Object) -> list[str]:
    """What can happen to an object as it is now."""
    return [push.name for (kind, _), push in PUSHES.items() if kind == thing.kind and push.is_possible(thing)]
