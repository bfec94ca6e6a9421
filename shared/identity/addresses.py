"""What counts as one client address, and which addresses are no client's."""

import ipaddress
from functools import lru_cache

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_CUSTOMER_PREFIX = 64


class Proxies:
    """The peers that stand between a client and this process: `trusted_proxies`, addresses and networks by comma.

    `*` trusts every peer, so that no address can be told from a proxy's.
    """

    def __init__(self, trusted: str) -> None:
        names = [name.strip() for name in trusted.split(",")]
        self._networks = [network for name in names if (network := _network(name)) is not None]
        self.covers = lru_cache(maxsize=4096)(self._covers)
        """Whether an address is a proxy's, so that who is behind it is not known."""

    def client_behind(self, forwarded_for: str) -> str:
        """The last address of an `X-Forwarded-For` that is no proxy's, or nothing.

        What stands before it, a client may have written.
        """
        addresses = [address.strip() for address in forwarded_for.split(",")]
        return next((address for address in reversed(addresses) if not self.covers(address)), "")

    def _covers(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is None or any(parsed in network for network in self._networks)


@lru_cache(maxsize=4096)
def one_address(address: str) -> str:
    """What counts as one address in limits: an IPv4 address, or the /64 of an IPv6 one, which one customer owns.

    All that is no address counts as one.
    """
    parsed = _parse(address)
    if parsed is None:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, _CUSTOMER_PREFIX), strict=False))


def _parse(address: str) -> _Address | None:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    # The form that a socket for both families shows IPv4 peers in.
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _network(name: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(name, strict=False)
    except ValueError:
        return None
