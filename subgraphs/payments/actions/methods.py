"""Ways to pay. The payer's client gives the card to the provider; here only what may be known of it is kept."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.errors import NotFound
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.messaging.outbox import emit
from subgraphs.payments import models, rules, store
from subgraphs.payments.actions import charging, steps
from subgraphs.payments.provider import port
from subgraphs.payments.rules.settlements import Kind

EXPIRING = "payment_method_expiring"


async def start_setup(session: AsyncSession, actor: Actor) -> models.Setup:
    """Begins the giving of a card: the provider is to be asked next. Locks the caller's wallet.

    Raises TooManyPaymentMethods.
    """
    rules.methods.check_room(len(await store.methods.lock_wallet(session, actor.id)))
    provider, now = charging.provider_of(session), clock.now()
    customer = models.Customer(user_id=actor.id, provider=provider, provider_id=None, created_at=now)
    await store.methods.add_customer(session, customer)
    setup = models.Setup(
        id=new_id("setup"),
        user_id=actor.id,
        provider=provider,
        provider_id=None,
        payment_method_id=None,
        created_at=now,
    )
    session.add(setup)
    return setup


async def keep_customer(session: AsyncSession, user_id: str, provider: str, provider_id: str) -> None:
    """The provider knows the person, under this id."""
    customer = await store.methods.lock_customer(session, user_id, provider)
    if customer is not None and customer.provider_id is None:
        customer.provider_id = provider_id


async def keep_setup(session: AsyncSession, setup_id: str, provider_id: str) -> None:
    """The provider knows the setup, under this id."""
    setup = await store.methods.lock_setup(session, setup_id)
    if setup is not None and setup.provider_id is None:
        setup.provider_id = provider_id


async def get_own_setup(session: AsyncSession, actor: Actor, setup_id: str) -> models.Setup:
    """One's own setup that the provider knows. Raises NotFound."""
    setup = await store.methods.get_setup(session, setup_id)
    if setup is None or setup.user_id != actor.id or setup.provider_id is None:
        raise NotFound("There is no such setup.", field=("setupId",))
    return setup


async def add_method(
    session: AsyncSession, actor: Actor, setup_id: str, answer: port.Setup, *, make_default: bool
) -> models.PaymentMethod:
    """Keeps the card of a setup, in place of the same card if it was given before. Locks the caller's wallet.

    The first one is the default. A setup has one card, however often it is asked for. Raises NotFound, SetupNotDone,
    TooManyPaymentMethods.
    """
    wallet = await store.methods.lock_wallet(session, actor.id)
    setup = await store.methods.lock_setup(session, setup_id)
    customer = await store.methods.get_customer(session, actor.id, setup.provider) if setup else None
    if setup is None or customer is None or answer.customer != customer.provider_id:
        raise NotFound("There is no such setup.", field=("setupId",))
    if setup.payment_method_id is not None:
        known = await store.methods.get_method(session, setup.payment_method_id)
        assert known is not None, "cards are never deleted"
        return known
    card = answer.card
    if answer.status is not port.SetupStatus.SUCCEEDED or card is None:
        raise rules.methods.SetupNotDone("The provider has no card of this setup yet.", field=("setupId",))
    same = [each for each in wallet if (each.provider, each.fingerprint) == (setup.provider, card.fingerprint)]
    others = [each for each in wallet if each not in same]
    rules.methods.check_room(len(others))
    is_default = make_default or not others or any(each.is_default for each in same)
    for each in [*same, *(each for each in others if is_default)]:
        each.is_default = False
    for each in same:
        await remove(session, each)
    await session.flush()
    method = models.PaymentMethod(
        id=new_id("method"),
        user_id=actor.id,
        provider=setup.provider,
        token=card.token,
        fingerprint=card.fingerprint,
        brand=card.brand,
        last_four=card.last_four,
        expires_month=card.expires_month,
        expires_year=card.expires_year,
        is_default=is_default,
        created_at=clock.now(),
        removed_at=None,
    )
    setup.payment_method_id = method.id
    session.add(method)
    good_until = rules.methods.good_until(method.expires_month, method.expires_year)
    await deadlines.schedule(session, EXPIRING, method.id, good_until - rules.methods.EXPIRING_BEFORE)
    await emit(session, events.PaymentMethodAdded(**_told(method)))
    return method


async def remove_method(session: AsyncSession, actor: Actor, method_id: str) -> models.PaymentMethod:
    """Forgets a card; the newest other one is the default if it was. Locks the caller's wallet.

    Raises NotFound, PaymentMethodInUse.
    """
    wallet = await store.methods.lock_wallet(session, actor.id)
    method = await _own(session, actor, method_id)
    if method.removed_at is not None:
        return method
    if await store.methods.is_in_use(session, method.id):
        raise rules.methods.PaymentMethodInUse("Something is being paid with it.", field=("paymentMethodId",))
    was_default, method.is_default = method.is_default, False
    await remove(session, method)
    await session.flush()
    others = [each for each in wallet if each.id != method.id]
    if was_default and others:
        others[-1].is_default = True
    await emit(session, events.PaymentMethodRemoved(**_told(method)))
    return method


async def set_default(session: AsyncSession, actor: Actor, method_id: str) -> models.PaymentMethod:
    """Has a card charged unless another one is chosen. Locks the caller's wallet. Raises NotFound."""
    wallet = await store.methods.lock_wallet(session, actor.id)
    method = await _own(session, actor, method_id)
    if method.removed_at is not None:
        raise NotFound("You have no such card.", field=("paymentMethodId",))
    for each in wallet:
        each.is_default = False
    await session.flush()
    method.is_default = True
    return method


async def forgotten(session: AsyncSession, method_id: str) -> None:
    """The provider has forgotten a card, and so do we what it called it."""
    method = await store.methods.get_method(session, method_id)
    if method is not None and method.removed_at is not None:
        method.token = None


async def tell_expiring(session: AsyncSession, method_id: str) -> None:
    """The deadline of a card: it ends soon."""
    method = await store.methods.get_method(session, method_id)
    if method is None or method.removed_at is not None:
        return
    told = events.PaymentMethodExpiring.model_validate(
        {**_told(method), "expires_month": method.expires_month, "expires_year": method.expires_year}
    )
    await emit(session, told)


async def _own(session: AsyncSession, actor: Actor, method_id: str) -> models.PaymentMethod:
    method = await store.methods.get_method(session, method_id)
    if method is None or method.user_id != actor.id:
        raise NotFound("You have no such card.", field=("paymentMethodId",))
    return method


async def remove(session: AsyncSession, method: models.PaymentMethod) -> None:
    """Takes a card out of its owner's wallet, whose lock is held; the provider is to forget it."""
    method.is_default = False
    method.removed_at = clock.now()
    await deadlines.cancel(session, EXPIRING, method.id)
    await steps.settle_soon(session, Kind.PAYMENT_METHOD, method.id)


def _told(method: models.PaymentMethod) -> dict[str, str]:
    return {
        "user_id": method.user_id,
        "payment_method_id": method.id,
        "brand": method.brand,
        "last_four": method.last_four,
    }
