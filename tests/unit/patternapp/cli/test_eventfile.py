"""Files of events, in each of the forms they may have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from patternapp import errors
from patternapp.cli import eventfile

if TYPE_CHECKING:
    from pathlib import Path

FIRST = {"specversion": "1.0", "id": "1", "source": "/test", "type": "t", "data": {"n": 1}}
SECOND = {"specversion": "1.0", "id": "2", "source": "/test", "type": "t"}


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (json.dumps(FIRST), ["1"]),
        (json.dumps(FIRST, indent=2), ["1"]),
        (json.dumps([FIRST, SECOND]), ["1", "2"]),
        (f"{json.dumps(FIRST)}\n\n{json.dumps(SECOND)}\n", ["1", "2"]),
        ("[]", []),
        ("", []),
    ],
    ids=["one", "one over several lines", "array", "one a line", "empty array", "empty"],
)
def test_a_file_has_one_event_or_an_array_or_one_a_line(text: str, ids: list[str], tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    file.write_text(text)

    events = eventfile.read(file)

    assert [event.attributes["id"] for event in events] == ids


def test_data_is_the_bytes_of_its_json(tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    file.write_text(json.dumps(FIRST))

    (event,) = eventfile.read(file)

    assert json.loads(event.data or b"") == {"n": 1}


def test_all_that_are_no_events_are_named_by_their_place(tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    file.write_text(json.dumps([{**FIRST, "id": ""}, SECOND, 3]))

    with pytest.raises(errors.SpecError) as caught:
        eventfile.read(file)

    assert [(problem.path, problem.reason) for problem in caught.value.problems] == [
        ("[0]", "InvalidEvent"),
        ("[2]", "InvalidEvent"),
    ]


@pytest.mark.parametrize("around", ["{}", "[{}]", "\n{}\n"])
def test_a_name_that_is_there_twice_is_no_event(around: str, tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    file.write_text(around.replace("{}", json.dumps(FIRST).replace("{", '{"type": "u", ', 1)))

    with pytest.raises(errors.SpecError, match="type: is there twice"):
        eventfile.read(file)


@pytest.mark.parametrize("text", ["[{}", "[{},]", "[{} {}]", "[{}] {}", "[,]"])
def test_an_array_that_is_none_is_no_file_of_events(text: str, tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    file.write_text(text)

    with pytest.raises(errors.SpecError, match="InvalidJson"):
        eventfile.read(file)


def test_a_number_of_the_data_is_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    file.write_text(json.dumps(FIRST).replace('{"n": 1}', "1.10000000000000000001"))

    (event,) = eventfile.read(file)

    assert event.data == b"1.10000000000000000001"


def test_a_line_that_is_no_json_is_named_by_its_number(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(f"{json.dumps(FIRST)}\n{{oops\n")

    with pytest.raises(errors.SpecError) as caught:
        eventfile.read(file)

    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.reason) == (str(file), 2, "InvalidJson")
