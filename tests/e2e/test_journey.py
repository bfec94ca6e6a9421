"""The main job through edge and router, and who must not see what of it."""

import asyncio
import io
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import httpx
import pytest
from rich.console import Console

from deploy.demo import play
from deploy.demo.documents import ESCROW_EVENTS
from deploy.demo.live import Data, Refused
from deploy.demo.provider import give_card
from deploy.local import roles
from deploy.local.stack import Stack
from tests.e2e.people import (
    ACCEPT_BID,
    BID_EVENTS,
    DECLINE_BID,
    NOTIFICATION_EVENTS,
    PLACE_BID,
    TASK_EVENTS,
    UPDATE_BID,
    WITHDRAW_BID,
    Person,
    View,
    codes,
    euro,
    first,
    mutation,
    newcomer,
    person,
    text_of,
    viewing,
)
from tests.support.loopback import NO_TLS

# The first test waits for the whole system to start.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@asynccontextmanager
async def people(edge: str, *, new: bool = False) -> AsyncIterator[tuple[Person, Person, Person, Person]]:
    """A poster and three taskers; `new`: who have seen nothing yet."""
    async with AsyncExitStack() as stack:

        async def arrive(name: str, role: str) -> Person:
            return await stack.enter_async_context((newcomer if new else person)(edge, name, role))

        paula, tom, tina, theo = await asyncio.gather(
            arrive("Paula", "POSTER"), arrive("Tom", "TASKER"), arrive("Tina", "TASKER"), arrive("Theo", "TASKER")
        )
        yield paula, tom, tina, theo


def shown_bids(view: View) -> list[tuple[str, str, str]]:
    return [(event["type"], event["bid"]["tasker"]["id"], event["bid"]["amount"]["amount"]) for event in view.events]


def titles(view: View) -> list[str]:
    return [event["notification"]["title"] for event in view.events]


