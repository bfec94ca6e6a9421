"""inviteToBid, declineInvitation, myInvitations, Task.invitations."""

import asyncio
from typing import Any

import pytest

from shared import events
from shared.ids import new_id
from subgraphs.bids import app
from tests.bids.conftest import DECLINE_INVITATION, INVITATION, INVITE, PLACE, WITHDRAW, Bids, accept, place_input
from tests.conftest import AccessToken, Elsewhere, SettingsFor
from tests.support.quotas import LIMIT, Tries
from tests.support.redelivery import deliver, deliver_twice
from tests.support.serving import serve
from tests.support.statements import statements

Data = dict[str, Any]
WORDS = "You did well last year."
MINE = f"{{ myInvitations {{ nodes {{ {INVITATION} }} totalCount }} }}"
OF_TASKS = f"""
    query($r: [_Any!]!) {{ _entities(representations: $r) {{ ... on Task {{ invitations {{ {INVITATION} }} }} }} }}
"""
BY_ID = "query($r: [_Any!]!) { _entities(representations: $r) { ... on BidInvitation { message } } }"


async def invite(bids: Bids, task: events.TaskSnapshot, tasker: str, by: str = "", **more: Any) -> Data:
    payload: Data = (
        await bids.act(by or task.poster_id, INVITE, input={"taskId": task.id, "taskerId": tasker, **more})
    )["inviteToBid"]
    return payload


def shown(task: events.TaskSnapshot, tasker: str, status: str = "OPEN") -> Data:
    return {"task": {"id": task.id}, "tasker": {"id": tasker}, "message": WORDS, "status": status}


def refusal(code: str, field: str | None) -> Data:
    return {"invitation": None, "userErrors": [{"code": code, "field": [field] if field else None}]}


async def mine(bids: Bids, person: str) -> list[Data]:
    found: list[Data] = (await bids.act(person, MINE))["myInvitations"]["nodes"]
    return found


async def of_task(bids: Bids, task: events.TaskSnapshot, viewer: str | None) -> list[Data]:
    given = {"r": [{"__typename": "Task", "id": task.id}]}
    answer = await bids.served.execute(OF_TASKS, given, token=bids.token(viewer) if viewer else None)
    found: list[Data] = answer["data"]["_entities"][0]["invitations"]
    return found


async def test_the_poster_invites_and_the_tasker_bids(bids: Bids) -> None:
    task, tasker = await bids.task(), await bids.tasker()

    invited = await invite(bids, task, tasker, message=f" {WORDS} ")

    invitation_id = invited["invitation"].pop("id")
    assert invited == {"invitation": shown(task, tasker), "userErrors": []}
    assert await mine(bids, tasker) == await of_task(bids, task, task.poster_id) == [shown(task, tasker)]
    await bids.place(task, tasker)
    assert await mine(bids, tasker) == [shown(task, tasker, "ACCEPTED")]
    refused = (await bids.act(tasker, DECLINE_INVITATION, input={"invitationId": invitation_id}))["declineInvitation"]
    assert refused == refusal("INVALID_TRANSITION", None)
    assert await bids.event_types() == ["bids.bid.invited", "bids.bid.placed"]


async def test_an_invitation_is_for_the_two_alone(bids: Bids) -> None:
    task, tasker = await bids.task(), await bids.tasker()
    invitation_id = (await invite(bids, task, tasker, message=WORDS))["invitation"]["id"]
    reference = {"r": [{"__typename": "BidInvitation", "id": invitation_id}]}
    document = "subscription($id: ID!) { bidEvents(taskId: $id, after: 0) { type bid { id } invitation { message } } }"

    for viewer, sees in ((task.poster_id, True), (tasker, True), (new_id("user"), False), (None, False)):
        token = bids.token(viewer) if viewer else None
        seen = {"message": WORDS} if sees else None
        assert await bids.served.execute(BY_ID, reference, token=token) == {"data": {"_entities": [seen]}}
        assert bool(await of_task(bids, task, viewer)) is (viewer == task.poster_id)
    for viewer in (task.poster_id, tasker):
        async with bids.served.connect(token=bids.token(viewer)) as client:
            await client.subscribe(document, {"id": task.id})
            event = (await client.next(30))["data"]["bidEvents"]
            assert event == {"type": "INVITED", "bid": None, "invitation": {"message": WORDS}}
    async with bids.served.connect(token=bids.token(stranger := new_id("user"))) as client:
        await client.subscribe(document, {"id": task.id})
        await bids.place(task, stranger)
        assert (await client.next(30))["data"]["bidEvents"]["type"] == "PLACED"


