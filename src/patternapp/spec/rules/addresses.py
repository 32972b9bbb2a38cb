"""Addresses outside the app: which hosts an app must not make the cluster call.

Whoever may write a PatternApp must not reach more through it than without it. So no address of ours points at the
machine that calls it (loopback), at the cloud's metadata (link-local and its names), or at the API server, in whatever
notation. Private networks are fine. A name can still resolve to the metadata: `patternapp.sender` asks again when it
connects, while Knative, which calls most of them, does not.

Loopback has a reason of its own, ``LoopbackAddress``: in ``dev`` it is the developer's own machine, so ``dev`` accepts
it. On a cluster it would be the Pod of the Broker.
"""

from __future__ import annotations

import re
import urllib.parse
from typing import TYPE_CHECKING

from patternapp import hosts
from patternapp.spec import constraints, walk
from patternapp.spec.flaws import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.spec.v1alpha1 import PatternApp

LOOPBACK = "LoopbackAddress"
FORBIDDEN = "ForbiddenAddress"
METADATA_NAMES = ("metadata", "metadata.google.internal", "metadata.goog", "instance-data")
LOOPBACK_MESSAGE = "on a cluster this is the Pod that calls it; name a function, or a host that others can reach"
FORBIDDEN_MESSAGE = "link-local, multicast and metadata addresses are not called; name another host"
API_MESSAGE = "the Kubernetes API is not called; name another host"
_API_SERVER = re.compile(r"kubernetes(\.default(\.svc(\..*)?)?)?")
_LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})
"""What the hosts file of a container calls itself."""
_NAME = re.compile(r"[a-z0-9._-]+")
_CONTROL = re.compile(r"[\x00-\x20\x7f-\xa0]")


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
        host, address = _host(uri)
    except ValueError as error:
        return "BadFormat", str(error)
    if (address is not None and hosts.is_loopback(address)) or host in _LOOPBACK_NAMES or host.endswith(".localhost"):
        return LOOPBACK, LOOPBACK_MESSAGE
    if (address is not None and hosts.is_forbidden(address)) or host in METADATA_NAMES:
        return FORBIDDEN, FORBIDDEN_MESSAGE
    if _API_SERVER.fullmatch(host):
        return FORBIDDEN, API_MESSAGE
    return None


def _host(uri: str) -> tuple[str, hosts.Address | None]:
    """The host, and the address that it is if it is one; ValueError with what is wrong, and the mend, if it is none."""
    if _CONTROL.search(uri):
        raise ValueError("white space and control characters have no place in a URL; write them as %20 and the like")
    try:
        parts = urllib.parse.urlsplit(uri)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
        address = hosts.address(host)
    except ValueError:
        raise ValueError(
            "the host or the port cannot be read; write a URL such as https://partner.example.com/events"
        ) from None
    if (address is None and not _NAME.fullmatch(host)) or "%" in host:
        raise ValueError(
            "the host is more than letters, digits, - and .; write it encoded, such as xn--caf-dma.example"
        )
    return host, address
