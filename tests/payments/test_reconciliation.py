"""The books and the provider, compared."""

from datetime import timedelta

from shared import clock
from subgraphs.payments import reconciling
from subgraphs.payments.provider.port import Provider
from tests.payments.conftest import Payments
from tests.support.messaging import eventually

LATER = timedelta(minutes=20)


def provider(payments: Payments) -> Provider:
    at: Provider = payments.served.server._app.state.services.own
    return at


async def ours(payments: Payments) -> list[str]:
    """What differs of what these tests made, a line each; others have made charges at this provider before."""
    found = await reconciling.reconcile(payments.database, provider(payments), timedelta(days=1))
    known = {str(row[0]) for row in await payments.sql("SELECT provider_id FROM charges")}
    return [reconciling.described(row) for row in found if row.object_id in known]


async def test_what_is_charged_and_given_back_agrees(payments: Payments) -> None:
    held, refunded = await payments.fund(), await payments.fund()
    await payments.cancel(refunded)
    await payments.settled()

    with clock.offset(LATER):
        assert await ours(payments) == []

    assert (await payments.escrow(held))["status"] == "FUNDED"


async def test_what_differs_is_listed_until_it_agrees_again_and_not_put_right(payments: Payments) -> None:
    bid = await payments.fund()
    ((charge, charge_id),) = await payments.sql("SELECT provider_id, id FROM charges")
    # Somebody gave it back at the provider, past us.
    await payments.sandbox.post("/v1/refunds", {"charge": charge, "amount": 5_000}, key="by-hand")
    # And of another charge nothing is known here.
    await payments.sql("UPDATE charges SET provider_id = 'ch_unknown' WHERE id = :id", id=charge_id)
    before = await payments.balances()

    with clock.offset(LATER):
        line = f"ch_unknown ({charge_id}): provider 0.00, books 150.00 EUR"
        assert await ours(payments) == [line]
        assert await ours(payments) == [line]
        await payments.sql("UPDATE charges SET provider_id = :charge WHERE id = :id", charge=charge, id=charge_id)
        assert await ours(payments) == []

    ((found,),) = await payments.sql("SELECT count(*) FROM differences WHERE object_id = 'ch_unknown'")
    assert found == 1
    ((agreed,),) = await payments.sql("SELECT agreed_at IS NOT NULL FROM differences WHERE object_id = 'ch_unknown'")
    assert agreed is True
    assert await payments.balances() == before
    assert (await payments.escrow(bid))["status"] == "FUNDED"


async def test_what_is_still_open_or_new_is_no_difference(payments: Payments) -> None:
    await payments.fund()
    await payments.sql("UPDATE charges SET provider_id = 'ch_unknown'")

    assert await ours(payments) == []


async def test_it_is_done_every_night(payments: Payments) -> None:
    ((due_at,),) = await eventually(lambda: payments.sql("SELECT due_at FROM settlements WHERE kind = 'BOOKS'"))
    assert (due_at.hour, due_at.minute) == (3, 0)  # type: ignore[attr-defined]  # a time

    with clock.offset(timedelta(days=1)):
        later = "SELECT 1 FROM settlements WHERE kind = 'BOOKS' AND due_at > :due_at AND attempts = 1"
        await eventually(lambda: payments.sql(later, due_at=due_at))
