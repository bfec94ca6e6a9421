"""What was answered stays so, whatever becomes of the process."""

import asyncio
import json
import os
import sys
from datetime import timedelta
from pathlib import Path

from shared import clock
from shared.ids import new_id
from shared.money import CurrencyCode
from tests.sandbox.people import PRICE, card, charged, key, onboarded
from tests.sandbox.running import ENVIRONMENT, listener, running

HOUR = timedelta(hours=1)


async def test_nothing_that_was_answered_is_lost_by_a_crash(tmp_path: Path) -> None:
    async with listener() as told, running(tmp_path, told.url, settle_seconds="0.5") as sandbox:
        told.status = 503
        provider = sandbox.client()
        customer = await provider.create_customer(new_id("user"), key=key())
        token, one = await card(sandbox, provider, customer, "succeeds"), key()
        prepared = await provider.prepare_charge(customer, PRICE, key=key(), subject_id="escrow_1")
        taken = await provider.confirm_charge(prepared.id, token, key=one)
        processed = await charged(sandbox, provider, "processed")
        account, payout_key = await onboarded(sandbox, provider, "waits"), key()
        payout = await provider.pay_out(account, PRICE, key=payout_key)
        # Clients of ours keep on while it is gone, so that it dies in the middle of something.
        busy = asyncio.gather(*(charged(sandbox, provider) for _ in range(20)), return_exceptions=True)
        await asyncio.sleep(0.05)
        await sandbox.kill()
        confirmed = [each for each in await busy if not isinstance(each, BaseException)]
        told.status = 204
        told.taken.clear()
        await sandbox.start()
        assert await provider.get_charge(taken.id) == taken
        assert await provider.confirm_charge(taken.id, token, key=one) == taken
        assert await provider.find_payout(account, payout_key) == payout
        assert await provider.pay_out(account, PRICE, key=payout_key) == payout
        assert [await provider.get_charge(each.id) for each in confirmed] == confirmed
        # What it had yet to tell, and what was to come to its end, it does now.
        assert "charge.succeeded" in await told.types(taken.id, 1)
        assert "charge.succeeded" in await told.types(processed.id, 2)
        moved = [each async for each in provider.movements(clock.now() - HOUR, clock.now() + HOUR)]
        assert sum(each.amount.minor for each in moved) == (await provider.balances())[CurrencyCode.EUR].minor
        await provider.close()


async def test_a_key_is_for_one_question_and_has_one_answer(tmp_path: Path) -> None:
    async with running(tmp_path) as sandbox:
        first = await sandbox.post("/v1/customers", {"user": "user_1"}, key="once")
        assert await sandbox.post("/v1/customers", {"user": "user_1"}, key="once") == first
        for path, body in (("/v1/customers", {"user": "user_2"}), ("/v1/accounts", {"user": "user_1"})):
            assert (await sandbox.post(path, body, key="once"))["error"]["code"] == "idempotency_key_reused"
        assert (await sandbox.post("/v1/customers", {"user": "user_1"}))["error"]["code"] == "invalid_idempotency_key"
        answers = await asyncio.gather(*(sandbox.post("/v1/accounts", {"user": "u"}, key="at once") for _ in range(20)))
        assert len({json.dumps(each) for each in answers}) == 1


async def test_a_folder_belongs_to_one_process(tmp_path: Path) -> None:
    async with running(tmp_path) as sandbox:
        assert await started(tmp_path) == (1, f"{tmp_path} cannot be used, perhaps since another process has it")
        assert (await sandbox.get("/v1/balances")) == {"balances": {}}


async def test_production_refuses_it(tmp_path: Path) -> None:
    said = "The sandbox moves no money: it is for development, and does not start in production."
    assert await started(tmp_path, EXCHANGE_ENVIRONMENT="production") == (1, said)
    assert await started(tmp_path, EXCHANGE_SANDBOX_API_KEY="") == (1, "EXCHANGE_SANDBOX_API_KEY is not set.")


async def started(folder: Path, **environment: str) -> tuple[int | None, str]:
    """Exit code and last words of a process that does not start."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "--port=9", f"--state={folder}"),
        env={**os.environ, **ENVIRONMENT, **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, said.decode().strip().partition(": database is locked")[0]
