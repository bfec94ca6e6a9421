"""Every event of the product: what happened, told to the other subgraphs and to subscribers.

An event is written into the outbox by `shared.messaging.outbox.emit` in the transaction of what it tells, and
published to Kafka from there. Its body is the JSON of its model, with the field names below. A change is
additive (a new optional field) or a new type: old bodies stay readable, and readers skip fields and types
that they do not know. No event holds an e-mail address, a phone number or other contact data.

An event stands in the module of the subgraph that tells it, and nowhere else: all that these modules
define is `shared.events.<its name>`. `docs/events.md` is printed from them (`python -m shared.printing.events`).
"""

# ruff: noqa: F403 - a list of names here would be a second place to add an event to.

from shared.events.base import *
from shared.events.bids import *
from shared.events.exports import *
from shared.events.locations import *
from shared.events.notifications import *
from shared.events.payments import *
from shared.events.support import *
from shared.events.tasks import *
from shared.events.users import *
