"""How a function is served: what clients and handlers may take, how it ends, and where it tells its figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp.http import limits
from patternapp.http.limits import USUAL, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a function is served.

    Attributes:
        limits: What a client may take.
        timeout: Seconds that a handler may take with one request; None lets it take as long as it takes.
        linger: Seconds that requests are still taken after SIGTERM, while readiness fails and every answer ends its
            connection: so long a cluster goes on sending.
        grace: Seconds that requests in flight get after that; what is not done then is cancelled. With `linger` it
            must be less than the 30 s that Kubernetes gives a pod.
        metrics_port: Where ``GET /metrics`` is answered, a port of its own: what comes over the first one may come
            from anywhere. None measures nothing.
        log_level: From where on things are logged: debug, info, warning or error.
    """

    limits: Limits = USUAL
    timeout: float | None = None
    linger: float = 1.0
    grace: float = 25.0
    metrics_port: int | None = None
    log_level: str = "info"


def taken(environment: Mapping[str, str]) -> Settings:
    """The usual settings, but what the environment says of clients and handlers; raises `EnvironmentProblem`."""
    timeout = environment.get(limits.variable("timeout"))
    return Settings(
        limits=limits.of(environment), timeout=None if timeout is None else limits.seconds("timeout", timeout)
    )
