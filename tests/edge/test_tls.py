"""HTTPS with a certificate of the test's own."""

import asyncio
import datetime
import ssl
import warnings
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.asyncio.client import connect
from websockets.typing import Origin

from edge.render import Tls
from tests.edge.conftest import FakeRouter, RunningEdge, StartEdge
from tests.support.loopback import free_port


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Tls(certificate=tmp_path / "cert.pem", key=tmp_path / "key.pem", port=free_port())


@pytest.fixture
def edge(start_edge: StartEdge, tls: Tls) -> RunningEdge:
    return start_edge(tls=tls)


def trusting(tls: Tls) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(tls.certificate))


def test_https_serves_everything_and_asks_browsers_to_stay(edge: RunningEdge, tls: Tls, router: FakeRouter) -> None:
    with httpx.Client(base_url=f"https://localhost:{tls.port}", verify=trusting(tls)) as client:
        response = client.post("/graphql", json={})
        assert client.get("/").status_code == 200

    assert response.status_code == 200
    assert response.headers["strict-transport-security"] == "max-age=31536000"
    headers = router.requests[-1]["headers"]
    assert isinstance(headers, dict)
    assert headers["x-forwarded-proto"] == "https"


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_body_of_unknown_length_that_means_nothing_is_not_passed_on(
    edge: RunningEdge, tls: Tls, router: FakeRouter, method: str
) -> None:
    with httpx.Client(verify=trusting(tls), http2=True) as client:
        address = f"https://localhost:{tls.port}/graphql?query=a"
        response = client.request(method, address, content=iter([b"x" * 900_000]))

    assert (response.http_version, response.status_code) == ("HTTP/2", 200)
    assert [(seen["path"], seen["bytes"]) for seen in router.requests] == [("/graphql?query=a", 0)]


def test_plain_http_points_to_https_but_for_probes(edge: RunningEdge, tls: Tls, router: FakeRouter) -> None:
    for method, path in (("GET", "/console/?a=b"), ("POST", "/graphql"), ("GET", "/")):
        response = edge.client.request(method, path)
        assert response.status_code == 308
        assert response.headers["location"] == f"https://127.0.0.1:{tls.port}{path}"
    assert edge.client.get("/healthz").status_code == 200
    assert router.requests == []


async def test_websockets_pass_over_tls(edge: RunningEdge, tls: Tls) -> None:
    origin = Origin(f"https://localhost:{tls.port}")
    # Not the client of threads: its two share one TLS connection, and once in many runs both wait for ever.
    async with connect(f"wss://localhost:{tls.port}/graphql", ssl=trusting(tls), origin=origin) as websocket:
        await websocket.send("hello")
        assert await asyncio.wait_for(websocket.recv(), 30) == "hello"


def test_old_tls_is_refused(edge: RunningEdge, tls: Tls) -> None:
    context = trusting(tls)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        # Above this level OpenSSL offers none.
        context.set_ciphers("ALL:@SECLEVEL=0")

    with pytest.raises(httpx.ConnectError), httpx.Client(verify=context) as client:
        client.get(f"https://localhost:{tls.port}/")
    # Debian's OpenSSL would refuse on the edge's side as well; another one's might not.
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in (edge.state_dir / "nginx.conf").read_text()
