from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unit.examples import asgi_calls

from shop import packing

if TYPE_CHECKING:
    from pathlib import Path


async def test_an_order_gets_a_slip_that_lists_what_to_pack(shop_data: Path, order: dict[str, Any]) -> None:
    answer = await asgi_calls.deliver(packing.app, asgi_calls.event("shop.order.placed", order))

    assert answer.status == 204
    assert (shop_data / "packing" / "o-1.txt").read_text() == (
        "EXPRESS  o-1\nfor Zoë Brandt\n\n[ ]    2 x Stoneware mug  mug\n[ ]    1 x Darjeeling     tea\n"
    )


@pytest.mark.usefixtures("shop_data")
async def test_an_order_without_lines_is_refused_for_good(order: dict[str, Any]) -> None:
    order["lines"] = []

    answer = await asgi_calls.deliver(packing.app, asgi_calls.event("shop.order.placed", order))

    assert answer.status == 422
    assert answer.json["detail"].startswith("data.lines: ")