async def test_who_is_invited_already_stays_so(bids: Bids) -> None:
    task, tasker = await bids.task(), await bids.tasker()
    first = await invite(bids, task, tasker, message=WORDS)
    await bids.act(tasker, DECLINE_INVITATION, input={"invitationId": first["invitation"]["id"]})

    again = await asyncio.gather(*(invite(bids, task, tasker, message="Please, please!") for _ in range(10)))

    assert again == [{**first, "invitation": {**first["invitation"], "status": "DECLINED"}}] * 10
    assert (await bids.event_types()).count("bids.bid.invited") == 1


async def test_the_invited_declines_once_and_may_bid_after_all(bids: Bids) -> None:
    task, tasker = await bids.task(), await bids.tasker()
    given = {"invitationId": (await invite(bids, task, tasker, message=WORDS))["invitation"]["id"]}
    for actor, code in ((task.poster_id, "NOT_ALLOWED"), (new_id("user"), "NOT_FOUND")):
        refused = (await bids.act(actor, DECLINE_INVITATION, input=given))["declineInvitation"]
        assert refused == refusal(code, "invitationId")

    first = await bids.act(tasker, DECLINE_INVITATION, input=given)

    assert first["declineInvitation"]["invitation"]["status"] == "DECLINED"
    assert await bids.act(tasker, DECLINE_INVITATION, input=given) == first
    assert await bids.event_types() == ["bids.bid.invited", "bids.bid.invitation_declined"]
    await bids.place(task, tasker)
    assert await mine(bids, tasker) == [shown(task, tasker, "ACCEPTED")]


async def test_an_invitation_follows_its_task(bids: Bids) -> None:
    task, tasker = await bids.task(), await bids.tasker()
    given = {"invitationId": (await invite(bids, task, tasker, message=WORDS))["invitation"]["id"]}
    await bids.sql("UPDATE tasks SET status = 'EXPIRED'")
    assert await mine(bids, tasker) == [shown(task, tasker, "CLOSED")]
    refused = (await bids.act(tasker, DECLINE_INVITATION, input=given))["declineInvitation"]
    assert refused == refusal("INVALID_TRANSITION", None)
    # Posted again.
    await bids.sql("UPDATE tasks SET status = 'OPEN'")
    assert await mine(bids, tasker) == [shown(task, tasker)]


async def test_only_taskers_who_can_bid_are_invited(bids: Bids, elsewhere: Elsewhere) -> None:
    task, other = await bids.task(), await bids.task()
    bidder, blocked, suspended, poster, revoked = [await bids.tasker() for _ in range(4)] + [new_id("user")]
    await bids.place(task, bidder)
    await deliver_twice(
        elsewhere,
        "bids",
        events.UserBlocked(user_id=blocked, blocked_id=task.poster_id),
        events.UserSuspended(user_id=suspended, reason="Spam"),
        events.UserRegistered(user_id=revoked, display_name="R", roles=("TASKER",), status="ACTIVE"),
        events.UserRoleRevoked(user_id=revoked, role="TASKER", roles=("POSTER",)),
        events.UserErased(user_id=poster),
    )
    before = await bids.state()

    refused = {
        "of somebody who bids": (bidder, "BID_ALREADY_PLACED", "taskerId"),
        "of somebody who blocked": (blocked, "INTERACTION_BLOCKED", "taskerId"),
        "of somebody suspended": (suspended, "COUNTERPART_SUSPENDED", "taskerId"),
        "of no tasker": (revoked, "NOT_FOUND", "taskerId"),
        "of somebody who left": (poster, "NOT_FOUND", "taskerId"),
        "of oneself": (task.poster_id, "OWN_TASK", "taskerId"),
    }
    for name, (tasker, code, field) in refused.items():
        assert await invite(bids, task, tasker) == refusal(code, field), name
    tasker = await bids.tasker()
    assert await invite(bids, other, tasker, by=task.poster_id) == refusal("NOT_ALLOWED", "taskId")
    assert await invite(bids, task, tasker, message="x" * 501) == refusal("INVALID_INPUT", "message")
    await bids.sql("UPDATE tasks SET status = 'CANCELLED'")
    assert await invite(bids, task, tasker) == refusal("TASK_NOT_OPEN", "taskId")
    assert await bids.state() == before


