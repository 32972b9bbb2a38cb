"""The control API's refusals: what cannot be, is not there, or could not be kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import loopback
import pytest
import runtime_parts

from patternapp.runtime.functions.model import PoolSettings
from patternapp.runtime.functions.pool import FunctionPool
from patternapp.runtime.functions.reporter import Reporter
from patternapp.runtime.settings import Settings
from patternapp.runtime.sources.scheduler import EVENT_TYPE, Ticker
from patternapp.runtime.store.logbook import Logbook
from patternapp.runtime.web.control import Control

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from patternapp.runtime.eventing.engine import Engine

NIGHTLY = runtime_parts.schedule("nightly", "0 2 * * *", data={"keep": "x" * 100_000})
PLAN = runtime_parts.plan_of(NIGHTLY, runtime_parts.trigger(NIGHTLY.key, EVENT_TYPE, head="function/backup"))


@dataclass(frozen=True)
class Api:
    url: str
    engine: Engine
    session: aiohttp.ClientSession

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body)
        async with self.session.request(method, self.url + path, data=data) as answer:
            assert answer.status < 400 or answer.content_type == "application/problem+json"
            return answer.status, json.loads(await answer.read())

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        status, problem = await self.ask(method, path, body)
        assert problem["status"] == status
        return status, problem["detail"]


@pytest.fixture
async def api(tmp_path: Path, clock: runtime_parts.HandClock, notebook: runtime_parts.Notebook) -> AsyncIterator[Api]:
    async with (
        runtime_parts.engine_of(PLAN, folder=tmp_path, clock=clock, listener=notebook) as engine,
        aiohttp.ClientSession() as session,
    ):
        voice = Reporter(notebook, Logbook(engine.store))
        pool = FunctionPool((), PoolSettings(folder=tmp_path, env={}), listener=voice)
        settings = Settings(folder=tmp_path, data=tmp_path)
        tickers = {NIGHTLY.name: Ticker("shop", NIGHTLY, engine)}
        app = Control(PLAN, settings, engine=engine, pool=pool, tickers=tickers, elsewhere={}).app()
        async with loopback.served(app) as url:
            yield Api(url, engine, session)


@pytest.mark.parametrize(
    "query", ["limit=-1", "limit=x", "after=1.5", "after=", "limit=" + "9" * 19, "after=" + "9" * 5000]
)
async def test_a_number_that_is_none_or_too_long_is_refused(api: Api, query: str) -> None:
    status, detail = await api.refused("GET", f"/api/events?{query}")

    assert status == 400
    assert "must be a whole number of at most 18 digits" in detail


@pytest.mark.parametrize("number", ["1", "9" * 18, "9" * 40])
async def test_an_event_that_is_not_there_is_a_404(api: Api, number: str) -> None:
    assert await api.refused("GET", f"/api/events/{number}") == (
        404,
        f"there is no event {number}, or it was over long ago and is no longer kept",
    )


@pytest.mark.parametrize(
    "wish", [None, {}, [], {"all": False}, {"deliveries": 1}, {"deliveries": ["1"]}, {"deliveries": [True]}]
)
@pytest.mark.parametrize("verb", ["redrive", "purge"])
async def test_a_wish_that_does_not_say_which_dead_letters_it_means_is_refused(api: Api, verb: str, wish: Any) -> None:
    status, detail = await api.refused("POST", f"/api/dead-letters/{verb}", wish)

    assert (status, detail) == (400, 'say which: {"deliveries": [1, 2]} or {"all": true}')


async def test_a_schedule_that_is_not_there_is_a_404_that_names_those_that_are(api: Api) -> None:
    detail = "there is no schedule 'weekly'; schedules: nightly"

    assert await api.refused("POST", "/api/schedules/weekly/run") == (404, detail)


async def test_another_path_is_a_404(api: Api) -> None:
    assert (await api.refused("GET", "/api/nothing"))[0] == 404


async def test_another_method_is_a_405(api: Api) -> None:
    assert (await api.refused("DELETE", "/api/events/1"))[0] == 405


async def test_a_write_that_could_not_be_kept_is_a_503(api: Api) -> None:
    await runtime_parts.fill_up(api.engine.store)

    status, detail = await api.refused("POST", "/api/schedules/nightly/run")

    assert status == 503
    assert detail.startswith("the store could not write: ")


async def test_a_schedule_can_be_run_by_hand(api: Api) -> None:
    assert await api.ask("POST", "/api/schedules/nightly/run") == (202, {"event": 1})
    assert (await api.ask("GET", "/api/events/1"))[1]["origin"] == "schedule/nightly"
