"""Providers of OpenID Connect as processes of their own."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import httpx

from deploy.local.layout import REPOSITORY
from tests.support.loopback import NO_TLS, free_port


@contextmanager
def process(*argv: str, url: str) -> Iterator[None]:
    """A provider's process, from its first answer on."""
    running = subprocess.Popen([sys.executable, *argv], cwd=REPOSITORY)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(url, timeout=5, verify=NO_TLS)
                break
            except httpx.HTTPError:
                if running.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield
    finally:
        running.terminate()
        running.wait(30)


@contextmanager
def hostile_provider() -> Iterator[str]:
    """One that does what it is told to; its issuer."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    with process("-m", "tests.users.hostile_provider", str(port), url=f"{issuer}/jwks"):
        yield issuer


@contextmanager
def honest_provider(port: int, *people: dict[str, object]) -> Iterator[str]:
    """A program of others that people sign in at, by the `sub` of each; its issuer."""
    issuer = f"http://127.0.0.1:{port}"
    claims = [each for person in people for each in ("--user-claims", json.dumps(person))]
    argv = ("-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true", *claims)
    with process(*argv, url=f"{issuer}/.well-known/openid-configuration"):
        yield issuer


async def answer_of(authorization_url: str, subject: str) -> dict[str, str]:
    """What the honest provider sends the browser of somebody who signs in there back with."""
    async with httpx.AsyncClient(timeout=60, verify=NO_TLS) as client:
        back = await client.post(authorization_url, data={"sub": subject})
    query = parse_qs(urlsplit(back.headers["location"]).query)
    return {"code": query["code"][0], "state": query["state"][0]}


async def newcomer_at(authorization_url: str, **claims: object) -> dict[str, str]:
    """The same of somebody who opens an account at the honest provider first, such as with an `email`."""
    subject = uuid.uuid4().hex
    parts = urlsplit(authorization_url)
    known = {"email_verified": True, "name": "Nina", **claims}
    async with httpx.AsyncClient(timeout=60, verify=NO_TLS) as client:
        opened = await client.put(f"{parts.scheme}://{parts.netloc}/users/{subject}", json=known)
        opened.raise_for_status()
    return {**await answer_of(authorization_url, subject), "subject": subject}


def entry(at: str, **changes: object) -> dict[str, object]:
    """A provider as an operator configures it."""
    return {
        "id": "acme",
        "name": "Acme",
        "issuer": at,
        "client_id": "the-client",
        "client_secret": "the secret",
        "redirect_uri": "https://app.example.com/signed-in",
    } | changes
