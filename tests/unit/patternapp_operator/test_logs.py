from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from patternapp.cluster import resources
from patternapp_operator import logs

APP = resources.AppKey("shop-ns", "shop")
TRIGGER = resources.Ref("shop-ns", "eventing.knative.dev", "Trigger", "paid")


def line(
    *, trace_id: str = "", extra: dict[str, Any] | None = None, error: BaseException | None = None
) -> dict[str, Any]:
    """A line as it is written."""
    told = (type(error), error, error.__traceback__) if error else None
    record = logging.getLogger("patternapp_operator.apply").makeRecord(
        "patternapp_operator.apply", logging.WARNING, __file__, 1, "pruned %s", ("café\n",), told, extra=extra
    )
    text = logs.formatter(lambda: trace_id).format(record)
    assert "\n" not in text
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_line_is_one_object_with_time_level_logger_and_message() -> None:
    written = line()

    assert written.keys() == {"time", "level", "logger", "message"}
    assert (written["level"], written["logger"]) == ("warning", "patternapp_operator.apply")
    assert written["message"] == "pruned café\n"


def test_a_line_about_an_object_names_app_namespace_object_and_reason() -> None:
    written = line(extra=logs.about(APP, item=TRIGGER, reason="Pruned"))

    assert written["namespace"] == "shop-ns"
    assert written["app"] == "shop"
    assert written["object"] == "Trigger.eventing.knative.dev paid"
    assert written["reason"] == "Pruned"


def test_a_line_within_a_trace_names_it() -> None:
    assert line(trace_id="0af7651916cd43dd8448eb211c80319c")["trace_id"] == "0af7651916cd43dd8448eb211c80319c"


def test_an_error_has_its_traceback() -> None:
    with pytest.raises(ValueError, match="boom") as caught:
        int("boom")

    assert "ValueError: invalid literal" in line(error=caught.value)["traceback"]


def test_what_a_library_hangs_on_its_records_is_not_written() -> None:
    assert "hunter2" not in json.dumps(line(extra={"headers": {"Authorization": "Bearer hunter2"}}))


def test_libraries_that_tell_of_every_request_are_quiet_at_any_level() -> None:
    root = logging.getLogger()
    before, handlers = root.level, root.handlers[:]
    try:
        logs.begin("debug")

        assert logging.getLogger("patternapp_operator").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("kopf.activities").isEnabledFor(logging.INFO)
        assert not logging.getLogger("kubernetes.aio.client.rest").isEnabledFor(logging.DEBUG)
    finally:
        root.setLevel(before)
        root.handlers[:] = handlers
