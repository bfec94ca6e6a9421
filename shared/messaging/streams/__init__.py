"""Subscriptions that lose nothing: the events of a stream after a number, then live.

A follower is no queue but a place in its stream: it always looks for the event with the next number, in
the memory of what came last (shared by all followers of the stream), else in the log. No repeat, no gap
and no wrong order can come out of that, whatever the tail delivers, skips or repeats. A follower that is
too slow finds that its next event has left the memory, and reads the log again.

What wakes followers is the tail, a Kafka consumer without a group. Behind it an audit asks the database
every few seconds, in one statement, how far each followed stream is: events arrive even without Kafka.
"""

from shared.messaging.streams.channel import Check
from shared.messaging.streams.hub import StreamHub

__all__ = ["Check", "StreamHub"]
