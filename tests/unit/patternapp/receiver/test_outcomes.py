from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from patternapp.receiver import Receiver, Reject, Retry

Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("error", "status", "retry_after", "detail"),
    [
        (Reject("no such customer"), 422, None, "no such customer"),
        (Retry(), 503, None, "not now"),
        (Retry("mail is down", after=1.2), 503, "2", "mail is down"),
        (Retry("too much", after=0, code=429), 429, "0", "too much"),
        (LookupError("gone"), 500, None, "LookupError: gone"),
        (TimeoutError(), 500, None, "TimeoutError: "),
    ],
)
def test_what_a_handler_raises_decides_the_status(
    caller: Make, event: Make, error: Exception, status: int, retry_after: str | None, detail: str
) -> None:
    app = Receiver()

    @app.on("a")
    async def handle() -> None:
        raise error

    response = caller(app).deliver(event("a"))

    assert (response.status, response.headers.get("retry-after"), response.detail) == (status, retry_after, detail)


def test_a_bug_is_logged_with_its_traceback_and_not_told(
    caller: Make, event: Make, caplog: pytest.LogCaptureFixture
) -> None:
    app = Receiver()

    @app.on("a")
    def handle() -> None:
        raise LookupError("gone")

    response = caller(app).deliver(event("a"))

    assert b"Traceback" not in response.body
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert "handle failed on event 1 from /test" in record.getMessage()


@pytest.mark.parametrize("filler", ["x", "é", "\U0001f4a9", '"', "\x00"])
def test_a_problem_is_short_however_long_the_reason(caller: Make, event: Make, filler: str) -> None:
    app = Receiver()

    @app.on("a")
    def handle() -> None:
        raise Reject(filler * 100_000)

    response = caller(app).deliver(event("a"))

    assert 700 < len(response.body) <= 768
    assert response.detail.endswith("…")


@pytest.mark.parametrize("arguments", [{"after": -1}, {"after": float("nan")}, {"after": float("inf")}, {"code": 500}])
def test_a_retry_that_could_not_be_answered_is_not_made(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Retry"):
        Retry("later", **arguments)
