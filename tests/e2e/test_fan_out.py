"""A fan-out on the real cluster: subscribers that know nothing of each other, one broken, and its events' way back."""

from __future__ import annotations

import collections
import json
from typing import TYPE_CHECKING, Any

import harness
import pytest
from e2e import books, code, kube

from patternapp.render import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.stack import state
    from e2e.books import Book

PLACED = "e2e.order.placed"
SUBSCRIBERS = ("mail", "stock", "packing")
BROKEN = "stock"
EVENTS = ("o-1", "o-2", "o-3")
_FUNCTION = """
    import json, os, redis
    from patternapp.receiver import Event, Receiver

    app = Receiver()

    @app.on("e2e.order.placed")
    def take(event: Event[dict[str, str]]) -> None:
        if "BROKEN" in os.environ:
            raise RuntimeError("the shelves are being moved")
        with redis.Redis.from_url(os.environ["TALLY_URL"]) as book:
            book.rpush(os.environ["TALLY"], f"{os.environ['NAME']}/{event.attributes['id']} {os.environ['HOSTNAME']}")
"""


def manifest(book: Book, *, broken: bool) -> dict[str, Any]:
    """The app; the subscriber that can be broken is or is not."""
    app = kube.manifest(
        "placed",
        """
        delivery: {retry: 2, backoffPolicy: linear, backoffDelay: 200ms}
        functions: []
        fanOut:
          - name: order-placed
            filters: [{exact: {type: e2e.order.placed}}]
            subscribers:
              - {name: mail, function: mail}
              - {name: stock, function: stock}
              - {name: packing, function: packing, filters: [{exact: {priority: express}}]}
        """,
    )
    for name in SUBSCRIBERS:
        wrong = {"BROKEN": "yes"} if broken and name == BROKEN else {}
        scale = {"max": 1, "idle": "10s"}
        app["spec"]["functions"].append(
            code.function(name, _FUNCTION, env=json.loads(book.env(NAME=name, **wrong)), scale=scale)
        )
    return app


@pytest.fixture(scope="module")
def book(stack: state.Stack) -> Iterator[Book]:
    with books.opened(stack) as opened:
        yield opened


@pytest.fixture(scope="module")
def app(namespace: kube.Namespace, book: Book) -> kube.App:
    """The app with a broken subscriber, of which none ran any more when three orders were sent; one is express."""
    app = namespace.app(manifest(book, broken=True))
    harness.eventually(lambda: not any(app.running(name) for name in SUBSCRIBERS), within=kube.WITHIN)
    for number in EVENTS:
        priority = "express" if number == EVENTS[-1] else "normal"
        assert app.broker.send(PLACED, {"order": number}, id_=number, priority=priority).status == 202
    return app


def test_every_other_subscriber_gets_what_it_asked_for_once(app: kube.App, book: Book) -> None:  # noqa: ARG001 - it has its events
    expected = collections.Counter([*(f"mail/{number}" for number in EVENTS), f"packing/{EVENTS[-1]}"])

    harness.eventually(lambda: len(book) >= expected.total(), within=kube.WITHIN)

    assert collections.Counter(book.names()) == expected


def test_what_the_broken_one_could_not_take_is_a_dead_letter_that_says_who_and_why(app: kube.App) -> None:
    letters = harness.eventually(lambda: len(found := app.dead()) >= len(EVENTS) and found, within=kube.WITHIN)

    subscriber = f"http://{names.function(app.name, BROKEN)}.{app.namespace.name}.svc.cluster.local"
    assert sorted(letter["id"] for letter in letters) == list(EVENTS)
    assert {letter["subscriber"].rstrip("/") for letter in letters} == {subscriber}
    assert {letter["code"] for letter in letters} == {500}


def test_a_dead_letter_is_the_event_as_it_was(app: kube.App) -> None:
    (number,) = (letter["event"] for letter in app.dead() if letter["id"] == EVENTS[-1])

    with app.letters() as letters:
        event = letters.call("GET", f"/api/events/{number}").json()

    assert event["data"] == {"order": EVENTS[-1]}
    assert event["attributes"]["priority"] == "express"
    assert not {name for name in event["attributes"] if name.startswith("knativeerror")}


def test_once_it_is_mended_the_broken_one_alone_gets_them_again(app: kube.App, book: Book) -> None:
    before = collections.Counter(book.names())
    app.namespace.app(manifest(book, broken=False))

    with app.letters() as letters:
        answer = letters.call("POST", "/api/dead-letters/redrive", {"all": True})

    assert answer.json()["redriven"] == len(EVENTS), answer.body
    again = collections.Counter(book.names()) - before
    assert again == collections.Counter(f"{BROKEN}/{number}" for number in EVENTS)
    assert app.dead() == []


def test_all_subscribers_go_back_to_zero(app: kube.App) -> None:
    harness.eventually(lambda: not any(app.running(name) for name in SUBSCRIBERS), within=kube.WITHIN)