async def test_four_people_play_the_main_job(edge: str, stack: Stack) -> None:
    async with people(edge, new=True) as (paula, tom, tina, theo), AsyncExitStack() as entered:
        task_id = await paula.post_task()
        everybody = (paula, tom, tina, theo)

        async def views_of(document: str, **variables: object) -> list[View]:
            return [
                await entered.enter_async_context(viewing(who.follow(document, variables, after=0)))
                for who in everybody
            ]

        bids = await views_of(BID_EVENTS, taskId=task_id)
        tasks = await views_of(TASK_EVENTS, taskId=task_id)
        inboxes = await views_of(NOTIFICATION_EVENTS)
        for inbox in inboxes:
            await inbox.shows(1)

        toms = await tom.place_bid(task_id, "180.00")
        tinas = await tina.place_bid(task_id, "195.00")
        theos = await theo.place_bid(task_id, "150.00")
        toms = (await tom.call(UPDATE_BID, input={"bidId": toms["id"], "amount": euro("165.00")}))["bid"]
        theos = (await theo.call(WITHDRAW_BID, input={"bidId": theos["id"]}))["bid"]
        await give_card(paula.call, stack.url("sandbox"))
        accepted = await paula.accept_bid(toms)

        seen_by_poster = [
            ("PLACED", tom.user_id, "180.00"),
            ("PLACED", tina.user_id, "195.00"),
            ("PLACED", theo.user_id, "150.00"),
            ("UPDATED", tom.user_id, "165.00"),
            ("WITHDRAWN", theo.user_id, "150.00"),
            ("ACCEPTED", tom.user_id, "165.00"),
            ("AWARDED", tom.user_id, "165.00"),
            ("DECLINED", tina.user_id, "195.00"),
        ]
        await bids[0].shows(8)
        await asyncio.gather(bids[1].shows(4), bids[2].shows(2), bids[3].shows(2))
        await asyncio.gather(inboxes[0].shows(8), inboxes[1].shows(4), inboxes[2].shows(2), inboxes[3].shows(1))
        await asyncio.gather(tasks[0].shows(4), *(view.shows(2) for view in tasks[1:]))

        assert (accepted["status"], accepted["version"]) == ("ACCEPTED", 3)
        assert shown_bids(bids[0]) == seen_by_poster
        for who, view in zip(everybody[1:], bids[1:], strict=True):
            assert shown_bids(view) == [shown for shown in seen_by_poster if shown[1] == who.user_id]
        assert bids[0].numbers == [1, 2, 3, 4, 5, 6, 7, 8]
        assert bids[1].numbers == [1, 4, 6, 7]
        assert [event["previousSeq"] for event in bids[1].events] == [0, 1, 4, 6]

        assert tasks[0].types == ["CREATED", "PUBLISHED", "FUNDING_STARTED", "ASSIGNED"]
        for view in tasks[1:]:
            assert view.types == ["PUBLISHED", "ASSIGNED"]
        assert tasks[3].events[-1]["task"] == {"id": task_id, "status": "ASSIGNED", "tasker": {"id": tom.user_id}}

        welcome = "Welcome to Service Exchange"
        # What comes from tasks, from bids and from payments has no order between them.
        assert sorted(titles(inboxes[0])) == sorted(
            [welcome, *["New bid"] * 3, "Bid changed", "Bid withdrawn", "Paid", "Task assigned"]
        )
        assert sorted(titles(inboxes[1])) == sorted([welcome, "Bid accepted", "Paid", "The task is yours"])
        assert titles(inboxes[2]) == [welcome, "Bid declined"]
        assert titles(inboxes[3]) == [welcome]
        assert {
            "title": "The task is yours",
            "body": "“Paint the garden fence” is yours, for 165.00 EUR.",
            "link": f"/tasks/{task_id}",
        } in [event["notification"] for event in inboxes[1].events]

        # What one reads is what one was shown.
        answer = await paula.answer(
            """query ($id: ID!) { task(id: $id) {
                status tasker { id displayName }
                bidCount bids { nodes { id status amount { amount currency } } } } }""",
            id=task_id,
        )
        assert answer == {
            "data": {
                "task": {
                    "status": "ASSIGNED",
                    "tasker": {"id": tom.user_id, "displayName": "Tom"},
                    "bidCount": 1,
                    "bids": {
                        "nodes": [
                            {"id": theos["id"], "status": "WITHDRAWN", "amount": euro("150.00")},
                            {"id": tinas["id"], "status": "DECLINED", "amount": euro("195.00")},
                            {"id": toms["id"], "status": "AWARDED", "amount": euro("165.00")},
                        ]
                    },
                }
            }
        }
        assert await tom.call("{ unreadCount }") == 4
        mine = await tom.call("{ myTasks(as: TASKER) { nodes { id } } }")
        assert mine == {"nodes": [{"id": task_id}]}


async def test_who_has_no_card_yet_gives_one_and_pays_then(edge: str, stack: Stack) -> None:
    async with newcomer(edge, "Pat", "POSTER") as pat, person(edge, "Tom", "TASKER") as tom:
        task_id = await pat.post_task()
        bid = await tom.place_bid(task_id, "100.00")
        async with (
            viewing(pat.follow(ESCROW_EVENTS, {"taskId": task_id})) as pats,
            viewing(tom.follow(ESCROW_EVENTS, {"taskId": task_id})) as toms,
            viewing(pat.follow(TASK_EVENTS, {"taskId": task_id})) as task,
        ):
            await pat.accept_bid(bid)
            await pats.shows(2)
            escrow = (await pat.call(ESCROW_OF, id=task_id))["escrow"]
            assert escrow.pop("id") == pats.events[0]["escrow"]["id"]
            assert escrow == {"status": "PENDING", "paymentDecline": {"reason": "PAYMENT_METHOD_REQUIRED"}}

            await give_card(pat.call, stack.url("sandbox"))
            again = {"escrowId": pats.events[0]["escrow"]["id"], "idempotencyKey": str(uuid.uuid4())}
            await pat.call(mutation("retryFunding", "escrow { id }"), input=again)
            await asyncio.gather(pats.shows(3), toms.shows(2), task.shows(4))

    assert pats.types == ["OPENED", "PAYMENT_DECLINED", "FUNDED"]
    # What the bank says of the poster's card is not the tasker's.
    assert toms.types == ["OPENED", "FUNDED"]
    assert task.types == ["CREATED", "PUBLISHED", "FUNDING_STARTED", "ASSIGNED"]


