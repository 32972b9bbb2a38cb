"""Probes: GET /healthz says that the process lives, GET /readyz that it takes events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.http import answers
from patternapp.receiver import hosting

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALIVE = "/healthz"
READY = "/readyz"


class Health:
    """What the lifespan protocol and the server have told so far."""

    def __init__(self) -> None:
        self._up = False
        self._host = hosting.Hosting()

    @property
    def ready(self) -> bool:
        """Whether start-up is done and the end has not begun."""
        return self._up and not self._host.stopping

    def answer(self, path: str) -> answers.Answer | None:
        """The answer to a GET of this path, None where it is no probe."""
        if path == ALIVE or (path == READY and self.ready):
            return answers.content(b"ok", [("content-type", "text/plain")])
        return answers.problem(503, "starting or stopping") if path == READY else None

    async def lifespan(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application's lifespan and listen in."""
        self._host = hosting.of(scope)

        async def told() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self._up = False
            return message

        async def tell(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._up = True
            await send(message)

        await app(scope, told, tell)
