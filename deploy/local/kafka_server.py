"""Apache Kafka as a local process: one node in KRaft mode, from the jars that Maven brings."""

import base64
import hashlib
import secrets
import shutil
from pathlib import Path

from deploy.local import commands, probes
from deploy.local.layout import CACHE, Instance
from deploy.local.processes import ProcessSpec, StartFailed

_HERE = Path(__file__).parent / "kafka"

_CONFIGURATION = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
log.segment.bytes=67108864
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=5000
"""


def jars() -> Path:
    """The folder of the broker's jars, named by their checksums: a new version gets a new folder."""
    return CACHE / f"kafka-{hashlib.sha256((_HERE / 'jars.sha256').read_bytes()).hexdigest()[:12]}"


async def install() -> bool:
    """Brings the jars into the cache and checks them. Returns whether there was anything to do."""
    if jars().exists():
        return False
    async with commands.only_one(CACHE / "kafka.lock"):
        if jars().exists():
            return False
        temporary = jars().with_suffix(".new")
        shutil.rmtree(temporary, ignore_errors=True)
        copy = ("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={temporary}")
        await commands.run(("mvn", "-B", "-q", "-f", _HERE / "pom.xml", *copy), "Kafka's jars could not be downloaded")
        await commands.run(
            ("sha256sum", "--check", "--quiet", _HERE / "jars.sha256"),
            "Kafka's jars are not the expected ones",
            temporary,
        )
        temporary.rename(jars())
    return True


async def prepare(instance: Instance) -> None:
    """Writes the configuration and formats the log folder once."""
    folder = instance.state / "kafka"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    configuration = folder / "server.properties"
    configuration.write_text(
        _CONFIGURATION.format(
            port=instance.port("kafka"), controller=instance.port("kafka-controller"), data=folder / "data"
        )
    )
    if not (folder / "data" / "meta.properties").exists():
        cluster = base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
        await commands.run(
            (*_java(), "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", configuration),
            "Kafka's log folder could not be formatted",
        )


def process(instance: Instance) -> ProcessSpec:
    """The broker's process."""
    return ProcessSpec(
        name="kafka",
        argv=(*_java("-Xms256m", "-Xmx512m"), "kafka.Kafka", str(instance.state / "kafka" / "server.properties")),
        ready=probes.kafka(instance.port("kafka")),
        ports=(instance.port("kafka"), instance.port("kafka-controller")),
        cwd=instance.state / "kafka",
        stop_seconds=30,
    )


def _java(*options: str) -> tuple[str, ...]:
    java = shutil.which("java")
    if java is None:
        raise StartFailed("Apache Kafka needs Java 17 or newer, and no java is on PATH. `make up` installs it.")
    logging = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")
    return (java, *options, *logging, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{jars()}/*")
