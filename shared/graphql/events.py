"""What the event types of all subscriptions have in common."""

from datetime import datetime

import strawberry


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
