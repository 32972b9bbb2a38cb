"""How much of what could be sent a round takes."""

from __future__ import annotations

from patternapp_services.outbox import journal


def test_a_round_with_room_takes_turns_whole() -> None:
    assert journal.cut([[1, 4], [2], [3, 5, 6]]) == [[1, 4], [2], [3, 5, 6]]


def test_a_full_round_takes_the_first_of_every_turn_before_more_of_one() -> None:
    many = [[number, number + 1000] for number in range(journal.ROUND - 1)]

    cut = journal.cut(many)

    assert [turn[0] for turn in cut] == list(range(journal.ROUND - 1))
    assert sum(map(len, cut)) == journal.ROUND


def test_a_round_holds_no_more_turns_than_changes() -> None:
    assert len(journal.cut([[number, -number] for number in range(200)])) == journal.ROUND
