"""What Schemathesis is told beside the documents. Imported by its program; `RECEIVER` names ours.

* JSON Schema counts 1.0 among the integers, CloudEvents' JSON format (2.2) does not: such events are not sent.
* pydantic reads ``"1"`` or ``false`` as a number unless a model is strict, which a schema cannot say: that such data is
  taken is no failure.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pydantic
import schemathesis
from schemathesis.specs.openapi import checks

from patternapp.receiver import server

APP = server.load(os.environ["RECEIVER"])


@schemathesis.hook
def filter_body(context: schemathesis.HookContext, body: Any) -> bool:  # noqa: ARG001 - the hook's signature
    events = body if isinstance(body, list) else [body]
    return not any(_has_a_round_number(event) for event in events)


@schemathesis.check
def wrong_data_is_refused(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> bool | None:
    """The check negative_data_rejection, but for data that is read leniently."""
    return None if _is_read_leniently(case.body) else checks.negative_data_rejection(ctx, response, case)


def _has_a_round_number(event: Any) -> bool:
    return isinstance(event, dict) and any(isinstance(value, float) for name, value in event.items() if name != "data")


def _is_read_leniently(event: Any) -> bool:
    if not isinstance(event, dict) or "data" not in event:
        return False
    handler = APP._dispatch.handlers.get(str(event.get("type")))
    if handler is None or handler.takes is None:
        return False
    adapter: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(handler.takes)
    data = json.dumps(event["data"])
    return _reads(adapter, data, strict=False) and not _reads(adapter, data, strict=True)


def _reads(adapter: pydantic.TypeAdapter[Any], data: str, *, strict: bool) -> bool:
    try:
        adapter.validate_json(data, strict=strict)
    except pydantic.ValidationError:
        return False
    return True
