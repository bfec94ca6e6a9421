"""Operations that ask for much with few words."""

import pytest

from shared.text_search.query import MOST_TERMS
from tests.abuse.arena import Arena, Case
from tests.abuse.attacks import body, operation
from tests.abuse.table import defended, everywhere

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

PAGE = "query ($n: Int) { tasks(first: $n) { nodes { id } } }"
SEARCH = "query ($f: TaskFilter) { tasks(filter: $f) { nodes { id } } }"
ENTITIES = "query ($r: [_Any!]!) { _entities(representations: $r) { ... on Task { title } } }"
LOG_IN = 'logIn(input: { email: "nobody@example.com", password: "x" }) { userErrors { code } }'


def parents(levels: int) -> str:
    """A query of this depth."""
    return "{ categories { " + "parent { " * (levels - 2) + "id" + " }" * (levels - 2) + " } }"


def multiplying(levels: int, times: int) -> str:
    """A query of fragments each of which spreads the next one so many times."""
    links = [f"fragment F{n} on Category {{ {f'...F{n + 1} ' * times} }}" for n in range(levels)]
    return " ".join(["{ categories { ...F0 } }", *links, f"fragment F{levels} on Category {{ id }}"])


def references(count: int) -> dict[str, object]:
    return {"r": [{"__typename": "Task", "id": f"task_0{i:025d}"} for i in range(count)]}


