from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import psutil
import pytest
from runtime.functions.rig import DEADLINE, ECHO, from_secret, function, is_running

from patternapp.runtime.functions.pool import FunctionUnavailable
from patternapp.spec import v1alpha1

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.functions.rig import Rig

ABOUT = (
    ECHO
    + """
import random, signal, sys

@app.get("/about")
async def about() -> dict[str, object]:
    return {
        "cwd": os.getcwd(),
        "path": sys.path[0],
        "stdin": sys.stdin.read(),
        "env": dict(os.environ),
        "random": random.random(),
        "fds": sorted(os.listdir("/proc/self/fd")),
        "terminate": signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
        "group": os.getpgid(0),
    }
"""
)


SERVER = """
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = str(os.getpid()).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"""


async def test_a_function_runs_in_the_apps_folder_with_its_own_environment(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_DEV", "kept")
    variables = (v1alpha1.EnvVar(name="LOG_LEVEL", value="debug"), v1alpha1.EnvVar(name="PORT", value="1"))
    rig.write(about=ABOUT)
    await rig.start(function("about", "about:app", env=variables), env={"K_SINK": "http://sink", "LOG_LEVEL": "info"})

    about = await rig.get("about", "/about")

    assert about["cwd"] == about["path"] == str(rig.folder.resolve())
    assert about["stdin"] == ""
    assert float(about["env"]["PATTERNAPP_TIMEOUT"]) > 0
    wanted = {"FROM_DEV": "kept", "K_SINK": "http://sink", "LOG_LEVEL": "debug", "K_SERVICE": "about"}
    assert about["env"].items() >= wanted.items()
    assert about["env"]["PORT"] == str(rig.state("about").instances[0].port)


async def test_a_variable_comes_from_a_secret(rig: Rig) -> None:
    (rig.folder / ".data/secrets/shop-db").mkdir(parents=True)
    (rig.folder / ".data/secrets/shop-db/url").write_text("sqlite://")
    rig.write(about=ABOUT)
    await rig.start(
        function("about", "about:app", env=(from_secret("DATABASE_URL", "shop-db", "url"),)),
        data=rig.folder / ".data",
    )

    about = await rig.get("about", "/about")

    assert about["env"]["DATABASE_URL"] == "sqlite://"


async def test_instances_share_neither_random_numbers_nor_a_process_group(rig: Rig) -> None:
    rig.write(about=ABOUT)
    await rig.start(function("one", "about:app"), function("two", "about:app"))

    one, two = await rig.get("one", "/about"), await rig.get("two", "/about")

    assert one["random"] != two["random"]
    assert one["group"] != two["group"]


async def test_an_instance_has_no_descriptor_of_another(rig: Rig) -> None:
    rig.write(about=ABOUT)
    names = ("one", "two", "three")
    await rig.start(*(function(name, "about:app") for name in names))

    counts = [len((await rig.get(name, "/about"))["fds"]) for name in names]

    assert counts[0] == counts[1] == counts[2]


async def test_what_a_function_started_dies_with_it(rig: Rig) -> None:
    rig.write(
        starts=ECHO + "\nimport subprocess\n@app.get('/start')\nasync def start() -> int:\n"
        "    return subprocess.Popen(['sleep', '1000']).pid\n"
    )
    await rig.start(function("starts", "starts:app"))
    grandchild = psutil.Process(await rig.get("starts", "/start"))

    await rig.stop()

    assert not is_running(grandchild)


async def test_a_function_that_does_not_want_to_end_is_killed_after_the_grace(rig: Rig) -> None:
    rig.write(stays="import http.server, os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVER)
    await rig.start(function("stays", command=(sys.executable, "stays.py")), stop_grace=0.2)
    pid = await rig.get("stays")

    await rig.stop()

    assert not psutil.pid_exists(pid)


async def test_a_clean_end_runs_the_functions_own_shutdown_and_exit_handlers(rig: Rig) -> None:
    rig.write(
        ends="""
        import atexit, contextlib
        from patternapp.receiver import Receiver

        @contextlib.asynccontextmanager
        async def lifespan(app):
            yield
            print("closed")

        atexit.register(print, "good", "bye")
        app = Receiver(lifespan=lifespan)

        @app.get("/ok")
        async def ok() -> int:
            return 1
        """
    )
    await rig.start(function("ends", "ends:app"))
    await rig.get("ends", "/ok")

    await rig.stop()

    assert [line.text for line in rig.heard.lines] == ["closed", "good bye"]


async def test_a_command_is_a_function_that_listens_on_its_port(rig: Rig) -> None:
    rig.write(server="import http.server, os\nprint('hello')\n" + SERVER)
    await rig.start(function("any", command=(sys.executable, "server.py")))

    pid = await rig.get("any", event=8)

    assert rig.ready("any") == [pid]
    assert rig.heard.lines[0].text == "hello"
    assert rig.state("any").handler == f"{sys.executable} server.py"


async def test_a_command_goes_back_to_zero_and_is_replaced_only_when_asked(rig: Rig) -> None:
    rig.write(server="import http.server, os\n" + SERVER)
    await rig.start(function("any", command=(sys.executable, "server.py")))
    before = await rig.get("any")

    await rig.pool.reload(["any"])

    assert await rig.get("any") != before


async def test_a_command_that_is_not_there_is_named(rig: Rig) -> None:
    await rig.start(function("any", command=("no-such-program",)))

    with pytest.raises(FunctionUnavailable, match="cannot run no-such-program: No such file or directory"):
        await rig.get("any")


async def test_a_command_that_does_not_listen_is_killed(rig: Rig) -> None:
    await rig.start(function("any", command=("sleep", "1000")), start_timeout=0.5)

    with pytest.raises(FunctionUnavailable, match=r"did not take requests within 0\.5 s"):
        await rig.get("any")


DEV = """
import asyncio, pathlib, sys
from runtime.functions.rig import Recorder, function
from patternapp.runtime.functions.pool import FunctionPool, PoolSettings

async def main():
    folder = pathlib.Path(sys.argv[1])
    functions = [function("one", "starts:app"), function("two", command=["sh", "-c", f"{sys.executable} server.py"])]
    pool = FunctionPool(functions, PoolSettings(folder=folder, env={}), listener=Recorder())
    await pool.start()
    async with pool.instance("one"), pool.instance("two"):
        print(pool.fork_server, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def test_kill_9_of_dev_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "starts.py").write_text(f"import subprocess\nsubprocess.Popen(['sleep', '1000'])\n{ECHO}")
    (tmp_path / "server.py").write_text("import http.server, os\n" + SERVER)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path.endswith("tests"))}
    with subprocess.Popen(
        [sys.executable, "-c", DEV, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    ) as dev:
        assert dev.stdout is not None
        server = psutil.Process(int(dev.stdout.readline()))
        below = server.children(recursive=True)

        dev.send_signal(signal.SIGKILL)
        dev.wait()

    _, left = psutil.wait_procs([server, *below], timeout=DEADLINE)
    assert len(below) >= 4
    assert [process for process in left if is_running(process)] == []


def test_the_pool_imports_no_web_framework_and_no_http_client() -> None:
    code = textwrap.dedent(
        """
        import json, sys
        import patternapp.runtime.functions.pool
        print(json.dumps([name for name in ("fastapi", "starlette", "aiohttp", "uvicorn") if name in sys.modules]))
        """
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert json.loads(found.stdout) == []
