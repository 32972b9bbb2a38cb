from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from patternapp import errors
from patternapp.cloudevents import Event, encode_structured
from patternapp.receiver import Failures, Idempotency, Receiver, Reject, Retry
from patternapp.receiver.idempotency import memory, store

Make = Callable[..., Any]


class Away:
    """A store that cannot be reached, from the given call on."""

    def __init__(self, since: str) -> None:
        self._since = since
        self._kept = memory.MemoryStore()

    async def claim(self, key: bytes, *, digest: bytes, lease: float) -> store.Claim | store.Held | store.Recorded:
        if self._since == "claim":
            raise errors.StoreError("nobody there")
        return await self._kept.claim(key, digest=digest, lease=lease)

    async def renew(self, *_: object, **__: object) -> None:
        raise errors.StoreError("nobody there")

    settle = release = renew

    async def close(self) -> None: ...


def counting(store_: Any = "memory:") -> tuple[Receiver, list[str]]:
    """A receiver, and what its handlers did."""
    app = Receiver(source="/me", idempotency=Idempotency(store=store_))
    done: list[str] = []

    @app.on("reply", reply="replied")
    async def reply(event: Event[dict[str, Any]]) -> dict[str, int]:
        done.append(str(event.attributes["id"]))
        return {"calls": len(done)}

    @app.on("reject")
    async def reject(event: Event[bytes]) -> None:
        done.append(str(event.attributes["id"]))
        raise Reject(f"no, for the {len(done)}. time")

    @app.on("retry")
    async def retry(event: Event[bytes]) -> None:
        done.append(str(event.attributes["id"]))
        if len(done) < 3:
            raise Retry if len(done) == 1 else RuntimeError("a bug")

    @app.on_batch("batch")
    async def batch(events: list[Event[int]]) -> Failures:
        done.extend(str(event.attributes["id"]) for event in events)
        wrong: dict[int, Reject | Retry] = {1: Reject("never"), 2: Retry("later")}
        return Failures([(event, wrong[event.data]) for event in events if event.data in wrong])

    return app, done


@pytest.mark.parametrize("attributes", [{}, {"time": "2026-01-01T00:00:00Z", "knativearrivaltime": "now"}])
def test_the_same_event_again_gets_the_same_answer_without_a_call(
    caller: Make, event: Make, attributes: dict[str, str]
) -> None:
    app, done = counting()

    first = caller(app).deliver(event("reply"))
    again = caller(app).deliver(event("reply", **attributes))
    structured = caller(app).deliver(event("reply"), encode=encode_structured)

    assert first == again == structured
    assert (first.status, first.body, done) == (200, b'{"calls":1}', ["1"])


def test_events_of_other_sources_ids_and_receivers_are_others(caller: Make, event: Make) -> None:
    kept = memory.MemoryStore()
    (app, done), (other, others) = counting(kept), counting(kept)
    other._once._scope = "/other"  # type: ignore[union-attr]  # as another `source` makes it

    for sent in (event("reply"), event("reply", id="2"), event("reply", source="/else")):
        caller(app).deliver(sent)
    caller(other).deliver(event("reply"))

    assert (done, others) == (["1", "2", "1"], ["1"])


def test_a_refusal_for_good_is_kept_as_well(caller: Make, event: Make) -> None:
    app, done = counting()

    answers = [caller(app).deliver(event("reject")) for _ in range(2)]

    assert [(one.status, one.detail) for one in answers] == [(422, "no, for the 1. time")] * 2
    assert done == ["1"]


def test_what_failed_may_come_again_until_it_is_done(
    caller: Make, event: Make, caplog: pytest.LogCaptureFixture
) -> None:
    app, done = counting()

    assert [caller(app).deliver(event("retry")).status for _ in range(4)] == [503, 500, 204, 204]
    assert len(done) == 3
    assert "RuntimeError: a bug" in caplog.text


@pytest.mark.parametrize(
    "other", [{"data": b'{"x":1}'}, {"data": None}, {"subject": "s"}, {"datacontenttype": "application/x+json"}]
)
def test_another_event_of_the_same_name_is_refused_and_reported(
    caller: Make, event: Make, caplog: pytest.LogCaptureFixture, other: dict[str, Any]
) -> None:
    app, done = counting()
    first = caller(app).deliver(event("reply"))

    data = other.pop("data", b"{}")
    answer = caller(app).deliver(event("reply", data, **other))

    assert (answer.status, done) == (422, ["1"])
    assert answer.detail.startswith("event 1 from /test came before with another content")
    assert "event 1 from /test came before with another content" in caplog.text
    assert caller(app).deliver(event("reply")) == first


def test_a_batch_hands_on_what_was_not_handled_and_keeps_what_became_of_it(caller: Make, event: Make) -> None:
    app, done = counting()
    events = [event("batch", b"%d" % number, id=str(number)) for number in range(4)]

    first = caller(app).deliver_batch(*events[:3], events[0])
    again = caller(app).deliver_batch(*events)
    single = caller(app).deliver(events[1])

    assert [(one["id"], one["retry"]) for one in first.failures] == [("1", False), ("2", True)]
    assert {(one["id"], one["reason"]) for one in again.failures} == {("1", "never"), ("2", "later")}
    assert (single.status, single.detail) == (422, "never")
    assert done == ["0", "1", "2", "2", "3"]


def test_a_batch_cannot_repeat_the_reply_that_its_event_had(caller: Make, event: Make) -> None:
    app, done = counting()
    caller(app).deliver(event("reply"))

    failures = caller(app).deliver_batch(event("reply")).failures

    assert [(one["retry"], one["reason"]) for one in failures] == [
        (False, "was handled with a reply, which the answer to a batch cannot carry")
    ]
    assert done == ["1"]


@pytest.mark.parametrize("batched", [False, True])
def test_without_the_store_nothing_is_handled_and_everything_comes_again(
    caller: Make, event: Make, *, batched: bool
) -> None:
    app, done = counting(Away("claim"))

    if batched:
        (failure,) = caller(app).deliver_batch(event("batch", b"0")).failures
        assert failure["retry"] is True
        assert "nobody there" in failure["reason"]
    else:
        answer = caller(app).deliver(event("reply"))
        assert (answer.status, answer.detail) == (
            503,
            "cannot tell whether event 1 from /test was handled: nobody there",
        )
    assert done == []


def test_what_is_done_stays_done_though_the_store_went_away(
    caller: Make, event: Make, caplog: pytest.LogCaptureFixture
) -> None:
    app, done = counting(Away("settle"))

    assert caller(app).deliver(event("reply")).status == 200
    assert done == ["1"]
    assert "an event was handled, but may be again: nobody there" in caplog.text
    assert caller(app).deliver(event("reply")).status == 409


def test_an_event_in_work_is_asked_for_again_shortly(caller: Make, event: Make) -> None:
    app, done = counting(Away("settle"))
    caller(app).deliver(event("reply"))

    answer = caller(app).deliver(event("reply"))
    (failure,) = caller(app).deliver_batch(event("reply")).failures

    assert (answer.status, answer.headers["retry-after"]) == (409, "1")
    assert answer.detail == "event 1 from /test is being handled"
    assert (failure["retry"], failure["after"]) == (True, 1)
    assert done == ["1"]


@pytest.mark.parametrize("given", ["mysql://x", Idempotency(store="nowhere")])
def test_a_store_that_there_is_none_of_is_refused_when_the_receiver_is_made(given: Any) -> None:
    with pytest.raises(ValueError, match="idempotency is kept in"):
        Receiver(idempotency=given)
