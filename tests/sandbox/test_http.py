"""What people and programs send that they should not."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import BaseModel

from sandbox import accounts
from sandbox.api import CALLS, Call
from sandbox.app import build
from sandbox.context import Options, Sandbox
from sandbox.delivery import Delivery
from sandbox.state import State
from shared import clock
from shared.ids import new_id
from subgraphs.payments.provider.sandbox import Sandbox as Client
from tests.sandbox.people import PRICE, RETURN_URL, charged, key
from tests.sandbox.running import API_KEY, Running
from tests.support.loopback import NO_TLS

AUTHORIZED = {"authorization": f"Bearer {API_KEY}"}
RUBBISH = (
    b"", b"{", b"[]", b"null", b"1", b'"text"', b"\xff\xfe", b"\x00" * 100, b"[" * 30_000, b'{"a":' * 10_000,
    b'{"customer":"\\ud800"}', b'{"amount":1e400}', b'{"amount":NaN}', b'{"unknown":1}', b"x" * 65_537,
    b'{"customer":{},"amount":"1","currency":"XTS","subject":[],"card":null,"client_secret":1,"user":true}',
    b'{"customer":"c","amount":9223372036854775808,"currency":"EUR","subject":"s"}',
    b'{"customer":"c","amount":-1,"currency":"EUR","subject":"s"}',
    b'{"customer":"c","amount":1.5,"currency":"EUR","subject":"s"}',
    b'{"card":"c","return_url":"javascript:alert(1)"}', b'{"fault":"fire"}', b'{"mode":"late","seconds":-1}',
)  # fmt: skip
ODD_IDS = ("none", "%00", "%ff", "'%20OR%201=1", "charge_%F0%9F%92%B8", "x" * 3_000)


@pytest.fixture
async def provider(sandbox: Running) -> AsyncIterator[Client]:
    client = sandbox.client()
    yield client
    await client.close()


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
async def test_rubbish_is_refused_with_a_code(sandbox: Running, call: Call[BaseModel]) -> None:
    for number, body in enumerate(RUBBISH):
        path = call.path.replace("{id}", ODD_IDS[number % len(ODD_IDS)]).replace("{name}", "win")
        headers = {**AUTHORIZED, "idempotency-key": key()}
        answer = await sandbox.http.request(call.method, path, content=body, headers=headers)
        is_fine = body in (b"",) and answer.status_code == 200 and "{" not in call.path
        assert is_fine or 400 <= answer.status_code < 500, (body[:50], answer.text)
        assert is_fine or answer.json()["error"]["code"], (body[:50], answer.text)


async def test_a_body_has_an_end(sandbox: Running) -> None:
    for path, code in (("/v1/customers", "body_too_large"), ("/webhooks", None)):
        answer = await sandbox.http.post(path, content=b"x" * 65_537, headers={**AUTHORIZED, "idempotency-key": "k"})
        assert answer.status_code == 413
        assert code is None or answer.json()["error"]["code"] == code


@pytest.mark.parametrize("query", ["since=-1", "since=1e9", "until=²", "after=" + "9" * 30])
async def test_a_query_is_refused_that_is_none(sandbox: Running, query: str) -> None:
    assert (await sandbox.get(f"/v1/movements?{query}"))["error"]["code"] == "invalid_request"


async def test_every_call_needs_the_api_key_or_a_secret(sandbox: Running) -> None:
    for call in CALLS:
        for sent in (b"", b"Bearer other", b"Bearer \xe9"):
            answer = await sandbox.http.request(call.method, call.path, headers={b"authorization": sent})
            status, code = (400, "invalid_request") if call.is_of_clients else (401, "unauthorized")
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), call.path


async def test_clients_need_the_secret_of_what_they_act_on(sandbox: Running, provider: Client) -> None:
    setup = await provider.start_setup(await provider.create_customer("user_1", key=key()), key=key())
    asked = await charged(sandbox, provider, "three_d_secure")
    account = await provider.create_account("user_1", key=key())
    url = httpx.URL(await provider.start_onboarding(account.id, RETURN_URL)).copy_set_param("secret", "other")
    given = {"client_secret": f"{setup.id}_secret_other", "card": "succeeds"}
    assert (await sandbox.http.post("/v1/setups/complete", json=given)).status_code == 404
    secret = f"{asked.id}_secret_other"
    answer = {"client_secret": secret, "passes": True}
    assert (await sandbox.http.post("/v1/charges/authenticate", json=answer)).status_code == 404
    assert (await sandbox.http.post(f"/challenge?secret={secret}", data={"answer": "approve"})).status_code == 404
    assert (await sandbox.http.post(url, data={"bank": "paid"})).status_code == 404
    assert await provider.get_charge(asked.id) == asked
    assert await provider.get_setup(setup.id) == setup
    assert await provider.get_account(account.id) == account


async def test_what_stands_on_the_page_is_text(sandbox: Running, provider: Client) -> None:
    customer = await provider.create_customer(new_id("user"), key=key())
    await provider.prepare_charge(customer, PRICE, key=key(), subject_id="<script>alert(1)</script>")
    page = await sandbox.http.get("/")
    assert "<script" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_buttons_push_things_on(sandbox: Running, provider: Client) -> None:
    charge = await charged(sandbox, provider)
    path = f"/push/{charge.id}/dispute"
    assert f'action="{path}"' in (await sandbox.http.get("/")).text
    assert (await sandbox.http.post(path)).headers["location"] == "/"
    assert f'action="{path}"' not in (await sandbox.http.get("/")).text
    assert (await sandbox.http.post(path)).status_code == 409
    assert (await sandbox.http.post("/webhooks", data={"mode": "sometimes"})).status_code == 400


async def test_no_other_site_presses_buttons_or_reads_the_page(sandbox: Running, provider: Client) -> None:
    charge = await charged(sandbox, provider)
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
        pressed = await sandbox.http.post(f"/push/{charge.id}/dispute", headers={"origin": origin})
        assert pressed.status_code == 403
    # A name of theirs that leads here.
    assert (await sandbox.http.get("/", headers={"host": "evil.example"})).status_code == 400
    own = await sandbox.http.post(f"/push/{charge.id}/dispute", headers={"origin": sandbox.url})
    assert own.status_code == 303


async def test_the_link_of_an_onboarding_holds_for_minutes(tmp_path: Path) -> None:
    options = Options("http://sandbox", "key", "", "secret", settle_seconds=0, silent_seconds=0)
    state = State(tmp_path, Delivery("never", 0))
    box = Sandbox(state, options)
    link = accounts.start_onboarding(box, accounts.create(box, "user_1", "key").id, RETURN_URL)
    transport = httpx.ASGITransport(build(state, options))
    async with httpx.AsyncClient(transport=transport, verify=NO_TLS) as browser:
        for minutes, status in ((14, 200), (16, 410)):
            with clock.offset(timedelta(minutes=minutes)):
                assert (await browser.get(accounts.url_of(box, link))).status_code == status
    state.close()


async def test_3_d_secure_is_a_page_that_leads_back(sandbox: Running, provider: Client) -> None:
    asked = await charged(sandbox, provider, "three_d_secure")
    assert asked.action is not None
    assert asked.action.redirect_url is not None
    page = await sandbox.http.get(asked.action.redirect_url)
    assert "125.50 EUR" in page.text
    assert "form-action 'self' http://127.0.0.1:8000" in page.headers["content-security-policy"]
    approved = await sandbox.http.post(asked.action.redirect_url, data={"answer": "approve"})
    assert (approved.status_code, approved.headers["location"]) == (303, "http://127.0.0.1:8000/")
    assert "nothing about this payment any more" in (await sandbox.http.get(asked.action.redirect_url)).text
