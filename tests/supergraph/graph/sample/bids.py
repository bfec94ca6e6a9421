"""A small subgraph that adds bids to tasks, with a subscription that ends in each possible way."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import strawberry
from graphql import GraphQLError
from starlette.applications import Starlette
from starlette.routing import Mount
from strawberry.asgi import GraphQL

from sample.refusals import Refusals


@strawberry.federation.type(keys=["id"], description="A piece of work that somebody wants done.")
class Task:
    id: strawberry.ID = strawberry.field(description="Its id.")

    @strawberry.field(description="How many bids there are.")
    def bid_count(self) -> int | None:
        return 2

    @strawberry.field(description="What nobody may see.")
    def sealed(self) -> str | None:
        raise GraphQLError("Not yours.", extensions={"service": "exchange", "code": "FORBIDDEN"})

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> "Task":
        return cls(id=id)


@strawberry.type(description="Something that happened to a bid.")
class BidEvent:
    seq: int = strawberry.field(description="Its number in the stream.")
    authorization: str | None = strawberry.field(description="What connection_init said.")
    forwarded_for: str | None = strawberry.field(description="What connection_init said of the address.")
    padding: str = strawberry.field(description="Makes the event large.")
    task: Task | None = strawberry.field(description="The task.")


@strawberry.type(description="A bid with the task that it is on.")
class Bid:
    task: Task = strawberry.field(description="The task.")


live = 0


@strawberry.type
class Query:
    @strawberry.field(description="How many subscriptions run.")
    def live_subscriptions(self) -> int:
        return live

    @strawberry.field(description="A bid's message.")
    def bid(self, id: strawberry.ID) -> str | None:
        return f"Bid {id}"

    @strawberry.field(description="The bid on a task.")
    def bid_on(self, task_id: strawberry.ID) -> Bid | None:
        return Bid(task=Task(id=task_id))


@strawberry.type
class Subscription:
    @strawberry.subscription(description="Events 1 to count, then the end: an error with this code, or none.")
    async def bid_events(
        self,
        info: strawberry.Info,
        task_id: strawberry.ID,
        count: int = 3,
        end: str | None = None,
        pause: float = 0.0,
        padding: int = 0,
    ) -> AsyncIterator[BidEvent]:
        parameters = info.context.get("connection_params") or {}
        if end == "REFUSED":
            raise GraphQLError("Not yours.", extensions={"code": "FORBIDDEN", "requestId": "request-2"})
        global live  # what a test asks for is the state of this process
        live += 1
        try:
            for seq in range(1, count + 1):
                yield BidEvent(
                    seq=seq,
                    authorization=parameters.get("authorization"),
                    forwarded_for=parameters.get("x-forwarded-for"),
                    padding="x" * padding,
                    task=Task(id=task_id),
                )
                await asyncio.sleep(pause)
            if end == "KILLED":
                os.kill(os.getpid(), signal.SIGKILL)
            if end == "IDLE":
                await asyncio.Event().wait()
            if end:
                raise GraphQLError("Ended.", extensions={"code": end, "requestId": "request-3"})
        finally:
            live -= 1


@strawberry.type
class Mutation:
    @strawberry.mutation(description="Bids on a task.")
    def place_bid(self, task_id: strawberry.ID) -> Bid | None:
        return Bid(task=Task(id=task_id))


schema = strawberry.federation.Schema(
    query=Query, mutation=Mutation, subscription=Subscription, extensions=[Refusals], federation_version="2.9"
)
app = Starlette(routes=[Mount("/graphql", GraphQL(schema, graphql_ide=None))])
