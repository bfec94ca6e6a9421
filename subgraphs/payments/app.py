"""The payments subgraph."""

from fastapi import FastAPI

from shared.config import Settings
from shared.privacy.erasure import PASSES
from shared.process.app import create_app
from subgraphs.payments import receipts, settling, webhooks
from subgraphs.payments.actions.books import WEEKLY_PAYOUT
from subgraphs.payments.actions.charging import PRICE_CHANGE
from subgraphs.payments.actions.funding import FUNDING
from subgraphs.payments.actions.methods import EXPIRING
from subgraphs.payments.actions.tips import EXPIRY
from subgraphs.payments.consumers import (
    card_expiring,
    forget_again,
    funding_due,
    handlers,
    price_change_due,
    tip_due,
    weekly_payout_due,
)
from subgraphs.payments.loaders import Loaders
from subgraphs.payments.schema import schema


def build(settings: Settings | None = None) -> FastAPI:
    """The application; settings come from the environment unless given."""
    app = create_app(
        "payments",
        schema,
        loaders=Loaders,
        topics=["payments.escrow", "payments.payout", "payments.transaction", "payments.payment_method"],
        handlers=handlers,
        deadlines={
            FUNDING: funding_due,
            PRICE_CHANGE: price_change_due,
            EXPIRY: tip_due,
            WEEKLY_PAYOUT: weekly_payout_due,
            EXPIRING: card_expiring,
            **dict.fromkeys(PASSES, forget_again),
        },
        runners=settling.runners,
        settings=settings,
    )
    app.router.routes.extend([webhooks.route(), *receipts.routes()])
    return app


app = build()
