"""Whose turn it is, case by case."""

from __future__ import annotations

import pytest

from patternapp_services.outbox import turns
from patternapp_services.outbox.turns import Waiting

A, B, C = '["a"]', '["b"]', '["c"]'


@pytest.mark.parametrize(
    ("reason", "window", "want"),
    [
        ("nothing waits", [], []),
        ("rows do not wait for each other", [Waiting(1, A), Waiting(2, B)], [[1], [2]]),
        ("one row's changes are one turn", [Waiting(1, A), Waiting(2, B), Waiting(3, A)], [[1, 3], [2]]),
        (
            "a row that moved waits for the row that was where it went",
            [Waiting(1, B), Waiting(2, B, was=A), Waiting(3, A)],
            [[1]],
        ),
        (
            "a row that moved waits for its own earlier changes",
            [Waiting(1, A), Waiting(2, B, was=A), Waiting(3, B)],
            [[1]],
        ),
        (
            "a row that moved goes alone, and both its keys wait for it",
            [Waiting(1, B, was=A), Waiting(2, A), Waiting(3, B), Waiting(4, C)],
            [[1], [4]],
        ),
        (
            "a turn ends where its row moves on",
            [Waiting(1, A), Waiting(2, A), Waiting(3, B, was=A), Waiting(4, A)],
            [[1, 2]],
        ),
    ],
)
def test_a_change_waits_for_every_earlier_one_of_its_row(
    reason: str, window: list[Waiting], want: list[list[int]]
) -> None:
    assert turns.turns(window) == want, reason


def test_what_rests_holds_up_its_row_and_no_other() -> None:
    window = [Waiting(1, A), Waiting(2, A), Waiting(3, B)]

    assert turns.turns(window, resting={1}) == [[3]]


def test_a_busy_row_does_not_take_the_whole_round() -> None:
    window = [Waiting(number, A) for number in range(1, 30)]

    assert turns.turns(window) == [list(range(1, turns.RUN + 1))]
