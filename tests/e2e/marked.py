"""A person who can be recognised wherever something of them is, and what they do with the system."""

import json
import secrets
import uuid
from contextlib import nullcontext, suppress

import pyotp
from websockets.exceptions import ConnectionClosed

from deploy.demo.live import Data
from deploy.demo.provider import add_card
from deploy.local.stack import Stack
from tests.e2e.people import (
    COUNTER_OFFER,
    CREATE_TASK,
    DECLINE_BID,
    INVITE_TO_BID,
    Person,
    euro,
    eventually,
    mutation,
)
from tests.supergraph.clients import socket
from tests.users.post import token_of

_TOKENS = "session { accessToken refreshToken expiresAt user { id } }"
SIGN_UP = mutation("signUp", _TOKENS)
LOG_IN = mutation("logIn", f"{_TOKENS} secondFactor {{ challenge }}")
COMPLETE_LOG_IN = mutation("completeLogIn", _TOKENS)
REFRESH = mutation("refreshSession", _TOKENS)
UPDATE_PROFILE = mutation("updateProfile", "user { id }")
SET_SKILLS = mutation("setSkills", "user { id }")
VERIFY_EMAIL = mutation("verifyEmail", "user { id }")
RESET_PASSWORD = mutation("resetPassword", "user { id }")
REQUEST_RESET = mutation("requestPasswordReset", "")
ENABLE_TOTP = mutation("enableTotp", "secret uri")
CONFIRM_TOTP = mutation("confirmTotp", "recoveryCodes")
REMOVE_SECOND_FACTOR = mutation("removeSecondFactor", "user { id }")
SUBMIT_DOCUMENT = mutation("submitIdentityVerification", "verification { id version }")
REVEAL_DOCUMENT = mutation("revealIdentityDocument", "number fullName")
REJECT_DOCUMENT = mutation("rejectIdentityVerification", "verification { status }")
CREATE_PLACE = mutation("createPlace", "place { id }")
REPORT_USER = mutation("reportUser", "report { id }")
CANCEL_TASK = mutation("cancelTask", "task { status }")
START_PAYMENT_METHOD_SETUP = mutation("startPaymentMethodSetup", "setup { id clientSecret }")
EXPORT = mutation("exportMyData", "export { id }")
ERASE = mutation("eraseMyAccount", "user { status }")
EXPORTED = "query ($id: ID!) { dataExport(id: $id) { status parts(first: 50) { nodes { json } } } }"


class Marked(Person):
    """A person with texts of their own, by name: `marks["phone"]`."""

    def __init__(self, edge: str) -> None:
        self.marks: dict[str, str] = {}
        super().__init__(edge, self.mark("display name"))
        self.edge = edge
        self._http.headers["user-agent"] = f"Reader/1.0 ({self.mark('user agent')})"
        self._http.headers["referer"] = f"{edge}/?{self.mark('referer')}"
        network = ":".join(secrets.token_hex(2) for _ in range(2))
        machine = ":".join(f"{secrets.randbelow(0xEFFF) + 0x1000:x}" for _ in range(4))
        self._http.headers["x-forwarded-for"] = f"2001:db8:{network}:{self.mark('address', machine)}"
        self._http.headers["cookie"] = f"seen={self.mark('cookie')}"
        self.email = f"{self.mark('e-mail')}@example.com"
        self.place_id = ""
        self.recovery_codes: list[str] = []
        self.password = f"pass {self.mark('password')}"

    def mark(self, what: str, text: str = "") -> str:
        """A text that stands nowhere else, from now on looked for: `text` or a new one."""
        return self.marks.setdefault(what, text or f"zz{uuid.uuid4().hex}")

    def take_session(self, payload: Data, which: str) -> None:
        """Goes on with a session, whose tokens are looked for."""
        session = payload["session"]
        self.resume(session)
        for token in ("accessToken", "refreshToken"):
            # Of an access token what is its own: the claims and the signature.
            for number, part in enumerate(session[token].split(".")[-2:]):
                self.mark(f"{which} {token} {number}", part)


async def sign_up(stack: Stack, marked: Marked) -> None:
    """Opens an account and fills in what there is to fill in."""
    account = {
        "email": marked.email,
        "password": marked.password,
        "displayName": marked.name,
        "roles": ["POSTER", "TASKER"],
        "idempotencyKey": marked.mark("key of the sign-up"),
    }
    marked.take_session(await marked.call(SIGN_UP, input=account), "first")
    token = token_of(await stack.mail(marked.email, "#token="))
    await marked.call(VERIFY_EMAIL, input={"token": marked.mark("verification code", token)})
    digits = "".join(secrets.choice("123456789") for _ in range(15))
    typed = f"{digits[:3]} {digits[3:9]}-{digits[9:]}"
    marked.mark("phone", digits)
    profile = {
        "bio": f"I paint. {marked.mark('bio')}",
        "avatarUrl": f"https://pictures.example.org/{marked.mark('avatar')}.png",
        "phone": f"+{marked.mark('phone as typed', typed)}",
    }
    await marked.call(UPDATE_PROFILE, input=profile)
    await marked.call(SET_SKILLS, input={"skills": [marked.mark("skill")]})


