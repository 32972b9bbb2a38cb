from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pydantic
import pytest
from cloudevents.core.v1.event import CloudEvent  # noqa: TC002 - handlers read their annotations

from patternapp.receiver import Event, Failures, Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from decimal import Decimal


class Order(pydantic.BaseModel):
    number: int


class Opaque:
    pass


def untyped(order): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - that is what is wrong with it
def two_models(order: Order, other: dict[str, int]) -> None: ...
def two_events(one: Event[Order], other: Event[bytes]) -> None: ...
def two_sdk_events(one: CloudEvent, other: CloudEvent) -> None: ...
def default(order: Order | None = None) -> None: ...
def many(*orders: Order) -> None: ...
def named(**orders: Order) -> None: ...
def positional(order: Order, /) -> None: ...
def opaque(thing: Opaque) -> None: ...
def opaque_event(thing: Event[Opaque]) -> None: ...
def unknown_name(amount: Decimal) -> None: ...
def replies() -> Order | None: ...
def replies_mixed() -> Order | CloudEvent | None: ...
async def generates() -> AsyncIterator[Order]:
    yield Order(number=1)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (untyped, "order has no annotation"),
        (two_models, "both order and other ask for the data"),
        (two_events, "both one and other ask for the Event"),
        (two_sdk_events, "both one and other ask for the CloudEvent"),
        (default, "order has a default"),
        (many, "cannot be filled"),
        (named, "cannot be filled"),
        (positional, "cannot be filled"),
        (opaque, "thing: no data can be read into"),
        (opaque_event, "thing: no data can be read into"),
        (unknown_name, "name 'Decimal' is not defined"),
        (replies, "the type of the reply event is not said"),
        (replies_mixed, "the type of the reply event is not said"),
        (generates, "a generator cannot be a handler"),
        ("text", "only functions can be handlers"),
    ],
)
def test_an_unclear_handler_is_refused_at_decoration(function: Callable[..., Any], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        Receiver().on("a")(function)


def only_events(orders: list[Order]) -> None: ...
def only_lists(order: Event[Order]) -> None: ...
def one_parameter(orders: list[Event[Order]], event: CloudEvent) -> None: ...
def no_parameter() -> None: ...
def opaque_items(things: list[Event[Opaque]]) -> None: ...
def batch_reply(orders: list[Event[Order]]) -> Order | None: ...


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (only_events, r"annotated list\[Event\[YourModel\]\]"),
        (only_lists, r"annotated list\[Event\[YourModel\]\]"),
        (one_parameter, "one parameter"),
        (no_parameter, "one parameter"),
        (opaque_items, "no data can be read into"),
        (batch_reply, "returns Failures or None"),
    ],
)
def test_an_unclear_batch_handler_is_refused_at_decoration(function: Callable[..., Any], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        Receiver().on_batch("a")(function)


def none() -> None: ...
def event() -> Event[Order] | None: ...
def sdk_event() -> CloudEvent | None: ...


@pytest.mark.parametrize("function", [none, event, sdk_event])
def test_a_reply_type_that_nothing_is_returned_for_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="names a type, but no value"):
        Receiver().on("a", reply="b")(function)


@pytest.mark.parametrize("function", [none, event, sdk_event])
def test_none_and_events_need_no_reply_type(function: Callable[..., Any]) -> None:
    assert Receiver().on("a")(function) is function


def test_a_second_handler_of_a_type_is_refused() -> None:
    app = Receiver()
    app.on("a")(none)

    with pytest.raises(ValueError, match="go to none already"):
        app.on("a")(event)


def test_a_type_may_have_a_handler_of_single_events_and_one_of_batches() -> None:
    app = Receiver()
    app.on("a")(none)

    @app.on_batch("a")
    def handle(events: list[Event[Order]]) -> Failures | None: ...

    assert handle.__name__ == "handle"


@pytest.mark.parametrize("type_", [none, "", 7])
def test_a_decorator_without_a_type_of_events_is_refused(type_: Any) -> None:
    with pytest.raises(TypeError, match=r'@app\.on\("shop\.order\.placed"\)'):
        Receiver().on(type_)
