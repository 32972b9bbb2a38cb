"""A function as a test wants it: an HTTP server that remembers every event it was given, and answers as it is told."""

from __future__ import annotations

import collections
import contextlib
import http.server
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components import process
from harness import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Events = list[dict[str, Any]]
Answer = tuple[int, bytes]
DONE: Answer = (204, b"")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: when it came, its events, those of one in binary mode too, and what proves who sent it."""

    at: float
    events: Events
    proof: str | None = None


class Function:
    """Listens on a port of its own. It can go away and come back."""

    def __init__(self) -> None:
        self.answer: Callable[[Events], Answer] = lambda _: DONE
        self.calls: list[Call] = []
        self.port = process.free_port()
        self._came = threading.Condition()
        self._server: http.server.ThreadingHTTPServer | None = None
        self._connections: set[Any] = set()

    @property
    def url(self) -> str:
        return f"http://{process.HOST}:{self.port}/"

    @property
    def ids(self) -> list[str]:
        """The ids of all events, in the order in which they came."""
        return [str(event["id"]) for call in tuple(self.calls) for event in call.events]

    def counted(self) -> collections.Counter[str]:
        return collections.Counter(self.ids)

    def has(self, wanted: set[str], *, within: float = 60.0) -> None:
        """Wait until all these events have come."""
        eventually(lambda: not wanted - set(self.ids), within=within)

    def begins(self, wanted: set[str], *, within: float = 60.0) -> None:
        """Wait until some of these events have come."""
        eventually(lambda: wanted & set(self.ids[-len(wanted) :]), within=within)

    def take(self, events: Events, proof: str | None = None) -> Answer:
        self.calls.append(Call(time.monotonic(), events, proof))
        return self.answer(events)

    def start(self) -> None:
        function = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                function._connections.add(self.connection)

            def finish(self) -> None:
                function._connections.discard(self.connection)
                with contextlib.suppress(OSError):
                    super().finish()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"] or 0))
                if self.headers["content-type"] == "application/cloudevents-batch+json":
                    events = json.loads(body)
                else:
                    attributes = {name[3:]: value for name, value in self.headers.items() if name.startswith("ce-")}
                    events = [attributes | {"data": body}]
                status, said = function.take(events, self.headers["authorization"])
                with contextlib.suppress(OSError):  # nobody waits any more
                    self.send_response(status)
                    self.send_header("content-length", str(len(said)))
                    self.end_headers()
                    self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Callers that were killed hang up, and that is what the tests do to them."""

        self._server = Server((process.HOST, self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Go away: nobody listens, and whoever is connected is cut off."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for connection in tuple(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(2)


@contextlib.contextmanager
def running() -> Iterator[Function]:
    function = Function()
    function.start()
    try:
        yield function
    finally:
        function.stop()
