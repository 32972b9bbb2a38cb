"""What the controllers of the apps' objects would do: say of each that it works, as soon as it is made or changed.

What holds here: it is the same for every system that is measured; each state of an object is answered once; the
requests are the benchmark's own and counted for nobody.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from server import NAMESPACE

if TYPE_CHECKING:
    from server import Server

KINDS = (
    "eventing.knative.dev/v1/brokers",
    "eventing.knative.dev/v1/triggers",
    "serving.knative.dev/v1/services",
    "sources.knative.dev/v1/pingsources",
    "sources.knative.dev/v1/sinkbindings",
)
_NOW = "2026-01-01T00:00:00Z"


@dataclass(slots=True)
class Controllers:
    """Keeps the status of all children."""

    server: Server
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    told: dict[str, int] = field(default_factory=dict)
    """The generation that was last said to work, by uid."""
    last: dict[str, float] = field(default_factory=dict)
    """When an app's object was last said to work, by the app's label."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Answer until cancelled."""
        async with asyncio.TaskGroup() as group:
            for kind in KINDS:
                group.create_task(self._keep(kind, group))

    async def _keep(self, kind: str, group: asyncio.TaskGroup) -> None:
        path = collection(kind)
        async for item in self.server.watch(path):
            metadata = item["metadata"]
            if self.told.get(metadata["uid"], 0) < metadata["generation"]:
                self.told[metadata["uid"]] = metadata["generation"]
                group.create_task(self._tell(f"{path}/{metadata['name']}/status", metadata))

    async def _tell(self, path: str, metadata: dict[str, Any]) -> None:
        condition = {"type": "Ready", "status": "True", "lastTransitionTime": _NOW}
        status = {"observedGeneration": metadata["generation"], "conditions": [condition]}
        await self.server.merge(path, {"status": status})
        self.last[metadata["labels"]["patternapp.dev/app"]] = self.loop.time()


def collection(kind: str) -> str:
    """Where the objects of a kind are."""
    return f"/apis/{kind.replace('/v1/', f'/v1/namespaces/{NAMESPACE}/')}"
