"""What the rows of the matrix are about: one function for each `Object` of an `access.py`, by its name.

Each makes a new object through the API, straight at the subgraphs. `doomed`: its owner is somebody who is going to
be suspended. The values are what rows name by `$name`; `$id` is the object's own id.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyotp

from shared.access import Who
from tests.authorization.people import BOTH, Data, Person, Refused, World, stranger
from tests.e2e.people import eventually, mutation


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


def makes(name: str) -> Callable[[Maker], Maker]:
    """Registers the maker of an object."""

    def register(maker: Maker) -> Maker:
        MAKERS[name] = maker
        return maker

    return register


async def make(name: str, world: World, *, doomed: bool = False) -> Made:
    """A new object of this name."""
    made = await MAKERS[name](world, doomed)
    made.values = {"id": made.id, **made.values}
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
    owner = await _somebody(world, doomed)
    device = Person(owner.email, owner.password)
    await world.log_in(device)
    values = {**owner.values, "session": device.session_id, "refreshToken": device.refresh_token}
    return Made(device.session_id, values, {Who.OWNER: owner})


@makes("guarded account")
async def guarded_account(world: World, doomed: bool) -> Made:
    # Of somebody else than the doomed, who must go on logging in without a code.
    owner = await world.sign_up(*BOTH)
    given = {"password": owner.password}
    setup = await world.call("users", owner, mutation("enableTotp", "secret"), input=given)
    code = pyotp.TOTP(setup["secret"]).now()
    active = await world.call("users", owner, mutation("confirmTotp", "recoveryCodes"), input={"code": code})
    values = {**owner.values, "recoveryCode": active["recoveryCodes"][0]}
    return Made(owner.id, values, {} if doomed else {Who.OWNER: owner})


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
    known = await world.call("tasks", None, "{ categories { id children { id } } }")
    return Made(known[0]["id"], {"category": known[0]["children"][0]["id"]})


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


@makes("bid")
async def bid(world: World, doomed: bool) -> Made:
    poster, tasker = world.cast.paula, world.cast.sue if doomed else world.cast.tom
    task = await _post(world, poster)
    placed = await _place(world, tasker, task["id"])
    values = {"bid": placed["id"], "task": task["id"], "bidder": tasker.id}
    return Made(placed["id"], values, {Who.OWNER: tasker, Who.TASKER: tasker, Who.POSTER: poster})


@makes("task")
async def task(world: World, doomed: bool) -> Made:
    poster, tasker = world.cast.sue if doomed else world.cast.paula, world.cast.tom
    posted = await _post(world, poster)
    placed = await _place(world, tasker, posted["id"])
    choice = {"bidId": placed["id"], "expectedVersion": placed["version"]}
    await world.call("bids", poster, mutation("acceptBid", ""), input=choice)

    async def is_assigned() -> bool:
        found = await world.call("tasks", None, "query ($id: ID!) { task(id: $id) { status } }", id=posted["id"])
        return bool(found["status"] == "ASSIGNED")

    await eventually(is_assigned)
    reason = {"taskId": posted["id"], "reason": "The fence has fallen over."}
    await world.call("tasks", poster, mutation("cancelTask", ""), input=reason)
    values = {"task": posted["id"], "poster": poster.id, "tasker": tasker.id}
    return Made(posted["id"], values, {Who.OWNER: poster, Who.POSTER: poster, Who.TASKER: tasker})


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


async def _post(world: World, poster: Person, *, publish: bool = True) -> Data:
    wanted = {
        "title": "Paint the garden fence",
        "description": "Twenty metres of wooden fence need two coats of green paint.",
        "categoryId": (await category(world, False)).values["category"],
        "budget": EURO,
        "mode": "ONSITE",
        "dueAt": (datetime.now(UTC) + timedelta(days=20)).isoformat(),
        "publish": publish,
    }
    posted: Data = await world.call("tasks", poster, mutation("createTask", "task { id version }"), input=wanted)
    return dict(posted["task"])


async def _place(world: World, tasker: Person, task_id: str) -> Data:
    await _until_bids_knows(world, task_id)
    offer = {"taskId": task_id, "amount": EURO, "message": MESSAGE, "estimatedMinutes": 90}
    placed: Data = await world.call("bids", tasker, mutation("placeBid", "bid { id version }"), input=offer)
    return dict(placed["bid"])


async def _until_bids_knows(world: World, task_id: str) -> None:
    # An offer of nothing is refused for the task before it is for its amount.
    offer = {"taskId": task_id, "amount": {"amount": "0.00", "currency": "EUR"}, "message": MESSAGE}

    async def is_known() -> bool:
        try:
            await world.call("bids", world.cast.tom, mutation("placeBid", "bid { id }"), input=offer)
        except Refused as refused:
            return refused.codes != ["NOT_FOUND"]
        return True

    await eventually(is_known)
