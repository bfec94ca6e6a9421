"""Events from a transaction to Kafka: `emit` writes them, the relay publishes them.

The outbox is also the log of each stream, which subscriptions replay (`shared.messaging.streams`).
"""

from shared.messaging.outbox.emitting import emit
from shared.messaging.outbox.relay import Relay

__all__ = ["Relay", "emit"]
