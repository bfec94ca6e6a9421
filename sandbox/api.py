"""The calls over HTTP: JSON, a bearer key, and an idempotency key for whatever makes or moves something."""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import accounts, cards, charges, refunds
from sandbox.context import Fault, Sandbox
from sandbox.delivery import Mode
from sandbox.objects import Account, Charge, Dispute, Movement, Payout, Refund, Setup
from sandbox.pushes import push
from sandbox.refused import Refused, Trouble
from shared.money import CurrencyCode

_LARGEST_BODY = 64 * 1024
_LONGEST_KEY = 255
_PAGE = 200

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Address = Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[^\s/?#]+[^\s]*$")]
# Beyond it sums would soon leave the 64 bits in which they are kept.
Minor = Annotated[int, Field(gt=0, le=10**15)]
B = TypeVar("B", bound=BaseModel)


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Nothing(Body):
    pass


class User(Body):
    user: Text


class NewSetup(Body):
    customer: Text


class GivenCard(Body):
    client_secret: Text
    card: Text


class NewCharge(Body):
    customer: Text
    amount: Minor
    currency: CurrencyCode = Field(strict=False)
    subject: Text


class Confirmation(Body):
    card: Text
    return_url: Address


class Authentication(Body):
    client_secret: Text
    passes: bool


class NewRefund(Body):
    charge: Text
    amount: Minor


class NewOnboarding(Body):
    return_url: Address


class NewPayout(Body):
    account: Text
    amount: Minor
    currency: CurrencyCode = Field(strict=False)


class Webhooks(Body):
    mode: Mode
    seconds: float = Field(5, ge=0, le=86_400)


class Faults(Body):
    fault: Fault | None


class Link(BaseModel):
    url: str


class Found(BaseModel):
    """What was looked for by a key: one thing or none."""

    data: Sequence[Refund | Payout]


class Movements(BaseModel):
    data: Sequence[Movement]
    next: int | None
    """The position after which the next page begins."""


class Error(BaseModel):
    code: str
    message: str
    fields: Mapping[str, str]


class Problem(BaseModel):
    error: Error


class Balances(BaseModel):
    balances: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Asked(Generic[B]):
    """A call, read and checked as far as its form goes."""

    sandbox: Sandbox
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: B
    key: str

    @property
    def id(self) -> str:
        return self.path["id"]


@dataclass(frozen=True, slots=True)
class Call(Generic[B]):
    """A call of the API: what its body is, and what answers it, within a transaction."""

    method: Literal["GET", "POST"]
    path: str
    body: type[B]
    act: Callable[[Asked[B]], BaseModel]
    is_keyed: bool = False
    """It needs an idempotency key."""
    is_of_clients: bool = False
    """Made by clients with the secret of an object, without our API key."""


def _pushed(asked: Asked[Nothing]) -> BaseModel:
    return push(asked.sandbox, asked.id, asked.path["name"])


def _sent_again(asked: Asked[Nothing]) -> BaseModel:
    asked.sandbox.state.send_again(asked.id)
    return Nothing()


def _delivery_changed(asked: Asked[Webhooks]) -> BaseModel:
    asked.sandbox.state.delivery.change(asked.body.mode, asked.body.seconds)
    return asked.body


def _fault_changed(asked: Asked[Faults]) -> BaseModel:
    asked.sandbox.fault = asked.body.fault
    return asked.body


def _onboarding(asked: Asked[NewOnboarding]) -> BaseModel:
    started = accounts.start_onboarding(asked.sandbox, asked.id, asked.body.return_url)
    return Link(url=accounts.url_of(asked.sandbox, started))


def _found(asked: Asked[Nothing], kind: type[Refund] | type[Payout], parent: str) -> BaseModel:
    found = asked.sandbox.state.find(kind, asked.query.get(parent, ""), asked.query.get("key", ""))
    return Found(data=[found] if found is not None else [])


def _movements(asked: Asked[Nothing]) -> BaseModel:
    since, until, after = (_number(asked.query, name) for name in ("since", "until", "after"))
    page = asked.sandbox.state.movements(since, until, after, _PAGE)
    return Movements(data=page, next=page[-1].position if len(page) == _PAGE else None)


def _number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name, "0")
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise Refused(400, "invalid_request", "The query is not right.", {name: "must be a whole number"})
    return int(text)