async def test_the_demo_finds_nothing_missing(edge: str, stack: Stack) -> None:
    printed = io.StringIO()
    place = play.Place(edge, stack.url("sandbox"), partial(roles.grant, stack.instance, role="ADMIN"))

    await play.play(place, Console(file=printed, width=120), limit=20)

    assert "Tina's bid is declined" in printed.getvalue()
    assert "ENDED             escrow 165.00 = payable 148.50 + revenue 16.50" in printed.getvalue()


ESCROW_OF = "query ($id: ID!) { task(id: $id) { escrow { id status paymentDecline { reason } } } }"


@dataclass
class Secret:
    """A bid whose amount and message are like no other text."""

    task_id: str
    bid: Data
    amount: str
    message: str

    def is_in(self, text: str) -> bool:
        return self.amount in text or self.message in text


@asynccontextmanager
async def secret_bid(paula: Person, tom: Person) -> AsyncIterator[Secret]:
    task_id = await paula.post_task()
    amount, message = "173.59", f"This is between the two of us: {uuid.uuid4()}"
    yield Secret(task_id, await tom.place_bid(task_id, amount, message), amount, message)


OF_A_BID = "id status amount { amount } message tasker { id }"
OF_A_TASK = f"""
    bidCount
    myBid {{ {OF_A_BID} }}
    bids(first: 5) {{ totalCount edges {{ cursor }} nodes {{ {OF_A_BID} }} }}
"""
READS = f"""
query ($bid: ID!, $task: ID!, $tasker: ID!) {{
    bid(id: $bid) {{ {OF_A_BID} }}
    task(id: $task) {{ {OF_A_TASK} poster {{ bids(first: 5) {{ nodes {{ {OF_A_BID} }} }} }} }}
    user(id: $tasker) {{
        bids(first: 5) {{ nodes {{ {OF_A_BID} task {{ bids(first: 5) {{ nodes {{ message }} }} }} }} }}
    }}
}}"""
MINE = f"""{{
    myBids(first: 5) {{ nodes {{ {OF_A_BID} task {{ bids(first: 5) {{ nodes {{ message }} }} }} }} }}
    notifications {{ nodes {{ title body }} }}
    myTasks(as: TASKER, first: 5) {{ nodes {{ bids(first: 5) {{ nodes {{ {OF_A_BID} }} }} }} }}
}}"""
ENTITIES = f"""
query ($representations: [_Any!]!) {{
    _entities(representations: $representations) {{
        __typename
        ... on Bid {{ {OF_A_BID} }}
        ... on Task {{ {OF_A_TASK} }}
        ... on User {{ bids {{ nodes {{ {OF_A_BID} }} }} }}
    }}
}}"""


