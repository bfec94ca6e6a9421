"""Errors of documents and variables tell the place and the type, and never what was sent."""

from typing import Any

import pytest
from graphql import GraphQLError, GraphQLSyntaxError, build_schema, execute_sync, parse, validate

from shared.graphql.messages import without_values

SCHEMA = build_schema("""
    enum Role { POSTER TASKER }
    input Place { latitude: Float! }
    input Account { email: String! password: String! age: Int roles: [Role!] place: Place }
    type Query { signUp(account: Account!, id: ID, quick: Boolean): Int }
""")
SIGN_UP = "query ($account: Account!) { signUp(account: $account) }"
FINE: dict[str, Any] = {"email": "a", "password": "b"}
SECRET = "zz secret: \", found: 'x' {}"

VARIABLES = {
    "a value for an object": (SECRET, "Expected value of type 'Account' to be an object."),
    "a list for an object": ([SECRET], "Expected value of type 'Account' to be an object."),
    "a missing field": ({"email": SECRET}, "to include required field 'password'."),
    "an unknown field": (FINE | {"email": SECRET, "admin": 1}, "not to include unknown field 'admin'."),
    "an object for a text": (
        FINE | {"email": {"is": SECRET}},
        "at .email: String cannot represent a non string value.",
    ),
    "a text for a number": (FINE | {"age": SECRET}, "at .age: Int cannot represent non-integer value."),
    "a value that the enum lacks": (
        FINE | {"roles": [SECRET]},
        "at .roles[0]: The value does not exist in 'Role' enum.",
    ),
    "deep inside": (
        FINE | {"place": {"latitude": SECRET}},
        "at .place.latitude: Float cannot represent non numeric value.",
    ),
}
DOCUMENTS = {
    '{ signUp(account: "secret") }': "Expected value of type 'Account' to be an object.",
    '{ signUp(account: {email: "secret"}) }': "Expected value of type 'Account' to include required field 'password'.",
    '{ signUp(account: {email: "a", password: ["secret"]}) }': "String cannot represent a non string value.",
    '{ signUp(account: {email: "a", password: secret}) }': "String cannot represent a non string value.",
    '{ signUp(account: {email: "a", password: "b", roles: [secret]}) }': "The value does not exist in 'Role' enum.",
    '{ signUp(account: {email: "a", password: "b", roles: ["secret"]}) }': (
        "Enum 'Role' cannot represent non-enum value."
    ),
    '{ signUp(account: {email: "a", password: "b"}, quick: "secret") }': (
        "Boolean cannot represent a non boolean value."
    ),
    '{ "secret" }': "Syntax Error: Expected Name, found String.",
    "secret { signUp }": "Syntax Error: Unexpected Name.",
    "{ signUp( }": "Syntax Error: Expected Name, found '}'.",
}


@pytest.mark.parametrize("name", VARIABLES)
def test_of_a_variable_the_value_is_not_quoted(name: str) -> None:
    value, told = VARIABLES[name]
    errors = execute_sync(SCHEMA, parse(SIGN_UP), variable_values={"account": value}).errors

    assert errors
    for error in errors:
        message = without_values(error.message)
        assert "secret" not in message
        assert message.startswith("Variable '$account' has invalid value")
        assert message.endswith(told)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_of_a_document_no_literal_is_quoted(document: str) -> None:
    [error, *_] = _errors(document)

    assert without_values(error.message) == DOCUMENTS[document]


def _errors(document: str) -> list[GraphQLError]:
    try:
        return validate(SCHEMA, parse(document))
    except GraphQLSyntaxError as error:
        return [error]


@pytest.mark.parametrize("said", ["Cannot query field 'secret' on type 'Query'.", "Not found.", ""])
def test_other_messages_stay(said: str) -> None:
    assert without_values(said) == said
