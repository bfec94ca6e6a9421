"""The people that abuse cases are about, and what is theirs: made once through the API of the running system."""

import asyncio
import json
import re
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from deploy.demo.provider import give_card
from deploy.local import mail_server, roles, secret_files
from deploy.local.stack import Stack
from tests.e2e.people import CREATE_TASK, Person, euro, eventually, mutation, new_email, new_password
from tests.support.loopback import NO_TLS

# Access tokens live for 15 minutes; all cases together take longer.
_RENEWED_AFTER_SECONDS = 480
_NAME = re.compile(r"<([^<>]+)>")
_REFRESH = mutation("refreshSession", "session { accessToken refreshToken }")

SECRET_MESSAGE = "Only poster and bidder may ever read this offer."
DRAFT_TITLE = "A surprise that nobody may know of"
TASK_TITLE = "Paint the garden fence"


@dataclass
class Scene:
    """Names for what attacks refer to as `<name>`: tokens, ids, addresses."""

    names: dict[str, str] = field(default_factory=dict)
    signing_key: dict[str, str] = field(default_factory=dict)
    """The private key (JWK) that signs access tokens; a forger has all but its `d`."""
    users_url: str = ""
    users_database: str = ""
    mailbox: Path = field(default_factory=Path)
    signed_in: list[str] = field(default_factory=list)
    """The names of those whose tokens stay alive."""
    signed_in_at: float = 0.0

    def fill(self, text: str) -> str:
        """The text with every `<name>` replaced that the scene knows."""
        return _NAME.sub(lambda name: self.names.get(name[1], name[0]), text)

    def __getitem__(self, name: str) -> str:
        return self.names[name]

    def mails(self, recipient: str) -> list[mail_server.Caught]:
        """The mails to an address, oldest first."""
        return mail_server.mails(self.mailbox, recipient)

    async def stay_signed_in(self) -> None:
        """Renews the tokens before they expire."""
        if time.monotonic() - self.signed_in_at < _RENEWED_AFTER_SECONDS:
            return
        async with httpx.AsyncClient(timeout=30, verify=NO_TLS) as client:
            for name in self.signed_in:
                body = {"query": _REFRESH, "variables": {"input": {"refreshToken": self[f"{name} refresh"]}}}
                answer = (await client.post(self.users_url, json=body)).json()
                # None of somebody whose session a case has ended.
                if session := answer["data"]["refreshSession"]["session"]:
                    self.names |= {f"{name} token": session["accessToken"], f"{name} refresh": session["refreshToken"]}
        self.signed_in_at = time.monotonic()


async def play(stack: Stack) -> Scene:
    """Paula posts a task and keeps a draft, Tom bids, Tina is a stranger, Harry is honest, Ada administers.

    Paula has also paid for another task, which Tom does.
    Walter, who may do everything, and Victor, to whom he does it, are for what is tried by machine.
    """
    edge = next(iter(stack.edges.values()))
    keys = json.loads(secret_files.signing_keys(stack.instance).read_text())["keys"]
    scene = Scene(
        signing_key=keys[0],
        users_url=stack.url("users", "/graphql"),
        users_database=stack.database_url("users").replace("+asyncpg", ""),
        mailbox=mail_server.folder(stack.instance),
    )
    async with AsyncExitStack() as entered:

        async def arrive(name: str, *its_roles: str) -> Person:
            somebody = await entered.enter_async_context(Person(edge, name.capitalize()))
            email, password = new_email(), new_password()
            await somebody.sign_up(email, password, its_roles)
            scene.names |= {f"{name} email": email, f"{name} password": password}
            return somebody

        paula, tom, tina, harry = await asyncio.gather(
            arrive("paula", "POSTER"), arrive("tom", "TASKER"), arrive("tina", "TASKER"),
            arrive("harry", "POSTER", "TASKER"),
        )  # fmt: skip
        walter, victor = await asyncio.gather(arrive("walter", "POSTER", "TASKER"), arrive("victor", "TASKER"))
        ada = await arrive("ada", "POSTER")
        for name, admin in (("ada", ada), ("walter", walter)):
            await roles.grant(stack.instance, scene[f"{name} email"], "ADMIN")
            await admin.log_in(scene[f"{name} email"], scene[f"{name} password"])
        task_id = await paula.post_task()
        draft = {
            "title": DRAFT_TITLE,
            "description": "Nobody may know of this before the day of the feast.",
            "categoryId": (await paula.call("{ categories { children { id } } }"))[0]["children"][0]["id"],
            "budget": euro("50.00"),
            "mode": "REMOTE",
        }
        bid = await tom.place_bid(task_id, "180.00", SECRET_MESSAGE)
        drafted, walters = await paula.call(CREATE_TASK, input=draft), await walter.call(CREATE_TASK, input=draft)
        paid_task = await paula.post_task()
        card = await give_card(paula.call, stack.url("sandbox"))
        await paula.accept_bid(await tom.place_bid(paid_task, "90.00"))
        everybody = {
            "paula": paula, "tom": tom, "tina": tina, "harry": harry, "ada": ada, "walter": walter, "victor": victor,
        }  # fmt: skip
        for name, somebody in everybody.items():
            scene.names |= {
                name: somebody.user_id,
                f"{name} token": await somebody.token(),
                f"{name} refresh": somebody.session["refreshToken"],
                f"{name} session": (await somebody.call("{ mySessions(first: 1) { nodes { id } } }"))["nodes"][0]["id"],
            }
        scene.signed_in, scene.signed_in_at = list(everybody), time.monotonic()
        scene.names |= {
            "task": task_id,
            "draft": drafted["task"]["id"],
            "walter draft": walters["task"]["id"],
            "bid": bid["id"],
            "paid task": paid_task,
            "escrow": await _held(paula, paid_task),
            "card": card,
            "category": draft["categoryId"],
            "notification": await _first_notification(paula),
            "harry notification": await _first_notification(harry),
        }
    return scene


async def _held(poster: Person, task_id: str) -> str:
    """The money of a task, once it is there."""
    query = "query ($id: ID!) { task(id: $id) { escrow { id status } } }"
    found: list[str] = []

    async def is_held() -> bool:
        escrow = (await poster.call(query, id=task_id))["escrow"]
        found[:] = [escrow["id"]] if escrow and escrow["status"] == "FUNDED" else []
        return bool(found)

    await eventually(is_held)
    return found[0]


async def _first_notification(somebody: Person) -> str:
    found: list[str] = []

    async def arrived() -> bool:
        nodes = (await somebody.call("{ notifications { nodes { id } } }"))["nodes"]
        found[:] = [node["id"] for node in nodes]
        return bool(found)

    await eventually(arrived)
    return found[-1]


def named(mutation_name: str) -> str:
    """A mutation's document that selects its `userErrors` alone."""
    return mutation(mutation_name, "__typename")
