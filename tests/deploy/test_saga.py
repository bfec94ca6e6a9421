"""`exchange saga`: what was told of a task, in the order of time, and where its money is."""

from contextlib import AsyncExitStack
from datetime import timedelta

from deploy.local import saga
from shared import clock, events
from shared.database.db import Database
from shared.ids import new_id
from shared.messaging.outbox import emit
from shared.money import Money
from subgraphs.payments import actions
from subgraphs.payments.provider import port
from tests.conftest import AccessToken, ServeSubgraph, SettingsFor
from tests.support import factories
from tests.support.messaging import sql
from tests.tasks.conftest import Tasks


async def test_a_task_is_followed_through_three_subgraphs_and_the_books(
    serve_subgraph: ServeSubgraph, settings_for: SettingsFor, access_token: AccessToken
) -> None:
    poster, tasker = new_id("user"), new_id("user")
    async with AsyncExitStack() as closing:
        tasks = await Tasks.of(await closing.enter_async_context(serve_subgraph("tasks")), access_token)
        databases = {"tasks": tasks.database}
        for subgraph in ("bids", "payments"):
            databases[subgraph] = Database(settings_for(subgraph))
            closing.push_async_callback(databases[subgraph].close)
        task_id = (await tasks.open(poster))["id"]
        await tasks.open(poster)
        bid = factories.bid_snapshot(task_id=task_id, poster_id=poster, tasker_id=tasker, status="ACCEPTED", version=2)
        with clock.offset(timedelta(minutes=1)):
            async with databases["bids"].transaction() as session:
                await emit(session, events.BidAccepted(bid=bid))
        with clock.offset(timedelta(minutes=2)):
            async with databases["payments"].transaction() as session:
                await actions.funding.open_escrow(session, events.BidAccepted(bid=bid))
        ((charge_id,),) = await sql(databases["payments"], "SELECT id FROM charges")
        nothing = Money(0, bid.amount.currency)
        paid = port.Charge("theirs", str(charge_id), port.ChargeStatus.SUCCEEDED, bid.amount, nothing)
        with clock.offset(timedelta(minutes=3)):
            async with databases["payments"].transaction() as session:
                await actions.outcomes.take_over(session, str(charge_id), paid, 1)
        with clock.offset(timedelta(minutes=4)):
            await tasks.assign(poster, tasker, task_id)
        with clock.offset(timedelta(minutes=5)):
            async with databases["payments"].transaction() as session:
                await actions.ending.cancel(session, task_id, 15)

        found = await saga.read(databases, task_id)
        ((escrow_id, refund_id),) = await sql(
            databases["payments"], "SELECT escrows.id, refunds.id FROM escrows, refunds"
        )
        unknown = await saga.read(databases, new_id("task"))

    assert [(each.subgraph, each.event, each.status, each.amounts, each.actor) for each in found.told] == [
        ("tasks", "task.created", "DRAFT", "budget 200.00 EUR", poster),
        ("tasks", "task.published", "OPEN", "budget 200.00 EUR", poster),
        ("bids", "bid.accepted", "ACCEPTED", "amount 150.00 EUR", ""),
        ("payments", "escrow.opened", "PENDING", "amount 150.00 EUR", ""),
        ("payments", "escrow.payment_declined", "PENDING", "amount 150.00 EUR", ""),
        ("payments", "escrow.funded", "FUNDED", "amount 150.00 EUR, held 150.00 EUR", ""),
        ("tasks", "task.assigned", "ASSIGNED", "budget 200.00 EUR", poster),
        (
            "payments",
            "escrow.split",
            "SPLIT",
            "amount 150.00 EUR, released 22.50 EUR, fee 2.25 EUR, refunded 127.50 EUR",
            "",
        ),
    ]
    assert [each.at for each in found.told] == sorted(each.at for each in found.told)
    assert [line[1:3] for line in found.ledger] == [("CHARGED", charge_id)] * 2 + [("ENDED", escrow_id)] * 4
    assert {line[3:] for line in found.ledger[:2]} == {
        ("clearing:EUR", "150.00 EUR", ""),
        (f"escrow:{escrow_id}:EUR", "", "150.00 EUR"),
    }
    assert {line[3:] for line in found.ledger[2:]} == {
        (f"escrow:{escrow_id}:EUR", "150.00 EUR", ""),
        ("refunds:EUR", "", "127.50 EUR"),
        (f"payable:{tasker}:EUR", "", "20.25 EUR"),
        ("revenue:EUR", "", "2.25 EUR"),
    }
    assert [(kind, subject, tries) for kind, subject, _, tries in found.open] == [("REFUND", refund_id, "0")]
    assert unknown == saga.Saga()
