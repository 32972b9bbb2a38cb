"""The step in front of the handlers that lets each event through once.

What holds here:

* What is kept of an event is what will never change: that it is done, its reply, or that it was refused for good. After
  anything else it may come again.
* A claim is short and renewed while its handler works, so that after a crash the next delivery need not wait long.
* A store that is away before the handler was called means: come again. After it, the event is done all the same, and
  the log says that it may be handled twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from typing import TYPE_CHECKING, Any

from patternapp import batches, cloudevents, errors
from patternapp.receiver import outcomes
from patternapp.receiver.idempotency import store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from patternapp.cloudevents import Event
    from patternapp.receiver.readers import Wire
    from patternapp.receiver.steps import Step

logger = logging.getLogger("patternapp.receiver")

LEASE = 15.0
KEEP = 86_400.0
AGAIN = 1.0
"""Seconds after which a delivery that found its event in work should come again."""
_DIGESTED = ("type", "subject", "datacontenttype", "dataschema")
"""What makes another event of one with the same source and id, beside the data. Brokers and tracers set the rest."""
_DONE, _REPLY, _REFUSED = b"d", b"r", b"x"


class Underway(outcomes.Retry):
    """Somebody else is handling this event: 409, which is delivered again."""

    def __init__(self, event: Event[Any]) -> None:
        super().__init__(f"{_name(event)} is being handled", after=AGAIN)
        self.code = 409


class Mismatch(outcomes.Reject):
    """Another event of the same source and id came before."""

    def __init__(self, event: Event[Any]) -> None:
        super().__init__(f"{_name(event)} came before with another content: give every event an id of its own")


class Once:
    """Lets each event through to the next step once.

    Args:
        following: The step that handles events.
        kept: Where claims and outcomes are kept.
        scope: Whose events these are: receivers that share a store do not share outcomes.
        keep: Seconds that an outcome is known.
        lease: Seconds after which the claim of a process that crashed runs out.

    Attributes:
        repeated: Told of each event that is answered from what is kept of its first handling.
    """

    def __init__(
        self, following: Step, kept: store.Store, *, scope: str, keep: float = KEEP, lease: float = LEASE
    ) -> None:
        self._following = following
        self._store = kept
        self._scope = scope
        self._keep = keep
        self._lease = lease
        self.repeated: Callable[[Wire], None] = lambda _: None
        self._held: dict[bytes, store.Claim] = {}
        self._renewing: asyncio.Task[None] | None = None

    async def deliver(self, event: Wire) -> Event[bytes | None] | None:
        """Handle the event, or answer as the first time; raises `Underway`, `Mismatch`, and what handling raises."""
        taken = await self._take(event)
        if isinstance(taken, store.Recorded):
            return _replay(taken.outcome)
        with self._holding(taken):
            try:
                reply = await self._following.deliver(event)
            except outcomes.Reject as error:
                await self._settle(taken, _REFUSED + error.reason.encode())
                raise
            except Exception:
                await self._release(taken)
                raise
        await self._settle(taken, _DONE if reply is None else _REPLY + cloudevents.encode_structured(reply)[1])
        return reply

    async def deliver_batch(self, events: Iterable[Wire]) -> tuple[batches.Failure, ...]:
        """Handle those events that were not, and return all that failed."""
        taken: dict[bytes, tuple[Wire, store.Claim]] = {}
        failed: list[batches.Failure] = []
        for event in events:
            if (key := self._key(event)) in taken:
                continue  # a failure names source and id, so what comes of one comes of both
            try:
                found = await self._take(event)
                if isinstance(found, store.Claim):
                    taken[key] = (event, found)
                elif _replay(found.outcome) is not None:
                    raise outcomes.Reject("was handled with a reply, which the answer to a batch cannot carry")  # noqa: TRY301 - one way for every failure
            except (outcomes.Reject, outcomes.Retry) as error:
                failed.append(outcomes.failure(event, error))
        if taken:
            failed += await self._handle(list(taken.values()))
        return tuple(failed)

    async def close(self) -> None:
        """Stop renewing, and let go of the store."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait([self._renewing])
        await self._store.close()

    async def _handle(self, taken: list[tuple[Wire, store.Claim]]) -> tuple[batches.Failure, ...]:
        with contextlib.ExitStack() as stack:
            for _, claim in taken:
                stack.enter_context(self._holding(claim))
            try:
                failed = await self._following.deliver_batch([event for event, _ in taken])
            except Exception:
                for _, claim in taken:
                    await self._release(claim)
                raise
        named = {(one.source, one.id): one for one in failed}
        for event, claim in taken:
            failure = named.get((str(event.attributes["source"]), str(event.attributes["id"])))
            if failure is None:
                await self._settle(claim, _DONE)
            elif failure.retry:
                await self._release(claim)
            else:
                await self._settle(claim, _REFUSED + failure.reason.encode())
        return failed

    async def _take(self, event: Wire) -> store.Claim | store.Recorded:
        digest = _digest(event)
        try:
            found = await self._store.claim(self._key(event), digest=digest, lease=self._lease)
        except errors.StoreError as error:
            raise outcomes.Retry(f"cannot tell whether {_name(event)} was handled: {error}") from error
        if isinstance(found, store.Claim):
            return found
        if found.digest != digest:
            logger.warning("%s came before with another content", _name(event))
            raise Mismatch(event)
        if isinstance(found, store.Held):
            raise Underway(event)
        self.repeated(event)
        return found

    async def _settle(self, claim: store.Claim, outcome: bytes) -> None:
        try:
            await self._store.settle(claim, outcome, keep=self._keep)
        except errors.StoreError as error:
            logger.error("an event was handled, but may be again: %s", error)  # noqa: TRY400 - the reason is all

    async def _release(self, claim: store.Claim) -> None:
        # Where this fails the claim runs out by itself.
        with contextlib.suppress(errors.StoreError):
            await self._store.release(claim)

    @contextlib.contextmanager
    def _holding(self, claim: store.Claim) -> Iterator[None]:
        self._held[claim.key] = claim
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.get_running_loop().create_task(self._renew())
        try:
            yield
        finally:
            del self._held[claim.key]

    async def _renew(self) -> None:
        while self._held:
            await asyncio.sleep(self._lease / 3)
            for claim in list(self._held.values()):
                if claim.key in self._held:
                    try:
                        await self._store.renew(claim, lease=self._lease)
                    except errors.StoreError as error:
                        logger.warning("a claim could not be renewed, so its event may be handled twice: %s", error)

    def _key(self, event: Wire) -> bytes:
        named = (self._scope, str(event.attributes["source"]), str(event.attributes["id"]))
        return hashlib.sha256("\n".join(named).encode()).digest()


def _digest(event: Wire) -> bytes:
    named = (str(event.attributes.get(name, "")) for name in _DIGESTED)
    return hashlib.sha256("\n".join(named).encode() + b"\n" + (event.data or b"")).digest()


def _replay(outcome: bytes) -> Event[bytes | None] | None:
    """What came of the event the first time; raises `Reject` where it was refused."""
    kind, rest = outcome[:1], outcome[1:]
    if kind == _REFUSED:
        raise outcomes.Reject(rest.decode())
    if kind == _REPLY:
        return cloudevents.decode([(b"content-type", cloudevents.STRUCTURED.encode())], rest)
    return None


def _name(event: Event[Any]) -> str:
    return f"event {event.attributes['id']} from {event.attributes['source']}"
