"""What the configuration is made from."""

import os
import subprocess
from pathlib import Path

import pytest

from edge import render as edge_render
from edge.render import Limits, Tls, command, render

ROUTER = "http://127.0.0.1:4000"


def is_valid(configuration: Path) -> bool:
    return subprocess.run([*command(configuration), "-t", "-q"], check=False, capture_output=True).returncode == 0


def test_everything_stays_in_the_state_folder(tmp_path: Path) -> None:
    state_dir = tmp_path / "with space"

    configuration = render(state_dir, 8080, ROUTER)

    assert configuration == state_dir / "nginx.conf"
    assert is_valid(configuration)
    assert {"error.log", "access.log", "temp", "nginx.conf"} <= {path.name for path in state_dir.iterdir()}


def test_several_routers_hosts_origins_and_proxies_are_taken(tmp_path: Path) -> None:
    configuration = render(
        tmp_path,
        8080,
        [ROUTER, "http://127.0.0.1:4001/"],
        hosts=("127.0.0.1", "::1"),
        allowed_origins=("https://app.example.com", "http://localhost:5173"),
        trusted_proxies=("10.0.0.0/8", "fd00::/8"),
    )

    assert is_valid(configuration)
    text = configuration.read_text()
    assert "listen [::1]:8080 " in text
    assert "server 127.0.0.1:4001 " in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"router_url": "https://router:4000"},
        {"router_url": "http://router:4000/graphql"},
        {"router_url": "http://router:4000;"},
        {"ready_path": "/ready;}"},
        {"file_urls": {"tasks": "https://tasks:8000"}},
        {"file_urls": {"tasks|.*": ROUTER}},
        {"webhook_url": "http://payments:8000/webhooks"},
        {"hosts": ("localhost",)},
        {"allowed_origins": ("*",)},
        {"allowed_origins": ("https://app.example.com/path",)},
        {"allowed_origins": ('https://a" 1; "~.',)},
        {"trusted_proxies": ("everyone",)},
        {"access_log": '/var/log/x"; daemon on;'},
    ],
)
def test_what_nginx_cannot_be_given_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    parameters: dict[str, object] = {"router_url": ROUTER} | wrong

    with pytest.raises(ValueError, match=r"."):
        render(tmp_path, 8080, **parameters)  # type: ignore[arg-type]  # wrong on purpose


def test_root_hands_the_workers_to_www_data_where_it_can_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    tmp_path.chmod(0o700)
    assert "\nuser root;" in render(tmp_path, 8080, ROUTER).read_text()

    monkeypatch.setattr(edge_render, "_reachable_by_others", lambda _: True)
    assert "\nuser www-data;" in render(tmp_path, 8080, ROUTER).read_text()

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "\nuser " not in render(tmp_path, 8080, ROUTER).read_text()


def test_the_container_reads_its_parameters_from_the_environment(tmp_path: Path) -> None:
    environment = {
        "EDGE_STATE_DIR": str(tmp_path),
        "EDGE_PORT": "8080",
        "EDGE_ROUTER_URLS": f"{ROUTER}, http://127.0.0.1:4001",
        "EDGE_ALLOWED_ORIGINS": "https://app.example.com",
        "EDGE_REQUESTS_PER_SECOND": "7",
        "EDGE_ACCESS_LOG": "/dev/null",
    }

    text = edge_render.render_from(environment).read_text()

    assert "zone=requests:16m rate=7r/s;" in text
    assert f"zone=websocket_openings:16m rate={Limits().websockets_per_second}r/s;" in text
    assert "server 127.0.0.1:4001 " in text
    assert 'access_log "/dev/null" json;' in text


def test_tls_is_off_without_a_certificate_and_on_with_one() -> None:
    assert edge_render.tls_from({}) is None

    tls = edge_render.tls_from({"EDGE_TLS_CERTIFICATE": "/c.pem", "EDGE_TLS_KEY": "/k.pem", "EDGE_TLS_PORT": "9443"})

    assert tls == Tls(certificate=Path("/c.pem"), key=Path("/k.pem"), port=9443, public_port=443)