async def lose_factor(marked: Marked, admin: Person) -> None:
    """A second factor that is lost with its recovery codes, and removed by an admin; then another sign-in."""
    factor = await marked.call(ENABLE_TOTP, input={"password": marked.password})
    secret = marked.mark("secret that was lost", factor["secret"])
    await marked.call(CONFIRM_TOTP, input={"code": pyotp.TOTP(secret).now()})
    reason = f"They came with their passport. {marked.mark('reason to remove a second factor')}"
    await admin.call(REMOVE_SECOND_FACTOR, input={"userId": marked.user_id, "reason": reason})
    payload = await anybody(marked, LOG_IN, {"email": marked.email, "password": marked.password})
    marked.take_session(payload, "third")


async def secure(stack: Stack, marked: Marked) -> None:
    """A second factor, a password that was forgotten, and every way to sign in."""
    marked.take_session(await marked.call(REFRESH, input={"refreshToken": marked.session["refreshToken"]}), "refreshed")
    factor = await marked.call(ENABLE_TOTP, input={"password": marked.password})
    secret = marked.mark("secret of one-time codes", factor["secret"])
    codes = (await marked.call(CONFIRM_TOTP, input={"code": pyotp.TOTP(secret).now()}))["recoveryCodes"]
    for number, code in enumerate(codes):
        marked.mark(f"recovery code {number}", code)
        marked.mark(f"recovery code {number} without dashes", code.replace("-", ""))

    await marked.call(REQUEST_RESET, input={"email": marked.email})
    token = token_of(await stack.mail(marked.email, "reset-password#token="))
    marked.password = f"pass {marked.mark('new password')}"
    reset = {"token": marked.mark("reset code", token), "newPassword": marked.password}
    await marked.call(RESET_PASSWORD, input=reset)
    await anybody(marked, LOG_IN, {"email": marked.email, "password": marked.mark("wrong password")})
    payload = await anybody(marked, LOG_IN, {"email": marked.email.upper(), "password": marked.password})
    challenge = marked.mark("challenge", payload["secondFactor"]["challenge"])
    await anybody(marked, COMPLETE_LOG_IN, {"challenge": challenge, "code": marked.mark("wrong recovery code")})
    marked.recovery_codes = codes
    payload = await anybody(marked, COMPLETE_LOG_IN, {"challenge": challenge, "code": codes.pop()})
    marked.take_session(payload, "second")


async def anybody(marked: Marked, document: str, input: Data) -> Data:
    """The payload of a mutation that is sent without a token."""
    answer = (await marked._http.post("/graphql", json={"query": document, "variables": {"input": input}})).json()
    payload: Data = next(iter(answer["data"].values()))
    return payload


async def identify(marked: Marked, admin: Person) -> None:
    """Submits a document, which an admin looks at and does not accept."""
    digits = "".join(secrets.choice("123456789") for _ in range(18))
    document = {
        "documentType": "DRIVER_LICENSE",
        "number": marked.mark("document's number as typed", f"ZQ-{digits[:9]}-{digits[9:]}"),
        "country": "TH",
        "fullName": f"Anna {marked.mark('full name')}",
        "idempotencyKey": marked.mark("key of the document"),
    }
    marked.mark("document's number", f"ZQ{digits}")
    verification = (await marked.call(SUBMIT_DOCUMENT, input=document))["verification"]
    shown = await admin.call(REVEAL_DOCUMENT, input={"verificationId": verification["id"]})
    assert shown["number"] == f"ZQ{digits}"
    rejection = {
        "verificationId": verification["id"],
        "reason": "CANNOT_CONFIRM",
        "note": f"Ask again, {marked.mark('note of the rejection')}",
        "expectedVersion": verification["version"],
    }
    await admin.call(REJECT_DOCUMENT, input=rejection)


async def give_card(marked: Marked, sandbox: str) -> None:
    """Gives a card to the payment provider."""
    key = {"idempotencyKey": marked.mark("key of the card")}
    setup = (await marked.call(START_PAYMENT_METHOD_SETUP, input=key))["setup"]
    marked.mark("client secret of the card", setup["clientSecret"])
    await add_card(marked.call, sandbox, setup)


