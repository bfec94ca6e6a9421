"""What callers may spend on operations: a budget for each actor or address, one for the whole graph.

Whether an operation may run is decided in the process, without waiting for anything. What callers spend is told to
Redis in the background, several times a second and for many callers at once; the answer says what they spent
elsewhere. So all processes together keep to a limit, with a lag of a fraction of a second.

The window slides: of what was spent in the window before, the part counts that a window's length still covers, as if
it had been spent evenly. After a burst at a window's end, nearly twice the limit can so pass within its length.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import cast

import structlog
from limits import parse
from opentelemetry.instrumentation.utils import suppress_instrumentation
from redis.exceptions import RedisError

from shared import background
from shared.cache import Cache
from shared.config import Settings
from shared.errors import RateLimited
from shared.identity.actor import Actor
from shared.identity.addresses import Proxies, one_address
from shared.telemetry import REFUSALS

log = structlog.get_logger(__name__)

_EXCHANGE_SECONDS = 0.2
_RETRY_SECONDS = 1.0
_EXCHANGED_AT_ONCE = 500
_ACCOUNTS = 50_000
_FORGOTTEN_AT_ONCE = 1_000
# Less than this part of a limit is not worth telling, so that most callers cost Redis nothing.
_TOLD_PART = 1_000
# Everybody whose address nobody told has one account together.
_UNKNOWN_FACTOR = 10


class _Limit:
    """So much within so many seconds; each process alone has a share of it."""

    __slots__ = ("amount", "seconds", "share", "worth_telling")

    def __init__(self, setting: str, replicas: int, factor: int = 1) -> None:
        item = parse(setting)
        self.amount = item.amount * factor
        self.seconds = item.get_expiry()
        self.share = max(1, self.amount // replicas)
        self.worth_telling = max(1, self.amount // _TOLD_PART)


class Account:
    """What one caller spends."""

    __slots__ = ("_budgets", "before", "digest", "elsewhere", "elsewhere_before", "late", "limit", "own", "untold",
                 "window")  # fmt: skip

    def __init__(self, budgets: "OperationBudgets", key: str, limit: _Limit) -> None:
        self._budgets = budgets
        # Addresses are personal data.
        self.digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self.limit = limit
        self.window = 0
        """The number of the window under way."""
        self.own = self.before = 0
        """Spent through this process, in this window and in the one before."""
        self.elsewhere = self.elsewhere_before = 0
        """Spent through other processes, as far as is known."""
        self.untold = self.late = 0
        """What of `own` and `before` the others do not know yet."""

    def spend(self, cost: int) -> None:
        """Spends `cost`. Where less than that is left: spends nothing and raises RateLimited.

        What costs more than all of the limit counts as all of it.
        """
        limit, budgets = self.limit, self._budgets
        moment = time.time() / limit.seconds
        if self.window != (window := int(moment)):
            self._turn(window)
        if budgets.shared:
            amount, current, before = limit.amount, self.own + self.elsewhere, self.before + self.elsewhere_before
        else:
            amount, current, before = limit.share, self.own, self.before
        if cost > amount:
            cost = amount
        left = window + 1 - moment
        if current + before * left + cost > amount:
            REFUSALS.labels("operations").inc()
            raise RateLimited(max(0.1, limit.seconds * _wait(current, before, left, amount - cost)))
        self.own += cost
        self.untold += cost
        if self.untold >= limit.worth_telling:
            budgets.worth_telling[self] = None

    def is_of_the_past(self, moment: float) -> bool:
        """Whether nothing that it knows counts any more."""
        return int(moment / self.limit.seconds) > self.window + 1

    def key(self, window: int) -> str:
        """Where Redis has what was spent in a window; the braces keep the windows of an account on one node."""
        return f"budget:{{{self.digest}}}:{self.limit.seconds}:{window}"

    def learn(self, window: int, told: int, told_late: int, total: int, total_before: int) -> None:
        """Takes in what Redis has, after it was told these parts; a window may have passed meanwhile."""
        if self.window == window:
            self.untold -= told
            self.late -= told_late
            self.elsewhere = max(0, total - (self.own - self.untold))
            self.elsewhere_before = max(0, total_before - (self.before - self.late))
        elif self.window == window + 1:
            self.late -= told
            self.elsewhere_before = max(0, total - (self.before - self.late))

    def _turn(self, window: int) -> None:
        if window == self.window + 1:
            self.before, self.elsewhere_before, self.late = self.own, self.elsewhere, self.untold
        else:
            self.before = self.elsewhere_before = self.late = 0
        self.own = self.elsewhere = self.untold = 0
        self.window = window


def _wait(current: int, before: int, left: float, room: int) -> float:
    """How many windows pass until what was spent needs no more than `room`, `left` being the rest of this one."""
    if current <= room:
        return left - (room - current) / before
    return left + 1 - room / current


class OperationBudgets:
    """The accounts of one process's callers.

    While Redis is down each process goes by what was spent through itself, and allows 1/`rate_limit_replicas` of a
    limit. Of many thousand callers the ones that were seen last are remembered.
    """

    def __init__(self, settings: Settings, cache: Cache, proxies: Proxies) -> None:
        self._redis = cache.client
        self._proxies = proxies
        replicas = settings.rate_limit_replicas
        self._of_actor = _Limit(settings.operation_cost_per_actor, replicas)
        self._of_address = _Limit(settings.operation_cost_per_address, replicas)
        self._of_unknown = _Limit(settings.operation_cost_per_address, replicas, _UNKNOWN_FACTOR)
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        self._task: asyncio.Task[None] | None = None
        self.worth_telling: dict[Account, None] = {}
        self.shared = True
        """Whether Redis answered when it was last told something."""

    def account(self, actor: Actor | None, address: str) -> Account:
        """The account of an actor; of nobody, that of the client's address, an IPv6 one counting by its /64."""
        if actor is not None:
            key, limit = actor.id, self._of_actor
        elif self._proxies.covers(address):
            key, limit = "unknown", self._of_unknown
        else:
            key, limit = one_address(address), self._of_address
        account = self._accounts.get(key)
        if account is not None:
            self._accounts.move_to_end(key)
            return account
        account = self._accounts[key] = Account(self, key, limit)
        if len(self._accounts) > _ACCOUNTS:
            self.worth_telling.pop(self._accounts.popitem(last=False)[1], None)
        return account

    async def start(self) -> None:
        self._task = asyncio.create_task(self._exchange_for_ever(), name="operation budgets")

    async def stop(self) -> None:
        if self._task is not None:
            await background.end(self._task)

    async def _exchange_for_ever(self) -> None:
        with suppress_instrumentation():
            while True:
                await asyncio.sleep(_EXCHANGE_SECONDS if self.shared else _RETRY_SECONDS)
                self._forget()
                try:
                    await self._exchange()
                except Exception:
                    log.exception("operation_budgets_failed")

    async def _exchange(self) -> None:
        accounts, self.worth_telling = list(self.worth_telling), {}
        for start in range(0, len(accounts), _EXCHANGED_AT_ONCE):
            try:
                await self._tell(accounts[start : start + _EXCHANGED_AT_ONCE])
            except (RedisError, OSError, TimeoutError) as error:
                self.worth_telling |= dict.fromkeys(accounts[start:])
                if self.shared:
                    log.warning("operation_budgets_alone", error=type(error).__name__)
                self.shared = False
                return
            self.shared = True

    async def _tell(self, accounts: Sequence[Account]) -> None:
        told = [(account, account.window, account.untold, account.late) for account in accounts]
        async with self._redis.pipeline(transaction=False) as pipe:
            for account, window, untold, late in told:
                expiry = 3 * account.limit.seconds
                pipe.incrby(account.key(window), untold)
                pipe.expire(account.key(window), expiry)
                if late:
                    pipe.incrby(account.key(window - 1), late)
                    pipe.expire(account.key(window - 1), expiry)
                else:
                    pipe.get(account.key(window - 1))
            answers = iter(await pipe.execute())
        for account, window, untold, late in told:
            total = int(next(answers))
            next(answers)
            total_before = int(cast("bytes | int | None", next(answers)) or 0)
            if late:
                next(answers)
            account.learn(window, untold, late, total, total_before)

    def _forget(self) -> None:
        moment = time.time()
        for _ in range(_FORGOTTEN_AT_ONCE):
            key = next(iter(self._accounts), None)
            if key is None or not self._accounts[key].is_of_the_past(moment):
                return
            self.worth_telling.pop(self._accounts.pop(key), None)
