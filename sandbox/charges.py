"""Charges: prepared, which moves nothing, then confirmed with a card, perhaps with 3-D Secure, or cancelled."""

from urllib.parse import quote

from sandbox import disputes
from sandbox.cards import is_secret, new_secret, secret_of
from sandbox.context import Sandbox
from sandbox.objects import Card, Charge, Customer, Decline
from sandbox.outcomes import CARDS, TestCard
from sandbox.refused import Refused, Trouble, not_found
from shared.ids import new_id


def prepare(sandbox: Sandbox, customer: str, amount: int, currency: str, subject: str, key: str) -> Charge:
    """A charge that takes nothing yet."""
    sandbox.state.get(Customer, customer)
    charge_id = new_id(Charge.kind)
    charge = Charge(
        id=charge_id,
        key=key,
        customer=customer,
        subject=subject,
        amount=amount,
        currency=currency,
        client_secret=new_secret(charge_id),
    )
    sandbox.state.put(charge)
    return charge


def confirm(sandbox: Sandbox, charge_id: str, card_id: str, return_url: str) -> Charge:
    """Tries to take the money. What succeeded, or is being processed, stays as it is.

    A try while the payer is asked something takes the place of the one before. Raises Refused, and Trouble if the
    card brings some.
    """
    charge = sandbox.state.get(Charge, charge_id)
    if charge.status in ("succeeded", "processing"):
        return charge
    if charge.status == "cancelled":
        raise Refused(409, "charge_cancelled", "The charge was cancelled.")
    card = sandbox.state.get(Card, card_id)
    if card.customer != charge.customer:
        raise not_found(Card.kind)
    charge.status, charge.card, charge.return_url, charge.challenge_url = "prepared", card.id, return_url, None
    if card.detached:
        return _decline(sandbox, charge, "payment_method_unusable")
    test_card = CARDS[card.test_card]
    number = charge.tries.get(card.id, 0)
    charge.tries[card.id] = number + 1
    match test_card.tries[min(number, len(test_card.tries) - 1)]:
        case "succeeds":
            return _succeed(sandbox, charge)
        case "declined":
            return _decline(sandbox, charge, test_card.decline)
        case "challenged":
            charge.status, charge.decline = "requires_action", None
            secret = quote(charge.client_secret)
            charge.challenge_url = f"{sandbox.options.public_url}/challenge?secret={secret}"
            return _changed(sandbox, charge)
        case "processed":
            charge.status, charge.decline = "processing", None
            sandbox.state.later(charge, "succeed" if test_card.settles else "decline", sandbox.options.settle_seconds)
            return _changed(sandbox, charge)
        case "answer_lost":
            raise Trouble(is_silent=True, done=_succeed(sandbox, charge))
        case "request_lost":
            _untouched(sandbox, charge)
            raise Trouble(is_silent=True)
        case "error":
            _untouched(sandbox, charge)
            raise Trouble(is_silent=False)


def authenticate(sandbox: Sandbox, client_secret: str, passes: bool) -> Charge:
    """What the payer's client does at the payer's bank. Raises Refused if nothing is asked."""
    charge = challenged(sandbox, client_secret)
    if charge.status != "requires_action":
        raise Refused(409, "nothing_asked", "The bank asks nothing about this charge.")
    return answer(sandbox, charge, passes)


def challenged(sandbox: Sandbox, client_secret: str) -> Charge:
    """A charge for whoever has its secret."""
    charge = sandbox.state.get(Charge, secret_of(client_secret))
    if not is_secret(charge.client_secret, client_secret):
        raise not_found(Charge.kind)
    return charge


def answer(sandbox: Sandbox, charge: Charge, passes: bool) -> Charge:
    """The payer's bank makes of the payer's answer what their card says."""
    match _test_card(sandbox, charge).challenge:
        case "hangs":
            return charge
        case "asks" if passes:
            return _succeed(sandbox, charge)
        case _:
            return _decline(sandbox, charge, "authentication_failed")


def settle(sandbox: Sandbox, charge: Charge, succeeds: bool) -> Charge:
    """The end of a charge that is processed."""
    if succeeds:
        return _succeed(sandbox, charge)
    return _decline(sandbox, charge, _test_card(sandbox, charge).decline)


def cancel(sandbox: Sandbox, charge_id: str) -> Charge:
    """Has a charge take no money any more, unless it took it, or is being processed: then it stays as it is."""
    charge = sandbox.state.get(Charge, charge_id)
    if charge.status in ("prepared", "requires_action"):
        charge.status, charge.challenge_url, charge.decline = "cancelled", None, None
        _changed(sandbox, charge)
    return charge


def _succeed(sandbox: Sandbox, charge: Charge) -> Charge:
    charge.status, charge.decline, charge.challenge_url = "succeeded", None, None
    sandbox.state.move(charge, charge.amount, charge.currency)
    _changed(sandbox, charge)
    if _test_card(sandbox, charge).is_disputed:
        disputes.open_one(sandbox, charge)
    return charge


def _decline(sandbox: Sandbox, charge: Charge, code: Decline) -> Charge:
    charge.status, charge.decline, charge.challenge_url = "prepared", code, None
    return _changed(sandbox, charge, "declined")


def _changed(sandbox: Sandbox, charge: Charge, what: str = "") -> Charge:
    sandbox.state.put(charge)
    sandbox.state.tell(charge, what or charge.status)
    return charge


def _untouched(sandbox: Sandbox, charge: Charge) -> None:
    """Leaves a charge as it was, but for the number of tries, by which the next one ends otherwise."""
    before = sandbox.state.get(Charge, charge.id)
    before.tries = charge.tries
    sandbox.state.put(before)


def _test_card(sandbox: Sandbox, charge: Charge) -> TestCard:
    assert charge.card is not None, "only a try brings a charge so far"
    return CARDS[sandbox.state.get(Card, charge.card).test_card]
