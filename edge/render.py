"""Writes nginx's configuration for the edge from nginx.conf.template.

Standard library only: the container of the edge has nothing else. Every parameter is explained in edge/README.md.
"""

import ipaddress
import os
import re
import resource
import shutil
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE / "nginx.conf.template"
CONSOLE = HERE / "console" / "dist"
STATIC = HERE / "static"
HSTS_SECONDS = 31_536_000

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?")
_UNSAFE_IN_QUOTES = re.compile(r'["\\$;{}\x00-\x1f]')
_SECTION = re.compile(r"^\{\{#(\w+)\}\}\n(.*?)^\{\{/\1\}\}\n", re.MULTILINE | re.DOTALL)
_VALUE = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """A certificate (PEM, with its chain) and the port to serve it on; `public_port` is the one clients see."""

    certificate: Path
    key: Path
    port: int = 443
    public_port: int | None = None
    hsts_seconds: int = HSTS_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Coarse limits per client address (IPv6: per /64), and times in seconds.

    The defaults let an office or a mobile carrier share one address, and 1,000 subscribers come from one at once.
    """

    requests_per_second: int = 200
    request_burst: int = 1_000
    connections: int = 1_000
    websockets_per_second: int = 100
    websocket_burst: int = 1_500
    websockets: int = 2_000
    worker_connections: int = 8_192
    body_bytes: int = 1_000_000
    chunk_bytes: int = 5_242_880
    client_timeout: int = 10
    send_timeout: int = 30
    router_timeout: int = 60
    websocket_idle: int = 300


def render(
    state_dir: Path,
    port: int,
    router_url: str | Sequence[str],
    *,
    tls: Tls | None = None,
    limits: Limits = Limits(),
    file_urls: Mapping[str, str] = MappingProxyType({}),
    webhook_url: str = "",
    hosts: Sequence[str] = ("127.0.0.1",),
    ready_path: str = "/readiness",
    allowed_origins: Sequence[str] = (),
    trusted_proxies: Sequence[str] = (),
    workers: int = 2,
    access_log: str = "",
    error_log: str = "",
    console_dir: Path = CONSOLE,
    static_dir: Path = STATIC,
) -> Path:
    """Write `<state_dir>/nginx.conf` and the folders nginx writes to; return its path.

    `file_urls` are the addresses of the subgraphs that take uploads and hand out files, by their names; `webhook_url`
    is that of the one which takes the payment provider's webhooks.
    With `tls`, `port` only points to HTTPS. Logs go into `state_dir` unless told otherwise.
    Raises ValueError for a parameter that nginx cannot be given.
    """
    state_dir, console_dir, static_dir = state_dir.resolve(), console_dir.resolve(), static_dir.resolve()
    (state_dir / "temp").mkdir(parents=True, exist_ok=True)
    router_urls = [router_url] if isinstance(router_url, str) else router_url
    upstreams = {f"files_{_name(name)}": url for name, url in file_urls.items()}
    if webhook_url:
        upstreams["webhooks"] = webhook_url
    values: dict[str, object] = asdict(limits)
    values |= {
        "worker_user": _worker_user([console_dir, static_dir, state_dir]),
        "state_dir": _quotable(state_dir),
        "console_dir": _quotable(console_dir),
        "static_dir": _quotable(static_dir),
        "access_log": _quotable(access_log or state_dir / "access.log"),
        "error_log": _quotable(error_log or state_dir / "error.log"),
        "workers": workers,
        # Each WebSocket takes two descriptors, one to the client and one to the router.
        "open_files": min(2 * limits.worker_connections, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
        "listen": _listen(hosts, port),
        "router_servers": _lines(f"server {_authority(url)} fail_timeout=2s;" for url in router_urls),
        "upstreams": "\n".join(_upstream(name, url) for name, url in upstreams.items()),
        "file_subgraphs": "|".join(_name(name) for name in file_urls),
        "webhooks": webhook_url,
        "ready_path": _path(ready_path),
        "set_real_ip_from": _lines((f"set_real_ip_from {_network(n)};" for n in trusted_proxies), indent=4),
        "trusted_proxy_networks": _lines(f"{_network(network)} 1;" for network in trusted_proxies),
        "allowed_origin_patterns": _lines(f'"~* {_origin_pattern(origin)}$" 1;' for origin in allowed_origins),
        "cors_origins": _lines(f'"~*^1 {_origin_pattern(origin)}$" $http_origin;' for origin in allowed_origins),
        "plain": "" if tls else "yes",
        "tls": "yes" if tls else "",
        "hsts_seconds": HSTS_SECONDS,
    }
    if tls:
        public_port = tls.public_port or tls.port
        values |= {
            "tls_certificate": _quotable(tls.certificate.resolve()),
            "tls_key": _quotable(tls.key.resolve()),
            "tls_redirect_port": "" if public_port == 443 else f":{public_port}",
            "listen_tls": _listen(hosts, tls.port, " ssl http2"),
            "hsts_seconds": tls.hsts_seconds,
        }
    path = state_dir / "nginx.conf"
    path.write_text(_fill(TEMPLATE.read_text(encoding="utf-8"), values), encoding="utf-8")
    return path


def command(configuration: Path) -> list[str]:
    """Return the command line that runs nginx in the foreground. SIGQUIT ends it gracefully, SIGHUP reloads."""
    # Debian keeps nginx where only root's PATH looks.
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin")
    if nginx is None:
        raise FileNotFoundError("nginx is not installed (Debian: apt-get install nginx-light)")
    return [nginx, "-p", str(configuration.parent), "-c", str(configuration), "-e", "stderr"]


def _fill(template: str, values: Mapping[str, object]) -> str:
    """Keep the sections `{{#name}} … {{/name}}` whose value is not empty, then put in the values."""
    kept = _SECTION.sub(lambda match: match[2] if values[match[1]] else "", template)
    return _VALUE.sub(lambda match: str(values[match[1]]), kept)


def _lines(lines: Iterable[str], indent: int = 8) -> str:
    return "\n".join(" " * indent + line for line in lines)


def _listen(hosts: Sequence[str], port: int, options: str = "") -> str:
    # Keep-alive probes find WebSockets whose client vanished without a word.
    options += " backlog=4096 so_keepalive=60s:15s:4"
    return _lines(f"listen {_bracketed(host)}:{port}{options};" for host in hosts)


def _bracketed(host: str) -> str:
    address = ipaddress.ip_address(host)
    return f"[{address}]" if address.version == 6 else str(address)


def _network(network: str) -> str:
    return str(ipaddress.ip_network(network))


def _upstream(name: str, url: str) -> str:
    # As long as the routers' connections, and for the same reason.
    lines = (f"server {_authority(url)} fail_timeout=2s;", "keepalive 16;", "keepalive_timeout 3s;")
    return f"    upstream {name} {{\n{_lines(lines)}\n    }}"


def _name(name: str) -> str:
    if not re.fullmatch(r"[a-z]+", name):
        raise ValueError(f"Not the name of a subgraph: {name!r}")
    return name


def _authority(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "http" or not re.fullmatch(r"[A-Za-z0-9.:\[\]_-]+", parts.netloc) or parts.path.strip("/"):
        raise ValueError(f"An address behind the edge has to look like http://host:port, not {url!r}")
    return parts.netloc


def _path(path: str) -> str:
    if not re.fullmatch(r"/[A-Za-z0-9._/-]*", path):
        raise ValueError(f"Not a plain URL path: {path!r}")
    return path


def _origin_pattern(origin: str) -> str:
    if not _ORIGIN.fullmatch(origin):
        raise ValueError(f"An origin has to look like https://app.example.com, not {origin!r}")
    return origin.replace(".", r"\.")


def _quotable(path: Path | str) -> str:
    if _UNSAFE_IN_QUOTES.search(str(path)):
        raise ValueError(f"nginx cannot be given this path: {path}")
    return str(path)


def _worker_user(served: Sequence[Path]) -> str:
    """Return whom the workers of an nginx started by root run as; "" when it is not root who starts it.

    www-data, unless files to serve lie where only their owner may look, as in a checkout under root's home.
    """
    if os.geteuid() != 0:
        return ""
    return "www-data" if _reachable_by_others(served) else "root"


def _reachable_by_others(paths: Sequence[Path]) -> bool:
    folders = {folder for path in paths for folder in (path, *path.parents) if folder.exists()}
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)


def tls_from(environment: Mapping[str, str], port: int = 8443, public_port: int | None = 443) -> Tls | None:
    """Read EDGE_TLS_… and EDGE_HSTS_SECONDS; None without EDGE_TLS_CERTIFICATE."""
    if not environment.get("EDGE_TLS_CERTIFICATE"):
        return None
    if not environment.get("EDGE_TLS_KEY"):
        raise ValueError("EDGE_TLS_CERTIFICATE needs EDGE_TLS_KEY beside it")
    told_public_port = environment.get("EDGE_TLS_PUBLIC_PORT")
    return Tls(
        certificate=Path(environment["EDGE_TLS_CERTIFICATE"]),
        key=Path(environment["EDGE_TLS_KEY"]),
        port=int(environment.get("EDGE_TLS_PORT", port)),
        public_port=int(told_public_port) if told_public_port else public_port,
        hsts_seconds=int(environment.get("EDGE_HSTS_SECONDS", HSTS_SECONDS)),
    )


def limits_from(environment: Mapping[str, str]) -> Limits:
    """Read EDGE_REQUESTS_PER_SECOND and the like; what is not set keeps its default."""
    defaults = asdict(Limits())
    return Limits(**{name: int(environment.get(f"EDGE_{name.upper()}", value)) for name, value in defaults.items()})


def render_from(environment: Mapping[str, str]) -> Path:
    """Render with EDGE_<PARAMETER>; lists are separated by commas; EDGE_TLS_CERTIFICATE turns TLS on."""

    def listed(name: str, default: str = "") -> list[str]:
        return [part for part in re.split(r"[,\s]+", environment.get(name, default)) if part]

    return render(
        Path(environment.get("EDGE_STATE_DIR", "/var/lib/edge")),
        int(environment.get("EDGE_PORT", "8080")),
        listed("EDGE_ROUTER_URLS", "http://router:4000"),
        tls=tls_from(environment),
        limits=limits_from(environment),
        file_urls=dict(_named(each) for each in listed("EDGE_FILE_URLS")),
        webhook_url=environment.get("EDGE_WEBHOOK_URL", ""),
        hosts=listed("EDGE_HOSTS", "127.0.0.1"),
        ready_path=environment.get("EDGE_READY_PATH", "/readiness"),
        allowed_origins=listed("EDGE_ALLOWED_ORIGINS"),
        trusted_proxies=listed("EDGE_TRUSTED_PROXIES"),
        workers=int(environment.get("EDGE_WORKERS", "2")),
        access_log=environment.get("EDGE_ACCESS_LOG", "/dev/stdout"),
        error_log=environment.get("EDGE_ERROR_LOG", "stderr"),
    )


def _named(text: str) -> tuple[str, str]:
    name, _, url = text.partition("=")
    return name, url


def main() -> None:
    """Render from the environment and become nginx: the container's entry point."""
    arguments = command(render_from(os.environ))
    os.execv(arguments[0], arguments)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
