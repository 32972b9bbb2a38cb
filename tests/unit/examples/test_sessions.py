from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.examples import asgi_calls

from shop import sessions

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("shop_data")

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def click(number: int, minute: float, visitor: str = "v") -> dict[str, Any]:
    at = (NOON + timedelta(minutes=minute)).isoformat()
    return asgi_calls.event("shop.click", {"visitor": visitor, "page": "/", "at": at}, id=f"{number}")


async def known(limit: int = 1000) -> list[tuple[str, float, float, int]]:
    """Visitor, first and last minute, and number of clicks of each session."""
    answer = await asgi_calls.request(sessions.app, "GET", f"/sessions?limit={limit}")
    return sorted((one["visitor"], _minute(one["began"]), _minute(one["ended"]), one["clicks"]) for one in answer.json)


def _minute(text: str) -> float:
    return (datetime.fromisoformat(text) - NOON).total_seconds() / 60


async def test_clicks_with_less_than_half_an_hour_between_them_are_one_session() -> None:
    answer = await asgi_calls.deliver_batch(sessions.app, [click(1, 0), click(2, 29), click(3, 58), click(4, 88)])

    assert answer.status == 204
    assert await known() == [("v", 0, 58, 3), ("v", 88, 88, 1)]


async def test_visitors_have_sessions_of_their_own() -> None:
    await asgi_calls.deliver_batch(sessions.app, [click(1, 0, "a"), click(2, 1, "b"), click(3, 2, "a")])

    assert await known() == [("a", 0, 2, 2), ("b", 1, 1, 1)]


async def test_a_late_click_joins_the_sessions_it_lies_between() -> None:
    await asgi_calls.deliver_batch(sessions.app, [click(1, 0), click(2, 40)])
    await asgi_calls.deliver_batch(sessions.app, [click(3, 20)])

    assert await known() == [("v", 0, 40, 3)]


async def test_a_batch_that_comes_again_counts_once() -> None:
    batch = [click(1, 0), click(2, 1)]

    await asgi_calls.deliver_batch(sessions.app, batch)
    await asgi_calls.deliver_batch(sessions.app, batch)

    assert await known() == [("v", 0, 1, 2)]


async def test_a_session_is_closed_when_half_an_hour_has_passed() -> None:
    now = datetime.now(UTC)
    fresh = {"visitor": "fresh", "page": "/", "at": now.isoformat()}
    stale = {"visitor": "stale", "page": "/", "at": (now - timedelta(minutes=31)).isoformat()}
    batch = [asgi_calls.event("shop.click", data, id=data["visitor"]) for data in (fresh, stale)]

    await asgi_calls.deliver_batch(sessions.app, batch)

    answer = await asgi_calls.request(sessions.app, "GET", "/sessions")
    assert {one["visitor"]: one["closed"] for one in answer.json} == {"fresh": False, "stale": True}


@pytest.mark.parametrize(("attributes", "minute"), [({"time": NOON.isoformat()}, 0.0)])
async def test_a_click_without_a_time_of_its_own_has_the_events(attributes: dict[str, str], minute: float) -> None:
    event = asgi_calls.event("shop.click", {"visitor": "v", "page": "/"}, **attributes)

    await asgi_calls.deliver_batch(sessions.app, [event])

    assert await known() == [("v", minute, minute, 1)]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes=st.lists(st.integers(0, 300), min_size=1, max_size=12), data=st.data())
async def test_sessions_are_the_same_in_whatever_order_the_clicks_come(
    shop_data: Path, minutes: list[int], data: st.DataObject
) -> None:
    clicks = [click(number, minute) for number, minute in enumerate(minutes)]
    (shop_data / "sessions.db").unlink(missing_ok=True)
    await asgi_calls.deliver_batch(sessions.app, clicks)
    in_order = await known()
    (shop_data / "sessions.db").unlink()

    await asgi_calls.deliver_batch(sessions.app, data.draw(st.permutations(clicks)))

    assert await known() == in_order
    assert sum(clicks for _, _, _, clicks in in_order) == len(minutes)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "1500-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"])
async def test_a_clock_that_is_out_of_its_mind_is_not_believed(at: str) -> None:
    before = datetime.now(UTC)

    answer = await asgi_calls.deliver_batch(
        sessions.app, [asgi_calls.event("shop.click", {"visitor": "v", "page": "/", "at": at}, id="1")]
    )

    assert answer.status == 204
    [session] = (await asgi_calls.request(sessions.app, "GET", "/sessions")).json
    assert before <= datetime.fromisoformat(session["began"]) <= datetime.now(UTC)


@pytest.mark.parametrize("limit", [-1, 0, 1001, 10**30])
async def test_so_many_sessions_are_not_told_at_once(limit: int) -> None:
    answer = await asgi_calls.request(sessions.app, "GET", f"/sessions?limit={limit}")

    assert answer.status == 422