async def test_nobody_but_poster_and_bidder_reads_a_bid(edge: str, stack: Stack) -> None:
    async with people(edge) as (paula, tom, tina, theo), secret_bid(paula, tom) as secret:
        tinas = await tina.place_bid(secret.task_id, "190.00")
        names = {"bid": secret.bid["id"], "task": secret.task_id, "tasker": tom.user_id}
        nobody = Person(edge, "Nobody")
        async with nobody:
            for stranger, own_bids in ((tina, [tinas["id"]]), (theo, []), (nobody, [])):
                read = await stranger.answer(READS, **names)
                assert read["data"]["bid"] is None
                assert read["data"]["user"] == {"bids": None}
                task = read["data"]["task"]
                assert (task["bidCount"], task["poster"]) == (2, {"bids": None})
                assert [bid["id"] for bid in task["bids"]["nodes"]] == own_bids
                assert (task["bids"]["totalCount"], len(task["bids"]["edges"])) == (len(own_bids), len(own_bids))
                assert (task["myBid"] or {"id": None})["id"] == next(iter(own_bids), None)
                await stranger.answer(MINE)
                # Another subgraph's way to the same, without the router.
                direct = await entities(stack, stranger, secret)
                assert direct["data"]["_entities"][0] is None
                assert [bid["id"] for bid in direct["data"]["_entities"][1]["bids"]["nodes"]] == own_bids
                assert direct["data"]["_entities"][2] == {"__typename": "User", "bids": None}
                assert not secret.is_in(text_of(direct))
                assert not any(map(secret.is_in, stranger.received))

        # The same questions have answers for those whom it concerns.
        for party in (paula, tom):
            read = await party.answer(READS, **names)
            assert (read["data"]["bid"]["amount"]["amount"], read["data"]["bid"]["message"]) == (
                secret.amount,
                secret.message,
            )
            assert secret.is_in(text_of(await entities(stack, party, secret)))
            assert secret.is_in(text_of(read["data"]["task"]["bids"]))
        assert secret.is_in(text_of(await tom.answer(MINE)))


async def entities(stack: Stack, who: Person, secret: Secret) -> Data:
    """What `bids` says about a bid to somebody who asks it directly, as a router does."""
    return await ask_directly(
        stack,
        "bids",
        who,
        ENTITIES,
        {"__typename": "Bid", "id": secret.bid["id"]},
        {"__typename": "Task", "id": secret.task_id},
        {"__typename": "User", "id": secret.bid["tasker"]["id"]},
    )


async def ask_directly(stack: Stack, subgraph: str, who: Person, query: str, *representations: Data) -> Data:
    headers = {"authorization": f"Bearer {await who.token()}"} if who.user_id else {}
    body = {"query": query, "variables": {"representations": representations}}
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        answer: Data = (await client.post(stack.url(subgraph, "/graphql"), json=body, headers=headers)).json()
        return answer


async def test_nobody_but_poster_and_bidder_is_told_of_a_bid_live(edge: str, stack: Stack) -> None:
    async with (
        people(edge, new=True) as (paula, tom, tina, theo),
        secret_bid(paula, tom) as secret,
        AsyncExitStack() as views,
    ):
        followed = [
            await views.enter_async_context(viewing(who.follow(document, variables, after=0)))
            for who in (tina, theo)
            for document, variables in (
                (BID_EVENTS, {"taskId": secret.task_id}),
                (TASK_EVENTS, {"taskId": secret.task_id}),
                (NOTIFICATION_EVENTS, {}),
            )
        ]
        posters = await views.enter_async_context(viewing(paula.follow(BID_EVENTS, {"taskId": secret.task_id})))
        tinas = await tina.place_bid(secret.task_id, "190.00")
        await give_card(paula.call, stack.url("sandbox"))
        await paula.accept_bid(secret.bid)
        # Tina's is declined by the last event of the stream, so everything before has passed her.
        tinas_bids, tinas_task, tinas_inbox, theos_bids, theos_task, theos_inbox = followed
        await asyncio.gather(tinas_bids.shows(2), tinas_inbox.shows(2), posters.shows(5))
        await asyncio.gather(tinas_task.shows(2), theos_task.shows(2), theos_inbox.shows(1))

        assert tinas_bids.types == ["PLACED", "DECLINED"]
        assert [event["bid"]["id"] for event in tinas_bids.events] == [tinas["id"]] * 2
        assert theos_bids.events == []
        assert not any(secret.is_in(text_of(view.events)) for view in followed)
        assert secret.is_in(text_of(posters.events))

        # The poster was told the amount, by a notification that is nobody else's either.
        (told,) = (await paula.call("{ notifications(filter: { category: BIDS }) { nodes { id body } } }"))["nodes"][1:]
        assert secret.amount in told["body"]
        reference = {"__typename": "Notification", "id": told["id"]}
        query = "query ($representations: [_Any!]!) { _entities(representations: $representations) { __typename } }"
        for who, found in ((paula, [{"__typename": "Notification"}]), (tina, [None]), (tom, [None])):
            direct = await ask_directly(stack, "notifications", who, query, reference)
            assert direct["data"] == {"_entities": found}

        async with Person(edge, "Nobody") as nobody:
            nobodys = await nobody.answer("{ notifications { nodes { title } } myBids { nodes { id } } }")
            assert nobodys["data"] == {"notifications": None, "myBids": None}
            assert codes(nobodys) == {"UNAUTHENTICATED"}


