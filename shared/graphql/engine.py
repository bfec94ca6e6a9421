"""Executing operations: what is the same for HTTP and WebSocket.

Strawberry builds the schema, graphql-core executes it. Parsing, limits and validation depend on the
document alone and cost more than executing it, so they run once per document and are kept.
"""

from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, TypeVar, cast

import orjson
import structlog
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute,
    get_operation_ast,
    validate,
)
from graphql.execution import Executor, create_source_event_stream, execute_subscription_event
from strawberry.federation import Schema

from shared.context import Context
from shared.errors import BadRequest, Forbidden, RequestError, TooComplex, Unauthenticated
from shared.graphql.events import StreamEvent
from shared.graphql.limits import DocumentCost, check_document, check_variables, parse_limited
from shared.graphql.messages import without_values
from shared.graphql.plans import Plan, PlannedExecutor, Plans, plan_event
from shared.graphql.schema import leads_to_session
from shared.identity.actor import ADMIN
from shared.telemetry import operation_metrics

log = structlog.get_logger(__name__)

L = TypeVar("L")
Response = dict[str, Any]
EncodedResponse = orjson.Fragment
_KEPT_DOCUMENTS = 1_000
_KEPT_ANSWERS = 16
_KEPT_DOCUMENT_LENGTH = 20_000
# A document is read in time linear in its length, as much as executing this part of it in cost.
_CHARACTERS_PER_COST = 20
_INTROSPECTION = frozenset({"__schema", "__type", "_service"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document that passed the limits and the validation."""

    document: DocumentNode
    definition: OperationDefinitionNode
    cost: DocumentCost
    fields: tuple[str, ...]
    leads_to_session: bool = False
    """Whether all that it does is declared to go on beside a token that does not hold."""
    plans: Plans = field(default_factory=dict)
    event_plan: Plan | None = None
    """Of a subscription: what makes the answer's data of an event, where that takes nothing else."""
    answers: OrderedDict[int, tuple[object, EncodedResponse]] = field(default_factory=OrderedDict)
    """The last events, by identity, with their answers."""

    @property
    def type(self) -> OperationType:
        return self.definition.operation

    @property
    def introspects(self) -> bool:
        return not _INTROSPECTION.isdisjoint(self.fields)


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A request body or `subscribe` payload whose shape was checked."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None

    @classmethod
    def of(cls, body: object) -> "GraphQLRequest":
        """Raises BadRequest unless `body` is an object as GraphQL over HTTP describes it."""
        if not isinstance(body, dict):
            raise BadRequest("The request must be one JSON object.")
        query, variables, name = body.get("query"), body.get("variables"), body.get("operationName")
        if not isinstance(query, str) or not query:
            raise BadRequest("`query` must be a string with a GraphQL document.")
        if not isinstance(variables, dict | None):
            raise BadRequest("`variables` must be an object.")
        if not isinstance(name, str | None):
            raise BadRequest("`operationName` must be a string.")
        return cls(query, variables, name or None)


class Engine:
    """Executes operations against one subgraph's schema."""

    def __init__(self, schema: Schema, *, development: bool) -> None:
        self._schema = schema._schema
        self._development = development
        self._operations: OrderedDict[tuple[str, str | None], Operation] = OrderedDict()

    def prepare(self, request: GraphQLRequest, context: Context[L]) -> Operation:
        """The operation to run, paid for.

        Raises BadRequest, TooComplex, Unauthenticated, Forbidden, RateLimited, InvalidDocument.

        A token that does not hold makes nobody a stranger in silence: nothing runs beside it but what leads to a
        session, since an answer as to a stranger (no bids, no events) would be taken for the truth.

        It costs what `check_variables` says, at least 1; a document that is new here costs to read, too, even if
        it is refused.
        """
        account = context.services.budgets.account(context.known_actor, context.address)
        key = (request.query, request.operation_name)
        operation = self._operations.get(key)
        if operation is None:
            account.spend(1 + len(request.query) // _CHARACTERS_PER_COST)
            operation = self._parse(request)
            if len(request.query) <= _KEPT_DOCUMENT_LENGTH:
                self._operations[key] = operation
                if len(self._operations) > _KEPT_DOCUMENTS:
                    self._operations.popitem(last=False)
        else:
            self._operations.move_to_end(key)
        try:
            if not operation.leads_to_session:
                context.check_token()
            cost = check_variables(operation.cost, request.variables or {})
        except (Unauthenticated, TooComplex):
            account.spend(1)
            raise
        if operation.introspects and not self._development:
            actor = context.actor
            if actor is None or ADMIN not in actor.scopes:
                raise Forbidden("Introspection needs the admin scope.")
        account.spend(cost or 1)
        return operation

    def _parse(self, request: GraphQLRequest) -> Operation:
        document = parse_limited(request.query)
        definition = get_operation_ast(document, request.operation_name)
        if definition is None:
            raise BadRequest("The document holds no operation, or several and `operationName` names none of them.")
        cost = check_document(self._schema, document, request.operation_name)
        errors = validate(self._schema, document, max_errors=20, hide_suggestions=not self._development)
        if errors:
            raise InvalidDocument(errors)
        event_plan = plan_event(self._schema, document, definition)
        fields = _root_fields(document, definition)
        return Operation(
            document, definition, cost, fields, leads_to_session=self._leads(definition, fields), event_plan=event_plan
        )

    def _leads(self, definition: OperationDefinitionNode, fields: Collection[str]) -> bool:
        root = self._schema.get_root_type(definition.operation)
        asked = [name for name in fields if name != "__typename"]
        return bool(asked) and root is not None and all(leads_to_session(root.fields.get(name)) for name in asked)

    async def execute(self, request: GraphQLRequest, context: Context[L], *, reads_only: bool = False) -> Response:
        """Runs a query or mutation; every failure becomes an answer."""
        try:
            operation = self.prepare(request, context)
            if operation.type is OperationType.SUBSCRIPTION:
                raise BadRequest("Subscriptions are served over WebSocket.")
            if reads_only and operation.type is not OperationType.QUERY:
                raise BadRequest("A GET request runs queries only.")
        except Exception as error:
            return refuse(error, context)
        return await self._execute(operation, request, context)

    async def _execute(self, operation: Operation, request: GraphQLRequest, context: Context[L]) -> Response:
        with operation_metrics(operation.type.value, operation.fields) as outcome:
            result = execute(
                self._schema,
                operation.document,
                variable_values=request.variables,
                operation_name=request.operation_name,
                context_value=context,
                executor_class=PlannedExecutor,
                plans=operation.plans,
                hide_suggestions=not self._development,
            )
            if isawaitable(result):
                result = await result
            response = present(result, context)
            outcome.code = _code(response)
        return response

    async def stream(
        self, request: GraphQLRequest, context: Context[L]
    ) -> AsyncIterator[Response | EncodedResponse] | Response:
        """Starts a subscription; an answer instead of an iterator means that it was refused.

        An error raised by the source ends the iterator after an answer that carries its code.
        """
        try:
            operation = self.prepare(request, context)
            if operation.type is not OperationType.SUBSCRIPTION:
                return await self._execute(operation, request, context)
            with ExitStack() as held:
                place = await context.services.places.take(context.known_actor, context.address)
                held.callback(place.release)
                executor = PlannedExecutor.build(
                    self._schema,
                    operation.document,
                    raw_variable_values=request.variables,
                    operation_name=request.operation_name,
                    context_value=context,
                    plans=operation.plans,
                    hide_suggestions=not self._development,
                )
                if isinstance(executor, list):
                    return present(ExecutionResult(None, errors=executor), context)
                source = create_source_event_stream(executor)
                if isawaitable(source):
                    source = await source
                if isinstance(source, ExecutionResult):
                    return present(source, context)
                events = cast("AsyncGenerator[object, None]", source)
                return self._responses(operation, executor, events, context, held.pop_all())
        except Exception as error:
            return refuse(error, context)

    async def _responses(
        self,
        operation: Operation,
        executor: Executor[Any],
        source: AsyncGenerator[object, None],
        context: Context[L],
        held: ExitStack,
    ) -> AsyncIterator[Response | EncodedResponse]:
        try:
            async for event in source:
                encoded = self._encoded(operation, event)
                if encoded is not None:
                    yield encoded
                    continue
                result = execute_subscription_event(executor.build_per_event_executor(event))
                yield present(await result if isawaitable(result) else result, context)
        except Exception as error:
            yield refuse(error, context)
        finally:
            held.close()
            await source.aclose()

    def _encoded(self, operation: Operation, event: object) -> EncodedResponse | None:
        """The answer to an event of a stream, if it depends on nothing but the event, which never changes.

        It is made once for all subscriptions of a document that are given the same object.
        """
        if operation.event_plan is None or not isinstance(event, StreamEvent):
            return None
        known = operation.answers.get(id(event))
        if known is None:
            try:
                data = operation.event_plan(event)
            except Exception:
                # What does not fit the plan is executed by graphql-core, which tells what is wrong with it.
                return None
            # The object is kept with its answer, so that no other one gets its identity meanwhile.
            known = operation.answers[id(event)] = (event, EncodedResponse(orjson.dumps({"data": data})))
            if len(operation.answers) > _KEPT_ANSWERS:
                operation.answers.popitem(last=False)
        return known[1]


class InvalidDocument(RequestError):
    """The document does not fit the schema."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__("The document is not valid.")
        self.errors = errors


def refuse(error: Exception, context: Context[L]) -> Response:
    """The answer to a request that could not be run."""
    if isinstance(error, InvalidDocument):
        return {"data": None, "errors": [_formatted(each, {"code": error.code}) for each in error.errors]}
    wrapped = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
    return {"data": None, "errors": [_present_error(wrapped, context)]}


def present(result: ExecutionResult, context: Context[L]) -> Response:
    """A result as the client gets it: every error with a code, no internals."""
    if not result.errors:
        return {"data": result.data}
    return {"data": result.data, "errors": [_present_error(error, context) for error in result.errors]}


def _present_error(error: GraphQLError, context: Context[L]) -> Response:
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, RequestError):
        return _formatted(error, cause.extensions, cause.message)
    if cause is None or isinstance(cause, GraphQLError):
        return _formatted(error, {"code": "BAD_REQUEST", **(error.extensions or {})})
    log.error("resolver_failed", path=error.path, exc_info=cause)
    return _formatted(error, {"code": "INTERNAL", "requestId": context.request_id}, "Something went wrong on our side.")


def _formatted(error: GraphQLError, extensions: Mapping[str, object], message: str | None = None) -> Response:
    # Hive Router shows clients the texts of errors that carry this name, and hides its own, which may
    # name addresses; no router passes the name itself on.
    extensions = {"service": "exchange", **extensions}
    return {**error.formatted, "message": message or without_values(error.message), "extensions": extensions}


def _root_fields(document: DocumentNode, definition: OperationDefinitionNode) -> tuple[str, ...]:
    """The names of the fields that the operation selects on its root type, also through fragments."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    names: dict[str, None] = {}
    left: list[SelectionSetNode] = [definition.selection_set]
    while left:
        for selection in left.pop().selections:
            if isinstance(selection, FieldNode):
                names[selection.name.value] = None
            elif isinstance(selection, InlineFragmentNode):
                left.append(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value in fragments:
                left.append(fragments.pop(selection.name.value).selection_set)
    return tuple(names)


def _code(response: Response) -> str:
    errors = response.get("errors")
    return cast("str", errors[0]["extensions"]["code"]) if errors else "OK"
