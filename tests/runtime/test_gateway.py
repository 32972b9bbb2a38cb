"""What a gateway asks of its callers, and the answers that it keeps, through a real `dev`."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness import Dev

FUNCTION = """
import itertools
from fastapi import Request, Response
from patternapp.receiver import Receiver

app = Receiver()
calls = itertools.count(1)


@app.get("/orders/{id}")
def order(id: str, request: Request, response: Response) -> dict:
    response.headers["etag"] = '"v1"'
    kept = ("patternapp-subject", "x-api-key")
    return {"call": next(calls), **{name: request.headers[name] for name in kept if name in request.headers}}


@app.on("shop.click")
def click(event: dict) -> None: ...
"""
APP = """
functions: [{name: orders, handler: "fn:app"}]
gateway:
  auth: {apiKeys: {secretName: shop-keys}}
  routes:
    - {name: get-order, path: "/orders/{id}", function: orders, cache: {ttl: 1h}}
    - name: click
      path: /clicks
      methods: [POST]
      publish: {type: shop.click}
      throttle: {limit: 1, period: 1h, burst: 2}
    - {name: open, path: "/open/{id}", function: orders, auth: none}
fanOut:
  - name: clicks
    filters: [{exact: {type: shop.click}}]
    subscribers: [{name: orders, function: orders}]
"""
MOBILE = {"x-api-key": "k1"}
DESK = {"x-api-key": "k2"}


def started(dev: Dev) -> Dev:
    dev.write(APP, fn=FUNCTION)
    secret = dev.data / "secrets" / "shop-keys"
    secret.mkdir(parents=True)
    for client, key in {"mobile": b"k1", "desk": b"k2"}.items():
        (secret / client).write_text(hashlib.sha256(key).hexdigest())
    return dev.start()


def test_a_function_is_called_only_for_proven_callers_and_told_who_they_are(dev: Dev) -> None:
    started(dev)

    refused = dev.get("/orders/1")
    claimed = dev.get("/orders/1", {"patternapp-subject": "mobile"})
    proven = dev.get("/orders/1", MOBILE)

    assert (refused.status, claimed.status) == (401, 401)
    assert proven.json() == {"call": 1, "patternapp-subject": "mobile"}


def test_an_answer_is_kept_for_its_caller_alone(dev: Dev) -> None:
    started(dev)

    calls = [dev.get("/orders/1", who).json()["call"] for who in (MOBILE, MOBILE, DESK, MOBILE)]
    known = dev.get("/orders/1", {**MOBILE, "if-none-match": '"v1"'})

    assert calls == [1, 1, 2, 1]
    assert known.status == 304


def test_an_open_route_asks_nobody_and_keeps_nothing(dev: Dev) -> None:
    started(dev)

    assert dev.get("/open/1").status == 404  # the function has no such path, and the gateway let the call through


def test_events_of_a_caller_carry_who_it_was_and_too_many_are_refused(dev: Dev) -> None:
    started(dev)

    statuses = [dev.request("POST", "/clicks", json.dumps({"n": n}).encode(), MOBILE).status for n in range(3)]
    other = dev.request("POST", "/clicks", b"{}", DESK).status

    assert (statuses, other) == ([202, 202, 429], 202)
    assert dev.event(1)["attributes"]["authid"] == "mobile"
    assert dev.event(1)["attributes"]["authtype"] == "api_key"
