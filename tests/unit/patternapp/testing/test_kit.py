"""An app inside a test: everything happens at its own time, and that time passes only when the test says so."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from patternapp import errors
from patternapp.testing.embedded import Embedded, plan_of
from patternapp.testing.kit import Broker, Clock, DeadLetters, SampleEvents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Start = Callable[..., Embedded]
_numbers = itertools.count()
HEAD = """
apiVersion: patternapp.dev/v1alpha1
kind: PatternApp
metadata: {name: test}
spec:
  delivery: {retry: 2, backoffPolicy: exponential, backoffDelay: 10s, timeout: 30s}
"""
RECEIVER = """
from patternapp.receiver import Event, Receiver, Reject

app = Receiver()
seen = []
broken = [False]

@app.on("ping", reply="pong")
def ping(data: dict) -> dict:
    seen.append(data["n"])
    if broken[0]:
        raise RuntimeError("out of order")
    return data

@app.on("refused")
def refuse() -> None:
    raise Reject("never")

@app.on("dev.knative.sources.ping")
def tick(event: Event[dict]) -> None:
    seen.append(event.attributes["time"])

@app.on_batch("job")
def work(events: list[Event[dict]]) -> None:
    seen.append([event.data["n"] for event in events])
"""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Runs the app of a spec; its function `f` is a module of its own."""
    running: list[Embedded] = []

    def starting(spec: str) -> Embedded:
        module = f"fn_{next(_numbers)}"
        (tmp_path / f"{module}.py").write_text(RECEIVER)
        text = HEAD + textwrap.indent(textwrap.dedent(spec).replace("MODULE", module), "  ")
        (tmp_path / "app.yaml").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        app = Embedded(plan_of(tmp_path / "app.yaml"), folder=tmp_path, data=tmp_path)
        running.append(app.__enter__())
        return app

    yield starting
    for app in running:
        app.__exit__(None, None, None)


@pytest.fixture
def sample() -> SampleEvents:
    return SampleEvents("a test")


TRIGGER = """
functions: [{name: f, handler: "MODULE:app"}]
eventDriven:
  - {name: t, filters: [{exact: {type: ping}}], function: f}
  - {name: r, filters: [{exact: {type: refused}}], function: f}
fanOut:
  - {name: pongs, filters: [{exact: {type: pong}}], subscribers: [{name: out, uri: "https://partner.example.com/e"}]}
"""


def module(app: Embedded) -> Any:
    return __import__(app.plan.nodes[0].handler.partition(":")[0])  # type: ignore[union-attr]


def test_a_published_event_and_its_replies_are_delivered_before_publishing_returns(
    start: Start, sample: SampleEvents
) -> None:
    app = start(TRIGGER)

    number = Broker(app).publish(sample("ping", {"n": 7}))

    (delivery,) = Broker(app).timeline(number)["deliveries"]
    assert (delivery["state"], [one["code"] for one in delivery["attempts"]]) == ("delivered", [200])
    assert [event.data for event in Broker(app).published("pong")] == [b'{"n":7}']
    assert Broker(app).ledger.balanced


def test_what_is_for_an_address_outside_is_kept_and_goes_nowhere(start: Start, sample: SampleEvents) -> None:
    app = start(TRIGGER)

    Broker(app).publish(sample("ping", {"n": 7}))

    assert [(sent.url, sent.event.attributes["type"]) for sent in Broker(app).sent] == [
        ("https://partner.example.com/e", "pong")
    ]


def test_a_retry_waits_for_its_time(start: Start, sample: SampleEvents) -> None:
    app = start(TRIGGER)
    module(app).broken[0] = True
    Broker(app).publish(sample("ping", {"n": 1}))
    assert module(app).seen == [1]
    module(app).broken[0] = False

    Clock(app).advance("9.999s")
    assert Broker(app).ledger.pending == 1
    Clock(app).advance("1ms")

    assert module(app).seen == [1, 1]
    assert Broker(app).ledger.delivered == 2


def test_settling_lets_all_retries_happen(start: Start, sample: SampleEvents) -> None:
    app = start(TRIGGER)
    module(app).broken[0] = True
    Broker(app).publish(sample("ping", {"n": 1}))

    ledger = Broker(app).settle()

    (dead,) = DeadLetters(app)
    assert (dead.edge, dead.code, dead.attempts) == ("event-driven/t", 500, 3)
    assert (ledger.dead_lettered, ledger.pending) == (1, 0)
    assert Clock(app).now - datetime(2026, 1, 1, tzinfo=UTC) == timedelta(seconds=30)


