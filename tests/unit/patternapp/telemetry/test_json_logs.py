"""Every process writes its logs in one shape."""

from __future__ import annotations

import datetime as dt
import json
import logging
from typing import Any

from patternapp.telemetry import json_logs


def line(formatter: logging.Formatter, **fields: Any) -> dict[str, Any]:
    record = logging.makeLogRecord(
        {"name": "some", "levelname": "ERROR", "levelno": logging.ERROR, "msg": "it %s", "args": ("broke",), **fields}
    )
    text = formatter.format(record)
    assert "\n" not in text
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_line_is_one_object_with_time_level_logger_and_message() -> None:
    written = line(json_logs.JsonFormatter())

    assert dt.datetime.fromisoformat(written.pop("time")).utcoffset() == dt.timedelta()
    assert written == {"level": "error", "logger": "some", "message": "it broke"}


def test_an_error_has_its_traceback_and_a_record_its_stack() -> None:
    written = line(json_logs.JsonFormatter(), exc_info=(ValueError, ValueError("why"), None), stack_info="Stack: here")

    assert written["traceback"].endswith("ValueError: why")
    assert written["stack"] == "Stack: here"


def test_what_a_process_adds_stands_beside_the_message() -> None:
    assert line(json_logs.JsonFormatter(lambda record: {"app": record.name}))["app"] == "some"
