"""`patternapp send` to a running app."""

from __future__ import annotations

import json
from typing import Any


def test_an_event_is_sent_and_its_number_printed(app: Any) -> None:
    result = app.run("send hello.said", "--id", "first", "--data", '{"name": "Ada"}', "-e", "priority=high")

    assert (result.code, result.err) == (0, "")
    assert result.out == "first accepted as event 1\n"
    attributes = app.dev.event(1)["attributes"]
    assert (attributes["type"], attributes["priority"]) == ("hello.said", "high")


def test_each_of_many_events_is_an_event_of_its_own(app: Any) -> None:
    sent = app.run("send hello.said --count 3 -o json", "--data", '{"name": "Ada"}').json()["sent"]

    assert [one["event"] for one in sent] == [1, 2, 3]
    assert len({one["id"] for one in sent}) == 3


def test_the_events_of_a_file_are_sent_in_their_order(app: Any) -> None:
    events = [{"specversion": "1.0", "id": id_, "source": "/file", "type": "hello.there"} for id_ in ("b", "a")]
    (app.dev.folder / "events.json").write_text(json.dumps(events))

    result = app.run("send --file events.json")

    assert result.out.splitlines() == ["b accepted as event 1", "a accepted as event 2"]


def test_an_event_goes_to_the_topic_of_a_stream(app: Any) -> None:
    app.run("send click --topic clicks", "--data", '{"page": "/"}')

    app.dev.settled()
    (delivery,) = app.dev.event(1)["deliveries"]
    assert (delivery["edge"], delivery["state"]) == ("stream/clicks", "delivered")


def test_a_topic_that_nobody_reads_is_wrong_input_with_the_server_s_reason(app: Any) -> None:
    result = app.run("send click --topic clacks")

    assert (result.code, result.out) == (1, "")
    assert "no stream of this app reads the topic 'clacks'; topics: clicks" in result.err


def test_an_event_that_is_too_large_is_wrong_input_with_the_server_s_reason(app: Any) -> None:
    (app.dev.folder / "large.bin").write_bytes(bytes(2 * 1024 * 1024))

    result = app.run("send hello.said --data @large.bin")

    assert (result.code, result.out) == (1, "")
    assert "413: The body is longer than" in result.err
