"""A stream that is followed in this process: its followers and the memory that they share."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.errors import RequestError
from shared.messaging.streams.log import Entry, Page

Check = Callable[[], RequestError | None]

_KEPT_ENTRIES = 32


class Follower:
    """One subscription; `end` says why it is over."""

    __slots__ = ("check", "cursor", "end", "waiter")

    def __init__(self, check: Check | None) -> None:
        self.check = check
        self.cursor = 0
        self.end: RequestError | None = None
        self.waiter: asyncio.Future[None] | None = None

    def wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def wait(self, timeout: float | None = None) -> None:
        self.waiter = asyncio.get_running_loop().create_future()
        try:
            if timeout is None:
                await self.waiter
            else:
                await asyncio.wait([self.waiter], timeout=timeout)
        finally:
            self.waiter = None


@dataclass(slots=True, eq=False)
class Channel:
    """A stream that is followed in this process."""

    stream: str
    capacity: int
    recent: deque[Entry] = field(default_factory=deque)
    """The newest events, numbered without gaps."""
    head: int = 0
    """The highest number known; the recent events may lag behind it."""
    followers: set[Follower] = field(default_factory=set)
    reading: dict[int, asyncio.Task[Page]] = field(default_factory=dict)
    redactions: int = 0
    """How often events of the stream had been redacted when it was looked at last."""
    pages: OrderedDict[int, Page] = field(default_factory=OrderedDict)
    """Full pages by the number that they start after: many followers catch up through the same ones."""

    def find(self, seq: int) -> Entry | None:
        if not self.recent:
            return None
        index = seq - self.recent[0].seq
        return self.recent[index] if 0 <= index < len(self.recent) else None

    def append(self, entry: Entry) -> None:
        """Takes an event from the tail, which may repeat or skip some."""
        if self.recent and entry.seq <= self.recent[-1].seq:
            return
        if self.recent and entry.seq != self.recent[-1].seq + 1:
            self.recent.clear()
        self.recent.append(entry)
        self._cut(self.capacity)

    def learn(self, page: Page) -> None:
        """Keeps what the newest page of the log holds, so that followers beside it need not read it."""
        entries = page.entries
        if entries and entries[-1].seq >= page.head:
            first, last = (self.recent[0].seq, self.recent[-1].seq) if self.recent else (0, 0)
            if entries[-1].seq > last:
                if entries[0].seq > last + 1:
                    self.recent.clear()
                self.recent.extend(entry for entry in entries if entry.seq > last)
            elif entries[-1].seq >= first - 1:
                self.recent.extendleft(entry for entry in reversed(entries) if entry.seq < first)
            self._cut(self.capacity)
        self.reached(page.head)

    def reached(self, head: int) -> None:
        """Wakes the followers if the stream is further than they know."""
        if head > self.head:
            self.head = head
            for follower in self.followers:
                follower.wake()

    def redacted(self, redactions: int) -> None:
        """Drops what is remembered if events were redacted since; it is read anew for whoever needs it."""
        if redactions > self.redactions:
            self.redactions = redactions
            self.recent.clear()
            self.pages.clear()

    def trim(self) -> None:
        """Gives memory back once everybody has everything; a little stays for those who reconnect."""
        if (self.pages or len(self.recent) > _KEPT_ENTRIES) and all(
            follower.cursor >= self.head for follower in self.followers
        ):
            self.pages.clear()
            self._cut(_KEPT_ENTRIES)

    def _cut(self, size: int) -> None:
        while len(self.recent) > size:
            self.recent.popleft()
