"""The console's saved operations fit the schema."""

import json
from pathlib import Path

import pytest
from graphql import (
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

REPOSITORY = Path(__file__).parents[2]
OPERATIONS = sorted((REPOSITORY / "edge" / "console" / "operations").glob("*.graphql"))


@pytest.fixture(scope="session")
def schema() -> GraphQLSchema:
    return build_schema((REPOSITORY / "schema.graphql").read_text())


def test_each_has_a_place_and_a_name_of_its_own() -> None:
    places = [path.stem.partition("-") for path in OPERATIONS]
    for part in (0, 2):
        assert len({each[part] for each in places}) == len(OPERATIONS)
    assert all(len(place) == 3 and place.isdecimal() for place, _, _ in places), "the first digit is the group"
    files = {path.name for path in (REPOSITORY / "edge" / "console" / "operations").iterdir()}
    assert files <= {f"{path.stem}{end}" for path in OPERATIONS for end in (".graphql", ".variables.json")}


@pytest.mark.parametrize("path", OPERATIONS, ids=lambda path: path.stem)
def test_a_saved_operation_fits_the_schema(schema: GraphQLSchema, path: Path) -> None:
    text = path.read_text()
    document = parse(text)
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)

    assert validate(schema, document) == []
    assert operation.name, "tabs are named after their operation"
    assert text.startswith("# "), "the comment at the top is the description in the list"


@pytest.mark.parametrize("path", OPERATIONS, ids=lambda path: path.stem)
def test_its_variables_to_start_with_fit_it(schema: GraphQLSchema, path: Path) -> None:
    (operation,) = parse(path.read_text()).definitions
    assert isinstance(operation, OperationDefinitionNode)
    file = path.with_suffix(".variables.json")
    variables = json.loads(file.read_text()) if file.exists() else {}

    definitions = operation.variable_definitions or ()

    assert variables.keys() <= {definition.variable.name.value for definition in definitions}
    coerced = get_variable_values(schema, definitions, variables)

    assert not isinstance(coerced, list), coerced
