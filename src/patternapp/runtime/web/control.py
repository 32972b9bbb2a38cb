"""The control API (``/api``, ``/healthz``, ``/metrics``): what `dev` knows, as JSON. Shapes: docs/control-api.md."""

from __future__ import annotations

import dataclasses
import os
from http import HTTPStatus
from importlib import metadata
from typing import TYPE_CHECKING, Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from patternapp import errors
from patternapp.plan import describe, model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from patternapp.runtime.eventing.engine import Engine
    from patternapp.runtime.functions.pool import FunctionPool
    from patternapp.runtime.settings import Settings
    from patternapp.runtime.sources.scheduler import Ticker

DIGITS = 18
"""Digits of a number at most: what the store can hold."""
MOST_EVENTS = 1000
"""Events that one answer lists at most."""


class Elsewhere(Protocol):
    """A queue or a stream that is not in the store."""

    def queue(self, kept: dict[str, Any]) -> dict[str, Any]:
        """Its depth as the API shows it, where the store holds so much on its way there."""

    def partitions(self) -> list[dict[str, Any]]:
        """Its partitions as the API shows them."""


class Control:
    """The handlers over the parts of one `dev`."""

    def __init__(
        self,
        plan: model.Plan,
        settings: Settings,
        *,
        engine: Engine,
        pool: FunctionPool,
        tickers: Mapping[str, Ticker],
        elsewhere: Mapping[str, Elsewhere],
    ) -> None:
        self._plan = plan
        self._settings = settings
        self._engine = engine
        self._pool = pool
        self._tickers = tickers
        self._elsewhere = elsewhere

    def app(self) -> Starlette:
        """The ASGI app."""
        reading = {
            "/api": self.about,
            "/api/ledger": self.ledger,
            "/api/events": self.events,
            "/api/events/{seq:int}": self.event,
            "/api/dead-letters": self.dead_letters,
            "/api/functions": self.functions,
            "/api/queues": self.queues,
            "/api/streams": self.streams,
            "/api/schedules": self.schedules,
            "/api/graph": self.graph,
            "/healthz": self.health,
            "/metrics": self.metrics,
        }
        writing = {
            "/api/dead-letters/redrive": self.redrive,
            "/api/dead-letters/purge": self.purge,
            "/api/schedules/{name}/run": self.run_schedule,
        }
        routes = [Route(path, handler, methods=["GET"]) for path, handler in reading.items()]
        routes += [Route(path, handler, methods=["POST"]) for path, handler in writing.items()]
        return Starlette(routes=routes, exception_handlers={HTTPException: _problem, errors.StoreError: _problem})

    async def about(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "app": self._plan.app,
                "version": metadata.version("patternapp"),
                "data": str(self._settings.data),
                "pid": os.getpid(),
            }
        )

    async def ledger(self, _request: Request) -> Response:
        return JSONResponse(dataclasses.asdict(await self._engine.store.read(lambda reads: reads.ledger())))

    async def events(self, request: Request) -> Response:
        limit = min(MOST_EVENTS, _number(request, "limit") or 50)
        after, type_ = _number(request, "after"), request.query_params.get("type")
        known = await self._engine.store.read(lambda reads: reads.events(limit=limit, after=after, type_=type_))
        return JSONResponse({"events": known})

    async def event(self, request: Request) -> Response:
        seq: int = request.path_params["seq"]
        known = await self._engine.store.read(lambda reads: reads.event(seq)) if seq < 10**DIGITS else None
        if known is None:
            raise HTTPException(404, f"there is no event {seq}, or it was over long ago and is no longer kept")
        return JSONResponse(known)

    async def dead_letters(self, _request: Request) -> Response:
        return JSONResponse({"deadLetters": await self._engine.store.read(lambda reads: reads.dead_letters())})

    async def redrive(self, request: Request) -> Response:
        wanted, now = await _deliveries(request), self._engine.clock.now()
        known = self._engine.broker.receivers
        edges = await self._engine.store.write(lambda writes: writes.redrive(wanted, known, now=now))
        for edge in set(edges):
            self._engine.bells.of(edge).ring()
        return JSONResponse({"redriven": len(edges)})

    async def purge(self, request: Request) -> Response:
        wanted = await _deliveries(request)
        return JSONResponse({"purged": await self._engine.store.write(lambda writes: writes.purge(wanted))})

    async def functions(self, _request: Request) -> Response:
        return JSONResponse({"functions": [state.as_json() for state in self._pool.states()]})

    async def queues(self, _request: Request) -> Response:
        now = self._engine.clock.now()
        nodes = self._plan.nodes_of(model.Queue)
        kept = await self._engine.store.read(lambda reads: [reads.queue(node.key, now=now) for node in nodes])
        known = [
            one.queue(here) if (one := self._elsewhere.get(node.key)) is not None else here
            for node, here in zip(nodes, kept, strict=True)
        ]
        return JSONResponse({"queues": [{"name": node.name, **one} for node, one in zip(nodes, known, strict=True)]})

    async def streams(self, _request: Request) -> Response:
        nodes = self._plan.nodes_of(model.Stream)
        kept = await self._engine.store.read(lambda reads: [reads.partitions(node.key) for node in nodes])
        known = [
            one.partitions() if (one := self._elsewhere.get(node.key)) is not None else here
            for node, here in zip(nodes, kept, strict=True)
        ]
        return JSONResponse(
            {
                "streams": [
                    {"name": node.name, "topics": list(node.kafka.topics), "partitions": partitions}
                    for node, partitions in zip(nodes, known, strict=True)
                ]
            }
        )

    async def schedules(self, _request: Request) -> Response:
        heads = {edge.key: edge.head for edge in self._plan.edges_of(model.Trigger)}
        states = [
            {**ticker.state(), "function": heads[ticker.schedule.key].removeprefix("function/")}
            for ticker in self._tickers.values()
        ]
        return JSONResponse({"schedules": states})

    async def run_schedule(self, request: Request) -> Response:
        ticker = self._tickers.get(request.path_params["name"])
        if ticker is None:
            known = ", ".join(self._tickers) or "none"
            raise HTTPException(404, f"there is no schedule {request.path_params['name']!r}; schedules: {known}")
        return JSONResponse({"event": await ticker.run_now()}, status_code=202)

    async def graph(self, _request: Request) -> Response:
        return JSONResponse(describe.describe(self._plan))

    async def health(self, _request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def metrics(self, _request: Request) -> Response:
        ledger = dataclasses.asdict(await self._engine.store.read(lambda reads: reads.ledger()))
        lines = [f"# TYPE patternapp_{name} {'gauge' if name == 'pending' else 'counter'}" for name in ledger]
        values = [f"patternapp_{name} {value}" for name, value in ledger.items()]
        text = "\n".join(line for pair in zip(lines, values, strict=True) for line in pair)
        return PlainTextResponse(text + "\n", media_type="text/plain; version=0.0.4")


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if not text.isdecimal() or len(text) > DIGITS:
        raise HTTPException(400, f"{name} must be a whole number of at most {DIGITS} digits, not {text!r}")
    return int(text)


async def _deliveries(request: Request) -> tuple[int, ...] | None:
    """Which dead letters a request means; None for all of them."""
    try:
        wish = await request.json()
    except ValueError:
        wish = None
    match wish:
        case {"all": True}:
            return None
        case {"deliveries": [*numbers]} if all(type(number) is int for number in numbers):
            return tuple(numbers)
    raise HTTPException(400, 'say which: {"deliveries": [1, 2]} or {"all": true}')


async def _problem(_request: Request, error: Exception) -> Response:
    # Beside HTTPException there is only StoreError: nothing was changed, and the request may be sent again.
    status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (503, str(error))
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")
