"""A subgraph as a local process: its environment, its migrations, its server."""

import sys
from collections.abc import Mapping

from deploy.local import commands, postgres_server, probes, sandbox_server, secret_files, stamps
from deploy.local.layout import REPOSITORY, WITH_FILES, Instance
from deploy.local.processes import ProcessSpec


def environment(instance: Instance, name: str) -> dict[str, str]:
    """The EXCHANGE_ variables of one subgraph."""
    variables = {
        "EXCHANGE_ENVIRONMENT": "development",
        "EXCHANGE_DATABASE_URL": postgres_server.database_url(instance, name),
        "EXCHANGE_REDIS_URL": f"redis://{instance.address('redis')}/0",
        "EXCHANGE_KAFKA_BOOTSTRAP_SERVERS": instance.address("kafka"),
        # There is one process of each subgraph: every fetch of every consumer names all partitions.
        "EXCHANGE_TOPIC_PARTITIONS": "3",
        "EXCHANGE_JWKS_FILE": str(secret_files.jwks(instance)),
    }
    if name == "users":
        variables["EXCHANGE_SIGNING_KEYS_FILE"] = str(secret_files.signing_keys(instance))
        variables["EXCHANGE_ENCRYPTION_KEYS_FILE"] = str(secret_files.encryption_keys(instance))
        variables["EXCHANGE_SMTP_ADDRESS"] = instance.address("mail")
        variables["EXCHANGE_SMTP_TLS"] = "none"
        variables["EXCHANGE_WEB_APP_URL"] = instance.url("edge")
        # Demo, benchmarks and tests all come from one address.
        variables["EXCHANGE_SIGN_UPS_PER_ADDRESS"] = "1000000/1 hour"
        variables["EXCHANGE_PASSWORD_RESETS_PER_ADDRESS"] = "1000000/1 hour"  # noqa: S105  # a limit
        variables["EXCHANGE_IDENTITY_VERIFICATIONS_PER_ADDRESS"] = "1000000/1 hour"
    if name in WITH_FILES:
        variables["EXCHANGE_LINK_KEYS_FILE"] = str(secret_files.link_keys(instance, name))
        variables["EXCHANGE_PUBLIC_URL"] = instance.url("edge")
    if name == "tasks":
        variables["EXCHANGE_STORAGE_FOLDER"] = str(instance.state / "files")
        # Demo, benchmarks and tests all come from one address.
        variables["EXCHANGE_ATTACHMENT_UPLOADS_PER_ADDRESS"] = "1000000/1 hour"
    if name == "payments":
        variables |= sandbox_server.secrets(instance)
        variables["EXCHANGE_SANDBOX_URL"] = instance.url("sandbox")
        variables["EXCHANGE_WEB_APP_URL"] = instance.url("edge")
        # Demo, benchmarks and tests all come from one address.
        for quota in ("PAYMENT_METHOD_SETUPS", "PAYMENTS", "PAYOUT_ONBOARDINGS"):
            variables[f"EXCHANGE_{quota}_PER_ADDRESS"] = "1000000/1 hour"
    return variables


def migrations_digest(name: str) -> str:
    """Changes whenever the subgraph's migrations do."""
    platform = [REPOSITORY / "shared" / "database" / file for file in ("alembic", "migrate.py", "tables.py")]
    return stamps.digest([REPOSITORY / "subgraphs" / name / "migrations", *platform])


async def migrate(url: str, name: str, check: bool = False) -> None:
    """Brings a database of the subgraph to the newest migration. `check`: fails if the models differ from it."""
    await commands.run(
        (sys.executable, "-m", "shared.database.migrate", f"subgraphs.{name}", *(("--check",) if check else ())),
        f"The migrations of {name} failed",
        REPOSITORY,
        {"EXCHANGE_DATABASE_URL": url},
    )


def process(instance: Instance, name: str, extra: Mapping[str, str]) -> ProcessSpec:
    """The subgraph's process."""
    port = instance.port(name)
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-m", "shared.process.serve", f"subgraphs.{name}.app:app", "--port", str(port)),
        ready=probes.http(port, "/readyz"),
        ports=(port,),
        env={**environment(instance, name), **extra},
        start_seconds=90,
        tier=1,
    )
