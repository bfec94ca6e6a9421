"""Signing keys are replaced while the system runs, and nobody notices."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import jwt
import pytest
from typer.testing import CliRunner

from deploy.keys import Key, read
from deploy.local import cli, secret_files
from deploy.local.stack import Stack
from tests.e2e.negotiation import negotiation
from tests.e2e.people import NOTIFICATION_EVENTS, Person, eventually, new_email, new_password
from tests.supergraph.clients import Socket, codes, post, socket

# The first test waits for the whole system to start.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ME = "{ me { id } }"


async def test_two_rotations_refuse_nothing_and_a_removed_key_everything(stack: Stack) -> None:
    edge = next(iter(stack.edges.values()))
    email, password = new_email(), new_password()
    async with Person(edge, "Kim") as kim, contextlib.AsyncExitStack() as entered:
        await kim.sign_up(email, password, ["POSTER"])
        tokens = [kim.session["accessToken"]]
        subscriptions = [[await subscribed(entered, at, tokens[0]) for at in stack.edges.values()]]
        async with negotiation(stack) as deal, asking(stack, tokens) as refused:
            for _ in range(2):
                before = signing_keys(stack)
                exchange(stack, "rotate", "--after", "2")
                await eventually(lambda before=before: signs_with_another(kim, email, password, before), 60)
                tokens.append(kim.session["accessToken"])
                subscriptions.append([await subscribed(entered, at, tokens[-1]) for at in stack.edges.values()])
                await deal.goes_on()

            assert len({kid(token) for token in tokens}) == 3
            assert deal.refusals == set()
        assert refused == []

        exchange(stack, "remove", kid(tokens[1]))
        for at in stack.edges.values():
            await eventually(lambda at=at: holds(at, tokens[1], False), 20)
            assert await holds(at, tokens[0], True)
            assert await holds(at, tokens[2], True)
        for ended in subscriptions[1]:
            assert "UNAUTHENTICATED" in str(await ended.until_end(20))
        for others in (*subscriptions[0], *subscriptions[2]):
            assert await goes_on(others)


@contextlib.asynccontextmanager
async def asking(stack: Stack, tokens: list[str]) -> AsyncIterator[list[object]]:
    """Asks with every token at every edge, again and again. Gives what was refused."""
    refused: list[object] = []

    async def ask() -> None:
        while True:
            for edge in stack.edges.values():
                for token in list(tokens):
                    answer = await post(f"{edge}/graphql", ME, authorization=f"Bearer {token}")
                    if "errors" in answer or not answer["data"]["me"]:
                        refused.append(answer)

    task = asyncio.create_task(ask())
    try:
        yield refused
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def subscribed(entered: contextlib.AsyncExitStack, edge: str, token: str) -> Socket:
    """A subscription that has shown what there was."""
    client = await entered.enter_async_context(socket(f"{edge}/graphql", {"authorization": f"Bearer {token}"}))
    await client.subscribe(NOTIFICATION_EVENTS, {"after": 0})
    assert (await client.receive())["type"] == "next"
    assert await goes_on(client)
    return client


async def goes_on(client: Socket) -> bool:
    """Whether nothing but events comes."""
    messages = []
    with contextlib.suppress(TimeoutError):
        while True:
            messages.append(await client.receive(0.5))
    return all(message["type"] == "next" and "errors" not in message["payload"] for message in messages)


async def signs_with_another(kim: Person, email: str, password: str, before: list[Key]) -> bool:
    """Whether a session that is opened now has a token of a key that was not there before."""
    await kim.log_in(email, password)
    return kid(kim.session["accessToken"]) not in {key["kid"] for key in before}


async def holds(edge: str, token: str, expected: bool) -> bool:
    answer = await post(f"{edge}/graphql", ME, authorization=f"Bearer {token}")
    held = not codes(answer)
    assert held or codes(answer) == ["UNAUTHENTICATED"]
    return held is expected


def signing_keys(stack: Stack) -> list[Key]:
    return read(secret_files.signing_keys(stack.instance))


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def exchange(stack: Stack, *arguments: str) -> None:
    result = CliRunner().invoke(cli.app, ["keys", *arguments, "--state", str(stack.instance.state)])
    assert result.exit_code == 0, result.output