CASES = {
    "a depth of 13": Case(operation(parents(13)), "200 TOO_COMPLEX(depth)", "200 MAX_DEPTH_EXCEEDED"),
    "a depth of 12, which is allowed": Case(operation(parents(12)), "200 ok", "200 ok"),
    "a depth of 13 by fragments": Case(
        operation("{ categories { ...F } } fragment F on Category " + parents(13).removeprefix("{ categories ")[:-1]),
        "200 TOO_COMPLEX(depth)",
        "200 MAX_DEPTH_EXCEEDED",
    ),
    "31 aliases": Case(
        operation("{ " + " ".join(f"a{i}: categories {{ id }}" for i in range(31)) + " }"),
        "200 TOO_COMPLEX(aliases)",
        "200 MAX_ALIASES_EXCEEDED",
    ),
    "500 aliases": Case(
        operation("{ " + " ".join(f"a{i}:__typename" for i in range(300)) + " }"),
        "200 TOO_COMPLEX(aliases)",
        "200 MAX_ALIASES_EXCEEDED",
    ),
    "32 aliases by fragments that double": Case(
        operation(multiplying(4, 2).replace("{ id }", "{ a: id b: id }")),
        "200 TOO_COMPLEX(aliases)",
        "200 MAX_ALIASES_EXCEEDED",
    ),
    "51 directives": Case(
        operation("{ categories { id " + "@skip(if: false) " * 51 + "} }"),
        "200 TOO_COMPLEX(directives)",
        hive="200 MAX_DIRECTIVES_EXCEEDED UniqueDirectivesPerLocation",
        embedded="200 MAX_DIRECTIVES_EXCEEDED",
    ),
    "400 directives that nobody knows": Case(
        operation("{ categories { id " + "@a " * 400 + "} }"),
        "200 TOO_COMPLEX(directives)",
        hive="200 MAX_DIRECTIVES_EXCEEDED KnownDirectives",
        embedded="200 MAX_DIRECTIVES_EXCEEDED",
    ),
    "51 root fields": Case(
        operation("{ " + "__typename " * 51 + "}"),
        "200 TOO_COMPLEX(root fields)",
        hive="200 MAX_FIELDS_EXCEEDED",
        embedded="200 ok",
    ),
    "one field 30 times, which is allowed": Case(operation("{ categories { " + "id " * 30 + "} }"), "200 ok", "200 ok"),
    "one field 31 times": Case(
        operation("{ categories { " + "id " * 31 + "} }"), "200 ok", hive="200 MAX_FIELDS_EXCEEDED", embedded="200 ok"
    ),
    "one field 900 times in a fragment that nobody spreads": Case(
        operation("{ categories { id } } fragment F on Category { " + "id " * 900 + "}"),
        "200 BAD_REQUEST",
        hive="200 MAX_FIELDS_EXCEEDED",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "one field 900 times by fragments": Case(
        operation("{ categories { " + "...F " * 30 + "} } fragment F on Category { " + "id " * 30 + "}"),
        "200 ok",
        hive="200 MAX_FIELDS_EXCEEDED",
        embedded="200 ok",
    ),
    "one field 900 times below others": Case(
        operation("{ " + ("categories { " + "id " * 30 + "} ") * 30 + "}"),
        "200 BAD_REQUEST",
        hive="200 MAX_FIELDS_EXCEEDED",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "1,001 tokens": Case(
        operation("{ categories { " + "id " * 1_001 + "} }"), "200 TOO_COMPLEX(tokens)", "200 TOKEN_LIMIT_EXCEEDED"
    ),
    "a page of 5,000": Case(
        operation("{ tasks(first: 5000) { nodes { id } } }"),
        "200 TOO_COMPLEX(cost)",
        hive="200 COST_ESTIMATED_TOO_EXPENSIVE",
        embedded="200 TOO_COMPLEX(cost)",
    ),
    "a page of 5,000 by a variable": Case(
        operation(PAGE, {"n": 5_000}),
        "200 TOO_COMPLEX(cost)",
        hive="200 COST_ESTIMATED_TOO_EXPENSIVE",
        embedded="200 TOO_COMPLEX(cost)",
    ),
    "a page of 2 to the power of 31 - 1": Case(
        operation(PAGE, {"n": 2**31 - 1}),
        "200 TOO_COMPLEX(cost)",
        hive="200 COST_ESTIMATED_TOO_EXPENSIVE",
        embedded="200 TOO_COMPLEX(cost)",
    ),
    "a page of 101": Case(operation("{ tasks(first: 101) { nodes { id } } }"), "200 BAD_REQUEST", "200 BAD_REQUEST"),
    "a page of 0": Case(operation("{ tasks(first: 0) { nodes { id } } }"), "200 BAD_REQUEST", "200 BAD_REQUEST"),
    "a page of -1": Case(operation("{ tasks(first: -1) { nodes { id } } }"), "200 BAD_REQUEST", "200 BAD_REQUEST"),
    "a page from both ends": Case(
        operation("{ tasks(first: 1, last: 1) { nodes { id } } }"), "200 BAD_REQUEST", "200 BAD_REQUEST"
    ),
    "pages in pages": Case(
        operation(
            "{ tasks(first: 100) { nodes { bids(first: 100) "
            "{ nodes { id task { bids(first: 100) { nodes { id } } } } } } } }"
        ),
        hive="200 COST_ESTIMATED_TOO_EXPENSIVE",
        embedded="200 TOO_COMPLEX(cost)",
    ),
    "categories in categories in categories": Case(
        operation("{ categories { children { children { children { children { id } } } } } }"),
        "200 TOO_COMPLEX(cost)",
        hive="200 COST_ESTIMATED_TOO_EXPENSIVE",
        embedded="200 TOO_COMPLEX(cost)",
    ),
    "40 pages of 100 at once": Case(
        operation(
            "{ "
            + " ".join(f"a{i}: tasks(first: 100) {{ nodes {{ id category {{ name }} }} }}" for i in range(25))
            + " }"
        ),
        "200 TOO_COMPLEX(cost)",
        hive="200 COST_ESTIMATED_TOO_EXPENSIVE",
        embedded="200 TOO_COMPLEX(cost)",
    ),
    # Within the cost: thirty counts by the database.
    "30 totals at once": Case(
        operation("{ " + " ".join(f"a{i}: tasks {{ totalCount }}" for i in range(30)) + " }"),
        "200 ok",
        "200 ok",
        cpu={"tasks": 0.15},
    ),
    "fragments that double, 40 levels": Case(operation(multiplying(40, 2)), "200 ok", "200 MAX_FIELDS_EXCEEDED"),
    "fragments that spread the next one 40 times, 4 levels": Case(
        operation(multiplying(4, 40)), "200 ok", "200 MAX_FIELDS_EXCEEDED"
    ),
    "fragments that all spread one another": Case(
        operation(
            "{ categories { "
            + " ".join(f"...F{i}" for i in range(28))
            + "} } "
            + "".join(
                f"fragment F{i} on Category {{ id {' '.join(f'...F{j}' for j in range(i + 1, 28))} }} "
                for i in range(28)
            )
        ),
        "200 TOO_COMPLEX(tokens)",
        "200 TOKEN_LIMIT_EXCEEDED",
    ),
    "110 fragments beside each other": Case(
        operation(
            "{ categories { "
            + " ".join(f"...F{i}" for i in range(110))
            + "} } "
            + "".join(f"fragment F{i} on Category {{ id }} " for i in range(110))
        ),
        "200 BAD_REQUEST",
        hive="200 MAX_FIELDS_EXCEEDED",
        # The planner asks for the field once.
        embedded="200 ok",
    ),
    "50 operations that share their fragments": Case(
        operation(
            multiplying(20, 2).replace("{ categories", "query Q { categories", 1)
            + "".join(f" query Q{i} {{ categories {{ ...F0 }} }}" for i in range(50)),
            operationName="Q",
        ),
        "200 ok",
        "200 MAX_FIELDS_EXCEEDED",
    ),
    "1,001 representations": Case(operation(ENTITIES, references(1_001)), "200 TOO_COMPLEX(representations)"),
    "representations that cost too much each": Case(
        operation(ENTITIES.replace("title", "category { children { id } }"), references(300)), "200 ok"
    ),
    "representations of 900 kilobytes": Case(
        operation(ENTITIES, {"r": [{"__typename": "Task", "id": "a" * 900} for _ in range(1_000)]}), "200 INVALID_ID"
    ),
    "30 logins in one request": Case(
        operation("mutation { " + " ".join(f"a{i}: {LOG_IN}" for i in range(31)) + " }"),
        "200 TOO_COMPLEX(aliases)",
        "200 MAX_ALIASES_EXCEEDED",
        at="users",
    ),
    "the whole schema asked for twelve times": Case(
        operation("{ " + " ".join(f"a{i}: __schema {{ types {{ name }} }}" for i in range(12)) + " }"),
        "200 TOO_COMPLEX(cost)",
    ),
    "introspection in circles": Case(
        operation("{ __schema { types { fields { type { " + "ofType { " * 25 + "name" + " }" * 25 + " } } } } }"),
        "200 TOO_COMPLEX(introspection depth)",
    ),
    "introspection of all fields of all fields": Case(
        operation("{ __schema { types { " + "fields { type { " * 8 + "name" + " } }" * 8 + " } } }"), "200 BAD_REQUEST"
    ),
    "a batch in `extensions`": Case(
        body(
            '{"query":"{ categories { id } }","extensions":{"batch":['
            + ",".join(['{"query":"{ a }"}'] * 10_000)
            + "]}}"
        ),
        "200 ok",
        "200 ok",
    ),
    "the commonest words in a search": Case(
        operation(SEARCH, {"f": {"text": " or ".join(["a"] * MOST_TERMS)}}),
        "200 ok",
        "200 ok",
    ),
    "more words in a search than are looked for": Case(
        operation(SEARCH, {"f": {"text": " or ".join(["a"] * (MOST_TERMS + 1))}}),
        "200 BAD_REQUEST",
        "200 BAD_REQUEST",
    ),
    "a search of nothing but stop words and signs": Case(
        operation(SEARCH, {"f": {"text": "-\"'!:*&|()<> the"}}),
        "200 ok",
        "200 ok",
    ),
    "a search in 101 categories": Case(
        operation(SEARCH, {"f": {"categoryIds": ["<category>"] * 101}}),
        "200 BAD_REQUEST",
        "200 BAD_REQUEST",
    ),
    "10,000 ids to mark as read": Case(
        operation(
            "mutation ($i: MarkReadInput!) { markRead(input: $i) { userErrors { code field } } }",
            {"i": {"notificationIds": ["<notification>"] * 10_000}},
            who="paula",
        ),
        "200 userErrors INVALID_INPUT(notificationIds)",
        "200 userErrors INVALID_INPUT(notificationIds)",
        at="notifications",
    ),
}


@everywhere(CASES, share=1 / 3)
async def test_what_costs_too_much_is_refused(arena: Arena, case: Case, place: str) -> None:
    await defended(arena, case, place)
