"""What admins do with money, and what is wrong with their forms, said all at once."""

from typing import Any

import pytest

from shared.ids import new_id
from tests.payments.conftest import BALANCES, TRANSACTIONS, Payments, eur
from tests.payments.forms import FORMS
from tests.support.wrong_inputs import document

ERRORS = "userErrors { code field }"
REFUND = f"mutation($input: IssueRefundInput!) {{ issueRefund(input: $input) {{ escrow {{ status }} {ERRORS} }} }}"
CHARGE = f"""mutation($input: ChargeTaskerInput!) {{
    chargeTasker(input: $input) {{ transaction {{ kind amount {{ amount }} }} {ERRORS} }} }}"""
LEDGER = """query($account: String!) { ledger(account: $account) { kind balance { amount }
    entries(first: 5) { nodes { side amount { amount } balanceAfter { amount } step subjectId } } } }"""
TOTALS = "{ platformBalance { kind balance { amount currency } } }"


ADMIN = "user_01jdadminadminadminadminad"


async def as_admin(payments: Payments, query: str, **variables: Any) -> dict[str, Any]:
    token = payments.token(ADMIN, scope="marketplace admin")
    answer = await payments.served.execute(query, variables, token=token)
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


async def refund(payments: Payments, escrow_id: str, **given: Any) -> dict[str, Any]:
    given = {"escrowId": escrow_id, "reason": "They wrote.", "idempotencyKey": new_id("key"), **given}
    payload: dict[str, Any] = (await as_admin(payments, REFUND, input=given))["issueRefund"]
    return payload


@pytest.mark.parametrize("mutation", FORMS)
async def test_every_wrong_field_is_told_at_once(payments: Payments, mutation: str) -> None:
    form = FORMS[mutation]
    _, ids = await form.prepare(payments)
    before = await payments.balances()

    data = await as_admin(payments, document(mutation), input=form.input(ids))

    assert data == {mutation: {"userErrors": form.errors()}}
    assert await payments.balances() == before


async def test_what_is_held_goes_back_whole_and_once(payments: Payments) -> None:
    bid = await payments.fund()
    escrow_id = (await payments.escrow(bid))["id"]

    part = await refund(payments, escrow_id, amount=eur("50.00"))
    assert part["userErrors"] == [{"code": "INVALID_INPUT", "field": ["amount"]}]
    whole = [await refund(payments, escrow_id, idempotencyKey="once") for _ in range(2)]
    again = await refund(payments, escrow_id)

    assert whole == [{"escrow": {"status": "REFUNDED"}, "userErrors": []}] * 2
    assert again["userErrors"] == [{"code": "INVALID_TRANSITION", "field": ["escrowId"]}]
    (told,) = await payments.bodies("payments.escrow.refunded")
    assert told["reason"] == "They wrote."
    await payments.settled()
    assert await payments.balances() == {}


async def test_after_the_release_the_platform_pays_no_more_than_was_paid(payments: Payments) -> None:
    bid = await payments.fund()
    await payments.complete(bid)
    escrow_id = (await payments.escrow(bid))["id"]

    payloads = [await refund(payments, escrow_id, amount=eur(amount)) for amount in ("100.00", "50.01", "50.00")]

    assert [[error["code"] for error in payload["userErrors"]] for payload in payloads] == [
        [], ["INVALID_INPUT"], [],
    ]  # fmt: skip
    await payments.settled()
    assert await payments.balances() == {"LOSSES EUR": 15_000, "PAYABLE EUR": 13_500, "REVENUE EUR": 1_500}


async def test_a_tasker_pays_for_a_loss_and_may_owe_it(payments: Payments) -> None:
    bid = await payments.fund()
    given = {"userId": bid.tasker_id, "amount": eur("200.00"), "reason": "Lost.", "idempotencyKey": "once"}
    unknown = (await as_admin(payments, CHARGE, input=given))["chargeTasker"]
    assert unknown["userErrors"] == [{"code": "NOT_FOUND", "field": ["userId"]}]
    await payments.complete(bid)

    charged = [(await as_admin(payments, CHARGE, input=given))["chargeTasker"] for _ in range(2)]

    assert charged == [{"transaction": {"kind": "RECOVERY", "amount": {"amount": "-200.00"}}, "userErrors": []}] * 2
    assert (await payments.act(bid.tasker_id, BALANCES))["myBalances"][0]["available"] == eur("-65.00")
    nodes = (await payments.act(bid.tasker_id, TRANSACTIONS))["myTransactions"]["nodes"]
    assert [node["kind"] for node in nodes] == ["RECOVERY", "EARNING"]


async def test_admins_read_the_books(payments: Payments) -> None:
    bid = await payments.fund()
    escrow_id = (await payments.escrow(bid))["id"]
    await payments.complete(bid)

    account = (await as_admin(payments, LEDGER, account=f"escrow:{escrow_id}:EUR"))["ledger"]
    ((charge_id,),) = await payments.sql("SELECT id FROM charges")
    assert account == {
        "kind": "ESCROW",
        "balance": {"amount": "0.00"},
        "entries": {
            "nodes": [
                {
                    "side": "DEBIT",
                    "amount": {"amount": "150.00"},
                    "balanceAfter": {"amount": "0.00"},
                    "step": "ENDED",
                    "subjectId": escrow_id,
                },
                {
                    "side": "CREDIT",
                    "amount": {"amount": "150.00"},
                    "balanceAfter": {"amount": "150.00"},
                    "step": "CHARGED",
                    "subjectId": charge_id,
                },
            ]
        },
    }
    totals = (await as_admin(payments, TOTALS))["platformBalance"]
    assert {each["kind"]: each["balance"]["amount"] for each in totals} == {
        "CLEARING": "150.00", "ESCROW": "0.00", "PAYABLE": "135.00", "REVENUE": "15.00",
    }  # fmt: skip
    assert (await as_admin(payments, LEDGER, account="nothing"))["ledger"] is None
