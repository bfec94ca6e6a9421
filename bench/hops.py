"""What one page through the router costs the subgraphs: requests for each hop, statements for each batch."""

import re

import httpx

from bench.figures import Figure
from bench.http import graphql_request, send_once
from bench.system import System

_PAGE = """query Page($first: Int) {
  tasks(first: $first) {
    nodes { id title budget { amount currency } poster { id displayName } category { id name } bidCount }
  }
}"""
_REQUESTS = 20
_HOPS = ("tasks", "users", "bids")
# The platform's own tables, which relay, deadlines, audits, consumers and the postman read in the background.
_BACKGROUND = re.compile(r"\b(outbox|streams|inbox|deadlines|idempotency_keys|pg_\w+|alembic_version|mails)\b")
_STATEMENTS = """
    SELECT statements.query, statements.calls
    FROM pg_stat_statements AS statements JOIN pg_database AS databases ON databases.oid = statements.dbid
    WHERE databases.datname = $1
"""


async def measure(system: System, router: str, *, target: bool) -> list[Figure]:
    """Asks for the page several times; answers the most requests and statements that one took."""
    request = graphql_request(_PAGE, {"first": 20}, system.token(system.people[0]))
    port = system.router_port(router)
    nodes = (await send_once(port, request))["tasks"]["nodes"]
    if len({node["poster"]["displayName"] for node in nodes}) != 20 or not all(node["bidCount"] for node in nodes):
        raise ValueError("the page lacks posters or bid counts")
    async with system.superuser() as connection:
        await connection.execute("SELECT pg_stat_statements_reset()")
        before = {name: await _requests(system, name) for name in _HOPS}
        for _ in range(_REQUESTS):
            await send_once(port, request)
        figures = []
        for name in _HOPS:
            requests = await _requests(system, name) - before[name]
            rows = await connection.fetch(_STATEMENTS, name)
            calls = {
                row["query"]: row["calls"]
                for row in rows
                if " FROM " in row["query"].upper().replace("\n", " ") and not _BACKGROUND.search(row["query"])
            }
            limit = 1 if target else None
            figures += [
                Figure(f"Requests to {name} per page", requests / _REQUESTS, "", limit, router),
                Figure(f"SQL statements of {name} per page", _per_page(calls), "", limit, f"{router}; {_names(calls)}"),
            ]
    return figures


def _per_page(calls: dict[str, int]) -> float:
    # What a process reads once a minute, such as the categories, belongs to no page.
    return sum(count for count in calls.values() if count > 1) / _REQUESTS


def _names(calls: dict[str, int]) -> str:
    found = [match[1] for query, count in calls.items() if count > 1 and (match := re.search(r"FROM (\w+)", query))]
    return f"from {', '.join(sorted(found))}"


async def _requests(system: System, name: str) -> float:
    """How many requests to /graphql the subgraph has counted."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(system.stack.url(name, "/metrics"))).text
    values = re.findall(r'^exchange_http_requests_total\{[^}]*path="/graphql"[^}]*\} (\S+)$', text, re.MULTILINE)
    return sum(map(float, values))