CALLS: Sequence[Call[Any]] = (
    Call("POST", "/v1/customers", User, lambda a: cards.create_customer(a.sandbox, a.body.user, a.key), is_keyed=True),
    Call("POST", "/v1/setups", NewSetup, lambda a: cards.start_setup(a.sandbox, a.body.customer, a.key), is_keyed=True),
    Call("GET", "/v1/setups/{id}", Nothing, lambda a: a.sandbox.state.get(Setup, a.id)),
    Call(
        "POST",
        "/v1/setups/complete",
        GivenCard,
        lambda a: cards.complete_setup(a.sandbox, a.body.client_secret, a.body.card),
        is_of_clients=True,
    ),
    Call("POST", "/v1/cards/{id}/detach", Nothing, lambda a: cards.detach(a.sandbox, a.id)),
    Call(
        "POST",
        "/v1/charges",
        NewCharge,
        lambda a: charges.prepare(
            a.sandbox, a.body.customer, a.body.amount, a.body.currency.value, a.body.subject, a.key
        ),
        is_keyed=True,
    ),
    Call("GET", "/v1/charges/{id}", Nothing, lambda a: a.sandbox.state.get(Charge, a.id)),
    Call(
        "POST",
        "/v1/charges/{id}/confirm",
        Confirmation,
        lambda a: charges.confirm(a.sandbox, a.id, a.body.card, a.body.return_url),
        is_keyed=True,
    ),
    Call(
        "POST",
        "/v1/charges/authenticate",
        Authentication,
        lambda a: charges.authenticate(a.sandbox, a.body.client_secret, a.body.passes),
        is_of_clients=True,
    ),
    Call("POST", "/v1/charges/{id}/cancel", Nothing, lambda a: charges.cancel(a.sandbox, a.id)),
    Call(
        "POST",
        "/v1/refunds",
        NewRefund,
        lambda a: refunds.create(a.sandbox, a.body.charge, a.body.amount, a.key),
        is_keyed=True,
    ),
    Call("GET", "/v1/refunds", Nothing, lambda a: _found(a, Refund, "charge")),
    Call("POST", "/v1/accounts", User, lambda a: accounts.create(a.sandbox, a.body.user, a.key), is_keyed=True),
    Call("GET", "/v1/accounts/{id}", Nothing, lambda a: a.sandbox.state.get(Account, a.id)),
    Call("POST", "/v1/accounts/{id}/onboarding", NewOnboarding, _onboarding),
    Call(
        "POST",
        "/v1/payouts",
        NewPayout,
        lambda a: accounts.pay_out(a.sandbox, a.body.account, a.body.amount, a.body.currency.value, a.key),
        is_keyed=True,
    ),
    Call("GET", "/v1/payouts", Nothing, lambda a: _found(a, Payout, "account")),
    Call("GET", "/v1/disputes/{id}", Nothing, lambda a: a.sandbox.state.get(Dispute, a.id)),
    Call("GET", "/v1/movements", Nothing, _movements),
    Call("GET", "/v1/balances", Nothing, lambda a: Balances(balances=a.sandbox.state.balances())),
    Call("POST", "/v1/admin/webhooks", Webhooks, _delivery_changed),
    Call("POST", "/v1/admin/faults", Faults, _fault_changed),
    Call("POST", "/v1/admin/events/{id}/send", Nothing, _sent_again),
    Call("POST", "/v1/admin/{id}/{name}", Nothing, _pushed),
)


