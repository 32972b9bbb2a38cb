"""One system with so many apps on a fresh API server, from the first app to a minute in which nothing happens.

What holds here: an app counts as ready when its own status says so of its last generation; afterwards its objects are
counted and one of them is looked at, so that nobody is ready who has done nothing. Everything ends with the course.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import controllers
import sample
import server as servers
import systems
from cluster import api, controlplane
from server import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
    from pathlib import Path

    from systems import Operator, System

READY_WITHIN = 900.0
CHANGE_WITHIN = 60.0
CHANGES_LAST = 120.0
"""Seconds after which no further app is changed."""
_QUIET = 2.0
"""Seconds without a request after which an operator counts as done."""
_QUIET_WITHIN = 60.0
_SAMPLES_EVERY = 0.25
_SERVICES = "serving.knative.dev/v1/services"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much is measured: apps, changes of one app, and seconds in which nothing happens."""

    apps: int
    changes: int
    steady: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What was seen.

    Attributes:
        ready: Seconds from the first app's creation until all are ready.
        requests: Requests of the operator an app, as it counts them itself, until it was done.
        writes: Writes an app, as the server counts them, without the benchmark's own.
        server_cpu: Seconds that the API server computed, for everybody.
        operator_cpu: Seconds that the operator computed.
        memory: MiB that the operator had resident at most.
        changes: Seconds from each change of an app until it was ready again.
        overheads: Seconds of these that passed after the last of the app's objects was ready.
        idle_writes: Writes while nothing happened.
    """

    ready: float
    requests: float
    writes: float
    server_cpu: float
    operator_cpu: float
    memory: float
    changes: Sequence[float]
    overheads: Sequence[float]
    idle_writes: float


@dataclass(slots=True)
class Watched:
    """The apps as their watch tells of them."""

    server: servers.Server
    path: str
    ready: dict[str, int] = field(default_factory=dict)
    """The generation of which each app last said that it is ready."""
    at: dict[str, float] = field(default_factory=dict)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def run(self) -> None:
        """Look until cancelled."""
        async for item in self.server.watch(self.path):
            name, generation = item["metadata"]["name"], item["metadata"]["generation"]
            if _ready(item) and self.ready.get(name, 0) < generation:
                async with self.news:
                    self.ready[name], self.at[name] = generation, asyncio.get_running_loop().time()
                    self.news.notify_all()

    async def until(self, check: Callable[[], bool], within: float) -> None:
        """Return once something is so.

        Raises:
            TimeoutError: it is not within so many seconds.
        """
        async with asyncio.timeout(within), self.news:
            await self.news.wait_for(check)


async def run(system: System, options: Options, folder: Path) -> Course:
    """One course."""
    with controlplane.running() as plane:
        async with contextlib.AsyncExitStack() as stack:
            server = servers.connect(api.access(plane.kubeconfig), plane)
            await stack.enter_async_context(server.session)
            await server.send("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
            await system.install(server)
            log = folder / f"{system.name}-{options.apps}.log"
            operator = stack.enter_context(systems.running(system, plane.kubeconfig, log))
            await systems.answering(operator)
            await system.prepare(server)
            keepers, watched = controllers.Controllers(server), Watched(server, system.path)
            await stack.enter_async_context(_beside(keepers.run(), watched.run()))
            return await _measure(_Parts(system, server, operator, watched, keepers), options)


@dataclass(frozen=True, slots=True)
class _Parts:
    system: System
    server: servers.Server
    operator: Operator
    watched: Watched
    keepers: controllers.Controllers


async def _measure(parts: _Parts, options: Options) -> Course:
    samples: list[float] = []
    async with _beside(_sample(parts.operator, samples)):
        await _quiet(parts.operator)
        before = await _costs(parts)
        ready = await _create(parts, options.apps)
        await _quiet(parts.operator)
        costs = [now - then for now, then in zip(await _costs(parts), before, strict=True)]
        changes, overheads = await _change(parts, options)
        await _check(parts, options.apps)
        await _quiet(parts.operator)
        written = await parts.server.writes()
        await asyncio.sleep(options.steady)
        idle_writes = await parts.server.writes() - written
    return Course(
        ready=ready,
        requests=costs[0] / options.apps,
        writes=costs[1] / options.apps,
        server_cpu=costs[2],
        operator_cpu=costs[3],
        memory=max(samples),
        changes=changes,
        overheads=overheads,
        idle_writes=idle_writes,
    )


async def _create(parts: _Parts, apps: int) -> float:
    """Create the apps; the seconds until all are ready."""
    loop, names = asyncio.get_running_loop(), [f"app-{number:04}" for number in range(1, apps + 1)]
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(parts.server.send("POST", parts.system.path, parts.system.app(name)))
    try:
        await parts.watched.until(lambda: len(parts.watched.ready) == apps, READY_WITHIN)
    except TimeoutError:
        done = f"{len(parts.watched.ready)} of {apps} apps were ready after {READY_WITHIN:.0f} s"
        raise AssertionError(f"{parts.system.name}: {done}") from None
    return loop.time() - began


async def _change(parts: _Parts, options: Options) -> tuple[list[float], list[float]]:
    """Change the image of one app after the other; what each took, and what of that after its objects were ready."""
    loop, whole, after = asyncio.get_running_loop(), list[float](), list[float]()
    until = loop.time() + CHANGES_LAST
    for number in range(options.changes):
        if loop.time() > until:
            break
        name = f"app-{number % options.apps + 1:04}"
        began = loop.time()
        changed = await parts.server.merge(f"{parts.system.path}/{name}", {"spec": {"image": _image(number)}})
        generation = changed["metadata"]["generation"]
        await parts.watched.until(lambda: parts.watched.ready[name] >= generation, CHANGE_WITHIN)  # noqa: B023 - awaited here
        whole.append(parts.watched.at[name] - began)
        after.append(parts.watched.at[name] - parts.keepers.last[name])
        service = await parts.server.send("GET", f"{controllers.collection(_SERVICES)}/{name}-mail")
        assert service["spec"]["template"]["spec"]["containers"][0]["image"] == _image(number), "it is not changed"
    return whole, after


async def _check(parts: _Parts, apps: int) -> None:
    """Every app has its objects, and no more."""
    found = 0
    for kind in controllers.KINDS:
        listed = await parts.server.send("GET", controllers.collection(kind))
        found += len(listed["items"])
    assert found == apps * sample.CHILDREN, f"{found} objects of {apps} apps"


async def _quiet(operator: Operator) -> None:
    """Return once the operator has sent nothing for a while; one that never rests is not waited for any longer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_QUIET_WITHIN):
            before = -1.0
            while (now := await operator.requests()) > before + 1:
                before = now
                await asyncio.sleep(_QUIET)


async def _costs(parts: _Parts) -> tuple[float, float, float, float]:
    """Requests, writes, the server's and the operator's computing so far."""
    writes = await parts.server.writes()
    return await parts.operator.requests(), writes, parts.server.cpu(), parts.operator.cpu()


async def _sample(operator: Operator, samples: list[float]) -> None:
    while True:
        samples.append(operator.memory())
        await asyncio.sleep(_SAMPLES_EVERY)


@contextlib.asynccontextmanager
async def _beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work that goes on while a block runs; if it fails, so does the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in work]
        yield
        for task in tasks:
            task.cancel()


def _image(number: int) -> str:
    return f"ghcr.io/acme/shop:{number + 1}"


def _ready(item: dict[str, Any]) -> bool:
    conditions = (item.get("status") or {}).get("conditions") or ()
    generation = item["metadata"]["generation"]
    return any(
        one["type"] == "Ready" and one["status"] == "True" and one.get("observedGeneration") == generation
        for one in conditions
    )
