"""Demo data: accounts with their cards, tasks and bids, made through the API like any client's."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx

from deploy.demo.client import Client
from deploy.demo.documents import PAYOUT_ACCOUNT
from deploy.demo.live import Refused
from deploy.demo.provider import give_card, set_up_payouts
from deploy.local import roles, secret_files
from deploy.local.layout import Instance
from deploy.local.processes import StartFailed


class SeedFailed(StartFailed):
    """The API refused demo data; the message says what."""


@dataclass(frozen=True)
class Account:
    email: str
    name: str
    roles: tuple[str, ...]
    about: str
    granted: str = ""


@dataclass(frozen=True)
class Task:
    poster: str
    category: str
    title: str
    description: str
    budget: str
    address: str
    mode: str = "ONSITE"
    bids: tuple[tuple[str, str, str], ...] = ()


ACCOUNTS = (
    Account("anna@example.com", "Anna Lindberg", ("POSTER",), "posts tasks"),
    Account("bruno@example.com", "Bruno Costa", ("POSTER", "TASKER"), "posts tasks and bids"),
    Account("chloe@example.com", "Chloe Martin", ("TASKER",), "bids"),
    Account("deng@example.com", "Deng Wei", ("TASKER",), "bids"),
    Account("admin@example.com", "Ada Admin", ("POSTER",), "administers", granted="ADMIN"),
)

TASKS = (
    Task(
        "anna@example.com", "furniture-assembly", "Assemble a wardrobe and two shelves",
        "Everything is unpacked in the bedroom on the third floor, with a lift. Please bring your own tools.",
        "120.00", "18 Sathon Soi 7, Bangkok",
        bids=(
            ("chloe@example.com", "110.00", "I assemble furniture every day and can come on Saturday morning."),
            ("deng@example.com", "95.00", "I have all the tools with me and need about three hours for this."),
        ),
    ),
    Task(
        "anna@example.com", "home-cleaning", "Clean a flat of two rooms before guests come",
        "Kitchen, bathroom, living room and bedroom, about 65 square metres. Supplies are there.",
        "80.00", "5 Thong Lo, Bangkok",
        bids=(("bruno@example.com", "75.00", "I clean carefully, bring a steam cleaner and have references."),),
    ),
    Task(
        "bruno@example.com", "window-cleaning", "Clean twelve windows on the ground floor",
        "Inside and outside, including the frames. There is a water connection in the garden.",
        "90.00", "44 Nimmanhaemin Road, Chiang Mai",
        bids=(("chloe@example.com", "85.00", "Twelve windows take me about two hours; I bring everything."),),
    ),
    Task(
        "bruno@example.com", "painting", "Paint a living room of 25 square metres in white",
        "Two coats on walls and ceiling. The furniture is moved away, the floor has to be covered.",
        "350.00", "7 Huay Kaew Road, Chiang Mai",
    ),
)  # fmt: skip

_CATEGORIES = "query Categories { categories { children { id slug } } }"
_MY_TASKS = "query MyTasks { myTasks(as: POSTER, first: 100) { nodes { id title myBid { id } } } }"
_CREATE_TASK = """
mutation CreateTask($input: CreateTaskInput!) {
  createTask(input: $input) { task { id } userErrors { code message field } }
}"""
_CREATE_PLACE = """
mutation CreatePlace($input: CreatePlaceInput!) {
  createPlace(input: $input) { place { id } userErrors { code message field } }
}"""
_TASK = "query Task($id: ID!) { task(id: $id) { id status myBid { id } } }"
_MY_CARDS = "query MyPaymentMethods { myPaymentMethods { id } }"
_PLACE_BID = """
mutation PlaceBid($input: PlaceBidInput!) {
  placeBid(input: $input) { bid { id } userErrors { code message field } }
}"""


def loaded(instance: Instance) -> bool:
    """Whether the instance has the demo data."""
    return (instance.state / "seeded").exists()


async def load(instance: Instance) -> None:
    """Makes what is not there yet. Raises SeedFailed."""
    try:
        async with AsyncExitStack() as stack:
            clients = {
                account.email: await stack.enter_async_context(Client(instance.url("edge"), account.name))
                for account in ACCOUNTS
            }
            password = secret_files.demo_password(instance)
            for account in ACCOUNTS:
                await _sign_in(clients[account.email], account, password)
                if account.granted:
                    await roles.grant(instance, account.email, account.granted)
                else:
                    await _ensure_payments(clients[account.email], account, instance.url("sandbox"))
            categories = {
                child["slug"]: child["id"]
                for upper in await clients[ACCOUNTS[0].email].call(_CATEGORIES)
                for child in upper["children"]
            }
            for task in TASKS:
                task_id = await _ensure_task(clients[task.poster], task, categories)
                for email, amount, message in task.bids:
                    await _ensure_bid(clients[email], task_id, amount, message)
    except (Refused, httpx.HTTPError) as refusal:
        raise SeedFailed(f"The demo data could not be loaded: {refusal}") from refusal
    (instance.state / "seeded").touch()


async def _sign_in(client: Client, account: Account, password: str) -> None:
    try:
        await client.sign_up(account.email, password, account.roles)
    except Refused as refusal:
        if "EMAIL_TAKEN" not in refusal.codes:
            raise
        await client.log_in(account.email, password)


async def _ensure_payments(client: Client, account: Account, sandbox: str) -> None:
    """Who posts can pay, and who bids can be paid out."""
    if "POSTER" in account.roles and not await client.call(_MY_CARDS):
        await give_card(client.call, sandbox)
    if "TASKER" in account.roles and await client.call(PAYOUT_ACCOUNT) is None:
        await set_up_payouts(client.call)


async def _ensure_task(poster: Client, task: Task, categories: dict[str, str]) -> str:
    for known in (await poster.call(_MY_TASKS))["nodes"]:
        if known["title"] == task.title:
            return str(known["id"])
    place = await poster.call(_CREATE_PLACE, input={"address": task.address, "country": "TH"})
    created = await poster.call(
        _CREATE_TASK,
        input={
            "title": task.title,
            "description": task.description,
            "categoryId": categories[task.category],
            "budget": {"amount": task.budget, "currency": "EUR"},
            "mode": task.mode,
            "placeId": place["place"]["id"],
            "publish": True,
        },
    )
    return str(created["task"]["id"])


async def _ensure_bid(tasker: Client, task_id: str, amount: str, message: str) -> None:
    task = await tasker.call(_TASK, id=task_id)
    if task is None or task["status"] != "OPEN" or task["myBid"]:
        return
    bid = {"taskId": task_id, "amount": {"amount": amount, "currency": "EUR"}, "message": message}
    await tasker.call_once_known(_PLACE_BID, input=bid)
