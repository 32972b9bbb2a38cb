"""How a function is served: what a client may take, how it ends, and where it tells its figures."""

from __future__ import annotations

from dataclasses import dataclass, field

from patternapp.receiver.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a function is served.

    Attributes:
        limits: What a client may take.
        linger: Seconds that requests are still taken after SIGTERM, while readiness fails and every answer ends its
            connection: so long a cluster goes on sending.
        grace: Seconds that requests in flight get after that; what is not done then is cancelled. With `linger` it
            must be less than the 30 s that Kubernetes gives a pod.
        metrics_port: Where ``GET /metrics`` is answered, a port of its own: what comes over the first one may come
            from anywhere. None measures nothing.
        log_level: From where on things are logged: debug, info, warning or error.
    """

    limits: Limits = field(default_factory=Limits)
    linger: float = 1.0
    grace: float = 25.0
    metrics_port: int | None = None
    log_level: str = "info"
