from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import psutil
import pytest
from runtime.functions.rig import ECHO, HOLD, from_secret, function

from patternapp.runtime.functions.pool import FunctionUnavailable

if TYPE_CHECKING:
    from runtime.functions.rig import Rig


async def test_a_function_that_cannot_be_imported_says_why_while_the_others_go_on(rig: Rig) -> None:
    rig.write(echo=ECHO, bad="ratio = 1 / 0\n")
    await rig.start(function("bad", "bad:app"), function("echo", "echo:app"))

    with pytest.raises(FunctionUnavailable, match="bad cannot be imported: ZeroDivisionError: division by zero"):
        await rig.get("bad")

    assert await rig.get("echo")
    assert "ZeroDivisionError" in (rig.state("bad").last_error or "")


async def test_the_traceback_of_an_import_is_told_once_and_begins_in_the_apps_code(rig: Rig) -> None:
    rig.write(bad="ratio = 1 / 0\n")
    await rig.start(function("bad", "bad:app"))

    for _ in range(2):
        with pytest.raises(FunctionUnavailable):
            await rig.get("bad")
        await rig.pool.reload(["bad"])

    first, *later = rig.heard.of("failed")
    assert first.traceback.splitlines()[:2] == [
        "Traceback (most recent call last):",
        f'  File "{rig.folder / "bad.py"}", line 1, in <module>',
    ]
    assert first.traceback.endswith("ZeroDivisionError: division by zero\n")
    assert [change.traceback for change in later] == [""] * len(later)
    assert later


async def test_after_a_failed_start_requests_are_refused_for_a_while_without_another(rig: Rig) -> None:
    rig.write(bad="ratio = 1 / 0\n")
    await rig.start(function("bad", "bad:app"))

    for _ in range(5):
        with pytest.raises(FunctionUnavailable, match="ZeroDivisionError"):
            await rig.get("bad")

    assert len(rig.heard.of("failed")) == 1


async def test_requests_that_wait_for_a_start_are_all_refused_when_it_fails(rig: Rig) -> None:
    rig.write(bad="ratio = 1 / 0\n")
    await rig.start(function("bad", "bad:app", max=1))

    results = await asyncio.gather(*(rig.get("bad") for _ in range(5)), return_exceptions=True)

    assert {type(result) for result in results} == {FunctionUnavailable}


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        ("missing:app", "there is no module missing"),
        ("echo:nothing", "nothing is not in it"),
        ("echo:number", "not an ASGI application"),
    ],
)
async def test_a_handler_that_is_none_is_named(rig: Rig, handler: str, reason: str) -> None:
    rig.write(echo=ECHO + "\nnumber = 3\n")
    await rig.start(function("echo", handler))

    with pytest.raises(FunctionUnavailable, match=reason):
        await rig.get("echo")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys; sys.exit(3)", "exited with code 3 before it took requests"),
        ("import os; os._exit(4)", "exited with code 4 before it took requests"),
        ("import os; os.kill(os.getpid(), 11)", "was killed by SIGSEGV before it took requests"),
    ],
)
async def test_a_function_that_ends_while_it_is_imported_is_unavailable(rig: Rig, code: str, reason: str) -> None:
    rig.write(ends=code)
    await rig.start(function("ends", "ends:app"))

    with pytest.raises(FunctionUnavailable, match=reason):
        await rig.get("ends")


async def test_an_import_that_hangs_is_killed_after_the_start_timeout(rig: Rig) -> None:
    rig.write(hangs="import signal\nprint('hanging', flush=True)\nwhile True:\n    signal.pause()\n")
    await rig.start(function("hangs", "hangs:app"), start_timeout=8.0)

    with pytest.raises(FunctionUnavailable, match="did not take requests within 8 s and was killed"):
        await rig.get("hangs")

    assert rig.state("hangs").instances == ()
    assert [line.text for line in rig.heard.lines] == ["hanging"]
    assert not psutil.pid_exists(rig.heard.lines[0].pid)


async def test_an_application_whose_lifespan_fails_is_unavailable(rig: Rig) -> None:
    rig.write(
        starts="""
        import contextlib
        from patternapp.receiver import Receiver

        @contextlib.asynccontextmanager
        async def lifespan(app):
            raise RuntimeError("no database")
            yield

        app = Receiver(lifespan=lifespan)
        """
    )
    await rig.start(function("starts", "starts:app"))

    with pytest.raises(FunctionUnavailable, match="before it took requests"):
        await rig.get("starts")

    assert any("no database" in line.text for line in rig.heard.lines)


async def test_a_function_that_exits_in_a_request_breaks_it_and_the_next_has_a_new_process(rig: Rig) -> None:
    rig.write(exits=ECHO + "\n@app.get('/exit')\nasync def exit():\n    os._exit(9)\n")
    await rig.start(function("exits", "exits:app"))
    before = await rig.get("exits")

    with pytest.raises(aiohttp.ClientConnectionError):
        await rig.get("exits", "/exit")
    (crash,) = await rig.heard.until(lambda: rig.heard.of("crashed"))

    assert crash.reason == "it exited with code 9"
    assert await rig.get("exits") != before


async def test_requests_that_wait_are_not_given_to_a_process_that_has_ended(rig: Rig) -> None:
    rig.write(exits=ECHO + "\n@app.get('/exit')\nasync def exit():\n    os._exit(9)\n")
    await rig.start(function("exits", "exits:app", max=1))
    await rig.get("exits")

    broken, *answered = await asyncio.gather(
        rig.get("exits", "/exit"), *(rig.get("exits") for _ in range(10)), return_exceptions=True
    )

    assert isinstance(broken, aiohttp.ClientConnectionError)
    assert len(set(answered)) == 1
    assert isinstance(answered[0], int)


async def test_a_variable_from_a_secret_that_is_not_there_says_where_to_put_it(rig: Rig) -> None:
    variable = from_secret("DATABASE_URL", "shop-db", "url")
    rig.write(echo=ECHO)
    await rig.start(function("echo", "echo:app", env=(variable,)), data=rig.folder / "data")

    with pytest.raises(FunctionUnavailable, match=r"put the value into .*/data/secrets/shop-db/url"):
        await rig.get("echo")


async def test_a_fork_server_that_dies_is_replaced(rig: Rig) -> None:
    rig.write(hold=HOLD)
    await rig.start(function("hold", "hold:app"))
    before = await rig.get("hold")
    server = rig.pool.fork_server
    assert server is not None

    psutil.Process(server).kill()
    await rig.heard.until(lambda: rig.heard.of("crashed"))

    assert await rig.get("hold") != before
    assert rig.pool.fork_server != server


async def test_an_instance_that_takes_no_connections_gets_no_more_requests(rig: Rig) -> None:
    rig.write(ok=ECHO)
    await rig.start(function("ok", "ok:app"))
    before = await rig.get("ok")

    with pytest.raises(ConnectionRefusedError):
        async with rig.pool.instance("ok"):
            raise ConnectionRefusedError

    assert await rig.get("ok") != before