async def deal(marked: Marked, other: Person) -> None:
    """Posts and bids, takes part and calls off, and says something of somebody else."""
    place = {
        "address": f"{marked.mark('street')} Road, Chiang Mai",
        "point": {"latitude": 18.79, "longitude": 98.98},
        "country": "TH",
        "idempotencyKey": marked.mark("key of the place"),
    }
    marked.place_id = (await marked.call(CREATE_PLACE, input=place))["place"]["id"]
    open_task = await post_task(marked, "open task")
    called_off = await post_task(marked, "task called off")
    given = await post_task(marked, "task given")
    invitation = {"taskId": given, "taskerId": other.user_id, "message": marked.mark("message of an invitation")}
    await marked.call_once_known(INVITE_TO_BID, input=invitation)
    bid = await other.place_bid(open_task, "150.00")
    less = {"bidId": bid["id"], "amount": euro("140.00"), "expectedVersion": bid["version"]}
    await marked.call(COUNTER_OFFER, input={**less, "message": marked.mark("message of a counter-offer")})
    reason = {"bidId": bid["id"], "reason": "OTHER", "message": marked.mark("reason to decline")}
    await marked.call(DECLINE_BID, input=reason)
    await marked.call(CANCEL_TASK, input={"taskId": called_off, "reason": marked.mark("reason to call off")})
    await marked.accept_bid(await other.place_bid(given, "160.00"))
    status = "query ($id: ID!) { task(id: $id) { status } }"

    async def is_given() -> bool:
        return bool((await marked.call(status, id=given))["status"] == "ASSIGNED")

    await eventually(is_given)
    await marked.call(CANCEL_TASK, input={"taskId": given, "reason": "The weather is too bad."})
    await marked.place_bid(await other.post_task(), "170.00", f"I can start at once. {marked.mark('message of a bid')}")
    report = {
        "userId": other.user_id,
        "reason": "OTHER",
        "text": f"They were rude. {marked.mark('text of a report')}",
        "idempotencyKey": marked.mark("key of the report"),
    }
    await marked.call(REPORT_USER, input=report)


async def post_task(marked: Marked, what: str) -> str:
    """Posts an open task. Returns its id."""
    categories = await marked.call("{ categories { children { id } } }")
    task = {
        "title": f"Paint {marked.mark(f'title of the {what}')}",
        "description": f"Twenty metres of fence need paint, at {marked.mark(f'description of the {what}')}",
        "categoryId": categories[0]["children"][0]["id"],
        "budget": {"amount": "200.00", "currency": "EUR"},
        "mode": "ONSITE",
        "placeId": marked.place_id,
        "requirements": [marked.mark(f"requirement of the {what}")],
        "publish": True,
        "idempotencyKey": marked.mark(f"key of the {what}"),
    }
    return str((await marked.call_once_known(CREATE_TASK, input=task))["task"]["id"])


async def export(marked: Marked) -> None:
    """Has all of their data put together, and reads it."""
    confirmed = {"password": marked.password, "code": marked.recovery_codes.pop()}
    export_id = (await marked.call(EXPORT, input=confirmed))["export"]["id"]
    exported: Data = {}

    async def is_ready() -> bool:
        exported.update(await marked.call(EXPORTED, id=export_id))
        return bool(exported["status"] == "READY")

    await eventually(is_ready, 60, lambda: exported)
    read = json.dumps(exported)
    assert [what for what in ("e-mail", "phone", "text of a report") if marked.marks[what] not in read] == []


async def err(stack: Stack, marked: Marked) -> None:
    """Everything that is refused, with something marked in it, at the edge and at every subgraph itself."""
    token = await marked.token()
    forged = marked.mark("forged token")
    for url in (f"{marked.edge}/graphql", *(stack.url(name, "/graphql") for name in ("users", "tasks", "bids"))):
        for authorization in (f"Bearer {token}", f"Bearer {forged}"):
            for body in _bodies(marked):
                await marked._http.post(url, json=body, headers={"authorization": authorization})
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        for content in (f'{{"query": "{marked.mark("in no JSON")}', f'"{marked.marks["in no JSON"]}"'):
            await marked._http.post(url, content=content, headers=headers)
        for headers in ({"x-requested-with": "tests"}, {"apollo-require-preflight": "1"}, {}):
            asked = {
                "query": "query ($id: ID!) { user(id: $id) { id } }",
                "variables": json.dumps({"id": marked.mark("query of an address")}),
            }
            await marked._http.get(url, params=asked, headers=headers)
    await marked._http.get(f"/{marked.mark('path that is none')}")
    await _err_over_a_socket(marked, forged)


