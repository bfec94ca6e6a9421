"""Delivering events twice, as Kafka may."""

from prometheus_client import REGISTRY

from shared import events
from tests.conftest import Elsewhere
from tests.support.messaging import eventually


def handled(consumer: str, outcome: str) -> float:
    """How many messages this process's consumer of that name has brought to this outcome, whatever their type."""
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "exchange_consumed_total"
        and (sample.labels["consumer"], sample.labels["outcome"]) == (consumer, outcome)
    )


async def deliver(elsewhere: Elsewhere, consumer: str, *happened: events.Event) -> None:
    """Publishes events that the consumer handles, and waits until it has."""
    before = handled(consumer, "handled")
    await elsewhere.emit(*happened)
    await eventually(lambda: handled(consumer, "handled") >= before + len(happened), 30)


async def deliver_twice(elsewhere: Elsewhere, consumer: str, *happened: events.Event) -> None:
    """Like `deliver`, and then all that was published until now once more, under the same event ids."""
    await deliver(elsewhere, consumer, *happened)
    before = handled(consumer, "repeated")
    await elsewhere.repeat()
    await eventually(lambda: handled(consumer, "repeated") >= before + len(happened), 30)
