"""Addresses outside the app: which hosts an app must not make the cluster call.

Whoever may write a PatternApp must not reach more through it than without it. So no address of ours points at the
machine that calls it (loopback), at the cloud's metadata (link-local and its names), or at the API server, in whatever
notation. Private networks are fine. A name can still resolve to any of these: whoever calls checks again.

Loopback has a reason of its own, ``LoopbackAddress``: in ``dev`` it is the developer's own machine, so ``dev`` accepts
it. On a cluster it would be the Pod of the Broker.
"""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
from typing import TYPE_CHECKING

from patternapp.spec import constraints, walk
from patternapp.spec.flaws import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.spec.v1alpha1 import PatternApp

LOOPBACK = "LoopbackAddress"
FORBIDDEN = "ForbiddenAddress"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
METADATA = ("fd00:ec2::254", "100.100.100.200", "192.0.0.192")
METADATA_NAMES = ("metadata", "metadata.google.internal", "metadata.goog", "instance-data")
LOOPBACK_MESSAGE = "on a cluster this is the Pod that calls it; name a function, or a host that others can reach"
FORBIDDEN_MESSAGE = "link-local, multicast and metadata addresses are not called; name another host"
API_MESSAGE = "the Kubernetes API is not called; name another host"
_METADATA = frozenset(ipaddress.ip_address(text) for text in METADATA)
_API_SERVER = re.compile(r"kubernetes(\.default(\.svc(\..*)?)?)?")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PART = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")


def reachable(app: PatternApp) -> Iterator[Flaw]:
    """No address is one that an app must not make the cluster call."""
    for path, model in walk.objects(app):
        field = constraints.ADDRESSES.get(type(model))
        uri = walk.value(model, field) if field is not None else None
        problem = refusal(uri) if uri is not None else None
        if field is not None and problem is not None:
            yield Flaw((*path, field), *problem)


def refusal(uri: str) -> tuple[str, str] | None:
    """Why an absolute http URI is refused, as a reason and a message; None where it is fine."""
    try:
        parts = urllib.parse.urlsplit(uri)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
        address = _address(host)
    except ValueError:
        return (
            "BadFormat",
            "the host or the port cannot be read; write a URL such as https://partner.example.com/events",
        )
    if not host or not host.isascii() or "%" in host:
        return "BadFormat", "the host is not plain ASCII; write it in its encoded form, such as xn--caf-dma.example"
    if (address is not None and _is_loopback(address)) or host == "localhost" or host.endswith(".localhost"):
        return LOOPBACK, LOOPBACK_MESSAGE
    if (address is not None and _is_forbidden(address)) or host in METADATA_NAMES:
        return FORBIDDEN, FORBIDDEN_MESSAGE
    if _API_SERVER.fullmatch(host):
        return FORBIDDEN, API_MESSAGE
    return None


def _address(host: str) -> Address | None:
    """The address a host stands for, in any notation that a resolver takes; None where it is a name."""
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


def _number(part: str) -> int:
    if part[:2] in {"0x", "0X"}:
        return int(part[2:] or "0", 16)
    return int(part, 8 if part.startswith("0") else 10)


def _embedded(address: ipaddress.IPv6Address) -> Address:
    """The IPv4 address inside an IPv6 one that carries one."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_loopback(address: Address) -> bool:
    return address.is_loopback or address.is_unspecified or (address.version == 4 and int(address) >> 24 == 0)


def _is_forbidden(address: Address) -> bool:
    return address.is_link_local or address.is_multicast or address in _METADATA or int(address) == 0xFFFF_FFFF
