"""The payment provider that the settings choose."""

from shared.config import Settings
from subgraphs.payments.provider.port import Provider
from subgraphs.payments.provider.sandbox import Sandbox
from subgraphs.payments.provider.stripe import Stripe

__all__ = ["of"]


def of(settings: Settings) -> Provider:
    """The provider, connected as the settings say. Raises ValueError if they say too little, or what must not be."""
    match settings.payment_provider:
        case "sandbox":
            return _sandbox(settings)
        case "stripe":
            return Stripe(settings)


def _sandbox(settings: Settings) -> Sandbox:
    if settings.environment == "production":
        raise ValueError("EXCHANGE_PAYMENT_PROVIDER: the sandbox moves no money, and production refuses it.")
    if settings.sandbox_api_key is None or settings.sandbox_webhook_secret is None:
        raise ValueError("EXCHANGE_SANDBOX_API_KEY and EXCHANGE_SANDBOX_WEBHOOK_SECRET are needed for the sandbox.")
    return Sandbox(
        settings.sandbox_url,
        settings.sandbox_api_key.get_secret_value(),
        settings.sandbox_webhook_secret.get_secret_value(),
        settings.web_app_url,
    )
