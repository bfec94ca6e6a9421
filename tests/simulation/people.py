"""People who deal with each other: two taskers, and a poster who wants something done.

What they ask for fits what they see, mostly; what is decided meanwhile they do not see.
"""

import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from shared import events
from shared.identity.actor import Actor, Role
from shared.ids import new_id
from shared.money import CurrencyCode, Money
from subgraphs.bids import actions as bids
from subgraphs.bids import store as bids_store
from subgraphs.payments import actions as payments
from subgraphs.payments import store as payments_store
from subgraphs.payments.provider import port
from subgraphs.tasks import actions as tasks
from subgraphs.tasks import store as tasks_store
from subgraphs.tasks.rules.agreements import Kind
from subgraphs.tasks.rules.tasks import Mode
from tests.simulation.world import BEGIN

if TYPE_CHECKING:
    from tests.simulation.run import Run

Work: TypeAlias = Callable[[], Coroutine[object, object, object]]

# Such in which amounts have no, two or three digits, and one whose banks know no fractions.
_CURRENCIES = (CurrencyCode.EUR, CurrencyCode.EUR, CurrencyCode.JPY, CurrencyCode.KWD, CurrencyCode.HUF)
_UNIT = {CurrencyCode.EUR: 100, CurrencyCode.JPY: 200, CurrencyCode.KWD: 500, CurrencyCode.HUF: 50_000}
"""About a euro, in minor units."""
_TEXT = "I have painted many fences and can start tomorrow."

_ASSIGNED = ("placeBid", "acceptBid")
_DELIVERED = (*_ASSIGNED, "startTask", "submitDelivery")
_BEGINNINGS = (
    (), ("placeBid",), _ASSIGNED, _ASSIGNED, (*_ASSIGNED, "startTask"), (*_ASSIGNED, "requestPriceChange"), _DELIVERED,
    (*_DELIVERED, "approveDelivery"),
)  # fmt: skip

_CUSTOMER = "INSERT INTO customers (user_id, provider, provider_id, created_at) VALUES ($1, 'sandbox', $1, $2)"
_SETUP = "INSERT INTO setups (id, user_id, provider, provider_id, created_at) VALUES ($1, $2, 'sandbox', $1, $3)"
_ACCOUNT = """INSERT INTO payout_accounts
    (user_id, provider, provider_id, status, requirements, created_at, updated_at)
    VALUES ($1, 'sandbox', $1, 'ACTIVE', '{}', $2, $2)"""
_CARD = """INSERT INTO payment_methods (id, user_id, provider, token, fingerprint, brand, last_four, expires_month,
    expires_year, is_default, created_at) VALUES ($1, $2, 'sandbox', $1, $1, 'visa', '4242', 12, 2099, $3, $4)"""
_SEEN = {
    "tasks": """SELECT json_build_object(
        'tasks', (SELECT json_agg(t ORDER BY id) FROM (SELECT id, status, version, tasker_id FROM tasks
            WHERE id = ANY($1)) AS t),
        'agreements', (SELECT json_agg(a ORDER BY id) FROM (SELECT id, task_id, kind, version, requested_by
            FROM agreements WHERE task_id = ANY($1) AND status = 'OPEN') AS a))""",
    "bids": """SELECT json_build_object('bids', (SELECT json_agg(b ORDER BY id) FROM (SELECT id, task_id, tasker_id,
        status, version FROM bids WHERE task_id = ANY($1) AND status IN ('PENDING', 'ACCEPTED', 'AWARDED')) AS b))""",
    "payments": """SELECT json_build_object(
        'escrows', (SELECT json_agg(e ORDER BY id) FROM (SELECT id, task_id, status FROM escrows
            WHERE task_id = ANY($1)) AS e),
        'cards', (SELECT json_agg(m ORDER BY id) FROM (SELECT id FROM payment_methods
            WHERE user_id = $2 AND removed_at IS NULL) AS m))""",
}


@dataclass
class Sight:
    """What is there of the tasks of a run."""

    tasks: Sequence[Mapping[str, Any]]
    agreements: Sequence[Mapping[str, Any]]
    bids: Sequence[Mapping[str, Any]]
    escrows: Sequence[Mapping[str, Any]]
    cards: Sequence[Mapping[str, Any]]


@dataclass
class Sent:
    """What somebody asked for, and may ask for again."""

    name: str
    at: datetime
    work: Work