def routes(sandbox: Sandbox) -> list[Route]:
    """All calls. Each answers with JSON, and with an `error` in it unless it did what was asked."""
    return [Route(call.path, _endpoint(sandbox, call), methods=[call.method]) for call in CALLS]


async def unknown(_: Request, wrong: Exception) -> Response:
    """What is answered where there is no call."""
    status = wrong.status_code if isinstance(wrong, HTTPException) else 404
    return _refusal(Refused(status, "no_such_call", "There is no such call."))


def _endpoint(sandbox: Sandbox, call: Call[B]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            if not call.is_of_clients:
                _authorize(request, sandbox.options.api_key)
            body = await read_body(request)
            key = _key(request, call.is_keyed)
            fault = sandbox.fault if call.is_keyed else None
            if fault in ("request_lost", "error"):
                raise Trouble(is_silent=fault == "request_lost")
            answer = _answer(sandbox, call, request, body, key)
            if fault == "answer_lost":
                raise Trouble(is_silent=True)
        except Refused as refused:
            return _refusal(refused)
        except Trouble as trouble:
            return await _troubled(sandbox, trouble)
        return _json(200, answer)

    return endpoint


def _answer(sandbox: Sandbox, call: Call[B], request: Request, body: bytes, key: str) -> bytes:
    """Carries a call out, unless it was with this key. Raises Refused and Trouble."""
    question = hashlib.sha256(f"{call.method} {request.url.path}\n".encode() + body).digest()
    if key and (known := sandbox.state.answer(key)) is not None:
        if known[0] != question:
            raise Refused(409, "idempotency_key_reused", "The key belongs to another call.")
        return known[1]
    try:
        given = call.body.model_validate_json(body or b"{}")
    except ValidationError as wrong:
        raise _invalid(wrong) from None
    asked = Asked(sandbox, request.path_params, request.query_params, given, key)
    trouble: Trouble | None = None
    with sandbox.state.transaction():
        try:
            done: BaseModel | None = call.act(asked)
        except Trouble as raised:
            trouble, done = raised, raised.done
        answer = done.model_dump_json().encode() if done is not None else b""
        if key and answer:
            sandbox.state.keep_answer(key, question, answer)
    if trouble is not None:
        raise trouble
    return answer


async def _troubled(sandbox: Sandbox, trouble: Trouble) -> Response:
    if not trouble.is_silent:
        return _refusal(Refused(500, "internal_error", "Something went wrong, as it was to."))
    await asyncio.sleep(sandbox.options.silent_seconds)
    return _refusal(Refused(504, "answer_lost", "Nobody knows what became of it."))


def _authorize(request: Request, api_key: str) -> None:
    if not hmac.compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {api_key}".encode()):
        raise Refused(401, "unauthorized", "The API key is not the right one.")


def _key(request: Request, is_needed: bool) -> str:
    key = request.headers.get("idempotency-key", "")
    if len(key) > _LONGEST_KEY or (is_needed and not key):
        raise Refused(400, "invalid_idempotency_key", f"Idempotency-Key takes 1 to {_LONGEST_KEY} characters.")
    return key if is_needed else ""


async def read_body(request: Request) -> bytes:
    """The body of a request. Raises Refused if it is large beyond reason."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise Refused(413, "body_too_large", f"A body has at most {_LARGEST_BODY} bytes.")
    return body


def _invalid(wrong: ValidationError) -> Refused:
    fields = {".".join(map(str, each["loc"])) or "body": each["msg"] for each in wrong.errors()}
    return Refused(400, "invalid_request", "The body is not right.", fields)


def _refusal(refused: Refused) -> Response:
    return _json(
        refused.status,
        Problem(error=Error(code=refused.code, message=refused.message, fields=refused.fields))
        .model_dump_json()
        .encode(),
    )


def _json(status: int, body: bytes) -> Response:
    return Response(body, status, media_type="application/json")
