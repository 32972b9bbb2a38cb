"""Probes: GET /healthz says that the process lives, GET /readyz that it takes events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.receiver import answers

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALIVE = "/healthz"
READY = "/readyz"


class Health:
    """What the lifespan protocol has told so far.

    Attributes:
        ready: Start-up is done and shut-down has not begun.
    """

    def __init__(self) -> None:
        self.ready = False

    def answer(self, path: str) -> answers.Answer | None:
        """The answer to a GET of this path, None where it is no probe."""
        if path == ALIVE or (path == READY and self.ready):
            return answers.content(b"ok", [("content-type", "text/plain")])
        return answers.problem(503, "starting or stopping") if path == READY else None

    async def lifespan(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application's lifespan and listen in."""

        async def told() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self.ready = False
            return message

        async def tell(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self.ready = True
            await send(message)

        await app(scope, told, tell)
