from __future__ import annotations

from typing import Any

from patternapp import errors
from patternapp.cluster import resources
from patternapp.cluster.readiness import Readiness
from patternapp_operator import conditions
from patternapp_operator.conditions import Frame, State

FINE, BAD, OPEN = Readiness("True", "Fine"), Readiness("False", "Broken", "no image"), Readiness("Unknown", "Waiting")


def state(name: str, told: Readiness) -> State:
    return State(resources.Ref("ns", "", "ConfigMap", name), "Functions", told)


def frame(*before: dict[str, Any]) -> Frame:
    return Frame({"conditions": list(before), "url": "http://kept"}, 3, "2026-01-02T00:00:00Z")


def test_a_failure_is_told_before_what_is_not_known() -> None:
    told = conditions.ready([state("a", FINE), state("b", OPEN), state("c", BAD)])

    assert told == Readiness("False", "Broken", "ConfigMap c: no image")


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    before = {"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z"}

    assert frame(before).condition("Ready", BAD)["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert frame(before).condition("Ready", FINE)["lastTransitionTime"] == "2026-01-02T00:00:00Z"


def test_a_reason_that_is_a_sentence_becomes_a_word() -> None:
    assert frame().condition("Ready", Readiness("False", "1 of 2 failed!"))["reason"] == "Reason1of2failed"


def test_a_message_holds_nothing_that_a_terminal_obeys() -> None:
    told = Readiness("False", "Broken", "it said: \x1b[2J\x9b1;1H\u202e\rgone\nand more")

    message = frame().condition("Ready", told)["message"]

    assert message == "it said: \ufffd[2J\ufffd1;1H\ufffd\ufffdgone\nand more"


def test_what_was_made_of_an_earlier_spec_stays_in_the_status_of_a_wrong_one() -> None:
    problems = [errors.Problem("", 0, f"spec.functions[{n}]", "MissingImage", "set one") for n in range(12)]

    status = conditions.refused(frame(), problems)

    (ready,) = status["conditions"]
    assert (ready["status"], ready["reason"]) == ("False", "MissingImage")
    assert ready["message"].splitlines()[0] == "spec.functions[0]: set one [MissingImage]"
    assert ready["message"].splitlines()[-1] == "and 2 more"
    assert status["url"] == "http://kept"


def test_a_paused_app_keeps_its_conditions() -> None:
    before = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}

    status = conditions.paused(frame(before))

    assert [one["type"] for one in status["conditions"]] == ["Ready", "Paused"]


def test_a_patch_takes_away_what_the_status_has_not() -> None:
    assert conditions.patch({"conditions": []})["url"] is None
