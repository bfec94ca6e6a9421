"""Plans answer what graphql-core answers, and what is planned for all is the same for all."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from enum import Enum
from types import SimpleNamespace
from typing import Annotated, Any, cast
from unittest.mock import create_autospec

import orjson
import pytest
import strawberry
from graphql import execute, parse
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from shared.context import Context, Followed
from shared.events import Envelope, Event
from shared.graphql.engine import Engine, GraphQLRequest
from shared.graphql.events import StreamEvent, made_once
from shared.graphql.schema import build_schema, field, query, subscription
from shared.limits.budget import OperationBudgets
from shared.limits.subscriptions import Place, SubscriptionPlaces

Info = strawberry.Info[Context[None], None]
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@strawberry.enum
class Colour(Enum):
    RED = "r"
    BLUE = "b"


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Part(Named):
    price: float


@strawberry.type
class Thing(Named):
    id: strawberry.ID
    count: int
    fine: bool
    colour: Colour
    made_at: datetime
    parts: list[Part]
    best: Part | None

    @strawberry.field
    def shout(self) -> str:
        return self.name.upper()

    @strawberry.field
    def failing(self) -> str | None:
        raise RuntimeError("broken")

    @field(description="who asks")
    async def viewer(self, info: Info) -> str:
        return info.context.request_id

    @field(description="repeats")
    async def say(self, info: Info, text: str) -> str:
        return text


Either = Annotated[Thing | Part, strawberry.union("Either")]


def thing(**changes: Any) -> Thing:
    parts = [Part(name="leg", price=1.5), Part(name="seat", price=2.0)]
    values = {"name": "chair", "id": "1", "count": 3, "fine": True, "colour": Colour.BLUE, "made_at": NOW}
    return Thing(**{**values, "parts": parts, "best": None, **changes})


@strawberry.type
class Query:
    @query(description="a thing")
    async def thing(self, info: Info) -> Thing:
        return thing()

    @query(description="things, one without a name and one of another class")
    async def broken(self, info: Info) -> list[Thing | None]:
        other = cast("Thing", Part(name="leg", price=1))
        return [thing(), thing(name=None), other, thing(count=2**40), thing(colour="pink"), thing(parts=None)]

    @query(description="one of each")
    async def either(self, info: Info) -> list[Either]:
        return [thing(), Part(name="leg", price=1.5)]

    @query(description="one of each")
    async def named(self, info: Info) -> list[Named]:
        return [thing(best=Part(name="leg", price=1.5)), Part(name="leg", price=1.5)]


@strawberry.type
class Happening(StreamEvent):
    thing: Thing

    @classmethod
    @made_once
    def of(cls, followed: Followed) -> "Happening":
        return cls(
            seq=followed.envelope.seq,
            previous_seq=followed.previous_seq,
            occurred_at=NOW,
            thing=thing(),
        )


class Happened(Event):
    @property
    def stream(self) -> str:
        return "thing:1"


def followed(seq: int, previous: int | None = None) -> Followed:
    return Followed(Envelope(Happened(), f"event {seq}", seq, "thing:1", NOW), previous)


@strawberry.type
class Subscription:
    @subscription(description="three happenings")
    async def happenings(self, info: Info) -> AsyncIterator[Happening]:
        for seq in (1, 2, 3):
            yield Happening.of(followed(seq, seq - 1))

    @subscription(description="the same object, which changes")
    async def changing(self, info: Info) -> AsyncIterator[Part]:
        part = Part(name="one", price=1)
        yield part
        part.name = "two"
        yield part


schema = build_schema(Query, subscription=Subscription, types=[Part, Thing])


def context(name: str = "somebody") -> Context[None]:
    """A caller without any limit."""
    places = create_autospec(SubscriptionPlaces, instance=True)
    places.take.return_value = create_autospec(Place, instance=True)
    unlimited = SimpleNamespace(budgets=create_autospec(OperationBudgets, instance=True), places=places)
    return Context(services=cast("Any", unlimited), request_id=name, address="")


DOCUMENTS = [
    "{ thing { id name count fine colour madeAt parts { name price } best { name } shout __typename } }",
    "{ thing { a: id b: name id id parts { name } parts { price } } }",
    "{ thing { viewer parts { name } } }",
    '{ thing { say(text: "x") name } }',
    "query($yes: Boolean! = true) { thing { name @skip(if: $yes) id parts @include(if: $yes) { name } } }",
    (
        "{ thing { ...Some ... on Named { name } ... { fine } } } "
        "fragment Some on Thing { id ...More } fragment More on Thing { id best { name } }"
    ),
    "{ thing { name failing id } }",
    "{ either { __typename ... on Thing { name parts { name } } ... on Part { price } } }",
    "{ either { ... on Named { name } ... on Thing { viewer } } }",
    "{ named { name __typename ... on Thing { best { price } } } }",
    "{ broken { id } }",
    "{ broken { id name } }",
    "{ broken { count } }",
    "{ broken { colour parts { name } } }",
]


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_a_plan_answers_what_graphql_core_answers(document: str) -> None:
    engine = Engine(schema, development=True)
    request = GraphQLRequest(document, None, None)

    wanted = await cast(
        "Any",
        execute(
            schema._schema,
            parse(document),
            context_value=context(),
            executor_class=StrawberryGraphQLCoreExecutionContext,
        ),
    )

    for _ in range(2):
        answer = json.loads(orjson.dumps(await engine.execute(request, context())))
        assert answer["data"] == wanted.data
        found = sorted((error["path"], error["locations"]) for error in answer.get("errors", ()))
        assert found == sorted(
            (error.path, [location._asdict() for location in error.locations]) for error in wanted.errors or ()
        )


async def test_what_is_planned_is_not_executed_field_by_field(monkeypatch: pytest.MonkeyPatch) -> None:
    executed: list[str] = []
    execute_field = StrawberryGraphQLCoreExecutionContext.execute_field

    def counting(self: Any, parent: Any, source: Any, details: Any, *rest: Any) -> Any:
        executed.append(details[0].node.name.value)
        return execute_field(self, parent, source, details, *rest)

    monkeypatch.setattr(StrawberryGraphQLCoreExecutionContext, "execute_field", counting)
    engine = Engine(schema, development=True)

    await engine.execute(GraphQLRequest("{ thing { id name parts { name } shout } }", None, None), context())
    assert executed == ["thing"]

    executed.clear()
    await engine.execute(GraphQLRequest("{ thing { viewer parts { name } } }", None, None), context())
    assert executed == ["thing", "viewer", "parts"]


async def answers(engine: Engine, document: str, viewer: str) -> list[Any]:
    stream = await engine.stream(GraphQLRequest(document, None, None), context(viewer))
    assert not isinstance(stream, dict), stream
    return [answer async for answer in stream]


async def test_an_event_is_answered_once_for_all_who_get_the_same_answer() -> None:
    engine = Engine(schema, development=True)
    document = "subscription { it: happenings { seq previousSeq thing { name } } }"

    first, second = await asyncio.gather(answers(engine, document, "anna"), answers(engine, document, "ben"))

    assert all(one is other for one, other in zip(first, second, strict=True))
    assert [json.loads(orjson.dumps(answer)) for answer in first] == [
        {"data": {"it": {"seq": seq, "previousSeq": seq - 1, "thing": {"name": "chair"}}}} for seq in (1, 2, 3)
    ]


async def test_what_depends_on_the_viewer_is_answered_to_each() -> None:
    engine = Engine(schema, development=True)
    document = "subscription { happenings { seq thing { viewer } } }"

    for viewer in ("anna", "ben"):
        found = [answer["data"]["happenings"]["thing"]["viewer"] for answer in await answers(engine, document, viewer)]
        assert found == [viewer] * 3


async def test_only_events_of_streams_are_taken_for_unchanging() -> None:
    found = await answers(Engine(schema, development=True), "subscription { changing { name } }", "anna")

    assert [answer["data"]["changing"]["name"] for answer in found] == ["one", "two"]


def test_followers_who_saw_the_same_before_share_the_object() -> None:
    assert Happening.of(followed(7, 6)) is Happening.of(followed(7, 6))
    assert Happening.of(followed(7, 5)).previous_seq == 5
    assert Happening.of(followed(7, None)).previous_seq is None
