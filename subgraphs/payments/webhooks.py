"""What the payment provider tells by itself: each webhook has something looked at, and says nothing that is believed.

So one that comes twice, late or in another order changes nothing, and one that never comes is made up for by asking.
"""

import structlog
from prometheus_client import Counter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.bodies import read_body
from shared.context import Services
from shared.errors import ServiceUnavailable
from subgraphs.payments import actions, store
from subgraphs.payments.loaders import Loaders
from subgraphs.payments.provider.port import Hint, Kind, Provider, WebhookFault, WebhookRefused
from subgraphs.payments.rules import settlements
from subgraphs.payments.settling import provider_of

log = structlog.get_logger(__name__)

WEBHOOKS = Counter("exchange_webhooks_total", "Webhooks by outcome: taken, or why one is refused.", ("outcome",))


def route() -> Route:
    """Where the provider that is configured sends its webhooks: `/webhooks/<its name>`."""
    return Route("/webhooks/{provider}", _receive, methods=["POST"])


async def _receive(request: Request) -> Response:
    services: Services[Loaders] = request.app.state.services
    provider = provider_of(services)
    if request.path_params["provider"] != provider.name:
        return _refused(404, "unknown_provider")
    try:
        body = await read_body(request.receive, dict(request.scope["headers"]))
        if body is None:
            return _refused(400, WebhookFault.MALFORMED.value)
        hints = provider.read_webhook(body, dict(request.headers))
    except ClientDisconnect:
        # Nobody hears what it is answered.
        return Response(status_code=400)
    except WebhookRefused as refused:
        return _refused(400, refused.reason.value)
    try:
        for hint in hints:
            await _look_at(services, provider, hint)
    except ServiceUnavailable:
        # The provider sends it again.
        return _refused(503, "unavailable")
    WEBHOOKS.labels("taken").inc()
    return Response(status_code=204)


async def _look_at(services: Services[Loaders], provider: Provider, hint: Hint) -> None:
    """Has what a webhook is about settled now. What is not known here is being asked already, or it is not ours."""
    found = await _subject(services, provider.name, hint)
    if found is not None:
        async with services.database.transaction() as session:
            await actions.steps.settle_soon(session, *found)


async def _subject(services: Services[Loaders], provider: str, hint: Hint) -> tuple[settlements.Kind, str] | None:
    database = services.database
    match hint.kind:
        case Kind.CHARGE:
            charge = await store.charges.find_by_provider_id(database, provider, hint.object_id)
            return (settlements.Kind.CHARGE, charge.id) if charge else None
        case Kind.REFUND:
            refund = await store.refunds.find_by_provider_id(database, provider, hint.object_id)
            return (settlements.Kind.REFUND, refund.id) if refund else None
        case Kind.PAYOUT:
            payout = await store.payouts.find_by_provider_id(database, provider, hint.object_id)
            return (settlements.Kind.PAYOUT, payout.id) if payout else None
        case Kind.ACCOUNT:
            account = await store.payouts.find_account_by_provider_id(database, provider, hint.object_id)
            return (settlements.Kind.PAYOUT_ACCOUNT, account.user_id) if account else None
        case Kind.DISPUTE:
            return settlements.Kind.DISPUTE, hint.object_id
        case _:
            return None


def _refused(status: int, reason: str) -> Response:
    WEBHOOKS.labels(reason).inc()
    log.warning("webhook refused", reason=reason)
    return JSONResponse({"error": reason}, status_code=status)
