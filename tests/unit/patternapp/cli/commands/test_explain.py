"""`patternapp explain`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Explain = Callable[..., Any]

MORE = """\
    - name: loud
      filters: [{exact: {type: hello.said}}, {any: [{exact: {to: all}}, {prefix: {to: m}}]}]
      function: greeter
    - {name: sql, filters: [{exact: {type: hello.said}}, {cesql: "EXISTS to"}], function: greeter}
    - {name: other, filters: [{exact: {type: bye.said}}, {cesql: "EXISTS to"}], function: greeter}
"""


@pytest.fixture
def explain(app: Path, patternapp: Any) -> Explain:
    """Runs the command for an event with these extensions."""
    app.write_text(app.read_text() + MORE)

    def run(*options: str, **extensions: str) -> Any:
        file = app.with_name("event.json")
        file.write_text(
            json.dumps({"specversion": "1.0", "id": "7", "source": "/t", "type": "hello.said"} | extensions)
        )
        return patternapp("explain", file, "--app", app, *options)

    return run


def test_each_trigger_says_whether_it_takes_the_event(explain: Explain) -> None:
    (event,) = json.loads(explain("-o", "json", to="you").out)["events"]

    assert {trigger["key"]: trigger["matched"] for trigger in event["triggers"]} == {
        "event-driven/hello": True,
        "event-driven/loud": False,
        "event-driven/sql": None,
        "event-driven/other": False,
    }


def test_why_a_trigger_does_not_take_an_event_names_the_condition(explain: Explain) -> None:
    lines = explain(to="you").out.splitlines()

    assert lines[0] == "hello.said 7 from /t: 1 of 4 triggers take it"
    assert "✓ event-driven/hello to function/greeter" in lines
    assert "    filters[1].any[0].exact.to: to is 'you', which is not 'all'" in lines
    assert "    filters[1]: a CESQL expression, which only a cluster evaluates" in lines


def test_a_trigger_that_takes_the_event_needs_no_reason(explain: Explain) -> None:
    assert "✓ event-driven/loud to function/greeter\n? event-driven/sql" in explain(to="me").out


def test_an_event_that_is_none_is_wrong_input(explain: Explain) -> None:
    result = explain(type="")

    assert (result.code, result.out) == (1, "")
    assert "event.json" in result.err
