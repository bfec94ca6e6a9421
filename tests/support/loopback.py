"""What tests need to talk to servers of this machine."""

import socket
import ssl


def _no_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


NO_TLS = _no_tls()
"""`verify=` of clients that speak plain HTTP: each would read the list of authorities else, for some 50 ms of CPU."""


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
