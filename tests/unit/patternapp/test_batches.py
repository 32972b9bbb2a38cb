"""Answers to batches: what they may say, and what is said to one that may not."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from patternapp import batches
from patternapp.batches import Failure

NAMED = {"source": "/shop", "id": "7"}


def answer(*failures: Any) -> bytes:
    return json.dumps({"failures": failures}).encode()


def test_an_answer_without_a_body_names_no_failure() -> None:
    assert batches.decode(b"") == ()


def test_an_answer_with_an_empty_list_names_no_failure() -> None:
    assert batches.decode(answer()) == ()


def test_a_failure_is_tried_again_with_the_usual_wait_unless_it_says_otherwise() -> None:
    assert batches.decode(answer(NAMED)) == (Failure(source="/shop", id="7", reason="", retry=True, after=None),)


def test_a_failure_can_say_why_when_and_that_it_is_the_end() -> None:
    said = batches.decode(answer({**NAMED, "reason": "no stock", "retry": False, "after": 2}))

    assert said == (Failure(source="/shop", id="7", reason="no stock", retry=False, after=2.0),)


def test_a_reason_is_cut_at_1024_characters() -> None:
    (failure,) = batches.decode(answer({**NAMED, "reason": "x" * 5000}))

    assert len(failure.reason) == 1024


@pytest.mark.parametrize("after", ["2", True, None, [2]])
def test_a_wait_that_is_not_a_number_is_left_to_the_backoff(after: Any) -> None:
    (failure,) = batches.decode(answer({**NAMED, "after": after}))

    assert failure.after is None


def test_a_wait_that_no_float_holds_is_endless() -> None:
    (failure,) = batches.decode(b'{"failures": [{"source": "/shop", "id": "7", "after": 1' + b"0" * 400 + b"}]}")

    assert failure.after == math.inf


@pytest.mark.parametrize("body", [b"OK", b"{", b"\xff\xfe{}", b"[" * 100_000], ids=["text", "cut", "binary", "deep"])
def test_a_body_that_is_not_json_is_refused_as_such(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^the answer to a batch is not JSON: "):
        batches.decode(body)


@pytest.mark.parametrize("body", [b"null", b"[]", b"{}", b'"failures"', b'{"failures": null}', b'{"failures": {}}'])
def test_json_of_another_shape_is_refused_with_the_shape_that_is_wanted(body: bytes) -> None:
    with pytest.raises(ValueError, match=r'is \{"failures": \[\.\.\.\]\}, or has no body$'):
        batches.decode(body)


@pytest.mark.parametrize("failure", [None, "7", [], {}, {"id": "7"}, {"source": "/shop"}, {"source": 1, "id": "7"}])
def test_a_failure_that_names_no_event_is_refused(failure: Any) -> None:
    with pytest.raises(ValueError, match=r"^every failure names its event: "):
        batches.decode(answer(NAMED, failure))
