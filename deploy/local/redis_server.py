"""Redis as a local process."""

import shutil

from deploy.local import probes
from deploy.local.layout import Instance
from deploy.local.processes import ProcessSpec, StartFailed


def process(instance: Instance, databases: int = 16) -> ProcessSpec:
    """The server's process; it keeps an append-only file, so that revocations survive a restart."""
    server = shutil.which("redis-server")
    if server is None:
        raise StartFailed("redis-server is not on PATH. `make up` installs it.")
    folder = instance.state / "redis"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = {
        "bind": "127.0.0.1",
        "port": str(instance.port("redis")),
        "dir": str(folder),
        "databases": str(databases),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory": "256mb",
        "maxmemory-policy": "volatile-lru",
        "daemonize": "no",
    }
    return ProcessSpec(
        name="redis",
        argv=(server, *(part for name, value in options.items() for part in (f"--{name}", value))),
        ready=probes.redis(instance.port("redis")),
        ports=(instance.port("redis"),),
        cwd=folder,
    )
