"""All that is wrong with an input is told at once, in every mutation of the graph."""

import importlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest
import strawberry
from graphql import build_schema as parse_schema

from shared.errors import InvalidInput, NotFound, collected
from shared.graphql.schema import build_schema, mutation
from shared.graphql.types import UserError
from shared.money import CurrencyCode
from shared.printing.access import subgraphs
from tests.authorization.routes import schema_of
from tests.support.contexts import of_nobody
from tests.support.wrong_inputs import Form, forms_of


def _forms(subgraph: str) -> dict[str, Form[object]]:
    forms: dict[str, Form[object]] = importlib.import_module(f"tests.{subgraph}.forms").FORMS
    return forms


@pytest.mark.parametrize("subgraph", subgraphs())
def test_every_field_that_may_be_wrong_is_in_a_table(subgraph: str) -> None:
    asked = {name: [*form.wrong, *form.never_wrong] for name, form in _forms(subgraph).items()}
    expected = forms_of(schema_of(subgraph))
    # What is in a table beyond that is of a closed set, and yet refused: a currency.
    missing = {name: [path for path in paths if path not in asked.get(name, [])] for name, paths in expected.items()}
    assert {name: paths for name, paths in missing.items() if paths} == {}


def test_a_field_without_a_row_is_found() -> None:
    schema = parse_schema("""
        type Query { a: Int } type Mutation { order(input: OrderInput!): Int cancel(input: CancelInput!): Int }
        input OrderInput { shopId: ID! note: String! address: AddressInput! kind: Kind tags: [String!] }
        input AddressInput { street: String! isHome: Boolean! } enum Kind { GIFT }
        input CancelInput { reason: String! idempotencyKey: String }
    """)
    assert forms_of(schema) == {"order": ["note", "address.street", "tags"]}


def fill_in(*rules: Callable[[], object]) -> list[object]:
    with collected() as check:
        return [check(rule) for rule in rules]


def refuse(field: str) -> Callable[[], None]:
    def rule() -> None:
        raise InvalidInput(f"{field} is wrong.", field=(field,))

    return rule


def reasons(*rules: Callable[[], object]) -> list[str]:
    with pytest.raises(InvalidInput) as refusal:
        fill_in(*rules)
    return [each.message for each in refusal.value.reasons]


def test_every_refusal_is_raised_at_the_end() -> None:
    assert reasons(refuse("title"), str, refuse("text")) == ["title is wrong.", "text is wrong."]


def test_a_rule_may_collect_by_itself() -> None:
    together = partial(fill_in, refuse("title"), refuse("text"))
    assert reasons(together, refuse("amount")) == ["title is wrong.", "text is wrong.", "amount is wrong."]


def test_what_is_right_passes() -> None:
    assert fill_in(str, int) == ["", 0]


def test_what_the_block_itself_raises_stays_alone() -> None:
    def find() -> None:
        with collected() as check:
            check(refuse("title"))
            raise NotFound("There is no such thing.")

    with pytest.raises(NotFound) as refusal:
        find()
    assert list(refusal.value.reasons) == [refusal.value]


@strawberry.input
class FormInput:
    title: str
    max_amount: str
    text: str


@strawberry.type
class FormPayload:
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class Query:
    nothing: int | None = None


@strawberry.type
class Mutation:
    @mutation(description="refuses everything", scope=None)
    async def fill_in(self, info: strawberry.Info[None, None], input: FormInput) -> FormPayload:
        with collected() as check:
            check(refuse("text"))
            check(refuse("maxAmount"))
            check(refuse("title"))
        return FormPayload()


async def test_the_errors_of_a_form_come_in_the_order_of_its_fields() -> None:
    given = '{title: "", maxAmount: "", text: ""}'
    answer = await build_schema(Query, Mutation).execute(
        f"mutation {{ fillIn(input: {given}) {{ userErrors {{ code message field min }} }} }}",
        context_value=of_nobody(),
    )
    assert answer.data == {
        "fillIn": {
            "userErrors": [
                {"code": "INVALID_INPUT", "message": f"{name} is wrong.", "field": [name], "min": None}
                for name in ("title", "maxAmount", "text")
            ]
        }
    }


def test_bounds_are_written_as_in_the_input() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    written = UserError.of(InvalidInput("x", min=20, max=noon, allowed=[CurrencyCode.EUR]))
    assert (written.min, written.max, written.allowed) == ("20", "2026-03-01T12:00:00.000Z", ["EUR"])
