"""Subscribers that answer as they are told and keep what reached them: one server, a path for each of them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from conformance.rows import OK, Arrival

from patternapp import cloudevents, errors
from patternapp.http import bodies, server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from conformance.rows import Row, Says

    from patternapp.cloudevents import Event

GRACE = 1.0
"""Seconds that requests get which are under way at the end: of a schedule that goes on, for one."""


@dataclass
class _Stand:
    """One subscriber: what it says, and what reached it."""

    answers: tuple[Says, ...]
    arrivals: list[Arrival] = field(default_factory=list)


@dataclass
class Recorder:
    """An ASGI application.

    Attributes:
        now: Tells the time of an arrival, in seconds.
        url: Where it is reached.
        nowhere: A URL whose host refuses connections.
    """

    now: Callable[[], float]
    url: str
    nowhere: str
    _stands: dict[str, _Stand] = field(default_factory=dict)

    def listen(self, path: str, answers: tuple[Says, ...] = (OK,)) -> str:
        """The URL of somebody who says this; nobody is there who says nothing."""
        self._stands[path] = _Stand(answers)
        return f"{self.url if answers else self.nowhere}{path}"

    def heard(self, path: str) -> tuple[Arrival, ...]:
        """What reached them, in order."""
        return tuple(self._stands[path].arrivals)

    def add(self, row: Row) -> dict[str, str]:
        """The URLs of everybody who listens in a row, by the names that `Seen` has them by."""
        return {
            name: self.listen(f"/{row.key}/{name}", tuple(_own(row, said) for said in answers))
            for name, answers in _listeners(row)
        }

    def arrivals(self, row: Row) -> dict[str, tuple[Arrival, ...]]:
        """What reached those who listen in a row, without what was another row's."""
        return {
            name: tuple(arrival for arrival in self.heard(f"/{row.key}/{name}") if row.is_own(arrival.event))
            for name, _ in _listeners(row)
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        stand = self._stands[scope["path"]]
        body = await bodies.read(receive, limit=2**24)
        said = stand.answers[min(len(stand.arrivals), len(stand.answers) - 1)]
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        stand.arrivals.append(Arrival(self.now(), headers, _event(scope["headers"], body)))
        if said.after:
            await _patience(receive, said.after)
        folder = scope["path"].rpartition("/")[0]
        own = [(name.encode(), self._placed(value, folder).encode()) for name, value in said.headers.items()]
        await send({"type": "http.response.start", "status": said.status, "headers": own})
        await send({"type": "http.response.body", "body": said.body})

    def _placed(self, value: str, folder: str) -> str:
        """A header's value, with the URL of the row's subscriber b for ``{b}``."""
        return value.replace("{b}", f"{self.url}{folder}/b")


def _listeners(row: Row) -> Iterator[tuple[str, tuple[Says, ...]]]:
    for trigger in row.triggers:
        yield trigger.name, trigger.answers
        yield f"{trigger.name}.dead", trigger.dead or ()


def _own(row: Row, said: Says) -> Says:
    return replace(said, headers=row.own(said.headers), body=row.own(said.body))


async def _patience(receive: Any, seconds: float) -> None:
    """Wait so long, or until nobody waits for the answer any more."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


def _event(headers: list[tuple[bytes, bytes]], body: bytes) -> Event[bytes | None] | None:
    try:
        return cloudevents.decode(headers, body)
    except errors.CloudEventError:
        return None


@contextlib.asynccontextmanager
async def recording(host: str, now: Callable[[], float]) -> AsyncIterator[Recorder]:
    """A recorder that is reached at an address of this machine."""
    # Bound and not listening: the port is taken, and whoever connects is refused.
    with server.listen(host, 0) as listening, socket.socket() as deaf:
        deaf.bind((host, 0))
        url, nowhere = (f"http://{host}:{one.getsockname()[1]}" for one in (listening, deaf))
        recorder = Recorder(now, url=url, nowhere=nowhere)
        async with server.serving(recorder, listening, grace=lambda: GRACE):
            yield recorder
