"""What every step of the tour uses: HTTP calls that explain themselves, and waiting for what must come true."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import yarl

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from pathlib import Path

    import aiohttp

    from tour.program import Program

Input = TypeVar("Input")
Result = TypeVar("Result")
WITHIN = 30.0
"""Seconds that anything may take to come true."""
AT_ONCE = 16
"""Requests under way at a time."""


class WrongError(Exception):
    """Something is not as it should be; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tour:
    """One tour.

    Attributes:
        program: The `dev` that is toured.
        session: The HTTP client.
        state: The folder in which the shop's functions keep their files.
        run: A word of its own for this tour, so that its input and output can be told from others'.
        began: When it began, seconds since 1970.
        orders: The orders it placed, by their number.
        stock: The stock before it, by sku.
    """

    program: Program
    session: aiohttp.ClientSession
    state: Path
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    began: float = field(default_factory=time.time)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    stock: dict[str, int] = field(default_factory=dict)

    async def call(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """The status and body of an answer. The path is sent as it is."""
        url = yarl.URL(f"{self.program.url}{path}", encoded=True)
        async with self.session.request(method, url, data=body, headers=headers) as answer:
            return answer.status, await answer.read()

    async def get(self, path: str) -> Any:
        """The JSON at a path; raises `WrongError` where there is none."""
        return json.loads(_expected(await self.call("GET", path), f"GET {path}"))

    async def post(self, path: str, data: object, *, headers: Mapping[str, str] | None = None) -> Any:
        """What the answer to a POST of JSON says, None where it is empty; raises `WrongError` if it is no success."""
        sent = {"content-type": "application/json", **(headers or {})}
        content = _expected(await self.call("POST", path, body=json.dumps(data).encode(), headers=sent), f"POST {path}")
        return json.loads(content) if content else None

    async def idle(self) -> Any:
        """Return the ledger when no delivery is pending any more."""
        ledgers: list[dict[str, int]] = []

        async def look() -> str | None:
            ledgers.append(await self.get("/api/ledger"))
            pending = ledgers[-1]["pending"]
            return f"pending deliveries: {pending}" if pending else None

        await until(look)
        return ledgers[-1]

    async def settled(self, event: int) -> None:
        """Return when every delivery of an event is done; raises `WrongError` where one is not."""

        async def look() -> str | None:
            deliveries = (await self.get(f"/api/events/{event}"))["deliveries"]
            if not deliveries:
                raise WrongError(f"nobody wants event {event}")
            for one in deliveries:
                if one["state"] == "dead_lettered":
                    raise WrongError(f"event {event} is a dead letter of {one['edge']}: {one['reason']}")
            waiting = [one["edge"] for one in deliveries if one["state"] == "pending"]
            return f"event {event} waits at {', '.join(waiting)}" if waiting else None

        await until(look)


def _expected(answer: tuple[int, bytes], what: str) -> bytes:
    status, content = answer
    if not 200 <= status < 300:
        raise WrongError(f"{what} answered {status}: {content.decode(errors='replace')[:200]}")
    return content


async def until(look: Callable[[], Awaitable[str | None]]) -> None:
    """Look again and again until nothing is missing; raises `WrongError` with what still is when the time is over."""
    end = time.monotonic() + WITHIN
    while (missing := await look()) is not None:
        if time.monotonic() > end:
            raise WrongError(f"after {WITHIN:g} s: {missing}")
        await asyncio.sleep(0.05)


async def all_of(call: Callable[[Input], Awaitable[Result]], inputs: Iterable[Input]) -> list[Result]:
    """The results of a call on each input, a few at a time; raises the first error once all have ended."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(given: Input) -> Result:
        async with free:
            return await call(given)

    # As results: otherwise the first error would leave the others running, and nobody would wait for them.
    outcomes = await asyncio.gather(*map(one, inputs), return_exceptions=True)
    results = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        results.append(outcome)
    return results


def newer(paths: Iterable[Path], than: float) -> list[Path]:
    """The files that were written since then."""
    return sorted(path for path in paths if path.stat().st_mtime >= than)