async def test_a_role_that_comes_later_counts_and_an_old_event_does_not(bids: Bids, elsewhere: Elsewhere) -> None:
    task, tasker = await bids.task(), new_id("user")
    await deliver(
        elsewhere,
        "bids",
        events.UserRegistered(user_id=tasker, display_name="R", roles=("POSTER",), status="ACTIVE"),
        events.UserRoleGranted(user_id=tasker, role="TASKER", roles=("POSTER", "TASKER")),
    )
    assert (await invite(bids, task, tasker))["userErrors"] == []
    assert await bids.sql("SELECT is_tasker, seq FROM taskers") == [(True, 2)]


async def test_50_taskers_are_invited_to_a_task_at_most(bids: Bids) -> None:
    task = await bids.task()
    taskers = [await bids.tasker() for _ in range(60)]

    answers = await asyncio.gather(*(invite(bids, task, tasker) for tasker in taskers))

    assert [bool(each["invitation"]) for each in answers].count(True) == 50
    assert [each for each in answers if not each["invitation"]] == [refusal("TOO_MANY_INVITATIONS", "taskId")] * 10
    assert len(await of_task(bids, task, task.poster_id)) == 50


async def test_nobody_is_invited_who_bids_at_the_same_time(bids: Bids) -> None:
    async def race() -> None:
        task, tasker = await bids.task(), await bids.tasker()
        invited, _ = await asyncio.gather(
            invite(bids, task, tasker), bids.act(tasker, PLACE, input=place_input(task.id))
        )
        # Whoever came first: an invitation that is there is accepted.
        codes = [error["code"] for error in invited["userErrors"]]
        statuses = [each["status"] for each in await of_task(bids, task, task.poster_id)]
        assert [codes, statuses] in ([[], ["ACCEPTED"]], [["BID_ALREADY_PLACED"], []])

    await asyncio.gather(*(race() for _ in range(20)))


async def test_lists_cost_the_same_however_long_they_are(bids: Bids) -> None:
    tasker = await bids.tasker()
    tasks = [await bids.task() for _ in range(5)]
    for task in tasks:
        await invite(bids, task, tasker)
    with statements(bids.database) as seen:
        page = (await bids.act(tasker, "{ myInvitations { nodes { task { id } status } totalCount } }"))[
            "myInvitations"
        ]
    assert page["nodes"] == [{"task": {"id": task.id}, "status": "OPEN"} for task in reversed(tasks)]
    assert page["totalCount"] == 5
    assert len(seen) == 3


@pytest.mark.parametrize("counted", ["account", "address"])
async def test_each_alias_is_a_try_of_its_account_and_from_its_address(
    settings_for: SettingsFor, access_token: AccessToken, counted: str
) -> None:
    async with serve(app.build(settings_for("bids", **{f"invitations_per_{counted}": LIMIT}))) as served:
        task = await Bids(served, access_token).task()
        tries = Tries(served, access_token, "inviteToBid", {"taskId": task.id, "taskerId": new_id("user")})
        await (tries.count_for_the_account() if counted == "account" else tries.count_for_the_address())


async def test_a_bid_that_is_withdrawn_leaves_the_invitation_accepted(bids: Bids) -> None:
    task, tasker = await bids.task(), await bids.tasker()
    await invite(bids, task, tasker, message=WORDS)
    bid = await bids.place(task, tasker)
    await bids.act(tasker, WITHDRAW, input={"bidId": bid["id"]})
    assert await mine(bids, tasker) == [shown(task, tasker, "ACCEPTED")]
    assert (await accept(bids, task.poster_id, await bids.place(task, tasker)))["status"] == "ACCEPTED"
