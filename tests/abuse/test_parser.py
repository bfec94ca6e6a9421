"""Attacks on whoever reads a request: JSON, documents, values."""

import json

import pytest

from tests.abuse.arena import Arena, Case
from tests.abuse.attacks import body, operation
from tests.abuse.table import defended, everywhere

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

ASK = '{"query":"{ categories { id } }"'
WITH_TEXT = "query ($t: String!) { tasks(filter: { text: $t }) { nodes { id } } }"
MEGABYTE = 1_000_000


def nested(levels: int, opening: str, closing: str) -> str:
    """A request whose variables are nested so deep."""
    return f'{ASK},"variables":{{"a":{opening * levels}1{closing * levels}}}}}'


def chain(count: int, link: str, last: str = "id") -> str:
    """A document that spreads the first of `count` fragments; `link` spreads the next one, `%d`."""
    fragments = "".join(f"fragment F{i} on Category {{ {link.replace('%d', str(i + 1))} }} " for i in range(count))
    return f"{{ categories {{ ...F0 }} }} {fragments} fragment F{count} on Category {{ {last} }}"


CASES = {
    # --- bodies ---
    "an empty body": Case(body(b""), "400 BAD_REQUEST", "400 BAD_REQUEST"),
    "null": Case(body("null"), "400 BAD_REQUEST", "400 BAD_REQUEST"),
    "a number": Case(body("1"), "400 BAD_REQUEST", "400 BAD_REQUEST"),
    "a string": Case(body('"{ categories { id } }"'), "400 BAD_REQUEST", "400 BAD_REQUEST"),
    "a batch of operations": Case(body(f"[{ASK}}},{ASK}}}]"), "400 BAD_REQUEST", "400 BAD_REQUEST"),
    "a batch of thousands": Case(
        body("[" + ",".join([ASK + "}"] * 20_000) + "]"), "400 TOO_COMPLEX(JSON values)", "400 BAD_REQUEST"
    ),
    "an object without a query": Case(
        body("{}"), "400 BAD_REQUEST", hive="400 MISSING_QUERY_PARAM", embedded="400 BAD_REQUEST"
    ),
    "a query that is a number": Case(body('{"query":1}'), "400 BAD_REQUEST", "400 BAD_REQUEST"),
    "a query that is a list": Case(body('{"query":["{ a }"]}'), "400 BAD_REQUEST", "400 BAD_REQUEST"),
    "variables that are a list": Case(body(ASK + ',"variables":[]}'), "400 BAD_REQUEST", "400 BAD_REQUEST"),
    "variables that are a string": Case(body(ASK + ',"variables":"{}"}'), "400 BAD_REQUEST", "400 BAD_REQUEST"),
    "an operation name that is an object": Case(
        body(ASK + ',"operationName":{}}'), "400 BAD_REQUEST", "400 BAD_REQUEST"
    ),
    "JSON cut off": Case(body(ASK), "400 BAD_REQUEST", "400 BAD_REQUEST"),
    "two JSON documents": Case(body(ASK + "}" + ASK + "}"), "400 BAD_REQUEST", "400 BAD_REQUEST"),
    "a name that occurs twice": Case(
        body('{"query":"{ a }","query":"{ categories { id } }"}'), "200 ok", hive="400 BAD_REQUEST", embedded="200 ok"
    ),
    "a byte order mark": Case(
        body(b"\xef\xbb\xbf" + ASK.encode() + b"}"), "400 BAD_REQUEST", hive="400 BAD_REQUEST", embedded="200 ok"
    ),
    "UTF-16": Case(body((ASK + "}").encode("utf-16")), "400 BAD_REQUEST", "400 BAD_REQUEST"),
    "invalid UTF-8": Case(body(b'{"query":"{ \xff }"}'), "400 BAD_REQUEST", "400 BAD_REQUEST"),
    "overlong UTF-8": Case(body(b'{"query":"\xc0\x80"}'), "400 BAD_REQUEST", "400 BAD_REQUEST"),
    "half of a surrogate pair": Case(
        body(json.dumps({"query": WITH_TEXT})[:-1] + ',"variables":{"t":"\\ud800"}}'),
        "400 BAD_REQUEST",
        hive="400 BAD_REQUEST",
        embedded="200 BAD_REQUEST",
    ),
    "a NUL in a variable": Case(
        body(json.dumps({"query": WITH_TEXT})[:-1] + ',"variables":{"t":"a\\u0000b"}}'),
        "400 BAD_REQUEST",
        hive="200 BAD_REQUEST SUBREQUEST_HTTP_ERROR",
        embedded="200 BAD_REQUEST",
    ),
    "a NUL in a name of a variable": Case(body(ASK + ',"variables":{"\\u0000":1}}'), "400 BAD_REQUEST", "200 ok"),
    "a raw control character in JSON": Case(
        body(b'{"query":"{ categories\x01 { id } }"}'), "400 BAD_REQUEST", "400 BAD_REQUEST"
    ),
    "NaN": Case(body(ASK + ',"variables":{"a":NaN}}'), "400 BAD_REQUEST", "400 BAD_REQUEST"),
    "a number beyond all doubles": Case(
        body(ASK + ',"variables":{"a":1e999}}'), "400 BAD_REQUEST", hive="400 BAD_REQUEST", embedded="200 ok"
    ),
    "an integer of 10,000 digits": Case(
        body(ASK + ',"variables":{"a":' + "1" * 10_000 + "}}"),
        "400 BAD_REQUEST",
        hive="400 BAD_REQUEST",
        embedded="200 ok",
    ),
    "a number of a megabyte": Case(
        body(ASK + ',"variables":{"a":' + "1" * 990_000 + "}}"),
        "400 BAD_REQUEST",
        hive="400 BAD_REQUEST",
        embedded="200 ok",
    ),
    "lists nested 500 deep": Case(
        body(nested(500, "[", "]")), "400 BAD_REQUEST", hive="200 ok", embedded="400 BAD_REQUEST"
    ),
    "lists nested 20,000 deep": Case(
        body(nested(20_000, "[", "]")), "400 BAD_REQUEST", hive="200 ok", embedded="400 BAD_REQUEST"
    ),
    "objects nested 100,000 deep": Case(
        body(nested(100_000, '{"a":', "}")), "400 TOO_COMPLEX(JSON values)", hive="200 ok", embedded="400 BAD_REQUEST"
    ),
    # Hive Router descends to the end before it sees that nothing closes.
    "a megabyte of brackets": Case(
        body("[" * 990_000), "400 TOO_COMPLEX(JSON values)", "400 BAD_REQUEST", cpu={"hive-router": 0.3}
    ),
    "a list of 100,000 values": Case(
        body(ASK + ',"variables":{"a":[' + "1," * 100_000 + "1]}}"), "400 TOO_COMPLEX(JSON values)", "200 ok"
    ),
    "an object of 24,000 names": Case(
        body(ASK + ',"variables":{' + ",".join(f'"a{i}":1' for i in range(24_000)) + "}}"), "200 ok", "200 ok"
    ),
    "a megabyte of blanks": Case(body(" " * 990_000), "400 BAD_REQUEST", "400 BAD_REQUEST"),
    "a megabyte of escapes": Case(
        body('{"query":"' + "\\u00e9" * 160_000 + '"}'),
        "200 TOO_COMPLEX(document length)",
        hive="400 TOKEN_LIMIT_EXCEEDED",
        embedded="200 TOKEN_LIMIT_EXCEEDED",
    ),
    # --- documents ---
    "an empty document": Case(operation("", fresh=False), "400 BAD_REQUEST", "200 GRAPHQL_PARSE_FAILED"),
    "blanks and commas alone": Case(operation(" ,\n,"), "200 BAD_REQUEST", "200 GRAPHQL_PARSE_FAILED"),
    "a comment of a megabyte": Case(
        operation("#" * 990_000),
        "200 TOO_COMPLEX(document length)",
        hive="400 TOKEN_LIMIT_EXCEEDED",
        embedded="200 TOKEN_LIMIT_EXCEEDED",
    ),
    "thousands of comments": Case(operation("{ " + "#\n" * 14_000 + "categories { id } }"), "200 ok", "200 ok"),
    "30,000 byte order marks": Case(operation("\ufeff" * 29_900), "200 BAD_REQUEST", "200 GRAPHQL_PARSE_FAILED"),
    "a document of 30,000 blanks": Case(operation("{ categories { id } }".ljust(29_900)), "200 ok", "200 ok"),
    "a selection nested 20,000 deep": Case(
        operation("{a" * 20_000),
        "200 TOO_COMPLEX(document length)",
        hive="400 TOKEN_LIMIT_EXCEEDED",
        embedded="200 TOKEN_LIMIT_EXCEEDED",
    ),
    "a selection nested 400 deep": Case(operation("{a" * 400), "200 TOO_COMPLEX(nesting)", "200 GRAPHQL_PARSE_FAILED"),
    "a list literal nested 900 deep": Case(
        operation("{ tasks(filter: " + "[" * 900 + ") { nodes { id } } }"),
        "200 TOO_COMPLEX(nesting)",
        "200 GRAPHQL_PARSE_FAILED",
    ),
    "an object literal nested 60 deep": Case(
        operation("{ tasks(filter: " + "{ a: " * 60 + "1" + " }" * 60 + ") { nodes { id } } }"),
        "200 BAD_REQUEST",
        hive="200 GRAPHQL_PARSE_FAILED",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "a list type nested 900 deep": Case(
        operation("query ($a: " + "[" * 900 + "Int" + "]" * 90 + ") { categories { id } }"),
        "200 TOO_COMPLEX(nesting)",
        "200 GRAPHQL_PARSE_FAILED",
    ),
    "inline fragments nested 200 deep": Case(
        operation("{ " + "... { " * 200 + "categories { id }" + " }" * 200 + " }"),
        "200 TOO_COMPLEX(nesting)",
        hive="200 GRAPHQL_PARSE_FAILED",
        embedded="200 QUERY_PLAN_BUILD_FAILED",
    ),
    "a string that never ends": Case(
        operation('{ task(id: "' + "a" * 29_000), "200 BAD_REQUEST", "200 GRAPHQL_PARSE_FAILED"
    ),
    "a block string that never ends": Case(
        operation('{ task(id: """' + "a" * 29_000), "200 BAD_REQUEST", "200 GRAPHQL_PARSE_FAILED"
    ),
    "a block string of quotes and backslashes": Case(
        operation('{ task(id: """' + '\\"' * 14_000 + '""") { id } }'), "200 BAD_REQUEST", "200 GRAPHQL_PARSE_FAILED"
    ),
    "a block string of 14,000 lines": Case(
        operation('{ task(id: """' + "a\n" * 14_000 + '""") { id } }'),
        "200 INVALID_ID",
        "200 TOO_COMPLEX(document length)",
    ),
    "30,000 quotes": Case(operation('"' * 29_900), "200 TOO_COMPLEX(tokens)", "200 GRAPHQL_PARSE_FAILED"),
    "30,000 exclamation marks": Case(operation("!" * 29_900), "200 TOO_COMPLEX(tokens)", "200 GRAPHQL_PARSE_FAILED"),
    "a name of 29,000 letters": Case(
        operation("{ " + "a" * 29_000 + " }"),
        "200 BAD_REQUEST",
        hive="200 FieldsOnCorrectType",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "an integer literal of 29,000 digits": Case(
        operation("{ tasks(first: " + "9" * 29_000 + ") { nodes { id } } }"),
        "200 TOO_COMPLEX(cost)",
        hive="200 GRAPHQL_PARSE_FAILED",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "an integer literal beyond 32 bits": Case(
        operation("{ tasks(first: 4294967297) { nodes { id } } }"),
        "200 TOO_COMPLEX(cost)",
        hive="200 ValuesOfCorrectType",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "a NUL in the document": Case(operation('{ task(id: "\0") { id } }'), "400 BAD_REQUEST", "200 BAD_REQUEST"),
    "an escaped NUL in a literal": Case(
        operation('{ task(id: "\\u0000") { id } }'), "200 BAD_REQUEST", "200 BAD_REQUEST"
    ),
    "half of a surrogate pair in a literal": Case(
        operation('{ task(id: "\\ud800") { id } }'), "200 BAD_REQUEST", "200 GRAPHQL_PARSE_FAILED"
    ),
    "bidirectional controls between tokens": Case(
        operation("{ \u202ecategories { id } }"), "200 BAD_REQUEST", "200 GRAPHQL_PARSE_FAILED"
    ),
    "letters that look like others": Case(
        operation("{ c\u0430tegories { id } }"), "200 BAD_REQUEST", "200 GRAPHQL_PARSE_FAILED"
    ),
    "type definitions in a document": Case(
        operation("type Query { a: Int } { categories { id } }"),
        "200 BAD_REQUEST",
        hive="200 GRAPHQL_PARSE_FAILED",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "a fragment alone": Case(
        operation("fragment F on Task { id }"),
        "200 BAD_REQUEST",
        hive="200 NoUnusedFragments",
        embedded="400 OPERATION_RESOLUTION_FAILURE",
    ),
    "two operations without a name": Case(
        operation("{ categories { id } } { categories { id } }"),
        "200 BAD_REQUEST",
        hive="200 LoneAnonymousOperation",
        embedded="400 OPERATION_RESOLUTION_FAILURE",
    ),
    "an operation that is not there": Case(
        operation("query A { categories { id } }", operationName="B"),
        "200 BAD_REQUEST",
        "400 OPERATION_RESOLUTION_FAILURE",
    ),
    "two operations of one name": Case(
        operation("query A { categories { id } } query A { categories { id } }", operationName="A"),
        "200 BAD_REQUEST",
        hive="200 UniqueOperationNames",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "a fragment that spreads itself": Case(
        operation("{ categories { ...A } } fragment A on Category { ...A }"),
        "200 BAD_REQUEST",
        hive="200 NoFragmentsCycle",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "75 fragments in a circle": Case(
        operation(
            "{ categories { ...F0 } } "
            + "".join(f"fragment F{i} on Category {{ ...F{(i + 1) % 75} ...F{(i + 1) % 75} }} " for i in range(75))
        ),
        "200 BAD_REQUEST",
        "200 MAX_FIELDS_EXCEEDED",
    ),
    "a circle of fragments that nobody spreads": Case(
        operation(
            "{ categories { id } } "
            + "".join(f"fragment F{i} on Category {{ ...F{(i + 1) % 75} ...F{(i + 1) % 75} }} " for i in range(75))
        ),
        "200 BAD_REQUEST",
        hive="200 MAX_FIELDS_EXCEEDED",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "a spread of a fragment that is not there": Case(
        operation("{ categories { ...Nothing } }"),
        "200 BAD_REQUEST",
        hive="200 KnownFragmentNames",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "fragments that double, 60 levels": Case(
        operation(chain(60, "...F%d ...F%d")), "200 ok", "200 MAX_FIELDS_EXCEEDED"
    ),
    "fragments that double below a field": Case(
        operation(chain(10, "parent { ...F%d } parent { ...F%d }")), "200 TOO_COMPLEX(cost)", "200 MAX_FIELDS_EXCEEDED"
    ),
    "230 variables that nothing uses": Case(
        operation("query (" + " ".join(f"$a{i}: Int" for i in range(230)) + ") { categories { id } }"),
        "200 BAD_REQUEST",
        hive="200 NoUnusedVariables",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "one variable declared 230 times": Case(
        operation("query (" + "$a: Int " * 230 + ") { categories { id } }"),
        "200 BAD_REQUEST",
        hive="200 UniqueVariableNames",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "one argument given 300 times": Case(
        operation("{ task(" + "id: 1 " * 300 + ") { id } }"),
        "200 BAD_REQUEST",
        hive="200 UniqueArgumentNames",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "one input field given 300 times": Case(
        operation("{ tasks(filter: {" + 'text: "a" ' * 300 + "}) { nodes { id } } }"),
        "200 BAD_REQUEST",
        hive="200 UniqueInputFieldNames",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "fields of one name that conflict": Case(
        operation("{ " + " ".join(f"tasks(first: {i}) {{ totalCount }}" for i in range(1, 31)) + " }"),
        "200 BAD_REQUEST",
        hive="200 OverlappingFieldsCanBeMerged",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "900 unknown names": Case(
        operation("{ categories { " + " ".join(f"{'titl' * 5}{i}" for i in range(900)) + " } }"),
        "200 BAD_REQUEST",
        hive="200 FieldsOnCorrectType",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "one field 900 times": Case(
        operation("{ categories { " + "id " * 900 + "} }"),
        "200 BAD_REQUEST",
        hive="200 MAX_FIELDS_EXCEEDED",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "one object 230 times": Case(
        operation("{ categories { " + "parent { id } " * 230 + "} }"),
        "200 BAD_REQUEST",
        hive="200 MAX_FIELDS_EXCEEDED",
        embedded="200 ok",
    ),
    # --- variables ---
    "an object for a text": Case(
        operation(WITH_TEXT, {"t": {"a": [1]}}),
        "200 BAD_REQUEST",
        hive="200 BAD_USER_INPUT",
        embedded="200 BAD_USER_INPUT",
    ),
    "a text for a number": Case(
        operation("query ($n: Int) { tasks(first: $n) { nodes { id } } }", {"n": "1"}),
        "200 BAD_REQUEST",
        hive="200 BAD_USER_INPUT",
        embedded="200 BAD_USER_INPUT",
    ),
    "a number beyond 32 bits": Case(
        operation("query ($n: Int) { tasks(first: $n) { nodes { id } } }", {"n": 2**40}),
        "200 TOO_COMPLEX(cost)",
        hive="200 BAD_USER_INPUT",
        embedded="200 BAD_USER_INPUT",
    ),
    "a value that no enum has": Case(
        operation("query ($s: TaskSort!) { tasks(sort: $s) { nodes { id } } }", {"s": "__proto__"}),
        "200 BAD_REQUEST",
        hive="200 BAD_USER_INPUT",
        embedded="200 BAD_USER_INPUT",
    ),
    "an unknown field in an input": Case(
        operation("query ($f: TaskFilter) { tasks(filter: $f) { nodes { id } } }", {"f": {"__proto__": {"a": 1}}}),
        "200 BAD_REQUEST",
        hive="200 BAD_USER_INPUT",
        embedded="200 BAD_USER_INPUT",
    ),
    "variables named like a prototype": Case(
        body(ASK + ',"variables":{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}}'),
        "200 ok",
        "200 ok",
    ),
    "a required variable left out": Case(
        operation(WITH_TEXT, {}), "200 BAD_REQUEST", hive="200 BAD_USER_INPUT", embedded="200 BAD_USER_INPUT"
    ),
    "a text of 900,000 letters": Case(operation(WITH_TEXT, {"t": "a" * 900_000}), "200 BAD_REQUEST", "200 BAD_REQUEST"),
    "a text of 300,000 accents": Case(
        operation(WITH_TEXT, {"t": "a" + "\u0301" * 300_000}), "200 BAD_REQUEST", "200 BAD_REQUEST"
    ),
    "an id of 900,000 letters": Case(
        operation("query ($i: ID!) { task(id: $i) { id } }", {"i": "task_" + "0" * 900_000}),
        "200 INVALID_ID",
        "200 INVALID_ID",
    ),
    "a date of 900,000 digits": Case(
        operation(
            "mutation ($i: CreateTaskInput!) { createTask(input: $i) { task { id } } }",
            {
                "i": {
                    "title": "A",
                    "description": "B",
                    "categoryId": "C",
                    "budget": {"amount": "1", "currency": "EUR"},
                    "mode": "REMOTE",
                    "dueAt": "9" * 900_000,
                }
            },
        ),
        "200 BAD_REQUEST",
        "200 BAD_REQUEST",
    ),
    "an amount with an exponent of a million": Case(
        operation(
            "query ($f: TaskFilter) { tasks(filter: $f) { nodes { id } } }",
            {"f": {"budget": {"currency": "EUR", "min": "1e1000000"}}},
        ),
        "200 BAD_REQUEST",
        "200 BAD_REQUEST",
    ),
}


@everywhere(CASES, share=1 / 3)
async def test_the_parser_stands(arena: Arena, case: Case, place: str) -> None:
    await defended(arena, case, place)
