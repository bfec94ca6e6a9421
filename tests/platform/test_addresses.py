"""What counts as one client address, and which addresses are no client's."""

import pytest

from shared.identity.addresses import Proxies, one_address


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("nonsense", "unknown"),
        ("203.0.113.7\x00", "unknown"),
    ],
)
def test_one_customers_addresses_count_as_one(address: str, counted: str) -> None:
    assert one_address(address) == counted


@pytest.mark.parametrize(
    ("trusted", "address", "covered"),
    [
        ("127.0.0.1,::1", "127.0.0.1", True),
        ("127.0.0.1,::1", "::1", True),
        ("127.0.0.1,::1", "::ffff:127.0.0.1", True),
        ("127.0.0.1,::1", "127.0.0.2", False),
        ("10.0.0.0/8, 192.168.1.4", "10.200.3.4", True),
        ("10.0.0.0/8, 192.168.1.4", "192.168.1.5", False),
        ("10.0.0.0/8, 192.168.1.4", "2001:db8::1", False),
        ("127.0.0.1", "", True),
        ("127.0.0.1", "written by somebody", True),
        ("*", "127.0.0.1", False),
    ],
)
def test_a_proxys_address_is_no_clients(trusted: str, address: str, covered: bool) -> None:
    assert Proxies(trusted).covers(address) is covered