async def test_refusals_tell_nothing_of_a_bid(edge: str) -> None:
    async with people(edge) as (paula, tom, tina, theo), secret_bid(paula, tom) as secret:
        bid_id = secret.bid["id"]
        attempts = {
            UPDATE_BID: {"bidId": bid_id, "amount": euro("1.00")},
            WITHDRAW_BID: {"bidId": bid_id},
            DECLINE_BID: {"bidId": bid_id, "reason": "OTHER"},
            ACCEPT_BID: {"bidId": bid_id, "expectedVersion": 99},
        }
        for document, attempt in attempts.items():
            with pytest.raises(Refused) as refused:
                await theo.call(document, input=attempt)
            # The same as for a bid that does not exist.
            assert refused.value.codes == ["NOT_FOUND"]

        # A conflict shows the bid as it is now, to its poster.
        with pytest.raises(Refused) as refused:
            await paula.call(ACCEPT_BID, input={"bidId": bid_id, "expectedVersion": 99})
        assert refused.value.codes == ["VERSION_CONFLICT"]
        # Somebody else's idempotency key is nobody's.
        keyed = {"taskId": secret.task_id, "amount": euro(secret.amount), "message": secret.message}
        key = str(uuid.uuid4())
        with pytest.raises(Refused) as refused:
            await tom.call(PLACE_BID, input={**keyed, "idempotencyKey": key})
        assert refused.value.codes == ["BID_ALREADY_PLACED"]
        other = {"taskId": secret.task_id, "amount": euro("9.00"), "message": "My own offer, quite another."}
        placed = await theo.call(PLACE_BID, input={**other, "idempotencyKey": key})
        assert placed["bid"]["amount"] == {"amount": "9.00"}

        still = await tom.call(f"query ($id: ID!) {{ bid(id: $id) {{ {OF_A_BID} }} }}", id=bid_id)
        assert (still["status"], still["amount"]["amount"]) == ("PENDING", secret.amount)
        assert not any(map(secret.is_in, theo.received))
        assert not any(map(secret.is_in, tina.received))


async def test_a_draft_is_its_posters_alone(edge: str) -> None:
    async with people(edge) as (paula, tom, *_):
        categories = await paula.call("{ categories { children { id } } }")
        task = {
            "title": "A surprise for somebody",
            "description": "Nobody may know of this before the day of the feast.",
            "categoryId": categories[0]["children"][0]["id"],
            "budget": euro("50.00"),
            "mode": "REMOTE",
        }
        created = await paula.call(mutation("createTask", "task { id status }"), input=task)
        assert created["task"]["status"] == "DRAFT"

        task_id = created["task"]["id"]
        assert await tom.call("query ($id: ID!) { task(id: $id) { title } }", id=task_id) is None
        with pytest.raises(Refused) as refused:
            await first(tom.follow(TASK_EVENTS, {"taskId": task_id}, after=0))
        assert refused.value.codes == ["FORBIDDEN"]

        await paula.call(mutation("publishTask", "task { status }"), input={"taskId": task_id})
        assert (await first(tom.follow(TASK_EVENTS, {"taskId": task_id}, after=0)))["type"] == "PUBLISHED"
