"""Apache Kafka as a local process: one node in KRaft mode, from the jars that Maven brings."""

import base64
import fcntl
import hashlib
import secrets
import shutil
import subprocess
from pathlib import Path

from deploy.local import probes
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


def install() -> bool:
    """Brings the jars into the cache and checks them. Returns whether there was anything to do."""
    if jars().exists():
        return False
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if jars().exists():
            return False
        temporary = jars().with_suffix(".new")
        shutil.rmtree(temporary, ignore_errors=True)
        command = (
            "mvn", "-B", "-q", "-f", str(_HERE / "pom.xml"), "dependency:copy-dependencies",
            "-DincludeScope=runtime", f"-DoutputDirectory={temporary}",
        )  # fmt: skip
        _run(command, Path.cwd(), "Kafka's jars could not be downloaded")
        _run(("sha256sum", "--check", "--quiet", str(_HERE / "jars.sha256")), temporary, "Kafka's jars are not the expected ones")
        temporary.rename(jars())
    return True


def prepare(instance: Instance) -> None:
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
        _run(
            (*_java(), "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(configuration)),
            folder,
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
    return (java, *options, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{jars()}/*")


def _run(command: tuple[str, ...], cwd: Path, failure: str) -> None:
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StartFailed(f"{failure}:\n{(done.stdout + done.stderr)[-3000:]}")
