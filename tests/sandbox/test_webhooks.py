"""Webhooks come signed, and as the delivery says: at once, late, twice, in another order or never."""

import json
from collections.abc import AsyncIterator

import pytest

from shared import clock
from shared.ids import new_id
from subgraphs.payments.provider.port import Hint, Kind
from subgraphs.payments.provider.sandbox import Sandbox
from tests.sandbox.people import charged, onboarded
from tests.sandbox.running import Listener, Running


@pytest.fixture
async def provider(sandbox: Running, told: Listener) -> AsyncIterator[Sandbox]:
    client = sandbox.client()
    yield client
    await client.close()
    told.status = 204
    await deliver(sandbox, "on-time")


async def deliver(sandbox: Running, mode: str) -> None:
    assert await sandbox.post("/v1/admin/webhooks", {"mode": mode, "seconds": 0.5}) == {"mode": mode, "seconds": 0.5}


async def accounts(sandbox: Running, provider: Sandbox, count: int) -> list[str]:
    """So many accounts, each of which has told one thing."""
    return [await onboarded(sandbox, provider, "paid") for _ in range(count)]


async def order(told: Listener, ids: list[str]) -> list[int]:
    """In which order was told of these objects, by their place in the list, once it was told of all."""
    for each in ids:
        await told.types(each, 1)
    objects = [json.loads(body)["object"] for body, _ in told.taken]
    return [ids.index(each) for each in objects if each in ids]


async def test_a_webhook_is_signed_and_says_what_changed(sandbox: Running, provider: Sandbox, told: Listener) -> None:
    charge = await charged(sandbox, provider)
    assert await told.types(charge.id, 1) == ["charge.succeeded"]
    ((body, headers),) = [each for each in told.taken if charge.id.encode() in each[0]]
    (hint,) = provider.read_webhook(body, headers)
    assert hint == Hint(hint.id, Kind.CHARGE, charge.id)
    assert json.loads(body).keys() == {"id", "kind", "type", "object", "at"}


async def test_they_come_late(sandbox: Running, provider: Sandbox, told: Listener) -> None:
    await deliver(sandbox, "late")
    before = clock.now()
    (account,) = await accounts(sandbox, provider, 1)
    await told.types(account, 1)
    assert (clock.now() - before).total_seconds() >= 0.5


async def test_they_come_twice_and_are_the_same(sandbox: Running, provider: Sandbox, told: Listener) -> None:
    await deliver(sandbox, "twice")
    (account,) = await accounts(sandbox, provider, 1)
    assert await told.types(account, 2) == ["account.active"] * 2
    first, second = [provider.read_webhook(*each) for each in told.taken if account.encode() in each[0]]
    assert first == second


async def test_they_come_in_another_order(sandbox: Running, provider: Sandbox, told: Listener) -> None:
    await deliver(sandbox, "reordered")
    ids = await accounts(sandbox, provider, 4)
    came = await order(told, ids)
    assert sorted(came) == [0, 1, 2, 3] != came


async def test_they_never_come_unless_somebody_sends_them(sandbox: Running, provider: Sandbox, told: Listener) -> None:
    await deliver(sandbox, "never")
    silent = await accounts(sandbox, provider, 1)
    await deliver(sandbox, "on-time")
    later = await accounts(sandbox, provider, 1)
    assert await order(told, later) == [0]
    assert all(silent[0].encode() not in body for body, _ in told.taken)
    page = (await sandbox.http.get("/")).text
    event_id = page.partition(f"<code>{silent[0]}</code></td><td>sent")[0].rpartition("<code>event_")[2][:26]
    assert (await sandbox.http.post(f"/events/event_{event_id}/send")).headers["location"] == "/"
    assert await told.types(silent[0], 1) == ["account.active"]


async def test_they_are_sent_until_they_are_taken(sandbox: Running, provider: Sandbox, told: Listener) -> None:
    told.status = 503
    (account,) = await accounts(sandbox, provider, 1)
    await told.types(account, 3)
    told.status = 204
    refused = len(await told.types(account, 3))
    taken = len(await told.types(account, refused + 1))
    others = await accounts(sandbox, provider, 2)
    await order(told, others)
    assert len(await told.types(account, taken)) == taken


async def test_what_there_is_not_is_not_delivered(sandbox: Running) -> None:
    refused = await sandbox.post("/v1/admin/webhooks", {"mode": "sometimes"})
    assert refused["error"]["code"] == "invalid_request"
    assert (await sandbox.post(f"/v1/admin/events/{new_id('event')}/send"))["error"]["code"] == "no_such_event"
