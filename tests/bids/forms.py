"""Inputs of bids that are wrong in every field."""

from shared.ids import new_id
from tests.bids.conftest import Bids
from tests.support.wrong_inputs import Form, Given, Wrong

_TERMS = {
    "amount.amount": Wrong("0.99", "BID_TOO_LOW", min="1.00", max="100000.00"),
    "amount.currency": Wrong("USD", "CURRENCY_MISMATCH", allowed=["EUR"]),
    "message": Wrong("I can do it.", min="20", max="1500"),
    "estimatedMinutes": Wrong(0, min="1", max="525600"),
}


async def _open_task(bids: Bids) -> tuple[str, Given]:
    return new_id("user"), {"taskId": (await bids.task()).id}


async def _pending_bid(bids: Bids) -> tuple[str, Given]:
    bid = await bids.place(await bids.task())
    return bid["tasker"]["id"], {"bidId": bid["id"]}


async def _bid_on_ones_task(bids: Bids) -> tuple[str, Given]:
    task = await bids.task()
    bid = await bids.place(task)
    return task.poster_id, {"bidId": bid["id"], "expectedVersion": bid["version"]}


FORMS: dict[str, Form[Bids]] = {
    "placeBid": Form(_open_task, _TERMS),
    "updateBid": Form(_pending_bid, _TERMS),
    "counterOffer": Form(
        _bid_on_ones_task,
        {
            "amount.amount": _TERMS["amount.amount"],
            "amount.currency": _TERMS["amount.currency"],
            "message": Wrong("", min="1", max="500"),
        },
    ),
}
