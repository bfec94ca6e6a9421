"""A small subgraph that owns tasks, and shows what reaches a subgraph behind a router."""

import asyncio
from collections import Counter

import strawberry
from graphql import GraphQLError
from starlette.applications import Starlette
from starlette.routing import Mount
from strawberry.asgi import GraphQL
from strawberry.federation.schema_directives import Authenticated, Cost, ListSize

from sample.refusals import Refusals

calls = 0
versions: Counter[str] = Counter()


@strawberry.federation.type(keys=["id"], description="A piece of work that somebody wants done.")
class Task:
    id: strawberry.ID = strawberry.field(description="Its id.")
    title: str = strawberry.field(description="What is to be done.")
    legacy: str | None = strawberry.field(
        default=None, description="What it was called before.", deprecation_reason="Use title."
    )

    @strawberry.field(description="How often it was changed.")
    def version(self) -> int:
        return versions[self.id]

    @strawberry.field(description="The task that this one is a part of.")
    def parent(self) -> "Task":
        return task(f"{self.id}x")

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> "Task | None":
        return None if id == "gone" else task(id)


@strawberry.type(description="What a subgraph sees of a request.")
class Seen:
    authorization: str | None = strawberry.field(description="The header authorization.")
    request_id: str | None = strawberry.field(description="The header x-request-id.")
    traceparent: str | None = strawberry.field(description="The header traceparent.")
    forwarded_for: str | None = strawberry.field(description="The header x-forwarded-for.")
    user_agent: str | None = strawberry.field(description="The header x-user-agent.")


def task(id: str) -> Task:
    return Task(id=strawberry.ID(id), title=f"Task {id}")


@strawberry.input(description="What somebody reports.")
class Report:
    code: str = strawberry.field(description="Its kind.")
    text: str = strawberry.field(description="What happened.")


@strawberry.type
class Query:
    @strawberry.field(description="One task.")
    def task(self, id: strawberry.ID) -> Task | None:
        return task(id)

    @strawberry.federation.field(
        description="Tasks.",
        directives=[
            ListSize(
                slicing_arguments=["first"],
                require_one_slicing_argument=False,
                assumed_size=strawberry.UNSET,
                sized_fields=strawberry.UNSET,
            )
        ],
    )
    def tasks(self, first: int = 20) -> list[Task]:
        return [task(f"t{number}") for number in range(min(first, 3))]

    @strawberry.federation.field(description="Costs much.", directives=[Cost(weight=6000)])
    def expensive(self) -> str | None:
        return "done"

    @strawberry.federation.field(description="For those who signed in.", directives=[Authenticated()])
    def secret(self, info: strawberry.Info) -> str | None:
        if not info.context["request"].headers.get("authorization"):
            raise GraphQLError("Sign in first.", extensions={"code": "UNAUTHENTICATED"})
        return "secret"

    @strawberry.field(description="What this subgraph sees of the request.")
    def seen(self, info: strawberry.Info) -> Seen:
        headers = info.context["request"].headers
        return Seen(
            authorization=headers.get("authorization"),
            request_id=headers.get("x-request-id"),
            traceparent=headers.get("traceparent"),
            forwarded_for=headers.get("x-forwarded-for"),
            user_agent=headers.get("x-user-agent"),
        )

    @strawberry.field(description="Fails with this code.")
    def fail(self, code: str) -> str | None:
        extensions = {"service": "exchange", "code": code, "requestId": "request-1", "retryAfterSeconds": 2.5}
        raise GraphQLError("Refused.", extensions=extensions)

    @strawberry.field(description="Takes a report.")
    def report(self, report: Report) -> str | None:
        return report.code

    @strawberry.field(description="Answers after some time, with the number of calls so far.")
    async def slow(self, seconds: float) -> int | None:
        global calls  # what a test asks for is the state of this process
        calls += 1
        mine = calls
        await asyncio.sleep(seconds)
        return mine


@strawberry.type
class Mutation:
    @strawberry.mutation(description="Counts its calls.")
    def count(self) -> int:
        global calls  # what a test asks for is the state of this process
        calls += 1
        return calls

    @strawberry.mutation(description="Changes a task.")
    def change(self, id: strawberry.ID) -> Task | None:
        versions[id] += 1
        return task(id)


schema = strawberry.federation.Schema(query=Query, mutation=Mutation, extensions=[Refusals], federation_version="2.9")
app = Starlette(routes=[Mount("/graphql", GraphQL(schema, graphql_ide=None))])
