"""The client of the sandbox, where the sandbox is not itself; and which provider the settings choose."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.config import Settings
from subgraphs.payments import provider
from subgraphs.payments.provider.port import ProviderRefused, ProviderUnavailable
from subgraphs.payments.provider.sandbox import Sandbox
from tests.support.loopback import free_port


@asynccontextmanager
async def answering(answer: bytes, seconds: float = 0) -> AsyncIterator[Sandbox]:
    """A client of somebody who answers everything with these bytes, after a while."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(seconds)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        client = Sandbox(url, "key", "secret", "http://127.0.0.1:8000/", call_seconds=0.5)
        yield client
        await client.close()


def http(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d Whatever\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (status, len(body), body)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (b"", 0),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", 0),
        (b"SSH-2.0-OpenSSH\r\n", 0),
        (http(200, b"{}"), 60),
        (http(200, b"<html>"), 0),
        (http(200, b'{"id":"charge_1","status":"GONE"}'), 0),
        (http(302, b""), 0),
        (http(400, b"<html>"), 0),
        (http(500, b'{"error":{"code":"internal_error","message":""}}'), 0),
        (http(504, b""), 0),
    ],
    ids=["closed", "broken off", "no HTTP", "silent", "no JSON", "unknown status", "redirect", "400", "500", "504"],
)
async def test_what_says_nothing_of_the_call_is_no_answer(answer: bytes, seconds: float) -> None:
    async with answering(answer, seconds) as client:
        for call in (client.get_charge("charge_1"), client.cancel_charge("charge_1"), client.balances()):
            with pytest.raises(ProviderUnavailable):
                await call


async def test_nobody_there_is_no_answer() -> None:
    client = Sandbox(f"http://127.0.0.1:{free_port()}", "key", "secret", "http://127.0.0.1:8000/")
    with pytest.raises(ProviderUnavailable):
        await client.get_charge("charge_1")
    await client.close()


async def test_a_refusal_has_the_code_of_the_provider() -> None:
    async with answering(http(409, b'{"error":{"code":"charge_cancelled","message":"It was."}}')) as client:
        with pytest.raises(ProviderRefused, match=r"^charge_cancelled: It was\.$") as refused:
            await client.cancel_charge("charge_1")
        assert refused.value.code == "charge_cancelled"


def settings(**changes: object) -> Settings:
    """Those of a process that begins nothing with them."""
    values: dict[str, object] = {
        "environment": "development",
        "database_url": "postgresql+asyncpg://",
        "redis_url": "redis://",
        "kafka_bootstrap_servers": "127.0.0.1:9",
        "jwks_file": "jwks.json",
        "sandbox_api_key": "key",
        "sandbox_webhook_secret": "secret",
    }
    return Settings.model_validate({**values, **changes})


async def test_the_settings_choose_the_provider() -> None:
    chosen = provider.of(settings())
    assert chosen.name == "sandbox"
    await chosen.close()


@pytest.mark.parametrize(
    "changes",
    [{"environment": "production"}, {"sandbox_api_key": None}, {"sandbox_webhook_secret": None}],
    ids=["production", "no key", "no secret"],
)
def test_settings_that_do_not_do_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="EXCHANGE_"):
        provider.of(settings(**changes))
