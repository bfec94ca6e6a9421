"""What happens by itself: webhooks are sent, again and again until they are taken, and what waits comes to its end."""

import asyncio
import hashlib
import hmac
import time
from contextlib import suppress

import httpx

from sandbox.context import Sandbox
from sandbox.pushes import push
from sandbox.refused import Refused

_AT_ONCE = 20
_SECONDS = 5.0
_POLL_SECONDS = 0.1


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The header `Sandbox-Signature`: the time in seconds, and an HMAC over it and the body."""
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"t={timestamp},v1={signed.hexdigest()}"


async def send_webhooks(sandbox: Sandbox) -> None:
    """Sends events when their time has come, until it is cancelled."""
    limits = httpx.Limits(max_connections=_AT_ONCE)
    async with httpx.AsyncClient(timeout=_SECONDS, limits=limits, trust_env=False, follow_redirects=False) as client:
        while True:
            sandbox.state.told.clear()
            waiting = sandbox.state.to_send(_AT_ONCE) if sandbox.options.webhook_url else []
            taken = await asyncio.gather(*(_is_taken(sandbox, client, body.encode()) for _, body in waiting))
            if waiting:
                with sandbox.state.transaction():
                    for (position, _), is_taken in zip(waiting, taken, strict=True):
                        (sandbox.state.sent if is_taken else sandbox.state.not_sent)(position)
                continue
            try:
                await asyncio.wait_for(sandbox.state.told.wait(), _POLL_SECONDS)
            except TimeoutError:
                continue


async def _is_taken(sandbox: Sandbox, client: httpx.AsyncClient, body: bytes) -> bool:
    headers = {
        "content-type": "application/json",
        "sandbox-signature": signature(sandbox.options.webhook_secret, int(time.time()), body),
    }
    try:
        response = await client.post(sandbox.options.webhook_url, content=body, headers=headers)
    except httpx.HTTPError:
        return False
    return response.is_success


async def run_timers(sandbox: Sandbox) -> None:
    """Pushes on what waited long enough, until it is cancelled."""
    while True:
        timer = sandbox.state.due_timer()
        if timer is None:
            await asyncio.sleep(_POLL_SECONDS)
            continue
        position, object_id, name = timer
        with sandbox.state.transaction():
            sandbox.state.end_timer(position)
            # Somebody may have been here before.
            with suppress(Refused):
                push(sandbox, object_id, name)
        await asyncio.sleep(0)