@dataclass
class Option:
    """Something that somebody can do now."""

    weight: int
    name: str
    subgraph: str
    actor: Actor
    replay: Callable[[AsyncSession, str], Awaitable[object]]
    action: Callable[..., Awaitable[object]]
    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = field(default_factory=dict)


@dataclass
class Cast:
    """The people of one run and their tasks."""

    random: Random
    currency: CurrencyCode
    poster: Actor
    taskers: Sequence[Actor]
    admin: Actor
    task_count: int
    task_ids: list[str] = field(default_factory=list)
    setup_ids: list[str] = field(default_factory=list)
    disputed: set[str] = field(default_factory=set)
    suspended: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, random: Random) -> "Cast":
        return cls(
            random,
            random.choice(_CURRENCIES),
            _person(),
            [_person(), _person()],
            _person(),
            random.choice((1, 1, 1, 2)),
        )

    async def enter(self, run: "Run") -> None:
        """Everybody has what it takes, and the tasks are published."""
        now, world = run.world.clock.now(), run.world
        money, poster_id = world["payments"].monitor, self.poster.id
        await money.execute(_CUSTOMER, poster_id, now)
        for is_default in (True, False):
            await money.execute(_CARD, new_id("method"), poster_id, is_default, now)
        for _ in range(2):
            self.setup_ids.append(new_id("setup"))
            await money.execute(_SETUP, self.setup_ids[-1], poster_id, now)
        for tasker in self.taskers:
            await money.execute(_ACCOUNT, tasker.id, now)
        category = await world["tasks"].monitor.fetchval(
            "SELECT id FROM categories WHERE parent_id IS NOT NULL ORDER BY id LIMIT 1"
        )
        for _ in range(self.task_count):
            async with world["tasks"].database.transaction() as session:
                task = await tasks.posting.create_task(
                    session, self.poster, title="Paint the fence", description="Ten metres of it, two coats please.",
                    category_id=category, budget=self._entered(20), mode=Mode.REMOTE, publish=True,
                )  # fmt: skip
            self.task_ids.append(task.id)
        await self._begin_with(run, self.random.choice(_BEGINNINGS))

    async def _begin_with(self, run: "Run", names: Sequence[str]) -> None:
        """What has happened before it gets wild."""
        for name in names:
            await run.rest()
            sight = await self._see(run)
            options = [*self._of_tasks(sight), *self._of_bids(sight), *self._of_money(sight)]
            await self._sent(run, next(option for option in options if option.name == name)).work()
        if self.random.random() < 0.7:
            await run.rest()

    def withdraw(self, run: "Run") -> bool:
        """Support ends what it has to do with these people; whether there was something."""
        for task_id in sorted(self.disputed):
            self.disputed.discard(task_id)
            self._end_dispute(run, task_id)
            return True
        for user_id in self.suspended:
            self.suspended.remove(user_id)
            run.tell(events.UserReinstated(user_id=user_id), "tasks", "bids", "payments")
            return True
        return False

    async def choose(self, run: "Run") -> Sent | str:
        """What somebody does next: a request to send, or what was done at once."""
        sight = await self._see(run)
        options = [*self._of_tasks(sight), *self._of_bids(sight), *self._of_money(sight)]
        if self.random.random() < 0.12:
            return self._through_support(run, sight)
        if not options:
            return "nobody can do anything"
        (option,) = self.random.choices(options, [each.weight for each in options])
        return self._sent(run, option)

    def _sent(self, run: "Run", option: Option) -> Sent:
        key = new_id("key")

        async def work() -> None:
            await run.act(
                option.subgraph, option.name, option.actor.id, key,
                lambda session: option.action(session, option.actor, *option.args, **option.kwargs), option.replay,
            )  # fmt: skip

        return Sent(option.name, run.world.clock.time, work)

    async def _see(self, run: "Run") -> Sight:
        found: dict[str, Any] = {}
        for name, query in _SEEN.items():
            arguments = [self.task_ids, self.poster.id] if name == "payments" else [self.task_ids]
            found |= json.loads(await run.world[name].monitor.fetchval(query, *arguments))
        return Sight(**{name: rows or [] for name, rows in found.items()})

    def _of_tasks(self, sight: Sight) -> list[Option]:
        options: list[Option] = []
        poster = self.poster

        def add(
            weight: int,
            name: str,
            actor: Actor,
            action: Callable[..., Awaitable[object]],
            *args: object,
            **kwargs: object,
        ) -> None:
            options.append(Option(weight, name, "tasks", actor, tasks_store.tasks.get_task, action, args, kwargs))

        for task in sight.tasks:
            task_id, version = task["id"], task["version"]
            tasker = next((each for each in self.taskers if each.id == task["tasker_id"]), None)
            match task["status"]:
                case "OPEN":
                    add(1, "cancelTask", poster, tasks.cancellation.cancel_task, task_id, "Not needed any more.")
                case "EXPIRED":
                    add(2, "repostTask", poster, tasks.posting.repost_task, task_id, version, tasks.posting.Changes())
                case "ASSIGNED" if tasker:
                    add(8, "startTask", tasker, tasks.work.start_task, task_id, version)
                    for who in (poster, tasker):
                        add(1, "cancelTask", who, tasks.cancellation.cancel_task, task_id, "Not needed any more.")
                case "IN_PROGRESS" if tasker:
                    add(8, "submitDelivery", tasker, tasks.work.submit_delivery, task_id, version, _TEXT)
                    for who in (poster, tasker):
                        add(1, "requestCancellation", who, tasks.agreements.request_cancellation, task_id, "It rains.")
                case "DELIVERED":
                    add(8, "approveDelivery", poster, tasks.work.approve_delivery, task_id, version)
                    add(1, "requestChanges", poster, tasks.work.request_changes, task_id, version, _TEXT)
            if task["status"] in ("ASSIGNED", "IN_PROGRESS") and tasker:
                price = self._entered(self.random.choice((5, 12, 30)))
                change = tasks.agreements.request_price_change
                add(
                    3,
                    "requestPriceChange",
                    self.random.choice((poster, tasker)),
                    change,
                    task_id,
                    price=price,
                    message=_TEXT,
                )
        for asked in sight.agreements:
            task = next(each for each in sight.tasks if each["id"] == asked["task_id"])
            tasker = next(each for each in self.taskers if each.id == task["tasker_id"])
            asker = tasker if asked["requested_by"] == "POSTER" else poster
            kind, accept = Kind(asked["kind"]), self.random.random() < 0.8
            options.append(
                Option(
                    6, f"answer {kind}", "tasks", asker, tasks_store.agreements.get_agreement, tasks.agreements.answer,
                    (asked["id"], kind, asked["version"]), {"accept": accept},
                )
            )  # fmt: skip
        return options

    def _of_bids(self, sight: Sight) -> list[Option]:
        options: list[Option] = []

        def add(
            weight: int,
            name: str,
            actor: Actor,
            action: Callable[..., Awaitable[object]],
            *args: object,
            **kwargs: object,
        ) -> None:
            options.append(Option(weight, name, "bids", actor, bids_store.get_bid, action, args, kwargs))

        for task in (task for task in sight.tasks if task["status"] == "OPEN"):
            live = [bid for bid in sight.bids if bid["task_id"] == task["id"]]
            for tasker in self.taskers:
                if tasker.id not in [bid["tasker_id"] for bid in live]:
                    amount = self._entered(self.random.choice((10, 15, 20)))
                    given = {"task_id": task["id"], "amount": amount, "message": _TEXT, "estimated_minutes": None}
                    add(2 if live else 12, "placeBid", tasker, bids.bids.place_bid, **given)
            for bid in (bid for bid in live if bid["status"] == "PENDING"):
                tasker = next(each for each in self.taskers if each.id == bid["tasker_id"])
                card = self.random.choice([None, *(card["id"] for card in sight.cards)])
                add(10, "acceptBid", self.poster, bids.acceptance.accept_bid, bid["id"], bid["version"], card)
                add(1, "withdrawBid", tasker, bids.bids.withdraw_bid, bid["id"])
                for who in (self.poster, tasker):
                    offer = {"amount": self._entered(self.random.choice((9, 14, 18))), "message": None}
                    add(1, "counterOffer", who, bids.offers.counter_offer, bid["id"], bid["version"], **offer)
                    add(1, "acceptOffer", who, bids.offers.accept_offer, bid["id"], bid["version"])
        return options

    def _of_money(self, sight: Sight) -> list[Option]:
        options: list[Option] = []
        poster, admin, random = self.poster, self.admin, self.random

        def add(
            weight: int,
            name: str,
            actor: Actor,
            replay: Callable[..., Awaitable[object]],
            action: Callable[..., Awaitable[object]],
            *args: object,
            **kwargs: object,
        ) -> None:
            options.append(Option(weight, name, "payments", actor, replay, action, args, kwargs))

        for escrow in sight.escrows:
            escrow_id, get = escrow["id"], payments_store.escrows.get_escrow
            refund = payments.administration.issue_refund
            if escrow["status"] in ("PENDING", "FUNDED"):
                card = random.choice([None, *(card["id"] for card in sight.cards)])
                weight = 6 if escrow["status"] == "PENDING" else 1
                add(weight, "retryFunding", poster, get, payments.funding.retry_funding, escrow_id, card)
            if escrow["status"] in ("FUNDED", "FROZEN"):
                add(1, "issueRefund", admin, get, refund, escrow_id, amount=None, reason="A mistake of ours.")
            if escrow["status"] in ("RELEASED", "SPLIT"):
                given = {"task_id": escrow["task_id"], "amount": self._entered(2), "payment_method_id": None}
                add(5, "tipTasker", poster, payments_store.charges.get_charge, payments.tips.tip_tasker, **given)
                add(
                    2,
                    "issueRefund",
                    admin,
                    get,
                    refund,
                    escrow_id,
                    amount=self._entered(3),
                    reason="A mistake of ours.",
                )
                for tasker in self.taskers:
                    amount = self._entered(random.choice((11, 10, 13)))
                    pay_out = payments.payouts.request_payout
                    add(3, "requestPayout", tasker, payments_store.payouts.get_payout, pay_out, amount=amount)
                tasker, amount = random.choice(self.taskers), self._entered(1)
                get_line = payments_store.transactions.get_transaction
                charge = payments.administration.charge_tasker
                add(1, "chargeTasker", admin, get_line, charge, tasker.id, amount=amount, reason="A loss of ours.")
        get_card = payments_store.methods.get_method
        for card in sight.cards:
            add(1, "removePaymentMethod", poster, get_card, payments.methods.remove_method, card["id"])
        if self.setup_ids and random.random() < 0.3:
            setup_id = self.setup_ids[-1]
            card = port.Card(setup_id, "visa", "4242", 12, 2099, random.choice((setup_id, "the same")))
            answer = port.Setup(setup_id, poster.id, port.SetupStatus.SUCCEEDED, "secret", card)
            add_method = payments.methods.add_method
            add(1, "addPaymentMethod", poster, get_card, add_method, setup_id, answer, make_default=True)
            if random.random() < 0.3:
                self.setup_ids.pop()
        return options

    def _through_support(self, run: "Run", sight: Sight) -> str:
        """What support decides about, which is told by events."""
        if self.random.random() < 0.3:
            user_id = self.random.choice([self.poster.id, *(each.id for each in self.taskers)])
            if user_id in self.suspended:
                self.suspended.remove(user_id)
                run.tell(events.UserReinstated(user_id=user_id), "tasks", "bids", "payments")
                return "somebody is reinstated"
            self.suspended.append(user_id)
            run.tell(events.UserSuspended(user_id=user_id, reason="spam"), "tasks", "bids", "payments")
            return "somebody is suspended"
        task_id = self.random.choice(self.task_ids)
        if task_id in self.disputed:
            self.disputed.discard(task_id)
            return self._end_dispute(run, task_id)
        if any(each["task_id"] == task_id and each["status"] in ("FUNDED", "FROZEN") for each in sight.escrows):
            self.disputed.add(task_id)
            run.tell(events.DisputeOpened(dispute_id=new_id("dispute"), task_id=task_id), "payments")
            return "a dispute is opened"
        return "support has nothing to do"

    def _end_dispute(self, run: "Run", task_id: str) -> str:
        ended = {"dispute_id": new_id("dispute"), "task_id": task_id}
        if self.random.random() < 0.5:
            run.tell(events.DisputeWithdrawn(**ended), "payments")
            return "a dispute is withdrawn"
        share = self.random.choice((0, 1, 7, 1000)) * _UNIT[self.currency]
        run.tell(events.DisputeResolved(**ended, poster_share_minor=share), "payments")
        return "a dispute is resolved"

    def _entered(self, units: int) -> SimpleNamespace:
        """About so many euros, as somebody writes it: seldom even."""
        step = 10 if self.currency is CurrencyCode.KWD else 1
        minor = units * _UNIT[self.currency] + self.random.choice((0, 0, 1, 3, 7)) * step
        return SimpleNamespace(amount=Money(minor, self.currency).format(), currency=self.currency)


def _person() -> Actor:
    roles = frozenset({Role.POSTER, Role.TASKER})
    return Actor(new_id("user"), "", roles, frozenset(), BEGIN + timedelta(days=1000))
