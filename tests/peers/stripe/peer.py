"""A Stripe of our own with as much of its API as the adapter uses, and with a memory.

Each answer and each event is held against Stripe's published OpenAPI document before it is given. What happens at
Stripe without us are the methods whose names are verbs of payers, taskers and banks.
"""

import asyncio
import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from shared import clock
from tests.peers.stripe.document import Json, document

SECRET_KEY = "sk_test_peer"
WEBHOOK_SECRET = "whsec_peer"
PROCESSED = "processed"
ASKS = "asks"
_BY = {"customer": "cus", "setup_intent": "seti", "payment_method": "pm", "payment_intent": "pi", "charge": "ch",
       "refund": "re", "account": "acct", "transfer": "tr", "transfer_reversal": "trr", "payout": "po",
       "dispute": "du", "balance_transaction": "txn", "event": "evt"}  # fmt: skip


class Refused(Exception):
    """An error as Stripe answers it."""

    def __init__(self, status: int, code: str | None, **more: object) -> None:
        kind = "card_error" if status == 402 else "invalid_request_error"
        error = {"type": kind, "message": str(code), **({"code": code} if code else {}), **more}
        super().__init__(code)
        self.status = status
        self.answer: Json = {"error": error}


class Peer:
    """What Stripe knows."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.owners: dict[str, str] = {}
        """Connected accounts by what is theirs."""
        self.funds: dict[tuple[str, str], int] = {}
        """What connected accounts hold, by account and currency."""
        self.behaviours: dict[str, str] = {}
        """What becomes of charges, by payment method: a decline code, PROCESSED, ASKS or nothing."""
        self.events: list[Json] = []
        self.requests: list[tuple[str, str, str, bytes, str]] = []
        """Method, path, query, body and connected account of each."""
        self.wrong: list[AssertionError] = []
        """What the adapter should not have asked, or this peer not have answered."""
        self.loses: bool | None = None
        """Whether the answers to POSTs are lost, and if so whether they are done."""
        self.fails: tuple[int, Json] | None = None
        """Status and error with which everything is answered, if any."""
        self.gate = asyncio.Event()
        """Closed, it holds POSTs up."""
        self.gate.set()
        self.drips = False
        """Whether answers come a byte at a time, for ever so long."""
        self.answers: dict[tuple[str, str], tuple[object, int, Json]] = {}
        """What was answered to idempotency keys; Stripe forgets it after a day."""
        self._held: set[tuple[str, str]] = set()
        self._numbers = itertools.count(1)

    # --- HTTP ----------------------------------------------------------------------------------------------------

    async def serve(self, request: Request) -> Response:
        try:
            return await self._serve(request)
        except AssertionError as wrong:
            self.wrong.append(wrong)
            raise

    async def _serve(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode().split("?")[0]
        segments = [unquote(each) for each in path.split("/")[2:]]
        account = request.headers.get("stripe-account", "")
        assert request.headers["authorization"] == f"Bearer {SECRET_KEY}"
        if self.fails:
            status, error = self.fails
            return JSONResponse({"error": {"message": "as the test wants it", **error}}, status)
        self.requests.append((request.method, request.url.path, request.url.query, await request.body(), account))
        if request.method != "POST":
            asked = _nested(request.url.query)
            return self._answer(request.method, segments, *self._done(request.method, segments, asked, account))
        asked = _nested((await request.body()).decode())
        lost = Response("the answer was lost on the way", 502)
        if self.loses is False:
            return lost
        status, answer = await self._once(segments, asked, account, request.headers["idempotency-key"])
        if self.loses:
            return lost
        return self._answer(request.method, segments, status, answer)

    async def _once(self, segments: Sequence[str], asked: Json, account: str, key: str) -> tuple[int, Json]:
        """By the rules of https://docs.stripe.com/api/idempotent_requests."""
        place, what = (account, key), (list(segments), asked)
        if place in self._held:
            return 409, Refused(409, "idempotency_key_in_use").answer
        if place in self.answers:
            before, status, answer = self.answers[place]
            if before != what:
                return 400, {"error": {"type": "idempotency_error", "message": "other parameters"}}
            return status, answer
        self._held.add(place)
        try:
            await self.gate.wait()
            status, answer = self._done("POST", segments, asked, account)
        finally:
            self._held.discard(place)
        answer = json.loads(json.dumps(answer))
        self.answers[place] = (what, status, answer)
        return status, answer

    def _done(self, method: str, segments: Sequence[str], asked: Json, account: str) -> tuple[int, Json]:
        try:
            answer = self._act(method, segments, asked, account)
            return 200, self._expanded(answer, [*asked.get("expand", {}).values()])
        except Refused as refused:
            return refused.status, refused.answer

    def _answer(self, method: str, segments: Sequence[str], status: int, answer: Json) -> Response:
        document().check_answer(method, segments, status, answer)
        whole = JSONResponse(answer, status, headers={"request-id": f"req_{next(self._numbers)}"})
        return StreamingResponse(_slowly(whole.body), status) if self.drips else whole

    def _act(self, method: str, segments: Sequence[str], asked: Json, account: str) -> Json:
        if account:
            self.find(account, "account")
        match method, segments:
            case "POST", ["customers"]:
                return self.make("customer", metadata=asked["metadata"])
            case "POST", ["setup_intents"]:
                return self._intent("setup_intent", asked, usage=asked["usage"])
            case "POST", ["payment_intents"]:
                return self._intent(
                    "payment_intent", asked, amount=int(asked["amount"]), currency=asked["currency"], amount_received=0
                )
            case "POST", ["payment_intents", id, "confirm"]:
                return self._confirm(self.find(id, "payment_intent"), asked)
            case "POST", ["payment_intents", id, "cancel"]:
                return self._cancel(self.find(id, "payment_intent"))
            case "POST", ["payment_methods", id, "detach"]:
                return self._detach(self.find(id, "payment_method"))
            case "POST", ["refunds"]:
                return self._refund(asked)
            case "POST", ["accounts"]:
                return self._open_account(asked)
            case "POST", ["account_links"]:
                self.find(asked["account"], "account")
                link = document().example("account_link")
                return {**link, "url": f"https://connect.stripe.test/setup/{asked['account']}"}
            case "POST", ["transfers"]:
                return self._transfer(asked)
            case "POST", ["transfers", id, "reversals"]:
                return self._reverse(self.find(id, "transfer"), asked)
            case "POST", ["payouts"]:
                return self._pay_out(asked, account)
            case "GET", ["balance"]:
                return self._balance()
            case "GET", ["refunds" | "transfers" | "payouts" | "balance_transactions" as plural]:
                return self._list(plural, asked, account)
            case "GET", [plural, id]:
                return self.find(id, plural.removesuffix("s"))
        raise AssertionError(f"The adapter asks for what Stripe is not asked: {method} {segments}")

    def _list(self, plural: str, asked: Json, account: str) -> Json:
        """The newest first, as Stripe does."""
        created = asked.get("created", {})
        found = [
            each
            for each in reversed(self.objects.values())
            if each["object"] == plural.removesuffix("s")
            and self.owners.get(each["id"], "") == account
            and each["created"] >= int(created.get("gte", 0))
            and each["created"] < int(created.get("lt", 2**40))
            and all(each[name] == asked[name] for name in ("payment_intent", "transfer_group") if name in asked)
        ]
        ids = [each["id"] for each in found]
        start = ids.index(asked["starting_after"]) + 1 if "starting_after" in asked else 0
        # Pages are small here, so that there are several.
        page = found[start : start + min(int(asked["limit"]), 2)]
        return {"object": "list", "url": f"/v1/{plural}", "data": page, "has_more": start + len(page) < len(found)}

    def _expanded(self, answer: Json, paths: Sequence[str]) -> Json:
        copy: Json = json.loads(json.dumps(answer))
        for path in paths:
            *parents, name = path.split(".")
            for each in copy["data"] if parents == ["data"] else [copy]:
                if each[name] is not None:
                    each[name] = self.objects[each[name]]
        return copy

    # --- objects -------------------------------------------------------------------------------------------------

    def make(self, resource: str, **fields: object) -> Json:
        """A new object of Stripe's."""
        created = int(clock.now().timestamp())
        made = {
            **document().example(resource), "id": f"{_BY[resource]}_{next(self._numbers)}", "created": created,
            "livemode": False, "metadata": {}, **fields,
        }  # fmt: skip
        if resource in ("balance_transaction", "event"):
            del made["metadata"]
        if resource in ("account", "refund", "transfer_reversal", "balance_transaction"):
            del made["livemode"]
        self.objects[made["id"]] = made
        return made

    def find(self, id: str, resource: str) -> Json:
        found = self.objects.get(id)
        if found is None or found["object"] != resource:
            if resource == "account":
                raise Refused(403, "account_invalid")
            raise Refused(404, "resource_missing", param="id")
        return found

    def tell(self, type: str, about: Json, account: str = "") -> None:
        """An event about what has just changed."""
        event = self.make("event", type=type, data={"object": json.loads(json.dumps(about))}, api_version=None)
        if account:
            event["account"] = account
        document().check_object("event", event)
        document().check_object(about["object"], about)
        self.events.append(event)

    def move(self, source: Json, type: str, amount: int, currency: str, category: str) -> None:
        """A movement of the platform's balance."""
        self.make(
            "balance_transaction",
            source=source["id"], type=type, amount=amount, net=amount, currency=currency, reporting_category=category,
        )  # fmt: skip

    def available(self, currency: str) -> int:
        return sum(
            each["net"]
            for each in self.objects.values()
            if each["object"] == "balance_transaction" and each["currency"] == currency
        )

    def _balance(self) -> Json:
        moves = [each for each in self.objects.values() if each["object"] == "balance_transaction"]
        held = [
            {"amount": self.available(each), "currency": each, "source_types": {"card": 0}}
            for each in sorted({each["currency"] for each in moves})
        ]
        return {**document().example("balance"), "available": held, "pending": []}

    # --- payers --------------------------------------------------------------------------------------------------

    def _intent(self, resource: str, asked: Json, **fields: object) -> Json:
        assert [*asked["allowed_payment_method_types"].values()] == ["card"]
        customer = self.find(asked["customer"], "customer")["id"]
        intent = self.make(
            resource,
            status="requires_payment_method",
            customer=customer,
            payment_method_types=["card"],
            allowed_payment_method_types=["card"],
            metadata=asked["metadata"],
            **fields,
        )
        intent["client_secret"] = f"{intent['id']}_secret"
        self.tell(f"{resource}.created", intent)
        return intent

    def give_card(self, setup_id: str, number: str, behaviour: str = "") -> Json | None:
        """The payer's client confirms a setup with a new card; None if it is declined."""
        intent = self.objects[setup_id]
        if behaviour == "refused":
            intent["last_setup_error"] = {
                "type": "card_error",
                "code": "card_declined",
                "decline_code": "generic_decline",
            }
            self.tell("setup_intent.setup_failed", intent)
            return None
        method = self.make("payment_method", type="card", customer=intent["customer"])
        method["billing_details"] = dict.fromkeys(method["billing_details"])
        method["card"] = {
            **{name: value for name, value in method["card"].items() if name in ("brand", "funding", "country")},
            "checks": None, "generated_from": None, "networks": None, "three_d_secure_usage": None, "wallet": None,
            "display_brand": "visa", "last4": number[-4:], "exp_month": 8, "exp_year": clock.now().year + 2,
            "fingerprint": f"fingerprint-{number}",
        }  # fmt: skip
        self.behaviours[method["id"]] = behaviour
        intent.update(status="succeeded", payment_method=method["id"], last_setup_error=None)
        self.tell("setup_intent.succeeded", intent)
        return method

    def _detach(self, method: Json) -> Json:
        if method["customer"] is None:
            raise Refused(400, None)
        method["customer"] = None
        return method

    def _confirm(self, intent: Json, asked: Json) -> Json:
        if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
            raise Refused(400, "payment_intent_unexpected_state")
        method = self.find(asked["payment_method"], "payment_method")
        if method["customer"] != intent["customer"]:
            raise Refused(400, None)
        intent.update(payment_method=method["id"], last_payment_error=None)
        behaviour = self.behaviours[method["id"]]
        if behaviour == ASKS:
            redirect = {"url": f"https://hooks.stripe.test/{intent['id']}", "return_url": asked["return_url"]}
            intent.update(
                status="requires_action", next_action={"type": "redirect_to_url", "redirect_to_url": redirect}
            )
            self.tell("payment_intent.requires_action", intent)
        elif behaviour == PROCESSED:
            intent["status"] = "processing"
            self.tell("payment_intent.processing", intent)
        elif behaviour:
            raise self.decline(intent, behaviour)
        else:
            self.take(intent)
        return intent

    def take(self, intent: Json) -> None:
        """The payer's bank pays."""
        amount, currency = intent["amount"], intent["currency"]
        attempt = self.make(
            "charge",
            amount=amount, amount_captured=amount, amount_refunded=0, captured=True, paid=True, refunded=False,
            status="succeeded", currency=currency, payment_intent=intent["id"], customer=intent["customer"],
            payment_method=intent["payment_method"], outcome=None, payment_method_details=None, fraud_details=None,
        )  # fmt: skip
        intent.update(status="succeeded", latest_charge=attempt["id"], amount_received=amount, next_action=None)
        self.move(attempt, "charge", amount, currency, "charge")
        self.tell("payment_intent.succeeded", intent)

    def decline(self, intent: Json, code: str) -> Refused:
        """The payer's bank does not pay."""
        is_asked = code == "payment_intent_authentication_failure"
        error = {"code": code} if is_asked else {"code": "card_declined", "decline_code": code}
        intent.update(
            status="requires_payment_method",
            payment_method=None,
            next_action=None,
            last_payment_error={"type": "invalid_request_error" if is_asked else "card_error", **error},
        )
        self.tell("payment_intent.payment_failed", intent)
        return Refused(402, error["code"], decline_code=error.get("decline_code", ""), payment_intent=intent)

    def _cancel(self, intent: Json) -> Json:
        if intent["status"] in ("succeeded", "canceled", "processing"):
            raise Refused(400, "payment_intent_unexpected_state")
        intent.update(status="canceled", next_action=None, canceled_at=int(clock.now().timestamp()))
        self.tell("payment_intent.canceled", intent)
        return intent

    def _refund(self, asked: Json) -> Json:
        intent = self.find(asked["payment_intent"], "payment_intent")
        if intent["latest_charge"] is None:
            raise Refused(400, "payment_intent_unexpected_state")
        attempt, amount = self.objects[intent["latest_charge"]], int(asked["amount"])
        if attempt["disputed"]:
            raise Refused(400, "charge_disputed")
        if attempt["amount_refunded"] + amount > attempt["amount"]:
            raise Refused(400, "charge_already_refunded")
        if amount > self.available(intent["currency"]):
            raise Refused(400, "balance_insufficient")
        attempt["amount_refunded"] += amount
        refund = self.make(
            "refund",
            amount=amount, currency=intent["currency"], payment_intent=intent["id"], charge=attempt["id"],
            status="succeeded", metadata=asked["metadata"],
        )  # fmt: skip
        self.move(refund, "refund", -amount, intent["currency"], "refund")
        self.tell("refund.created", refund)
        return refund

    def fail_refund(self, refund_id: str) -> None:
        refund = self.objects[refund_id]
        refund.update(status="failed", failure_reason="expired_or_canceled_card")
        self.objects[refund["charge"]]["amount_refunded"] -= refund["amount"]
        self.move(refund, "refund_failure", refund["amount"], refund["currency"], "refund_failure")
        self.tell("refund.failed", refund)

    def open_dispute(self, charge_id: str, status: str = "needs_response") -> str:
        """The payer's bank takes a charge back, or by a `warning_…` asks first. The dispute's id."""
        intent = self.objects[charge_id]
        attempt = self.objects[intent["latest_charge"]]
        attempt["disputed"] = True
        dispute = self.make(
            "dispute",
            amount=attempt["amount"], currency=intent["currency"], charge=attempt["id"], payment_intent=intent["id"],
            status=status, reason="fraudulent",
        )  # fmt: skip
        dispute["evidence_details"] = {**dispute["evidence_details"], "due_by": dispute["created"] + 7 * 86_400}
        if status == "needs_response":
            self.move(dispute, "adjustment", -attempt["amount"], intent["currency"], "dispute")
        self.tell("charge.dispute.created", dispute)
        return str(dispute["id"])

    def close_dispute(self, dispute_id: str, status: str) -> None:
        dispute = self.objects[dispute_id]
        dispute["status"] = status
        if status == "won":
            self.move(dispute, "adjustment", dispute["amount"], dispute["currency"], "dispute_reversal")
        self.tell("charge.dispute.closed", dispute)

    # --- taskers -------------------------------------------------------------------------------------------------

    def _open_account(self, asked: Json) -> Json:
        assert asked["settings"]["payouts"]["schedule"]["interval"] == "manual"
        account = self.make("account", metadata=asked["metadata"])
        self.require(account["id"], ["external_account", "tos_acceptance.date"])
        return account

    def require(self, account_id: str, due: Sequence[str], disabled: str | None = None) -> None:
        """What Stripe wants to know of a tasker now; nothing: they can be paid out."""
        account = self.objects[account_id]
        is_active = not due and disabled is None
        account.update(
            payouts_enabled=is_active,
            details_submitted=is_active,
            capabilities={"transfers": "active" if is_active else "inactive"},
            requirements={
                "currently_due": [*due], "eventually_due": [*due], "past_due": [], "pending_verification": [],
                "alternatives": [], "errors": [], "current_deadline": None,
                "disabled_reason": disabled or ("requirements.past_due" if due else None),
            },
        )  # fmt: skip
        self.tell("account.updated", account, account_id)

    def _transfer(self, asked: Json) -> Json:
        account, amount = self.find(asked["destination"], "account"), int(asked["amount"])
        if account["capabilities"]["transfers"] != "active":
            raise Refused(400, "insufficient_capabilities_for_transfer")
        if amount > self.available(asked["currency"]):
            raise Refused(400, "balance_insufficient")
        transfer = self.make(
            "transfer",
            amount=amount, currency=asked["currency"], destination=account["id"], amount_reversed=0, reversed=False,
            transfer_group=asked["transfer_group"], metadata=asked["metadata"],
        )  # fmt: skip
        self._give(account["id"], transfer["currency"], amount)
        self.move(transfer, "transfer", -amount, transfer["currency"], "transfer")
        self.tell("transfer.created", transfer)
        return transfer

    def _reverse(self, transfer: Json, asked: Json) -> Json:
        amount = transfer["amount"] - transfer["amount_reversed"]
        place = (transfer["destination"], transfer["currency"])
        if amount == 0:
            raise Refused(400, None)
        if amount > self.funds.get(place, 0):
            raise Refused(400, "balance_insufficient")
        reversal = self.make(
            "transfer_reversal",
            amount=amount, currency=transfer["currency"], transfer=transfer["id"], metadata=asked["metadata"],
        )  # fmt: skip
        transfer.update(amount_reversed=transfer["amount"], reversed=True)
        self._give(*place, -amount)
        self.move(reversal, "transfer_refund", amount, transfer["currency"], "transfer_reversal")
        self.tell("transfer.reversed", transfer)
        return reversal

    def _pay_out(self, asked: Json, account: str) -> Json:
        amount, currency = int(asked["amount"]), asked["currency"]
        if not self.objects[account]["payouts_enabled"]:
            raise Refused(400, "payouts_not_allowed")
        if amount > self.funds.get((account, currency), 0):
            raise Refused(400, "balance_insufficient")
        payout = self.make(
            "payout",
            amount=amount, currency=currency, automatic=False, status="pending", metadata=asked["metadata"],
            reconciliation_status="not_applicable",
        )  # fmt: skip
        self.owners[payout["id"]] = account
        self._give(account, currency, -amount)
        self.tell("payout.created", payout, account)
        return payout

    def sent(self, key: str) -> Json:
        """The payout to a bank with our key."""
        return next(
            each for each in self.objects.values() if each["object"] == "payout" and each["metadata"]["key"] == key
        )

    def pay(self, payout: Json) -> None:
        """The tasker's bank takes it."""
        payout["status"] = "paid"
        self.tell("payout.paid", payout, self.owners[payout["id"]])

    def fail_payout(self, payout: Json, code: str) -> None:
        """The tasker's bank sends it back."""
        account = self.owners[payout["id"]]
        payout.update(status="failed", failure_code=code, failure_message=code)
        self._give(account, payout["currency"], payout["amount"])
        self.tell("payout.failed", payout, account)

    def _give(self, account: str, currency: str, amount: int) -> None:
        self.funds[account, currency] = self.funds.get((account, currency), 0) + amount


def sign(body: bytes, secret: str = WEBHOOK_SECRET) -> Mapping[str, str]:
    """The headers of a webhook that is sent now."""
    now = int(clock.now().timestamp())
    signature = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={now},v1={signature}"}


@asynccontextmanager
async def served() -> AsyncIterator[tuple[Peer, str]]:
    """A peer and its address."""
    peer = Peer()
    app = Starlette(routes=[Route("/{path:path}", peer.serve, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield peer, f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running
    assert peer.wrong == []


async def _slowly(body: bytes) -> AsyncIterator[bytes]:
    for each in body:
        yield bytes([each])
        await asyncio.sleep(0.02)


def _nested(form: str) -> Json:
    """`a[b]=c` as {"a": {"b": "c"}}."""
    result: Json = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        *outer, last = name.replace("]", "").split("[")
        place: Any = result
        for each in outer:
            place = place.setdefault(each, {})
        place[last] = value
    return result
