"""Events through a real `dev` to real function processes: retries, replies, dead letters, loops."""

from __future__ import annotations

import base64
import json
import textwrap
from typing import TYPE_CHECKING

import pytest
from harness import eventually

if TYPE_CHECKING:
    from harness import Dev

QUICK = "delivery: {retry: 2, backoffPolicy: linear, backoffDelay: 50ms, timeout: 2s}\n"
RECEIVER = """
    import os, sys
    from pathlib import Path
    from patternapp.receiver import Receiver, Reject, Retry

    app = Receiver()
    FOLDER = Path(os.getcwd())
"""


def receiver(body: str) -> str:
    return textwrap.dedent(RECEIVER) + textwrap.dedent(body)


def one_trigger(more: str = "") -> str:
    return (
        QUICK
        + "functions: [{name: f, handler: 'fn:app', scale: {idle: 30s}}]\n"
        + "eventDriven: [{name: t, filters: [{exact: {type: ping}}], function: f}]\n"
        + textwrap.dedent(more)
    )


def test_an_event_is_delivered_to_the_function_whose_filter_matches(dev: Dev) -> None:
    dev.write(
        one_trigger(),
        fn=receiver("""
        @app.on("ping")
        def got(data: dict) -> None:
            (FOLDER / "got").write_text(str(data["n"]))
    """),
    ).start()

    answer = dev.send("ping", {"n": 7})
    dev.send("something.else", id_="2")

    assert answer.status == 202
    ledger = dev.settled()
    assert ledger == {
        "accepted": 2, "unmatched": 1, "deliveries": 1, "delivered": 1, "dead_lettered": 0, "pending": 0,
    }  # fmt: skip
    assert (dev.folder / "got").read_text() == "7"


def test_a_reply_goes_back_to_the_broker_and_names_its_cause(dev: Dev) -> None:
    dev.write(
        one_trigger("fanOut: [{name: pongs, filters: [{exact: {type: pong}}], subscribers: [{name: f, function: f}]}]"),
        fn=receiver("""
            from pydantic import BaseModel

            class Pong(BaseModel):
                n: int

            @app.on("ping", reply="pong")
            def got(data: dict) -> Pong:
                return Pong(n=data["n"] + 1)

            @app.on("pong")
            def done(data: Pong) -> None:
                (FOLDER / "got").write_text(str(data.n))
        """),
    ).start()

    seq = dev.send("ping", {"n": 1}).headers["patternapp-event"]

    dev.settled()
    assert (dev.folder / "got").read_text() == "2"
    (reply,) = dev.event(seq)["replies"]
    assert dev.event(reply)["type"] == "pong"
    assert dev.event(reply)["cause"] == int(seq)


def test_a_failing_function_is_tried_again_until_it_works(dev: Dev) -> None:
    dev.write(
        one_trigger(),
        fn=receiver("""
        @app.on("ping")
        def got(data: dict) -> None:
            tries = FOLDER / "tries"
            tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
            if len(tries.read_text()) < 3:
                raise RuntimeError("not yet")
    """),
    ).start()

    seq = dev.send("ping", {}).headers["patternapp-event"]

    assert dev.settled()["delivered"] == 1
    (delivery,) = dev.event(seq)["deliveries"]
    assert [attempt["code"] for attempt in delivery["attempts"]] == [500, 500, 204]


def test_an_event_whose_retries_are_used_up_is_a_dead_letter_and_can_be_driven_again(dev: Dev) -> None:
    dev.write(
        one_trigger(),
        fn=receiver("""
        @app.on("ping")
        def got(data: dict) -> None:
            if not (FOLDER / "mended").exists():
                raise RuntimeError("still broken")
    """),
    ).start()
    dev.send("ping", {})
    assert dev.settled()["dead_lettered"] == 1
    (dead,) = dev.api("dead-letters")["deadLetters"]
    assert (dead["edge"], dead["code"], dead["attempts"]) == ("event-driven/t", 500, 3)

    (dev.folder / "mended").touch()
    assert dev.api("dead-letters/redrive", {"all": True}) == {"redriven": 1}

    assert dev.settled()["delivered"] == 1
    assert dev.api("dead-letters")["deadLetters"] == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise Reject('no such order')", "answered 422"),
        ("return {'ok': True}", "answered 500"),
    ],
)
def test_an_event_that_is_refused_for_good_is_not_tried_again(dev: Dev, body: str, reason: str) -> None:
    dev.write(
        one_trigger(),
        fn=receiver(f"""
        @app.on("ping")
        def got(data: dict):
            {body}
    """),
    ).start()

    dev.send("ping", {})

    assert dev.settled()["dead_lettered"] == 1
    (dead,) = dev.api("dead-letters")["deadLetters"]
    assert dead["reason"].startswith(reason)


def test_a_plain_fastapi_answer_of_200_with_null_is_a_failure_that_says_what_to_do(dev: Dev) -> None:
    dev.write(
        one_trigger(),
        fn="""
        from fastapi import FastAPI

        app = FastAPI()

        @app.post("/")
        async def got():
            return None
    """,
    ).start()

    dev.send("ping", {})

    assert dev.settled()["dead_lettered"] == 1
    (dead,) = dev.api("dead-letters")["deadLetters"]
    assert "is not a CloudEvent; answer 204 with no body" in dead["reason"]


