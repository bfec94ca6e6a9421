"""What the event types of all subscriptions have in common."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import TypeVar

import strawberry

from shared.context import Followed

T = TypeVar("T")
_KEPT_EVENTS = 256


@strawberry.interface(description="An event of a subscription that loses nothing across reconnects.")
class StreamEvent:
    seq: int = strawberry.field(
        description="The event's number in its stream. Subscribe again with `after: seq` to go on behind it."
    )
    previous_seq: int | None = strawberry.field(
        description="The `seq` of the event that this subscription gave before, or its `after`; null at the "
        "start of one without `after`. If it is not the last one that you saw, an event was dropped on the way "
        "to you: subscribe again with `after` set to the last `seq` that you saw."
    )
    occurred_at: datetime = strawberry.field(description="When it happened.")


AFTER = strawberry.argument(
    description="The last `seq` that you saw: you get everything after it first, then what happens from now on. "
    "0 is the beginning. Left out: only what happens from now on. `CURSOR_EXPIRED` if it is older than the log."
)
"""The description of every subscription's `after` argument."""


def made_once(make: Callable[[type[T], Followed], T]) -> Callable[[type[T], Followed], T]:
    """For the classmethod that makes the graph's event of a followed one: all its followers get the same object.

    An event never changes, so only what it was and what the follower saw before it decide about the object;
    who follows has no part in it. The engine answers everybody who is given the same object with the same bytes.
    """
    made: OrderedDict[tuple[type[T], str, int | None], T] = OrderedDict()

    @wraps(make)
    def once(cls: type[T], followed: Followed) -> T:
        key = (cls, followed.envelope.id, followed.previous_seq)
        event = made.get(key)
        if event is None:
            event = made[key] = make(cls, followed)
            if len(made) > _KEPT_EVENTS:
                made.popitem(last=False)
        return event

    return once
