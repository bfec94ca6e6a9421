"""Asking the provider while somebody waits: where cards and payouts are set up.

Nothing is open meanwhile: what is to be set up is committed before, and what the provider answers is kept after it.
Each call carries a key of ours, so that one whose answer was lost is asked again and has no second effect.
"""

from collections.abc import Awaitable
from typing import TypeVar

import structlog

from shared.context import Services
from shared.errors import ServiceUnavailable
from shared.faults import describe
from subgraphs.payments import actions, models, store
from subgraphs.payments.loaders import Loaders
from subgraphs.payments.provider import port
from subgraphs.payments.settling import provider_of

log = structlog.get_logger(__name__)

R = TypeVar("R")


async def start_setup(services: Services[Loaders], setup: models.Setup) -> port.Setup:
    """The setup at the provider, as a customer that it knows after this. Raises ServiceUnavailable."""
    provider, user_id = provider_of(services), setup.user_id
    async with services.database.transaction() as session:
        customer = await store.methods.get_customer(session, user_id, setup.provider)
    assert customer is not None, "who begins a setup is a customer"
    if customer.provider_id is None:
        customer.provider_id = await _asked(provider.create_customer(user_id, key=f"customer-{user_id}"))
        async with services.database.transaction() as session:
            await actions.methods.keep_customer(session, user_id, setup.provider, customer.provider_id)
    started = await _asked(provider.start_setup(customer.provider_id, key=setup.id))
    async with services.database.transaction() as session:
        await actions.methods.keep_setup(session, setup.id, started.id)
    return started


async def get_setup(services: Services[Loaders], setup: models.Setup) -> port.Setup:
    """The setup as it is now at the provider. Raises ServiceUnavailable."""
    assert setup.provider_id is not None, "it is one that the provider knows"
    return await _asked(provider_of(services).get_setup(setup.provider_id))


async def start_onboarding(services: Services[Loaders], account: models.PayoutAccount) -> str:
    """The address where a tasker sets their payouts up, with an account that the provider knows after this.

    Raises ServiceUnavailable.
    """
    provider = provider_of(services)
    if account.provider_id is None:
        made = await _asked(provider.create_account(account.user_id, key=f"account-{account.user_id}"))
        account.provider_id = made.id
        async with services.database.transaction() as session:
            await actions.payouts.take_over_account(session, account.user_id, account.provider, made)
    return_url = f"{services.settings.web_app_url}/payouts"
    url = await _asked(provider.start_onboarding(account.provider_id, return_url))
    async with services.database.transaction() as session:
        await actions.payouts.look_soon(session, account.user_id)
    return url


async def _asked(call: Awaitable[R]) -> R:
    try:
        return await call
    except (port.ProviderUnavailable, port.ProviderRefused, LookupError) as error:
        log.warning("provider not available", error=describe(error))
        raise ServiceUnavailable("The payment provider cannot be reached at the moment; try again.") from error
