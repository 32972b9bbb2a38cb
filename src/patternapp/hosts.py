"""Hosts of URLs: which address one is, and which addresses nothing of ours calls.

What holds here: an address is known in every notation that a resolver takes (inet_aton's hexadecimal, octal and short
forms), and inside the IPv6 addresses that carry IPv4 ones.
"""

from __future__ import annotations

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
METADATA = ("fd00:ec2::254", "100.100.100.200", "192.0.0.192")
"""Where clouds tell a machine its secrets, beside 169.254.169.254."""
_METADATA = frozenset(ipaddress.ip_address(text) for text in METADATA)
_CARRIERS = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96"))
"""IPv6 networks whose last 32 bits are an IPv4 address: NAT64 (RFC 6052, RFC 8215) and IPv4-compatible addresses."""
_PART = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")


def address(host: str) -> Address | None:
    """The address that a host is; None where it is a name.

    Raises:
        ValueError: It looks like an address and is none.
    """
    if ":" in host:
        return _embedded(ipaddress.IPv6Address(host.partition("%")[0]))
    parts = host.split(".")
    if not all(_PART.fullmatch(part) for part in parts):
        return None
    numbers = [_number(part) for part in parts]
    # inet_aton: the last part fills all bytes that are left.
    total = numbers[-1]
    for index, number in enumerate(numbers[:-1]):
        total += number << (24 - 8 * index)
    return ipaddress.IPv4Address(total)


def is_loopback(one: Address) -> bool:
    """Whether it is the machine that calls it."""
    return one.is_loopback or one.is_unspecified or (one.version == 4 and int(one) >> 24 == 0)


def is_forbidden(one: Address) -> bool:
    """Whether nothing of ours calls it, wherever it runs: link-local, multicast, or a cloud's metadata."""
    return one.is_link_local or one.is_multicast or one in _METADATA or int(one) == 0xFFFF_FFFF


def _number(part: str) -> int:
    if part[:2] in {"0x", "0X"}:
        return int(part[2:] or "0", 16)
    return int(part, 8 if part.startswith("0") else 10)


def _embedded(one: ipaddress.IPv6Address) -> Address:
    """The IPv4 address inside an IPv6 one that carries one."""
    if int(one) > 1 and any(one in network for network in _CARRIERS):
        return ipaddress.IPv4Address(int(one) & 0xFFFF_FFFF)
    return one.ipv4_mapped or one.sixtofour or one
