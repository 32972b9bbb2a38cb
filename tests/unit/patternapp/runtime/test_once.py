"""One event through an application in this process."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

import loopback
import pytest

from patternapp import delivery, errors, sender
from patternapp.cloudevents import Event
from patternapp.receiver import Receiver, Reject, Retry
from patternapp.runtime import once

if TYPE_CHECKING:
    from pathlib import Path

EVENT: Event[bytes | None] = Event(
    {"specversion": "1.0", "id": "1", "source": "/s", "type": "asked", "datacontenttype": "application/json"}, b"{}"
)


NOBODY = once.Around()
IMPATIENT = delivery.DeliverySpec(retry=0)


def run(app: Any, *, around: once.Around = NOBODY, grace: float = once.GRACE) -> once.Ended:
    return once.run(app, EVENT, around=around, grace=grace)


def test_the_application_starts_up_and_shuts_down_around_the_event() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.append(scope["state"]["opened"])
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})
            return
        while (await receive())["type"] == "lifespan.startup":
            scope["state"]["opened"] = "handled"
            seen.append("up")
            await send({"type": "lifespan.startup.complete"})
        seen.append("down")
        await send({"type": "lifespan.shutdown.complete"})

    assert run(app).code == 0
    assert seen == ["up", "handled", "down"]


def test_the_event_comes_as_from_a_broker() -> None:
    requests: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        requests.append((scope["method"], scope["path"], dict(scope["headers"]), (await receive())["body"]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    run(app)

    ((method, path, headers, body),) = requests
    assert (method, path, body) == ("POST", "/", b"{}")
    assert (headers[b"ce-type"], headers[b"prefer"]) == (b"asked", b"reply")


def test_what_may_get_better_is_to_be_tried_again() -> None:
    app = Receiver()

    @app.on("asked")
    async def busy() -> None:
        raise Retry("the printer is busy")

    ended = run(app)

    assert ended.code == delivery.EXIT_FAILED
    assert "the printer is busy" in ended.message


def test_an_application_that_answers_no_event_is_to_be_tried_again() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        del receive
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"Content-Type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"fine"})

    ended = run(app)

    assert ended.code == delivery.EXIT_FAILED
    assert "is not a CloudEvent" in ended.message


def test_an_application_that_gives_no_answer_is_to_be_tried_again() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        del receive, send
        assert scope["type"] == "http"

    assert run(app) == once.Ended(delivery.EXIT_FAILED, "failed, to be tried again: the application gave no answer")


def test_an_application_that_does_not_start_up_is_the_environment_s_problem() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(errors.EnvironmentProblem, match="did not start up"):
        run(app)


def test_told_to_end_it_ends_what_it_began() -> None:
    app = Receiver()

    @app.on("asked")
    async def slow() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(100):
            await asyncio.sleep(0)

    assert run(app).code == 0


def test_what_does_not_end_in_time_is_given_up() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        del receive, send
        assert scope["type"] == "http"
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    ended = run(app, grace=0.01)

    assert ended == once.Ended(delivery.EXIT_FAILED, "told to end, and not done 0.01 s later; to be tried again")


def test_a_reply_that_nobody_takes_is_a_failure(tmp_path: Path) -> None:
    app = Receiver()

    @app.on("asked", reply="answered")
    async def answer() -> dict[str, int]:
        return {"n": 1}

    ended = run(app, around=once.Around(replies=once.Sink("not a url", tmp_path / "none", IMPATIENT)))

    assert ended.code == delivery.EXIT_FAILED
    assert "its reply of the type answered was not taken" in ended.message


def refusing() -> Receiver:
    app = Receiver()

    @app.on("asked")
    async def refuse() -> None:
        raise Reject("never")

    return app


def test_a_dead_letter_that_nobody_takes_is_to_be_tried_again(tmp_path: Path) -> None:
    ended = run(refusing(), around=once.Around(dead_letters=once.Sink("not a url", tmp_path / "none", IMPATIENT)))

    assert ended.code == delivery.EXIT_FAILED
    assert "refused for good: answered 422: never; and the dead letter was not taken" in ended.message


class Store:
    """Takes every event, and keeps it with the headers of its request."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.headers: dict[bytes, bytes] = {}
        self.app = Receiver()
        self.app.on()(self.keep)

    async def keep(self, event: Event[Any]) -> None:
        self.events.append(event.attributes)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.headers.update(scope.get("headers", ()))
        await self.app(scope, receive, send)


async def test_a_given_up_event_becomes_a_dead_letter() -> None:
    store = Store()

    async with loopback.served(store) as url:
        ended = await once._work(refusing(), EVENT, once.Around(dead_letters=once.Sink(url)))

    assert ended.code == delivery.EXIT_REFUSED
    ((letter),) = store.events
    assert (letter["type"], letter["knativeerrorcode"]) == ("asked", "422")
    assert str(letter["knativeerrordest"]).startswith("job:")


async def test_a_sink_that_wants_to_know_who_sends_is_told(tmp_path: Path) -> None:
    token, store = tmp_path / "token", Store()
    token.write_text("it is me\n")

    async with loopback.served(store) as url:
        assert await once.Sink(url, token).take(EVENT) is None

    assert store.headers[b"authorization"] == b"Bearer it is me"


def test_dead_letters_do_not_carry_the_token_for_the_broker() -> None:
    around = once.around({"K_SINK": "http://broker", "PATTERNAPP_DEAD_LETTER": "https://elsewhere.example"})

    assert (around.replies.token, around.dead_letters.token) == (sender.TOKEN, None)


@pytest.mark.parametrize(
    ("failures", "retries", "last"), [("0", "2", False), ("2", "2", True), ("3", "2", True), ("", "2", False)]
)
def test_the_last_attempt_is_told_by_the_failures_before_it(failures: str, retries: str, last: bool) -> None:  # noqa: FBT001 - a column of the table
    around = once.around({"PATTERNAPP_FAILURES": failures, "PATTERNAPP_RETRIES": retries, "K_SINK": "http://broker"})

    assert (around.last, around.replies.url, around.dead_letters.url) == (last, "http://broker", None)
