from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from patternapp.receiver import Event, Receiver
from patternapp.receiver.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

Make = Any
SHORT = 0.05
LONG = 60.0


def limited(seconds: float = SHORT) -> Receiver:
    """A receiver as a server tells it that handlers may take so long."""
    app = Receiver(source="/me")
    app._dispatch.deadline = Deadline(seconds)
    return app


def test_a_handler_that_takes_too_long_is_cancelled_and_its_caller_told_so(
    caller: Make, event: Callable[..., Event[bytes | None]], caplog: pytest.LogCaptureFixture
) -> None:
    app, ended = limited(), []

    @app.on("ping")
    async def ping() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    response = caller(app).deliver(event("ping"))

    assert (response.status, response.detail) == (504, "it took longer than 0.05 s")
    assert ended == ["cancelled"]
    assert "ping was abandoned on event 1 from /test: it took longer than 0.05 s" in caplog.text


def test_who_waits_for_a_thread_is_told_while_the_thread_goes_on(
    caller: Make, event: Callable[..., Event[bytes | None]]
) -> None:
    app, let, done = limited(), threading.Event(), threading.Event()

    @app.on("ping")
    def ping() -> None:
        let.wait(LONG)
        done.set()

    async def told() -> None:
        assert (await asyncio.to_thread(lambda: caller(app).deliver(event("ping")))).status == 504
        assert not done.is_set()
        let.set()

    asyncio.run(told())

    assert done.wait(LONG)


def test_a_handler_that_was_in_time_is_left_alone_afterwards() -> None:
    deadline = Deadline(SHORT)

    async def quick_then_slow() -> str:
        deadline.end(deadline.begin())
        timer, later = deadline._timer, asyncio.Event()
        assert timer is not None
        asyncio.get_running_loop().call_at(timer.when() + SHORT, later.set)
        await later.wait()
        return "done"

    assert asyncio.run(quick_then_slow()) == "done"


def test_each_task_has_its_own_time_and_the_oldest_ends_first() -> None:
    deadline = Deadline(SHORT)
    ended: list[str] = []

    async def hang(name: str, after: asyncio.Event | None) -> None:
        if after is not None:
            await after.wait()
        task = deadline.begin()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append(name)
        finally:
            deadline.end(task)

    async def both() -> None:
        begin = asyncio.Event()
        tasks = [asyncio.create_task(hang("late", begin)), asyncio.create_task(hang("early", None))]
        asyncio.get_running_loop().call_later(SHORT / 2, begin.set)
        await asyncio.gather(*tasks)

    asyncio.run(both())

    assert ended == ["early", "late"]


def test_a_task_that_was_late_is_not_cancelled_any_more_after_its_end() -> None:
    deadline = Deadline(SHORT)

    async def late() -> tuple[bool, bool, int]:
        task = deadline.begin()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            inside = deadline.passed
        deadline.end(task)
        assert task is not None
        return inside, deadline.passed, task.cancelling()

    assert asyncio.run(late()) == (True, False, 0)


def test_of_a_batch_the_slow_event_fails_by_itself_and_those_behind_it_together(
    caller: Make, event: Callable[..., Event[bytes | None]]
) -> None:
    app, done = limited(), []

    @app.on("ping")
    async def ping(event: Event[bytes]) -> None:
        if event.attributes["id"] == "slow":
            await asyncio.Event().wait()
        done.append(event.attributes["id"])

    response = caller(app).deliver_batch(*(event("ping", id=id_) for id_ in ("quick", "slow", "next")))

    slow, behind = response.failures
    assert done == ["quick"]
    assert (slow["id"], slow["retry"], slow["together"]) == ("slow", True, False)
    assert (behind["id"], behind["retry"], behind["together"]) == ("next", True, True)
    assert behind["reason"] == "those before it in its batch took longer than 0.05 s"


def test_a_batch_that_a_handler_takes_at_once_fails_together_and_other_batches_get_no_turn(
    caller: Make, event: Callable[..., Event[bytes | None]]
) -> None:
    app, seen = limited(), []

    @app.on_batch("slow")
    async def slow(events: list[Event[bytes]]) -> None:
        _ = events
        await asyncio.Event().wait()

    @app.on_batch("next")
    async def following(events: list[Event[bytes]]) -> None:
        seen.extend(events)

    response = caller(app).deliver_batch(event("slow", id="1"), event("slow", id="2"), event("next", id="3"))

    assert [(one["id"], one["retry"], one["together"]) for one in response.failures] == [
        ("1", True, True),
        ("2", True, True),
        ("3", True, True),
    ]
    assert seen == []


def test_without_a_deadline_a_handler_may_take_as_long_as_it_takes() -> None:
    deadline = Deadline()

    async def timed() -> bool:
        return deadline.begin() is not None

    assert not asyncio.run(timed())
