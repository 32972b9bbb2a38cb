"""The API over the store: lists, shows, sends again and deletes dead letters. Shapes: docs/control-api.md.

What holds here:

* It listens on the Pod's own loopback address, so whoever may forward a port into the Pod may use it, by Kubernetes'
  own rules, and nobody else in the cluster.
* A web page that the user happens to look at may not: the Host must be loopback, and writes must be JSON, which a page
  cannot send elsewhere without asking.
"""

from __future__ import annotations

import base64
import contextlib
import time
from dataclasses import dataclass
from http import HTTPStatus
from importlib import metadata
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from patternapp import cloudevents, errors
from patternapp_services import wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from patternapp_services.dead_letters.letters import Letter
    from patternapp_services.dead_letters.redrive import Receivers, Redrive
    from patternapp_services.dead_letters.store import Store

PAGE = 100
"""Letters that are read together."""
MOST = 1000
"""Letters that one answer lists."""
BUDGET = 15.0
"""Seconds after which a re-drive answers with how far it came, well before clients give up."""


class Api:
    """The handlers."""

    def __init__(
        self,
        app: str,
        *,
        store: Store,
        receivers: Receivers,
        redrive: Redrive,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app, self._store, self._receivers, self._redrive, self._clock = app, store, receivers, redrive, clock

    def app(self) -> Starlette:
        """The ASGI app."""
        routes = [
            Route("/api", self.about, methods=["GET"]),
            Route("/api/dead-letters", self.list, methods=["GET"]),
            Route("/api/events/{number:int}", self.show, methods=["GET"]),
            Route("/api/dead-letters/redrive", self.redrive, methods=["POST"]),
            Route("/api/dead-letters/purge", self.purge, methods=["POST"]),
        ]
        local = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])
        return Starlette(
            routes=routes, middleware=[local], exception_handlers={HTTPException: _problem, errors.StoreError: _problem}
        )

    async def about(self, _request: Request) -> Response:
        return JSONResponse({"app": self._app, "version": metadata.version("patternapp"), "role": "dead-letters"})

    async def list(self, request: Request) -> Response:
        """Letters in order; `after` in the answer says where to go on, null that nothing is left."""
        after = request.query_params.get("after", "0")
        if not after.isdecimal():
            raise HTTPException(400, f"after must be the number of a dead letter, not {after!r}")
        found = await self._store.letters(after=int(after), limit=MOST)
        last = found[-1].number if len(found) == MOST else None
        return JSONResponse({"deadLetters": [self._summary(letter) for letter in found], "after": last})

    async def show(self, request: Request) -> Response:
        number: int = request.path_params["number"]
        letter = await self._store.letter(number)
        if letter is None:
            raise HTTPException(404, f"there is no dead letter {number}")
        return JSONResponse(self._timeline(letter))

    async def redrive(self, request: Request) -> Response:
        wish = await _wish(request)
        if wish.numbers is not None:
            report = await self._redrive.send(wish.numbers)
            return JSONResponse({"redriven": report.taken, "failed": _failed(report.failed)})
        return await self._redrive_all(wish.after)

    async def purge(self, request: Request) -> Response:
        wish = await _wish(request)
        return JSONResponse({"purged": await self._store.purge(wish.numbers)})

    async def _redrive_all(self, after: int) -> Response:
        """As many as the time allows; `after` in the answer says where to go on, null that nothing is left."""
        until, taken = self._clock() + BUDGET, 0
        failed: dict[int, str] = {}
        place: int | None = after
        while place is not None and self._clock() < until:
            page = [letter.number for letter in await self._store.letters(after=place, limit=PAGE)]
            report = await self._redrive.send(page)
            taken += report.taken
            failed |= report.failed
            place = page[-1] if len(page) == PAGE else None
        return JSONResponse({"redriven": taken, "failed": _failed(failed), "after": place})

    def _edge(self, letter: Letter) -> str:
        receiver = self._receivers.at(letter.failure.destination)
        return receiver.name if receiver else letter.failure.destination

    def _summary(self, letter: Letter) -> dict[str, Any]:
        known = letter.event.attributes
        return {
            "delivery": letter.number,
            "event": letter.number,
            **{name: known[name] for name in ("id", "source", "type")},
            "edge": self._edge(letter),
            "subscriber": letter.failure.destination,
            "reason": letter.failure.reason,
            "code": letter.failure.code,
            "attempts": letter.arrivals,
            "at": wire.timestamp(letter.at),
        }

    def _timeline(self, letter: Letter) -> dict[str, Any]:
        known = letter.event.attributes
        state = {"state": "dead_lettered", "reason": letter.failure.reason, "attempts": []}
        return {
            "seq": letter.number,
            **{name: known.get(name) for name in ("id", "source", "type", "subject", "time")},
            "acceptedAt": wire.timestamp(letter.at),
            "origin": "dead-letter",
            "cause": None,
            "attributes": dict(known),
            **_data(letter.event),
            "deliveries": [
                {
                    "delivery": letter.number,
                    "edge": self._edge(letter),
                    "subscriber": letter.failure.destination,
                    **state,
                }
            ],
            "logs": [],
            "replies": [],
        }


@dataclass(frozen=True, slots=True)
class _Wish:
    """Which letters a request means: those with these numbers, or with None all after one."""

    numbers: tuple[int, ...] | None
    after: int = 0


async def _wish(request: Request) -> _Wish:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "send application/json")
    try:
        wish = await request.json()
    except ValueError:
        wish = None
    match wish:
        case {"all": True, "after": int(after)} if type(after) is int:
            return _Wish(None, after)
        case {"all": True}:
            return _Wish(None)
        case {"deliveries": [*numbers]} if all(type(number) is int for number in numbers):
            return _Wish(tuple(dict.fromkeys(numbers)))
    raise HTTPException(400, 'say which: {"deliveries": [1, 2]} or {"all": true}')


def _failed(failed: dict[int, str]) -> list[dict[str, Any]]:
    return [{"delivery": number, "reason": reason} for number, reason in sorted(failed.items())]


def _data(event: cloudevents.Event[bytes | None]) -> dict[str, Any]:
    """An event's data as JSON where it is JSON, as text where it is text, else in Base64."""
    if event.data is None:
        return {}
    if cloudevents.is_json(str(event.attributes.get("datacontenttype", "application/json"))):
        with contextlib.suppress(errors.CloudEventError):
            return {"data": cloudevents.data_as_json(event)}
    try:
        return {"data": event.data.decode()}
    except UnicodeDecodeError:
        return {"dataBase64": base64.b64encode(event.data).decode()}


async def _problem(_request: Request, error: Exception) -> Response:
    # Beside HTTPException there is only StoreError: nothing was changed, and the request may be sent again.
    status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (503, str(error))
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")
