"""Producers of events: many at once, or one after the other for as long as a test lasts."""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import http.client
import json
import threading
import time
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from e2e import web

CONNECTIONS = 8
_PACE = 0.05
"""Seconds between two events of a steady flow."""
_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Answers:
    """What a producer heard: how many answers there were of each status, and the seconds that the slowest took."""

    codes: collections.Counter[int]
    slowest: float


class _Client:
    """One connection to one address."""

    def __init__(self, address: web.Address, kind: str) -> None:
        parts = urllib.parse.urlsplit(address.url)
        self._path = parts.path or "/"
        self._headers = {"content-type": "application/json", "ce-specversion": "1.0", "ce-source": "/e2e"}
        self._headers |= {"ce-type": kind} | ({"host": address.host} if address.host else {})
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT)

    def post(self, name: str, data: Any) -> int:
        """The status for one event; raises OSError or HTTPException where there is no answer."""
        body, headers = json.dumps(data), {**self._headers, "ce-id": name}
        self._connection.request("POST", self._path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status

    def close(self) -> None:
        self._connection.close()


def flood(address: web.Address, kind: str, events: Sequence[tuple[str, Any]]) -> Answers:
    """Post events, as ids and data, over a few connections as fast as they are answered; none is posted twice."""
    shares = [events[first::CONNECTIONS] for first in range(CONNECTIONS)]
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as threads:
        heard = list(threads.map(lambda share: _post(address, kind, share), shares))
    return Answers(sum((one.codes for one in heard), collections.Counter()), max(one.slowest for one in heard))


def _post(address: web.Address, kind: str, events: Sequence[tuple[str, Any]]) -> Answers:
    codes: collections.Counter[int] = collections.Counter()
    slowest = 0.0
    with contextlib.closing(_Client(address, kind)) as client:
        for name, data in events:
            began = time.monotonic()
            codes[client.post(name, data)] += 1
            slowest = max(slowest, time.monotonic() - began)
    return Answers(codes, slowest)


class Flow:
    """Events that keep coming, and what came of them: `accepted` are the ids answered 202.

    An event that is not accepted is sent again until it is, as a producer has to; `refused` counts how often.
    """

    def __init__(self, address: web.Address, kind: str, name: Callable[[int], str]) -> None:
        self.accepted: list[str] = []
        self.refused = 0
        self._address, self._kind, self._name = address, kind, name
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flow of events")

    def _run(self) -> None:
        client, number = _Client(self._address, self._kind), 0
        while not self._ending.wait(_PACE):
            try:
                status = client.post(self._name(number), {})
            except (OSError, http.client.HTTPException):
                client.close()
                status = None
            if status == 202:
                self.accepted.append(self._name(number))
                number += 1
            else:
                self.refused += 1
        client.close()

    def begin(self) -> None:
        """Send the first."""
        self._thread.start()

    def end(self) -> None:
        """Send no more."""
        self._ending.set()
        self._thread.join()


@contextlib.contextmanager
def flowing(address: web.Address, kind: str, name: Callable[[int], str] = str) -> Iterator[Flow]:
    """A steady flow of events while the block runs, named by their numbers from 0."""
    flow = Flow(address, kind, name)
    flow.begin()
    try:
        yield flow
    finally:
        flow.end()
