from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psutil
import pytest
from runtime.functions.rig import ECHO, HOLD, function

from patternapp.runtime.functions.pool import FunctionUnavailable

if TYPE_CHECKING:
    from runtime.functions.rig import Rig


async def test_a_request_starts_a_function_from_zero(rig: Rig) -> None:
    rig.write(echo=ECHO)
    await rig.start(function("echo", "echo:app"))

    pid = await rig.get("echo")

    assert rig.ready("echo") == [pid]


async def test_a_running_instance_takes_the_next_request(rig: Rig) -> None:
    rig.write(echo=ECHO)
    await rig.start(function("echo", "echo:app"))

    assert await rig.get("echo") == await rig.get("echo")


async def test_a_plain_asgi_callable_is_a_function_too(rig: Rig) -> None:
    rig.write(
        plain="""
        async def app(scope, receive, send):
            if scope["type"] == "http":
                headers = [(b"content-type", b"application/json")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": b"7"})
        """
    )
    await rig.start(function("plain", "plain:app"))

    assert await rig.get("plain") == 7


async def test_requests_at_the_same_time_start_instances_up_to_the_maximum(rig: Rig) -> None:
    rig.write(hold=HOLD)
    await rig.start(function("hold", "hold:app", max=3))

    async with rig.held("hold", times=7) as requests:
        await rig.heard.until(lambda: len(rig.ready("hold")) == 3)
        in_flight = [one.in_flight for one in rig.state("hold").instances]

    assert in_flight == [1, 1, 1]
    assert len({request.result() for request in requests}) == 3


async def test_an_instance_takes_as_many_requests_as_its_concurrency_before_another_is_started(rig: Rig) -> None:
    rig.write(hold=HOLD)
    await rig.start(function("hold", "hold:app", concurrency=4))

    async with rig.held("hold", times=4) as requests:
        await rig.heard.until(lambda: rig.ready("hold"))

    assert len({request.result() for request in requests}) == 1


async def test_waiting_requests_are_served_in_the_order_in_which_they_came(rig: Rig) -> None:
    rig.write(echo=ECHO)
    await rig.start(function("echo", "echo:app", max=1))
    served: list[int] = []

    async def request(number: int) -> None:
        async with rig.pool.instance("echo"):
            served.append(number)

    await asyncio.gather(*(request(number) for number in range(20)))

    assert served == list(range(20))


async def test_a_request_given_up_while_it_waits_takes_nobodys_place(rig: Rig) -> None:
    rig.write(hold=HOLD)
    await rig.start(function("hold", "hold:app", max=1))
    async with rig.held("hold"):
        await rig.heard.until(lambda: rig.ready("hold"))
        waiting = asyncio.create_task(rig.get("hold"))
        await asyncio.sleep(0)

        waiting.cancel()
        await asyncio.wait([waiting])

    assert await rig.get("hold") in rig.ready("hold")
    assert [one.in_flight for one in rig.state("hold").instances] == [0]


async def test_an_idle_function_goes_back_to_zero_and_up_again(rig: Rig) -> None:
    rig.write(echo=ECHO)
    await rig.start(function("echo", "echo:app", idle=0.05))
    first = await rig.get("echo")

    await rig.heard.until(lambda: rig.heard.of("stopped"))

    assert rig.state("echo").instances == ()
    assert not psutil.pid_exists(first)
    assert await rig.get("echo") != first


async def test_idle_instances_go_down_to_the_minimum_only(rig: Rig) -> None:
    rig.write(hold=HOLD)
    await rig.start(function("hold", "hold:app", min=1, max=3, idle=0.05))
    async with rig.held("hold", times=3):
        await rig.heard.until(lambda: len(rig.ready("hold")) == 3)

    await rig.heard.until(lambda: len(rig.heard.of("stopped")) == 2)

    assert len(rig.ready("hold")) == 1


async def test_an_instance_with_a_request_in_flight_is_not_idle(rig: Rig) -> None:
    rig.write(hold=HOLD, echo=ECHO)
    await rig.start(function("hold", "hold:app", idle=0.02), function("echo", "echo:app", idle=0.1))

    async with rig.held("hold") as requests:
        await rig.get("echo")
        await rig.heard.until(lambda: [one.function for one in rig.heard.of("stopped")] == ["echo"])

    assert requests[0].exception() is None


async def test_the_minimum_runs_without_requests(rig: Rig) -> None:
    rig.write(echo=ECHO)
    await rig.start(function("echo", "echo:app", min=2))

    await rig.heard.until(lambda: len(rig.ready("echo")) == 2)

    assert rig.state("echo").requests == 0


async def test_the_minimum_is_restored_after_a_crash(rig: Rig) -> None:
    rig.write(echo=ECHO)
    await rig.start(function("echo", "echo:app", min=1))
    (first,) = await rig.heard.until(lambda: rig.ready("echo"))

    psutil.Process(first).kill()
    await rig.heard.until(lambda: rig.heard.of("crashed"))
    await rig.heard.until(lambda: rig.ready("echo"))

    assert rig.heard.of("crashed")[0].reason == "it was killed by SIGKILL"


async def test_states_tell_what_the_control_api_shows(rig: Rig) -> None:
    rig.write(echo=ECHO)
    await rig.start(function("echo", "echo:app"))
    pid = await rig.get("echo")

    state = rig.state("echo").as_json()

    (instance,) = state.pop("instances")
    assert 0 < state.pop("lastColdStartSeconds") < 30
    assert state == {"name": "echo", "handler": "echo:app", "requests": 1, "coldStarts": 1, "lastError": None}
    assert instance.pop("startedAt").endswith("Z")
    assert instance.pop("port") > 0
    assert instance == {"pid": pid, "state": "ready", "inFlight": 0}


async def test_a_function_that_the_app_has_not_is_unavailable(rig: Rig) -> None:
    await rig.start()

    with pytest.raises(FunctionUnavailable, match="the app has no such function"):
        await rig.get("nobody")


async def test_no_request_is_taken_once_the_pool_is_stopped(rig: Rig) -> None:
    rig.write(echo=ECHO)
    await rig.start(function("echo", "echo:app"))
    await rig.pool.stop()

    with pytest.raises(FunctionUnavailable, match="being stopped"):
        await rig.get("echo")
