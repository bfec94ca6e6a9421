"""Ways to pay: nothing of a card but what may be known of it."""

import asyncio
from datetime import timedelta
from typing import Any

from shared import clock
from shared.ids import new_id
from tests.payments.conftest import ADD, DEFAULT, METHODS, REMOVE, SET_UP, Payments
from tests.support.messaging import eventually


async def cards(payments: Payments, user_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await payments.act(user_id, METHODS))["myPaymentMethods"]
    return found


def codes(payload: dict[str, Any]) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def test_the_first_card_is_the_default_and_another_one_can_be(payments: Payments) -> None:
    user = new_id("user")
    first, second = await payments.card(user), await payments.card(user, "succeeds_too")

    assert [(card["brand"], card["lastFour"], card["isDefault"]) for card in (first, second)] == [
        ("visa", "4242", True), ("mastercard", "4444", False),
    ]  # fmt: skip
    payload = (await payments.act(user, DEFAULT, input={"paymentMethodId": second["id"]}))["setDefaultPaymentMethod"]
    assert (payload["paymentMethod"]["isDefault"], payload["userErrors"]) == (True, [])
    assert [card["isDefault"] for card in await cards(payments, user)] == [False, True]
    third = await payments.card(user, "declined", makeDefault=True)
    assert [card["isDefault"] for card in await cards(payments, user)] == [False, False, True]
    assert third["isDefault"]


async def test_a_card_is_removed_here_and_at_the_provider(payments: Payments) -> None:
    user = new_id("user")
    first, second = await payments.card(user), await payments.card(user, "succeeds_too")
    ((token,),) = await payments.sql("SELECT token FROM payment_methods WHERE id = :id", id=first["id"])

    payloads = [
        (await payments.act(user, REMOVE, input={"paymentMethodId": first["id"]}))["removePaymentMethod"]
        for _ in range(2)
    ]

    assert [codes(payload) for payload in payloads] == [[], []]
    assert payloads[0]["paymentMethod"]["removedAt"] == payloads[1]["paymentMethod"]["removedAt"] is not None
    assert [(card["id"], card["isDefault"]) for card in await cards(payments, user)] == [(second["id"], True)]
    await payments.settled()
    assert await payments.sql("SELECT token FROM payment_methods WHERE id = :id", id=first["id"]) == [(None,)]
    assert token


async def test_the_same_card_again_takes_the_place_of_the_first(payments: Payments) -> None:
    user = new_id("user")
    first, again = await payments.card(user), await payments.card(user)

    assert [(card["id"], card["isDefault"]) for card in await cards(payments, user)] == [(again["id"], True)]
    assert first["id"] != again["id"]


async def test_a_setup_has_one_card_and_is_ones_own(payments: Payments) -> None:
    user = new_id("user")
    setup = (await payments.act(user, SET_UP, input={"idempotencyKey": "x"}))["startPaymentMethodSetup"]["setup"]
    again = (await payments.act(user, SET_UP, input={"idempotencyKey": "x"}))["startPaymentMethodSetup"]["setup"]
    assert setup == again
    add = {"setupId": setup["id"]}
    assert codes((await payments.act(user, ADD, input=add))["addPaymentMethod"]) == ["SETUP_NOT_DONE"]
    await payments.give(setup, "succeeds")
    assert codes((await payments.act(new_id("user"), ADD, input=add))["addPaymentMethod"]) == ["NOT_FOUND"]

    payloads = await asyncio.gather(*(payments.act(user, ADD, input=add) for _ in range(5)))

    ids = {payload["addPaymentMethod"]["paymentMethod"]["id"] for payload in payloads}
    assert len(ids) == 1
    assert len(await cards(payments, user)) == 1


async def test_a_card_that_is_refused_is_none(payments: Payments) -> None:
    user = new_id("user")
    setup = (await payments.act(user, SET_UP, input={}))["startPaymentMethodSetup"]["setup"]
    await payments.give(setup, "refused_at_setup")

    payload = (await payments.act(user, ADD, input={"setupId": setup["id"]}))["addPaymentMethod"]

    assert (payload["paymentMethod"], codes(payload)) == (None, ["SETUP_NOT_DONE"])


async def test_one_has_ten_cards_at_most(payments: Payments) -> None:
    user = new_id("user")
    await payments.sql(
        "INSERT INTO payment_methods SELECT 'method_' || n, CAST(:user AS text), 'sandbox', 't' || n, 'f' || n, 'visa',"
        " '4242', 1, 2099, false, now(), NULL FROM generate_series(1, 10) AS n",
        user=user,
    )
    assert codes((await payments.act(user, SET_UP, input={}))["startPaymentMethodSetup"]) == [
        "TOO_MANY_PAYMENT_METHODS"
    ]


async def test_a_card_with_which_something_is_being_paid_stays(payments: Payments) -> None:
    user = new_id("user")
    card = await payments.card(user, "three_d_secure")
    bid = await payments.accept(poster_id=user)

    async def asked() -> bool:
        return (await payments.escrow(bid))["requiredAction"] is not None

    await eventually(asked)
    payload = (await payments.act(user, REMOVE, input={"paymentMethodId": card["id"]}))["removePaymentMethod"]
    assert codes(payload) == ["PAYMENT_METHOD_IN_USE"]


async def test_somebody_elses_card_is_not_there(payments: Payments) -> None:
    card = await payments.card(new_id("user"))
    stranger = new_id("user")
    for document, name in ((REMOVE, "removePaymentMethod"), (DEFAULT, "setDefaultPaymentMethod")):
        payload = (await payments.act(stranger, document, input={"paymentMethodId": card["id"]}))[name]
        assert (payload["paymentMethod"], codes(payload)) == (None, ["NOT_FOUND"])
    assert await cards(payments, stranger) == []


async def test_the_end_of_a_card_is_told_ahead(payments: Payments) -> None:
    user = new_id("user")
    card = await payments.card(user)
    ((due_at,),) = await payments.sql("SELECT due_at FROM deadlines WHERE subject_id = :id", id=card["id"])

    with clock.offset(due_at - clock.now() + timedelta(seconds=1)):  # type: ignore[operator]  # a time
        (told,) = await eventually(lambda: payments.bodies("payments.payment_method.expiring"))

    assert (told["user_id"], told["last_four"]) == (user, "4242")
