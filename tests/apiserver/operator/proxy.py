"""A proxy between a replica and the API server that does what networks and servers do on a bad day.

What holds here:

* Without a rule it changes nothing: requests, answers and watches pass as they are.
* A rule is used up by as many requests or events as it names, so a test knows what has happened.
* A request whose sender hangs up before it is passed on is never passed on.
* Every request but those that were refused a connection is in `requests`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import harness
import yaml
from aiohttp import web
from apiserver.operator import faults
from cluster import api

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Coroutine, Iterator
    from pathlib import Path

    from aiohappyeyeballs import AddrInfoType
    from apiserver.operator.faults import Act, Request

HOST = "127.0.0.1"
_TURNS = 10
"""Turns of the loop in which what was closed is let go."""


@dataclass(slots=True)
class _Rule:
    """For so many requests of a verb, or events of a type, of a resource in a namespace; ``*`` is any."""

    word: str
    resource: str
    namespace: str
    act: Act
    left: int

    def takes(self, word: str, told: Request) -> bool:
        wanted = ((self.word, word), (self.resource, told.resource), (self.namespace, told.namespace))
        return self.left > 0 and all(one in {"*", found} for one, found in wanted)


@dataclass
class Proxy:
    """One proxy on loopback; `kubeconfig` is how it is reached."""

    upstream: Path
    kubeconfig: Path
    requests: list[Request] = field(default_factory=list)
    port: int = field(default_factory=harness.free_port)
    _rules: list[_Rule] = field(default_factory=list)
    _events: list[_Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _open: set[asyncio.BaseTransport] = field(default_factory=set)
    _dialed: weakref.WeakSet[socket.socket] = field(default_factory=weakref.WeakSet)
    _passing: int = 0
    _runner: web.ServerRunner | None = None
    _site: web.TCPSite | None = None
    _session: aiohttp.ClientSession | None = None

    def meet(self, verb: str, resource: str, act: Act, *, namespace: str = "*", times: int = 1) -> _Rule:
        """Do something else with the next requests of a verb for a resource; ``*`` is any."""
        return self._add(self._rules, _Rule(verb, resource, namespace, act, times))

    def event(self, kind: str, resource: str, fate: str | bytes, *, times: int = 1) -> _Rule:
        """`LOSE` the next events of a type, `TEAR` the connection in the middle of one, or tell something else."""
        return self._add(self._events, _Rule(kind, resource, "*", fate, times))

    def go_down(self, *, hanging: bool = False) -> None:
        """Refuse connections from here on, or let them hang."""
        self._do(self._hang() if hanging else self._close())

    def heal(self) -> None:
        """Pass on everything again."""
        with self._lock:
            self._rules.clear()
            self._events.clear()
        self._do(self._listen())

    def busy(self) -> bool:
        """Whether a request that is no watch is on its way."""
        return self._passing > 0

    def watches(self) -> list[str]:
        """The resources that are watched, each as often as it is."""
        watched = [one for one in list(self.requests) if (one.verb, one.status) == ("watch", 200)]
        return sorted(f"{one.resource}.{one.group}" for one in watched if one.ended is None)

    def writes(self) -> list[Request]:
        """The requests that may have changed something."""
        return [one for one in list(self.requests) if one.verb in faults.WRITES and one.sent is not None]

    @contextlib.contextmanager
    def running(self) -> Iterator[Proxy]:
        """Work for as long as a block runs."""
        config = yaml.safe_load(self.upstream.read_text())
        access = api.access(self.upstream)
        for cluster in config["clusters"]:
            cluster["cluster"] = {"server": f"http://{HOST}:{self.port}"}
        self.kubeconfig.write_text(json.dumps(config))
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        try:
            self._do(self._start(access.url, access.context))
            yield self
        finally:
            self._do(self._stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()
            # The client leaves those open that were shaking hands when their request was broken off.
            for dialed in list(self._dialed):
                dialed.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(harness.DEADLINE)

    def _add(self, rules: list[_Rule], rule: _Rule) -> _Rule:
        with self._lock:
            rules.append(rule)
        return rule

    def _taken(self, rules: list[_Rule], word: str, told: Request) -> Act | None:
        with self._lock:
            rule = next((one for one in rules if one.takes(word, told)), None)
            if rule is None:
                return None
            rule.left -= 1
            return rule.act

    async def _start(self, url: str, context: ssl.SSLContext) -> None:
        connector = aiohttp.TCPConnector(ssl=context, limit=0, socket_factory=self._dial)
        # What the server compressed is passed on compressed.
        self._session = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None)
        )
        self._url = url
        server = web.Server(self._serve, handler_cancellation=True)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        await self._listen()

    def _dial(self, address: AddrInfoType) -> socket.socket:
        made = socket.socket(*address[:3])
        self._dialed.add(made)
        return made

    async def _hang(self) -> None:
        self._flowing.clear()

    async def _listen(self) -> None:
        self._flowing.set()
        if self._site is None and self._runner is not None:
            self._site = web.TCPSite(self._runner, HOST, self.port, reuse_address=True)
            await self._site.start()

    async def _close(self) -> None:
        if self._site is not None:
            await self._site.stop()
            self._site = None
        for transport in list(self._open):
            transport.abort()  # type: ignore[attr-defined]

    async def _stop(self) -> None:
        await self._close()
        if self._runner is not None:
            await self._runner.cleanup()
        # What was just connecting must end too, or its socket is left open.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        # Without the farewells of TLS, for which the loop would have to run on. Only the loop knows all transports.
        for transport in list(self._loop._transports.values()):  # type: ignore[attr-defined]
            transport.abort()
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        assert self._session is not None
        told = faults.read(request)
        self.requests.append(told)
        if request.transport is not None:
            self._open.add(request.transport)
        passage = faults.Passage(told, request, await request.content.read(), self._session, self._url)
        self._passing += told.verb != "watch"
        try:
            await self._flowing.wait()
            act = self._taken(self._rules, told.verb, told)
            return await self._met(passage, act)
        except ConnectionResetError:
            return passage.cut()  # whoever asked has hung up
        finally:
            told.ended = time.monotonic()
            self._passing -= told.verb != "watch"

    async def _met(self, passage: faults.Passage, act: Act | None) -> web.StreamResponse:
        if act is not None:
            answer: web.StreamResponse = await act(passage)
            return answer
        return await (self._stream(passage) if passage.told.verb == "watch" else passage.forward())

    async def _stream(self, passage: faults.Passage) -> web.StreamResponse:
        async with passage.sent() as answer:
            passage.told.status = answer.status
            if answer.status != 200:
                return web.Response(status=answer.status, body=await answer.read(), headers=faults.headers(answer))
            response = web.StreamResponse(headers=faults.headers(answer))
            await response.prepare(passage.request)
            async for line in _lines(answer.content):
                await self._flowing.wait()
                fate = self._taken(self._events, json.loads(line)["type"], passage.told)
                if fate == faults.TEAR:
                    await response.write(line[: len(line) // 2])
                    return passage.cut()
                if fate != faults.LOSE:
                    await response.write(fate or line)
            await response.write_eof()
            return response


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
