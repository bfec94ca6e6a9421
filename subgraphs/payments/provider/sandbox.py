"""The port over HTTP to the sandbox: a provider of our own that moves no money (`python -m sandbox`)."""

import asyncio
import hashlib
import hmac
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

import httpx
import orjson
from pydantic import BaseModel, ValidationError

from shared import clock
from shared.money import CurrencyCode, Money
from subgraphs.payments.provider import sandbox_answers as answers
from subgraphs.payments.provider.port import (
    Charge,
    Dispute,
    Hint,
    Movement,
    Payout,
    PayoutAccount,
    ProviderRefused,
    ProviderUnavailable,
    Refund,
    Setup,
    WebhookFault,
    WebhookRefused,
)

_CONNECT_SECONDS = 2.0
_CALL_SECONDS = 8.0
_SIGNATURE = "sandbox-signature"
_SIGNED = re.compile(r"t=(?P<seconds>\d{1,12}),v1=(?P<digest>[0-9a-f]{64})", re.ASCII)
_OLDEST = timedelta(minutes=5)

A = TypeVar("A", bound=BaseModel)


class Sandbox:
    """One sandbox. `return_url` is where the payer's browser comes back to from 3-D Secure."""

    name = "sandbox"

    def __init__(
        self, url: str, api_key: str, webhook_secret: str, return_url: str, call_seconds: float = _CALL_SECONDS
    ) -> None:
        self._webhook_secret = webhook_secret.encode()
        self._return_url = return_url
        self._call_seconds = call_seconds
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"authorization": f"Bearer {api_key}", "content-type": "application/json"},
            timeout=httpx.Timeout(call_seconds, connect=_CONNECT_SECONDS),
            # It speaks plain HTTP; a context that trusts nobody costs nothing.
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def create_customer(self, user_id: str, *, key: str) -> str:
        return (await self._post(answers.Answer, "/v1/customers", {"user": user_id}, key)).id

    async def start_setup(self, customer: str, *, key: str) -> Setup:
        return (await self._post(answers.Setup, "/v1/setups", {"customer": customer}, key)).read()

    async def get_setup(self, setup_id: str) -> Setup:
        return (await self._get(answers.Setup, "setups", setup_id)).read()

    async def detach_card(self, token: str) -> None:
        await self._post(answers.Answer, f"/v1/cards/{_segment(token)}/detach", {})

    async def prepare_charge(self, customer: str, amount: Money, *, key: str, subject_id: str) -> Charge:
        wanted = {"customer": customer, **_sum(amount), "subject": subject_id}
        return (await self._post(answers.Charge, "/v1/charges", wanted, key)).read()

    async def confirm_charge(self, charge_id: str, card: str, *, key: str) -> Charge:
        wanted = {"card": card, "return_url": self._return_url}
        return (await self._post(answers.Charge, f"/v1/charges/{_segment(charge_id)}/confirm", wanted, key)).read()

    async def get_charge(self, charge_id: str) -> Charge:
        return (await self._get(answers.Charge, "charges", charge_id)).read()

    async def cancel_charge(self, charge_id: str) -> Charge:
        return (await self._post(answers.Charge, f"/v1/charges/{_segment(charge_id)}/cancel", {})).read()

    async def refund(self, charge_id: str, amount: Money, *, key: str) -> Refund:
        wanted = {"charge": charge_id, "amount": amount.minor}
        return (await self._post(answers.Refund, "/v1/refunds", wanted, key)).read()

    async def find_refund(self, charge_id: str, key: str) -> Refund | None:
        found = await self._ask(answers.Found[answers.Refund], "/v1/refunds", {"charge": charge_id, "key": key})
        return found.data[0].read() if found.data else None

    async def create_account(self, user_id: str, *, key: str) -> PayoutAccount:
        return (await self._post(answers.Account, "/v1/accounts", {"user": user_id}, key)).read()

    async def start_onboarding(self, account: str, return_url: str) -> str:
        path = f"/v1/accounts/{_segment(account)}/onboarding"
        return (await self._post(answers.Link, path, {"return_url": return_url})).url

    async def get_account(self, account: str) -> PayoutAccount:
        return (await self._get(answers.Account, "accounts", account)).read()

    async def pay_out(self, account: str, amount: Money, *, key: str) -> Payout:
        return (await self._post(answers.Payout, "/v1/payouts", {"account": account, **_sum(amount)}, key)).read()

    async def find_payout(self, account: str, key: str) -> Payout | None:
        found = await self._ask(answers.Found[answers.Payout], "/v1/payouts", {"account": account, "key": key})
        return found.data[0].read() if found.data else None

    async def get_dispute(self, dispute_id: str) -> Dispute:
        return (await self._get(answers.Dispute, "disputes", dispute_id)).read()

    async def movements(self, since: datetime, until: datetime) -> AsyncIterator[Movement]:
        wanted = {"since": _microseconds(since), "until": _microseconds(until)}
        after: int | None = 0
        while after is not None:
            page = await self._ask(answers.Movements, "/v1/movements", {**wanted, "after": str(after)})
            for each in page.data:
                yield each.read()
            after = page.next

    async def balances(self) -> Mapping[CurrencyCode, Money]:
        held = (await self._ask(answers.Balances, "/v1/balances", {})).balances
        return {currency: Money(minor, currency) for currency, minor in held.items()}

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> Sequence[Hint]:
        signed = _SIGNED.fullmatch(headers.get(_SIGNATURE, ""))
        if signed is None:
            raise WebhookRefused(WebhookFault.UNSIGNED)
        digest = hmac.new(self._webhook_secret, f"{signed['seconds']}.".encode() + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(digest, signed["digest"]):
            raise WebhookRefused(WebhookFault.BAD_SIGNATURE)
        if abs(clock.now().timestamp() - int(signed["seconds"])) > _OLDEST.total_seconds():
            raise WebhookRefused(WebhookFault.STALE)
        try:
            return (answers.Event.model_validate_json(body).read(),)
        except ValidationError:
            raise WebhookRefused(WebhookFault.MALFORMED) from None

    async def _get(self, kind: type[A], noun: str, object_id: str) -> A:
        """An object by its id. Raises LookupError too."""
        response = await self._send(self._client.build_request("GET", f"/v1/{noun}/{_segment(object_id)}"))
        if response.status_code == httpx.codes.NOT_FOUND:
            raise LookupError(object_id)
        return _read(kind, response)

    async def _ask(self, kind: type[A], path: str, query: Mapping[str, str]) -> A:
        return _read(kind, await self._send(self._client.build_request("GET", path, params=query)))

    async def _post(self, kind: type[A], path: str, wanted: Mapping[str, object], key: str | None = None) -> A:
        headers = {"idempotency-key": key} if key is not None else {}
        request = self._client.build_request("POST", path, content=orjson.dumps(wanted), headers=headers)
        return _read(kind, await self._send(request))

    async def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(self._call_seconds):
                return await self._client.send(request)
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            raise ProviderUnavailable(type(error).__name__) from None


def _read(kind: type[A], response: httpx.Response) -> A:
    """What an answer says. Raises ProviderRefused, and ProviderUnavailable for one that says nothing."""
    try:
        if response.is_success:
            return kind.model_validate_json(response.content)
        if response.is_client_error:
            error = answers.Problem.model_validate_json(response.content).error
            raise ProviderRefused(error.code, error.message)
    except ValidationError:
        raise ProviderUnavailable(f"status {response.status_code}, and nothing that can be read") from None
    raise ProviderUnavailable(f"status {response.status_code}")


def _sum(amount: Money) -> dict[str, object]:
    return {"amount": amount.minor, "currency": amount.currency.value}


def _segment(object_id: str) -> str:
    """An id as a part of a path, whatever it is."""
    return quote(object_id, safe="")


def _microseconds(at: datetime) -> str:
    return str((at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
