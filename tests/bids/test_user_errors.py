"""What is wrong with a form of bids is said all at once."""

import pytest

from shared.ids import new_id
from tests.bids.conftest import PLACE, Bids, place_input
from tests.bids.forms import FORMS
from tests.support.wrong_inputs import document


@pytest.mark.parametrize("mutation", FORMS)
async def test_every_wrong_field_is_told_at_once(bids: Bids, mutation: str) -> None:
    form = FORMS[mutation]
    user_id, ids = await form.prepare(bids)
    before = await bids.state()

    data = await bids.act(user_id, document(mutation), input=form.input(ids))

    assert data == {mutation: {"userErrors": form.errors()}}
    assert await bids.state() == before


async def test_an_amount_of_another_currency_is_read_as_one_of_the_task_s(bids: Bids) -> None:
    task = await bids.task()
    given = place_input(task.id, amount={"amount": "125.50", "currency": "JPY"})

    data = await bids.act(new_id("user"), PLACE, input=given)

    assert data["placeBid"]["userErrors"] == [{"code": "CURRENCY_MISMATCH", "field": ["amount", "currency"]}]


@pytest.mark.parametrize("mutation", FORMS)
async def test_who_may_not_is_told_nothing_of_the_form(bids: Bids, mutation: str) -> None:
    form = FORMS[mutation]
    _, ids = await form.prepare(bids)
    name, known = next(iter(ids.items()))
    unknown = {name: new_id(known.partition("_")[0])}

    data = await bids.act(new_id("user"), document(mutation), input=form.input(ids | unknown))

    assert [(error["code"], error["field"]) for error in data[mutation]["userErrors"]] == [("NOT_FOUND", [name])]
