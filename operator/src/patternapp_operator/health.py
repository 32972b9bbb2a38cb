"""What the kubelet and Prometheus ask: /livez, /readyz and /metrics."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable

    from patternapp_operator.clock import Clock
    from patternapp_operator.metrics import Metrics

LAG_LIMIT = 5.0
"""Seconds that the event loop may be late."""
AGE_LIMIT = 300.0
"""Seconds that an app may be overdue while this replica leads; a worker that hangs shows here."""
_BEAT = 1.0


@dataclass(slots=True, kw_only=True)
class Health:
    """The state of one replica."""

    clock: Clock
    metrics: Metrics
    oldest: Callable[[], float]
    """How long the app that waits longest is overdue; 0 where this replica does not work."""
    deaf: Callable[[], list[str]]
    """The kinds of which the watch is dead."""
    synced: Callable[[], bool]
    """Whether everything was listed once."""
    _beat: float | None = None
    _lag: float = 0.0

    def failures(self) -> list[str]:
        """Why this process should be replaced; empty while it need not be."""
        late = 0.0 if self._beat is None else self.clock.monotonic() - self._beat - _BEAT
        found = []
        if max(late, self._lag) > LAG_LIMIT:
            found.append(f"the event loop is {max(late, self._lag):.1f} s late")
        if self.oldest() > AGE_LIMIT:
            found.append(f"an app has waited for {self.oldest():.0f} s")
        dead = (f"the watch of {kind} is dead: it does not tell what a list found" for kind in self.deaf())
        return [*found, *dead]

    def lag(self) -> float:
        """Seconds that the event loop was late at the last beat."""
        return self._lag

    async def beat(self) -> None:
        """Measure the event loop until cancelled."""
        while True:
            self.beaten()
            await asyncio.sleep(_BEAT)

    def beaten(self) -> None:
        """The event loop has come round."""
        now = self.clock.monotonic()
        self._lag = 0.0 if self._beat is None else max(now - self._beat - _BEAT, 0.0)
        self._beat = now

    async def serve(self, host: str, port: int) -> tuple[web.AppRunner, int]:
        """Answer from here on; the runner that ends it, and the port."""
        application = web.Application()
        application.router.add_get("/livez", self._livez)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._metrics)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        await site.start()
        return runner, int(runner.addresses[0][1])

    async def _livez(self, _: web.Request) -> web.Response:
        found = self.failures()
        return web.Response(status=503 if found else 200, text="\n".join(found) or "ok")

    async def _readyz(self, _: web.Request) -> web.Response:
        """A replica that does not lead is ready too: it stands by with everything listed."""
        return web.Response(text="ok") if self.synced() else web.Response(status=503, text="not everything is listed")

    async def _metrics(self, request: web.Request) -> web.Response:
        body, content_type = self.metrics.exposed(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})
