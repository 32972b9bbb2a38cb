"""Events made of what was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from patternapp import cloudevents, errors
from patternapp.cli import compose

if TYPE_CHECKING:
    from pathlib import Path

TYPED = {"type": "t", "source": "/test"}


def test_every_event_gets_an_id_of_its_own() -> None:
    events = compose.events(TYPED, None, count=3)

    assert len({event.attributes["id"] for event in events}) == 3


def test_an_event_is_one_that_every_decoder_takes() -> None:
    (event,) = compose.events({**TYPED, "id": "7"}, '{"n": 1}', count=1)

    cloudevents.check(event.attributes)

    assert event.attributes["id"] == "7"
    assert (event.attributes["datacontenttype"], event.data) == ("application/json", b'{"n": 1}')


def test_without_data_there_is_no_content_type() -> None:
    (event,) = compose.events(TYPED, None, count=1)

    assert event.data is None
    assert "datacontenttype" not in event.attributes


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.json", "application/json"), ("a.jpg", "image/jpeg"), ("a.unknown", "application/octet-stream")],
)
def test_a_file_s_name_tells_the_type_of_its_content(name: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\xff\x00")

    (event,) = compose.events(TYPED, f"@{tmp_path / name}", count=1)

    assert (event.attributes["datacontenttype"], event.data) == (kind, b"\xff\x00")


def test_data_that_is_no_json_is_refused_with_a_mend() -> None:
    with pytest.raises(errors.PatternAppError, match="quote it for the shell"):
        compose.events(TYPED, "{order: 7}", count=1)


def test_a_file_that_is_not_there_is_wrong_input(tmp_path: Path) -> None:
    with pytest.raises(errors.PatternAppError, match=r"--data: .*missing cannot be read: No such file or directory"):
        compose.events(TYPED, f"@{tmp_path / 'missing'}", count=1)
