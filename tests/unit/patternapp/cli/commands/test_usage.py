"""Combinations of options that mean nothing are wrong usage, before anything is asked of a server."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("send",), "give either a TYPE or --file"),
        (("send", "t", "--file", "events.json"), "give either a TYPE or --file"),
        (("send", "t", "--id", "1", "--count", "2"), "the same event"),
        (("send", "t", "-e", "priority"), "is not NAME=VALUE"),
        (("events", "7", "--follow"), "exclude each other"),
        (("events", "--ledger", "--follow"), "exclude each other"),
        (("events", "--url", "ftp://127.0.0.1"), "is not an address"),
        (("graph", "app.yaml", "-n", "shop"), "a file is asked of no cluster; add --live"),
        (("status", "--wait"), "--wait needs the name of an app"),
        (("status", "shop", "--wait", "--watch"), "exclude each other"),
        (("status", "shop", "--wait", "--timeout", "soon"), "'soon' is not a duration"),
        (("status", "shop", "--lease", "operator"), "'operator' is not NAMESPACE/NAME"),
        (("dlq", "redrive"), "give either numbers of deliveries or --all"),
        (("dlq", "purge", "7", "--all"), "give either numbers of deliveries or --all"),
    ],
    ids=" ".join,
)
def test_a_combination_that_means_nothing_exits_with_2(
    arguments: tuple[str, ...], message: str, patternapp: Any
) -> None:
    result = patternapp(*arguments)

    assert (result.code, result.out) == (2, "")
    assert message in " ".join(result.err.split())


def test_an_event_that_is_none_is_refused_before_it_is_sent(patternapp: Any) -> None:
    result = patternapp("send", "t", "-e", "Not-Allowed=1", "--url", "http://127.0.0.1:1")

    assert result.code == 1
    assert "Not-Allowed" in result.err
