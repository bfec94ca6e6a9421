"""The JavaScript client of docs/subscriptions.md, run as it stands there."""

import asyncio
import json
import shutil
import signal
import subprocess

import pytest

from deploy.local.layout import REPOSITORY
from deploy.local.stack import Stack
from supergraph.router import command
from tests.e2e.negotiation import negotiation
from tests.e2e.people import BID_EVENTS

# The first test waits for the whole system to start.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

# Prints what it sees. The first token is none, so that it has to ask for another one.
PROGRAM = """
import WebSocket from "ws";
const [url, accessToken, query, taskId] = process.argv.slice(2);
let current = "stale";
const token = async (refused) => (refused === "stale" ? (current = accessToken) : current);
const options = { url, token, query, variables: { taskId }, after: 0, webSocketImpl: WebSocket };
for await (const event of follow(options)) console.log(JSON.stringify(event));
"""


def example() -> str:
    """The one block of JavaScript in the page."""
    _, _, rest = (REPOSITORY / "docs" / "subscriptions.md").read_text().partition("```js\n")
    return rest.partition("```")[0]


async def test_the_javascript_client_sees_every_change_once(stack: Stack) -> None:
    node = shutil.which("node")
    assert node
    async with negotiation(stack) as deal:
        clients = [
            await asyncio.create_subprocess_exec(
                node, "--input-type=module", "-", f"{edge.replace('http', 'ws', 1)}/graphql",
                await deal.paula.token(), BID_EVENTS, deal.task_id,
                # Where its packages are.
                cwd=command.EMBEDDED, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )
            for edge in stack.edges.values()
        ]  # fmt: skip
        try:
            for client in clients:
                assert client.stdin is not None
                client.stdin.write((example() + PROGRAM).encode())
                client.stdin.close()
            seen = [await lines(client, 4) for client in clients]
            await stack.kill("bids", signal.SIGKILL)
            await stack.ready("bids")
            await deal.goes_on()
            final = len(deal.views[0].events)
            for client, versions in zip(clients, seen, strict=True):
                versions += await lines(client, final - len(versions))
                assert versions == list(range(1, final + 1))
        finally:
            for client in clients:
                client.kill()
                await client.wait()


async def lines(client: asyncio.subprocess.Process, count: int) -> list[int]:
    """The versions of the bid in the next events that the client prints."""
    assert client.stdout is not None
    async with asyncio.timeout(60):
        return [json.loads(await client.stdout.readline())["bid"]["version"] for _ in range(count)]