def test_events_that_answer_each_other_in_a_circle_end_after_255_passes(dev: Dev) -> None:
    dev.write(
        one_trigger(),
        fn=receiver("""
        @app.on("ping", reply="ping")
        def got(data: dict) -> dict:
            return data
    """),
    ).start()

    dev.send("ping", {})

    ledger = eventually(lambda: (known := dev.ledger())["dead_lettered"] == 1 and known)
    assert (ledger["accepted"], ledger["delivered"], ledger["pending"]) == (255, 254, 0)
    (dead,) = dev.api("dead-letters")["deadLetters"]
    assert "in a circle" in dead["reason"]


def test_a_function_that_hangs_is_cut_off_at_the_timeout_and_the_others_go_on(dev: Dev) -> None:
    dev.write(
        """
        delivery: {retry: 0, timeout: 500ms}
        functions:
          - {name: hangs, handler: "hangs:app"}
          - {name: works, handler: "works:app"}
        fanOut:
          - name: all
            filters: [{exact: {type: ping}}]
            subscribers: [{name: hangs, function: hangs}, {name: works, function: works}]
        """,
        hangs=receiver("""
            import asyncio

            @app.on("ping")
            async def got(data: dict) -> None:
                await asyncio.Event().wait()
        """),
        works=receiver("""
            @app.on("ping")
            def got(data: dict) -> None:
                pass
        """),
    ).start()

    dev.send("ping", {})

    ledger = dev.settled()
    assert (ledger["delivered"], ledger["dead_lettered"]) == (1, 1)
    (dead,) = dev.api("dead-letters")["deadLetters"]
    assert dead["reason"].startswith("no answer within 0.5 s")


def test_a_handler_that_takes_longer_than_its_function_may_is_ended_and_its_caller_told_so(dev: Dev) -> None:
    dev.write(
        """
        delivery: {retry: 0, timeout: 60s}
        functions: [{name: f, handler: "fn:app", timeout: 1s}]
        eventDriven: [{name: t, filters: [{exact: {type: ping}}], function: f}]
        """,
        fn=receiver("""
            import asyncio

            @app.on("ping")
            async def got(data: dict) -> None:
                try:
                    await asyncio.Event().wait()
                finally:
                    (FOLDER / "ended").touch()
        """),
    ).start()

    dev.send("ping", {})

    assert dev.settled()["dead_lettered"] == 1
    (dead,) = dev.api("dead-letters")["deadLetters"]
    assert dead["code"] == 504
    assert (dev.folder / "ended").exists()


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("import nothing_of_this_name\n", "nothing_of_this_name"),
        ("raise RuntimeError('broken at import')\n", "broken at import"),
        ("import os\nos._exit(3)\n", "3"),
    ],
)
def test_a_function_that_cannot_start_is_a_dead_letter_that_says_why(dev: Dev, module: str, reason: str) -> None:
    dev.write(one_trigger(), fn=module).start()

    dev.send("ping", {})

    assert dev.settled()["dead_lettered"] == 1
    (dead,) = dev.api("dead-letters")["deadLetters"]
    assert reason in dead["reason"]
    assert dev.get("/healthz").status == 200


def test_a_function_that_exits_in_the_middle_of_a_request_is_started_again_for_the_retry(dev: Dev) -> None:
    dev.write(
        one_trigger(),
        fn=receiver("""
        @app.on("ping")
        def got(data: dict) -> None:
            if not (FOLDER / "died").exists():
                (FOLDER / "died").touch()
                os._exit(9)
    """),
    ).start()

    seq = dev.send("ping", {}).headers["patternapp-event"]

    assert dev.settled()["delivered"] == 1
    (delivery,) = dev.event(seq)["deliveries"]
    assert [attempt["code"] for attempt in delivery["attempts"]] == [None, 204]


def test_the_dead_letter_function_gets_the_event_with_the_error_attributes(dev: Dev) -> None:
    dev.write(
        """
        delivery: {retry: 0, deadLetter: {function: undertaker}}
        functions:
          - {name: f, handler: "fn:app"}
          - {name: undertaker, handler: "undertaker:app"}
        eventDriven: [{name: t, filters: [{exact: {type: ping}}], function: f}]
        """,
        fn=receiver("""
            @app.on("ping")
            def got(data: dict) -> None:
                raise Reject("no such order")
        """),
        undertaker=receiver("""
            import json
            from patternapp.receiver import Event

            @app.on("ping")
            def got(event: Event[dict]) -> None:
                (FOLDER / "dead.json").write_text(json.dumps(dict(event.attributes)))
        """),
    ).start()

    dev.send("ping", {})

    assert dev.settled()["dead_lettered"] == 1
    attributes = json.loads((dev.folder / "dead.json").read_text())
    assert attributes["type"] == "ping"
    assert str(attributes["knativeerrorcode"]) == "422"
    assert b"no such order" in base64.b64decode(attributes["knativeerrordata"])


def test_what_a_function_prints_is_kept_with_the_event_it_worked_on(dev: Dev) -> None:
    dev.write(
        one_trigger(),
        fn=receiver("""
        @app.on("ping")
        def got(data: dict) -> None:
            print("working on", data["n"])
    """),
    ).start()

    first = dev.send("ping", {"n": 1}).headers["patternapp-event"]
    second = dev.send("ping", {"n": 2}, id_="2").headers["patternapp-event"]

    dev.settled()
    lines = {seq: eventually(lambda seq=seq: dev.event(seq)["logs"]) for seq in (first, second)}  # type: ignore[misc]
    assert [line["line"] for line in lines[first]] == ["working on 1"]
    assert [line["line"] for line in lines[second]] == ["working on 2"]
