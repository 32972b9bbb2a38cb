"""`patternapp dlq` of a running app."""

from __future__ import annotations

from typing import Any

import pytest


def test_a_dead_letter_is_listed_with_its_reason(app: Any) -> None:
    number = app.dead_letter()

    head, line = app.run("dlq list").out.splitlines()

    assert head.split() == ["DELIVERY", "EVENT", "TYPE", "EDGE", "ATTEMPTS", "CODE", "REASON"]
    assert line.split()[:6] == [str(number), "1", "hello.shouted", "event-driven/hello", "1", "422"]


def test_a_dead_letter_is_shown_with_its_attempts(app: Any) -> None:
    number = app.dead_letter()

    out = app.run(f"dlq show {number}").out

    assert f"delivery {number}  event-driven/hello  dead_lettered" in out
    assert "422" in out
    assert "too loud" in out


def test_json_of_a_dead_letter_has_its_event(app: Any) -> None:
    number = app.dead_letter()

    letter = app.run(f"dlq show {number} -o json").json()

    assert (letter["delivery"], letter["event"]["type"]) == (number, "hello.shouted")


def test_a_dead_letter_that_is_not_there_is_wrong_input(app: Any) -> None:
    result = app.run("dlq show 99")

    assert (result.code, result.out) == (1, "")
    assert "there is no dead letter 99" in result.err


def test_a_dead_letter_is_delivered_again_once_its_cause_is_gone(app: Any) -> None:
    number = app.dead_letter()
    (app.dev.folder / "ears-covered").touch()

    result = app.run(f"dlq redrive {number}")

    assert result.out == "1 dead letter to be delivered again\n"
    ledger = app.dev.settled()
    assert (ledger["delivered"], ledger["dead_lettered"]) == (1, 0)


def test_numbers_that_are_no_dead_letters_are_wrong_input(app: Any) -> None:
    number = app.dead_letter()

    result = app.run(f"dlq purge {number} 99")

    assert (result.code, result.out) == (1, "1 dead letter deleted\n")
    assert "1 of those named are no dead letters" in result.err


def test_all_dead_letters_are_deleted_at_once(app: Any) -> None:
    app.dead_letter()
    app.dead_letter()

    result = app.run("dlq purge --all")

    assert (result.code, result.out) == (0, "2 dead letters deleted\n")
    assert app.run("dlq list -o json").json() == {"deadLetters": []}


@pytest.mark.parametrize(("command", "count"), [("redrive", "redriven"), ("purge", "purged")])
def test_json_of_what_was_done_with_dead_letters_is_their_count(command: str, count: str, app: Any) -> None:
    app.dead_letter()

    assert app.run(f"dlq {command} --all -o json").json() == {count: 1}
