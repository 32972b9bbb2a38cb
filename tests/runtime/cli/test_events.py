"""`patternapp events` of a running app."""

from __future__ import annotations

import json
import signal
from typing import Any


def test_events_are_listed_with_what_became_of_them(app: Any) -> None:
    app.run("send hello.said", "--data", '{"name": "Ada"}', "--subject", "ada")
    app.dev.settled()

    result = app.run("events")

    head, first, reply = result.out.splitlines()
    assert head.split() == ["EVENT", "ACCEPTED", "TYPE", "SOURCE", "SUBJECT", "DELIVERIES"]
    assert first.split()[:1] + first.split()[2:] == [
        "1", "hello.said", "/patternapp/send", "ada", "event-driven/hello", "delivered",
    ]  # fmt: skip
    assert reply.split()[2] == "answer.given"
    assert reply.endswith("unmatched")


def test_only_events_of_the_type_that_was_asked_for_are_listed(app: Any) -> None:
    app.run("send hello.one")
    app.run("send hello.two")

    found = app.run("events --type hello.two -o json").json()["events"]

    assert [event["type"] for event in found] == ["hello.two"]


def test_the_ledger_counts_what_became_of_all(app: Any) -> None:
    app.run("send nobody.cares")

    ledger = app.run("events --ledger -o json").json()

    assert ledger == app.dev.ledger()
    assert app.run("events --ledger").out.splitlines()[1].split() == ["accepted", "1"]


def test_a_timeline_has_attributes_attempts_output_and_replies(app: Any) -> None:
    app.run("send hello.said", "--data", '{"name": "Ada"}')
    app.dev.settled()

    out = app.run("events 1").out

    assert "  type: hello.said\n" in out
    assert '  data: {"name": "Ada"}\n' in out
    assert "  event-driven/hello  delivered\n" in out
    assert "  attempt 1  " in out
    assert "  greeter  greeting Ada\n" in out
    assert "reply: event 2\n" in out


def test_an_event_that_is_not_there_is_wrong_input(app: Any) -> None:
    result = app.run("events 99")

    assert (result.code, result.out) == (1, "")
    assert "there is no event 99" in result.err


def test_following_shows_events_as_they_come_until_ctrl_c(app: Any) -> None:
    app.run("send hello.before")

    with app.start("events --follow -o json") as follower:
        assert json.loads(follower.stdout.readline())["type"] == "hello.before"
        app.run("send hello.after")
        assert json.loads(follower.stdout.readline())["type"] == "hello.after"
        follower.send_signal(signal.SIGINT)
        _, err = follower.communicate(timeout=30)

    assert (follower.returncode, err) == (0, "")
