"""Customers, and how they give their cards."""

import hmac
import secrets
from hashlib import sha256

from sandbox.context import Sandbox
from sandbox.objects import Card, Customer, Setup
from sandbox.outcomes import CARDS
from sandbox.refused import Refused, not_found
from shared import clock
from shared.ids import new_id

_MARK = "_secret_"


def create_customer(sandbox: Sandbox, user: str, key: str) -> Customer:
    """Somebody in whose name cards are kept."""
    customer = Customer(id=new_id(Customer.kind), key=key, user=user)
    sandbox.state.put(customer)
    return customer


def start_setup(sandbox: Sandbox, customer: str, key: str) -> Setup:
    """Begins the giving of a card."""
    sandbox.state.get(Customer, customer)
    setup_id = new_id(Setup.kind)
    setup = Setup(id=setup_id, key=key, customer=customer, client_secret=new_secret(setup_id))
    sandbox.state.put(setup)
    return setup


def complete_setup(sandbox: Sandbox, client_secret: str, card: str) -> Setup:
    """What the payer's client does with the number of a card: here it tells the name of a test card."""
    setup = sandbox.state.get(Setup, secret_of(client_secret))
    if not is_secret(setup.client_secret, client_secret):
        # Whether there is such a setup is nobody's business without its secret.
        raise not_found(Setup.kind)
    if setup.status != "pending":
        raise Refused(409, "setup_over", "A card was given already.")
    test_card = CARDS.get(card)
    if test_card is None:
        raise Refused(400, "no_such_card", f"There are the test cards {', '.join(CARDS)}.", {"card": "is none of them"})
    if test_card.is_refused:
        setup.status, setup.decline = "failed", test_card.decline
    else:
        today = clock.now()
        setup.status = "succeeded"
        setup.card = Card(
            id=new_id(Card.kind),
            customer=setup.customer,
            test_card=test_card.name,
            brand=test_card.brand,
            last_four=test_card.number[-4:],
            expires_month=today.month if test_card.expires_this_month else 12,
            expires_year=today.year if test_card.expires_this_month else today.year + 3,
            fingerprint=sha256(test_card.number.encode()).hexdigest()[:16],
        )
        sandbox.state.put(setup.card)
    sandbox.state.put(setup)
    sandbox.state.tell(setup, setup.status)
    return setup


def detach(sandbox: Sandbox, card_id: str) -> Card:
    """Has a card be charged no more."""
    card = sandbox.state.get(Card, card_id)
    card.detached = True
    sandbox.state.put(card)
    return card


def new_secret(object_id: str) -> str:
    """What a client shows that it acts for the payer; it says about what, since the client knows nothing else."""
    return f"{object_id}{_MARK}{secrets.token_urlsafe(24)}"


def secret_of(client_secret: str) -> str:
    """The id of what a client has the secret of; whether it is the right one is another question."""
    return client_secret.partition(_MARK)[0]


def is_secret(ours: str, theirs: str) -> bool:
    """Whether a client has the right one; takes as long for each wrong one."""
    return hmac.compare_digest(ours.encode(), theirs.encode())
