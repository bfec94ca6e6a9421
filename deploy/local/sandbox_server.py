"""The payment provider of our own as a local process."""

import sys

from deploy.local import probes, secret_files
from deploy.local.layout import Instance
from deploy.local.processes import ProcessSpec


def process(instance: Instance) -> ProcessSpec:
    """The provider's process; it tells the payments subgraph of changes directly, not through the edge."""
    port = instance.port("sandbox")
    options = {
        "port": str(port),
        "state": str(instance.state / "sandbox"),
        "webhook-url": instance.url("payments", "/webhooks/sandbox"),
    }
    return ProcessSpec(
        name="sandbox",
        argv=(sys.executable, "-m", "sandbox", *(f"--{name}={value}" for name, value in options.items())),
        ready=probes.http(port, "/readyz"),
        ports=(port,),
        env=secrets(instance),
    )


def secrets(instance: Instance) -> dict[str, str]:
    """The variables of what the provider and `payments` know each other by."""
    return {
        "EXCHANGE_SANDBOX_API_KEY": secret_files.sandbox_api_key(instance),
        "EXCHANGE_SANDBOX_WEBHOOK_SECRET": secret_files.sandbox_webhook_secret(instance),
    }
