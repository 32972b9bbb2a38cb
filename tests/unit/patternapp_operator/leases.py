"""A server of one Lease, and replicas whose clocks differ, in a time that tests move."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import loopback
from kubernetes.aio import client

from patternapp_operator import cluster, leader, metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


@dataclass
class World:
    """The true time, in seconds."""

    seconds: float = 1_000.0


@dataclass(frozen=True)
class Clock:
    """A clock that is off."""

    world: World
    off: float

    def now(self) -> datetime:
        return datetime.fromtimestamp(1_000_000 + self.off + self.world.seconds, UTC)

    def monotonic(self) -> float:
        return self.off + self.world.seconds


@dataclass
class Server:
    """Keeps one Lease as the API server does; the next request can be slow, refused, or done without being told.

    Attributes:
        before: Seconds that pass before the next request is done, and `after` before it is answered.
    """

    world: World
    lease: dict[str, Any] | None = None
    version: int = 0
    before: float = 0.0
    after: float = 0.0
    refuse: bool = False
    lose: bool = False

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] != "http":
            return
        body = (await receive())["body"]
        self.world.seconds += self.before
        status, told = (503, {"message": "refused"}) if self.refuse else self._do(scope["method"], body)
        self.world.seconds += self.after
        if self.lose:
            status, told = 500, {"message": "lost"}
        self.before, self.after, self.refuse, self.lose = 0.0, 0.0, False, False
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})

    def write(self, **spec: Any) -> None:
        """Somebody else writes the Lease."""
        self._keep(
            {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "lease"}, "spec": spec}
        )

    def _do(self, method: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if method == "POST" and self.lease is not None:
            return 409, {"message": "it exists"}
        if method != "POST" and self.lease is None:
            return 404, {"message": "there is none"}
        if method == "GET":
            return 200, self.lease or {}
        sent = json.loads(body)
        if self.lease and sent["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            return 409, {"message": "it has changed"}
        return 200, self._keep(sent)

    def _keep(self, lease: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        self.lease = lease | {"metadata": lease["metadata"] | {"resourceVersion": str(self.version)}}
        return self.lease


@dataclass
class Election:
    """Replicas of one server."""

    world: World = field(default_factory=World)
    elected: list[str] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Election]:
        """Work for as long as a block runs."""
        self.server = Server(self.world)
        async with (
            loopback.served(self.server) as url,
            client.ApiClient(client.Configuration(host=url)) as self._api,
        ):
            yield self

    def replica(self, name: str, *, off: float = 0.0) -> leader.Leader:
        """A replica whose clock is off by so many seconds."""
        return leader.Leader(
            cluster=cluster.Cluster(self._api, metrics.Metrics()),
            clock=Clock(self.world, off),
            namespace="ns",
            name="lease",
            identity=name,
            elected=lambda: self.elected.append(name),
        )
