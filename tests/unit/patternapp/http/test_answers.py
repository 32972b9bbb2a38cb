"""Error answers."""

from __future__ import annotations

import base64
import json

import pytest

from patternapp.http import answers

KEPT = 1024
"""Characters of base64 that the default Broker's dispatcher has room for; it dies of one more."""


@pytest.mark.parametrize("detail", ["x" * 5000, "\N{SNOWMAN}" * 5000, "\x00" * 5000])
def test_however_much_there_is_to_say_a_dispatcher_of_knative_survives_it(detail: str) -> None:
    answer = answers.problem(422, detail)

    assert len(base64.b64encode(answer.body)) <= KEPT
    assert json.loads(answer.body)["detail"].endswith("\N{HORIZONTAL ELLIPSIS}")


def test_what_is_short_is_said_whole() -> None:
    assert json.loads(answers.problem(422, "no such order").body)["detail"] == "no such order"
