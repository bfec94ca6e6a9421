"""Reactions to the events of other subgraphs: in order, with exactly one effect each.

A handler's effect and the row in the inbox that remembers the event are one transaction, and the offset
is committed after it: a crash between the two repeats the message, and the inbox skips it.
"""

from shared.messaging.consumer.handlers import Handlers
from shared.messaging.consumer.loop import Consumer
from shared.messaging.consumer.messages import REPLAY_FOR

__all__ = ["REPLAY_FOR", "Consumer", "Handlers"]
