"""The GraphQL schema of tasks: authorize, call, return. Each module has a noun's types, queries and mutations."""

import strawberry

from shared.graphql.schema import build_schema
from subgraphs.tasks.schema.agreeing import AgreeingMutation
from subgraphs.tasks.schema.asking import AskingMutation
from subgraphs.tasks.schema.cancellation import CancellationMutation
from subgraphs.tasks.schema.category import CategoryQuery
from subgraphs.tasks.schema.event import EventSubscription
from subgraphs.tasks.schema.posting import PostingMutation
from subgraphs.tasks.schema.search import SearchQuery
from subgraphs.tasks.schema.task import TaskQuery
from subgraphs.tasks.schema.upload import AttachmentMutation
from subgraphs.tasks.schema.work import WorkMutation


@strawberry.type
class Query(TaskQuery, SearchQuery, CategoryQuery): ...


@strawberry.type
class Mutation(
    PostingMutation, AttachmentMutation, AskingMutation, WorkMutation, AgreeingMutation, CancellationMutation
): ...


@strawberry.type
class Subscription(EventSubscription): ...


schema = build_schema(Query, Mutation, Subscription)
