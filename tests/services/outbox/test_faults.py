"""The role `outbox` when things go wrong: nothing is lost, and nothing comes twice but after a crash."""

from __future__ import annotations

import base64
import itertools
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from components import process
from harness import eventually
from services.outbox import rig as rigs

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.functions import Answer, Events
    from services.outbox.rig import Rig

FILL = "INSERT INTO stock SELECT number FROM generate_series({}, {}) AS made (number)"


def ids(rig: Rig) -> set[int]:
    return {row["id"] for _, _, row in rig.sent()}


def refusing(subject: str, status: int, said: bytes) -> Callable[[Events], Answer]:
    """Takes all but the events of one row."""

    def answer(events: Events) -> Answer:
        return (status, said) if events[0]["subject"] == subject else rigs.TAKEN

    return answer


def slowly(_: Any) -> Answer:
    """Takes long enough for two readers to find something."""
    threading.Event().wait(0.01)
    return rigs.TAKEN


def trouble(service: Any) -> str:
    """Why it is not ready; empty where it is."""
    status, _, body = service.get("/readyz")
    return "" if status == 200 else str(json.loads(body)["status"])


def test_changes_that_were_made_while_the_broker_was_away_come_once_it_is_back(rig: Rig) -> None:
    reader = rig.reader()
    rig.ready(reader)
    rig.broker.stop()
    rig.run(FILL.format(1, 120))
    eventually(lambda: "the Broker did not take the event" in trouble(reader))

    rig.broker.start()

    eventually(lambda: ids(rig) == {*range(1, 121)}, within=60)
    rig.emptied()
    assert rig.times() == {1: 120}
    rig.ready(reader)


def test_changes_that_were_made_while_no_reader_ran_come_with_the_next(rig: Rig) -> None:
    first = rig.reader()
    rig.ready(first)
    first.program.stop()
    rig.run(FILL.format(1, 3))

    rig.reader()

    eventually(lambda: ids(rig) == {1, 2, 3})
    assert rig.times() == {1: 3}


def test_a_row_s_changes_stay_in_order_while_the_broker_refuses_some_for_now(rig: Rig) -> None:
    answers = itertools.cycle([503, 202, 202, 500, 202])
    taken: list[Any] = []

    def answer(events: list[dict[str, Any]]) -> tuple[int, bytes]:
        status = next(answers)
        if status == 202:
            taken.extend(rigs.change(event) for event in events)
        return status, b""

    rig.broker.answer = answer
    rig.ready(rig.reader())

    rig.run("INSERT INTO stock VALUES (1), (2)", *["UPDATE stock SET amount = coalesce(amount, 0) + 1"] * 4)

    eventually(lambda: len(taken) == 10, within=90)
    for number in (1, 2):
        amounts = [after["amount"] for _, _, after in taken if after["id"] == number]
        assert amounts == [None, 1, 2, 3, 4]


def test_nothing_is_lost_when_readers_are_killed(rig: Rig) -> None:
    readers = [rig.reader(), rig.reader()]
    for reader in readers:
        rig.ready(reader)

    for round_ in range(6):
        rig.run(FILL.format(round_ * 100 + 1, round_ * 100 + 100))
        rig.sends(10)
        readers[round_ % 2].program.kill()
        readers[round_ % 2].program.start()

    eventually(lambda: ids(rig) == {*range(1, 601)}, within=90)
    rig.emptied()


def test_two_readers_share_the_changes_and_none_comes_twice(rig: Rig) -> None:
    rig.broker.answer = slowly
    readers = [rig.reader(), rig.reader()]
    for reader in readers:
        rig.ready(reader)

    rig.run(FILL.format(1, 1000))

    eventually(lambda: ids(rig) == {*range(1, 1001)}, within=120)
    rig.emptied()
    assert rig.times() == {1: 1000}
    shares = [reader.metrics()["patternapp_outbox_sent_total"] for reader in readers]
    assert sum(shares) == 1000
    assert min(shares) > 0


CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'patternapp-outbox' AND datname = current_database()
"""


def test_a_connection_that_is_cut_is_made_anew(rig: Rig) -> None:
    reader = rig.reader()
    rig.ready(reader)

    cut = rig.query(CUT)
    rig.run(FILL.format(1, 3))

    assert cut == [(True,)]
    eventually(lambda: ids(rig) == {1, 2, 3})
    rig.ready(reader)


def test_what_was_sent_while_the_connection_was_cut_comes_again_with_the_same_id(rig: Rig) -> None:
    called, answer = threading.Event(), threading.Event()

    def hold(_: Any) -> Answer:
        called.set()
        answer.wait(60)
        return rigs.TAKEN

    rig.broker.answer = hold
    rig.ready(rig.reader())
    rig.run(FILL.format(1, 1))
    assert called.wait(60)

    rig.query(CUT)
    answer.set()

    eventually(lambda: rig.times() == {2: 1})
    rig.emptied()


def test_a_reader_that_is_told_to_stop_ends_what_it_sends(rig: Rig) -> None:
    called, answer = threading.Event(), threading.Event()

    def hold(_: Any) -> Answer:
        called.set()
        answer.wait(60)
        return rigs.TAKEN

    rig.broker.answer = hold
    reader = rig.reader()
    rig.ready(reader)
    rig.run(FILL.format(1, 1))
    assert called.wait(60)

    stopping = threading.Thread(target=reader.program.stop)
    stopping.start()
    eventually(lambda: "stopping" in trouble(reader))
    answer.set()
    stopping.join()

    assert rig.query("SELECT count(*) FROM patternapp_outbox.changes") == [(0,)]
    assert rig.times() == {1: 1}


def test_what_the_broker_never_takes_is_a_dead_letter_and_holds_up_nobody(rig: Rig) -> None:
    rig.broker.answer = refusing("2", 400, b"no two")
    reader = rig.reader()
    rig.ready(reader)

    rig.run(FILL.format(1, 3))

    rig.emptied()
    ((letter,),) = [call.events for call in rig.dead_letters.calls]
    assert letter["subject"] == "2"
    assert letter["knativeerrordest"] == rig.broker.url
    assert letter["knativeerrorcode"] == "400"
    assert base64.b64decode(letter["knativeerrordata"]) == b"no two"
    assert json.loads(letter["data"])["after"]["id"] == 2
    assert reader.metrics()["patternapp_outbox_dead_lettered_total"] == 1
    assert trouble(reader) == ""


def test_what_nobody_takes_is_kept_with_the_reason(rig: Rig) -> None:
    rig.broker.answer = refusing("2", 413, b"too long")
    rig.dead_letters.answer = lambda _: (400, b"not here")
    reader = rig.reader()
    rig.ready(reader)

    rig.run(FILL.format(1, 3))

    rig.emptied()
    ((key, reason),) = rig.query("SELECT key, refused FROM patternapp_outbox.changes")
    assert key == "[2]"
    assert "answered 413: too long" in reason
    assert "the dead letters did not take it: answered 400: not here" in reason
    eventually(lambda: reader.metrics()["patternapp_outbox_refused"] == 1)

    rig.broker.answer = lambda _: rigs.TAKEN
    rig.run("UPDATE patternapp_outbox.changes SET refused = NULL")
    eventually(lambda: ids(rig) == {1, 2, 3} and rig.query("SELECT 1 FROM patternapp_outbox.changes") == [])


def test_a_row_that_is_too_large_for_a_broker_is_kept_with_the_reason(rig: Rig) -> None:
    rig.ready(rig.reader())

    rig.run("INSERT INTO stock VALUES (1, repeat('x', 2000000)), (2, 'small')")

    rig.has(("inserted", None, {"id": 2, "name": "small", "amount": None}))
    rig.emptied()
    ((reason,),) = rig.query("SELECT refused FROM patternapp_outbox.changes")
    assert "bytes, and Brokers take 1048576" in reason


def test_the_outbox_shows_how_much_waits_and_for_how_long(rig: Rig) -> None:
    reader = rig.reader()
    rig.ready(reader)
    rig.broker.answer = lambda _: (503, b"")

    rig.run(FILL.format(1, 5))

    eventually(lambda: reader.metrics()["patternapp_outbox_pending"] == 5)
    eventually(lambda: reader.metrics()["patternapp_outbox_lag_seconds"] > 0)
    assert reader.metrics()["patternapp_outbox_failed_total"] >= 5
    rig.broker.answer = lambda _: rigs.TAKEN
    eventually(lambda: reader.metrics()["patternapp_outbox_pending"] == 0)


def test_a_reader_that_is_told_nothing_of_the_broker_does_not_start(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("K_SINK", raising=False)
    reader = rig.reader(started=False, sink="")

    with pytest.raises(process.NotStartedError, match="K_SINK is not set"):
        reader.program.start()