def _bodies(marked: Marked) -> list[Data]:
    wrong = marked.mark("value of the wrong type")
    literal = marked.mark("literal in a document")
    name = marked.mark("name that a client chose")
    account = {"email": f"{literal}@example.com", "password": literal}
    written = ", ".join(f'{key}: "{value}"' for key, value in account.items())
    sign_up = {"email": f"{wrong}@example.com", "password": wrong, "displayName": wrong, "roles": ["POSTER"]}
    profile = {"avatarUrl": f"http://{wrong}/", "phone": wrong}
    return [
        # Values that the rules refuse.
        _body(SIGN_UP, sign_up | {"email": f"{marked.mark('no e-mail address')} at home"}),
        _body(SIGN_UP, sign_up | {"password": 5 * marked.mark("password too long")}),
        _body(SIGN_UP, sign_up | {"displayName": f"\u202e{wrong}"}),
        _body(LOG_IN, {"email": marked.email, "password": marked.mark("another wrong password")}),
        _body(REFRESH, {"refreshToken": marked.mark("no refresh token")}),
        _body(VERIFY_EMAIL, {"token": marked.mark("no code")}),
        _body(RESET_PASSWORD, {"token": marked.marks["no code"], "newPassword": wrong}),
        _body(COMPLETE_LOG_IN, {"challenge": marked.mark("no challenge"), "code": wrong}),
        *(_body(UPDATE_PROFILE, {name: value}) for name, value in profile.items()),
        _body(SUBMIT_DOCUMENT, {"documentType": "PASSPORT", "number": marked.mark("no document's number")}),
        _body(ERASE, {"password": marked.mark("wrong password to erase")}),
        _body(REPORT_USER, {"userId": wrong, "reason": "OTHER", "text": wrong}),
        # Values of variables that do not fit their types.
        _body(SIGN_UP, {"email": {"is": wrong}, "password": [wrong], "displayName": 5, "roles": [wrong]}),
        _body(SIGN_UP, {"email": wrong, "password": wrong}),
        _body(SIGN_UP, sign_up | {"isAdmin": wrong}),
        _body(SIGN_UP, wrong),
        {"query": SIGN_UP, "variables": wrong},
        {"query": SIGN_UP, "variables": {"input": sign_up}, "operationName": {"is": wrong}},
        _body(SUBMIT_DOCUMENT, {"documentType": wrong, "number": wrong, "documentExpiresOn": wrong}),
        # Literals, right and wrong, and what is no document.
        {"query": f"mutation {name} {{ {name}: logIn(input: {{{written}}}) {{ userErrors {{ code }} }} }}"},
        {"query": f"mutation {name} {{ logIn(input: {{{written}}}) {{ userErrors {{ code }} {name} }} }}"},
        {"query": f'mutation {{ logIn(input: "{literal}") {{ userErrors {{ code }} }} }}'},
        {"query": f'mutation {{ logIn(input: {{email: ["{literal}"], password: {literal}}}) {{ __typename }} }}'},
        {"query": f'mutation {{ logIn(input: {{email: "{literal}"}}) {{ userErrors {{ code }} }} }}'},
        {"query": f'mutation {{ logIn(input: {{{written}) {{ "{literal}" }} }}'},
        {"query": f'mutation {{ "{literal}" }}'},
        {"query": f'{{ user(id: "{literal}") {{ id }} }}', "operationName": name},
    ]


def _body(document: str, input: object) -> Data:
    return {"query": document, "variables": {"input": input}}


async def _err_over_a_socket(marked: Marked, forged: str) -> None:
    task_events = "subscription ($taskId: ID!) { taskEvents(taskId: $taskId) { seq } }"
    wrong = marked.mark("value over a WebSocket")
    # The embedded router closes a connection at once whose token does not hold.
    for token, may_be_closed in ((await marked.token(), nullcontext()), (forged, suppress(ConnectionClosed))):
        with may_be_closed:
            async with socket(f"{marked.edge}/graphql", {"authorization": f"Bearer {token}"}) as client:
                for number, task_id in enumerate((wrong, {"is": wrong})):
                    await client.subscribe(task_events, {"taskId": task_id}, id=str(number))
                    for message in await client.until_end():
                        payload = message.get("payload")
                        marked.received.append(
                            json.dumps({"errors": payload} if isinstance(payload, list) else payload)
                        )
                await client.connection.send(f'{{"type": "subscribe", "id": "{marked.mark("no message")}", zz}}')
                with suppress(ConnectionClosed):
                    while True:
                        marked.received.append(json.dumps({"errors": await client.receive()}))
                marked.received.append(json.dumps({"errors": client.connection.close_reason}))
