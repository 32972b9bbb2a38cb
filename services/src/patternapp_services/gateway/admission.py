"""Lets a request through, or says why not: who calls is proven first, then counted."""

from __future__ import annotations

import ipaddress
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from patternapp_services.gateway import auth, throttle

if TYPE_CHECKING:
    from patternapp_services import wire
    from patternapp_services.gateway.auth import Caller, Proof
    from patternapp_services.gateway.throttle import Limit

Whose = Literal["subject", "ip", "route"]
"""Whose requests count together: a caller's, an address's, or everybody's."""
_log = logging.getLogger("patternapp.gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What a route asks of its callers; None where it does not ask.

    Attributes:
        proof: How they prove themselves.
        limit: How often they may call.
        whose: Whose calls count together; a caller who was not proven counts by address.
    """

    proof: Proof | None = None
    limit: Limit | None = None
    whose: Whose = "subject"


OPEN = Guard()


class StoppedError(Exception):
    """The request goes no further; what to answer."""

    def __init__(self, status: int, detail: str, *, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self.status, self.detail, self.headers = status, detail, headers
        super().__init__(detail)


class Admission:
    """The guard of one route at work."""

    def __init__(self, route: str, guard: Guard, *, now: wire.Now) -> None:
        self._route, self._guard, self._now = route, guard, now
        self._throttle = None if guard.limit is None else throttle.Throttle(guard.limit)

    async def admit(self, scope: wire.Scope) -> Caller | None:
        """Who calls, None where the route does not ask; `StoppedError` where the request is refused."""
        caller = None if self._guard.proof is None else await self._proven(self._guard.proof, scope["headers"])
        if self._throttle is not None:
            wait = self._throttle.wait(self._counted(caller, scope), now=self._now())
            if wait > 0:
                seconds = math.ceil(wait)
                detail = f"Too many requests; the next may come in {seconds} s."
                raise StoppedError(429, detail, headers=((b"retry-after", b"%d" % seconds),))
        return caller

    async def _proven(self, proof: Proof, headers: wire.Headers) -> Caller:
        try:
            return await proof(headers)
        except auth.RefusedError as refusal:
            raise StoppedError(401, str(refusal), headers=((b"www-authenticate", refusal.challenge),)) from None
        except auth.UnavailableError as fault:
            _log.error("callers of the route %s cannot be proven: %s", self._route, fault)
            detail = "The gateway cannot prove callers now; its operator finds why in the log."
            raise StoppedError(503, detail, headers=((b"retry-after", b"5"),)) from None

    def _counted(self, caller: Caller | None, scope: wire.Scope) -> str:
        if self._guard.whose == "route":
            return ""
        if self._guard.whose == "subject" and caller is not None:
            return f"{caller.kind} {caller.subject}"
        client = scope.get("client")
        return client[0] if client else ""


def behind_proxies(scope: wire.Scope) -> wire.Scope:
    """The request with its caller's own address, where proxies of the cluster are in front.

    Each of them appends the address that it saw, so what a caller claims is on the left; the last address that is not
    of a private network is the one that reached the cluster. Where all are private, the first one is taken.
    """
    seen = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode("latin-1")
    chain = [address for part in seen.split(",") if (address := _address(part.strip())) is not None]
    if not chain:
        return scope
    public = [address for address in chain if address.is_global]
    return {**scope, "client": (str(public[-1] if public else chain[0]), 0)}


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
