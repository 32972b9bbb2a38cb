from __future__ import annotations

from typing import Any

import pytest
from unit.examples import asgi_calls

from shop import catalogue, stock

pytestmark = pytest.mark.usefixtures("shop_data")


async def take(order: dict[str, Any]) -> asgi_calls.Answer:
    return await asgi_calls.deliver(stock.app, asgi_calls.event("shop.order.placed", order))


async def levels() -> Any:
    return (await asgi_calls.request(stock.app, "GET", "/stock")).json


async def test_the_stock_begins_as_the_catalogue_says() -> None:
    assert await levels() == {sku: article.stock for sku, article in catalogue.articles().items()}


async def test_an_order_lowers_the_stock_once_however_often_it_comes(order: dict[str, Any]) -> None:
    before = await levels()

    answers = [await take(order), await take(order)]

    assert [answer.status for answer in answers] == [204, 204]
    assert await levels() == before | {"mug": before["mug"] - 2, "tea": before["tea"] - 1}


async def test_an_order_that_leaves_too_little_says_so_in_its_reply_each_time_it_comes(order: dict[str, Any]) -> None:
    order["lines"][0]["quantity"] = 350

    answers = [await take(order), await take(order)]

    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].headers["ce-type"] == "shop.stock.low"
    assert answers[0].json == {"order": "o-1", "articles": [{"sku": "mug", "left": 50, "threshold": 100}]}
    assert answers[0].headers["ce-id"] == answers[1].headers["ce-id"]
    assert answers[0].body == answers[1].body