def test_a_refused_event_is_a_dead_letter_at_once_and_can_be_driven_again(start: Start, sample: SampleEvents) -> None:
    app = start(TRIGGER)
    dead_letters = DeadLetters(app)
    Broker(app).publish(sample("refused"))
    assert [one.reason for one in dead_letters] == ["answered 422: never"]

    assert dead_letters.redrive() == 1

    assert [one.attempts for one in dead_letters] == [2]


QUEUE = """
functions: [{name: f, handler: "MODULE:app"}]
queues:
  - name: jobs
    filters: [{exact: {type: job}}]
    kafka: {bootstrapServers: ["kafka:9092"], topic: jobs}
    function: f
    batch: {max: 3, wait: 5s}
"""


def test_a_batch_goes_when_it_is_full_or_has_waited_long_enough(start: Start, sample: SampleEvents) -> None:
    app = start(QUEUE)

    for number in range(4):
        Broker(app).publish(sample("job", {"n": number}))
    assert module(app).seen == [[0, 1, 2]]
    Clock(app).advance("5s")

    assert module(app).seen == [[0, 1, 2], [3]]


SCHEDULE = """
functions: [{name: f, handler: "MODULE:app"}]
schedules: [{name: nightly, cron: "0 2 * * *", timeZone: Europe/Berlin, function: f, data: {keep: 1}}]
"""


def test_a_schedule_fires_at_each_of_its_slots_as_time_passes(start: Start) -> None:
    app = start(SCHEDULE)
    Clock(app).advance_to(datetime(2026, 3, 27, 12, tzinfo=UTC))
    del module(app).seen[:]

    Clock(app).advance(timedelta(days=3))

    # In the night of the 29th there is no 2:00 in Berlin, and the slot is left out, as Knative does.
    assert module(app).seen == ["2026-03-28T01:00:00Z", "2026-03-30T00:00:00Z"]


def test_time_does_not_go_back(start: Start) -> None:
    app = start(TRIGGER)

    with pytest.raises(ValueError, match="time does not go back"):
        Clock(app).advance_to(datetime(2025, 1, 1, tzinfo=UTC))


SOURCE = """
functions: [{name: f, handler: "MODULE:app"}]
eventDriven:
  - {name: upload, source: {bucket: {name: uploads, events: [created]}}, function: f}
"""


def test_an_event_can_come_from_the_source_of_an_entry(start: Start, sample: SampleEvents) -> None:
    app = start(SOURCE)

    Broker(app).publish(sample("ping", {"n": 1}))
    assert Broker(app).ledger.unmatched == 1
    Broker(app).publish(sample("ping", {"n": 2}), entry="upload")

    assert module(app).seen == [2]
    with pytest.raises(LookupError, match="those that have one: upload"):
        Broker(app).publish(sample("ping"), entry="download")


COMMAND = """
functions: [{name: f, command: [node, f.js], image: example.com/f}]
eventDriven: [{name: t, filters: [{exact: {type: ping}}], function: f}]
"""


def test_a_function_that_is_a_command_says_that_tests_do_not_run_it(start: Start, sample: SampleEvents) -> None:
    app = start(COMMAND)

    Broker(app).publish(sample("ping", {"n": 1}))
    Broker(app).settle()

    (dead,) = DeadLetters(app)
    assert "it is a command; tests of an app run the handlers of Python functions" in dead.reason


async def test_an_async_test_is_told_that_it_must_not_be_one(start: Start) -> None:
    with pytest.raises(errors.EnvironmentProblem, match=r"use its fixtures in `def test_\.\.\.`"):
        start(TRIGGER)


def test_sample_events_have_ids_of_their_own_and_of_their_test() -> None:
    one, other = SampleEvents("one"), SampleEvents("other")

    ids = [make("ping").attributes["id"] for make in (one, one, other)]

    assert len(set(ids)) == 3
    assert SampleEvents("one")("ping").attributes["id"] == ids[0]
    assert one("ping", b"raw", id="7", subject="s").attributes == {
        "specversion": "1.0",
        "id": "7",
        "source": "/samples",
        "type": "ping",
        "time": "2026-01-01T00:00:00Z",
        "subject": "s",
    }
