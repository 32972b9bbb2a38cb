"""The receivers that are compared: ours and its peers, each as its users would write and start it.

Bare uvicorn, FastAPI with the CloudEvents SDK, and ours run in the project's own environment, so on the same versions.
func-python and functions-framework cannot be installed beside it (one brings its own server, the other pins an older
SDK): each gets an environment of its own below ``~/.cache/patternapp/bench``, made by pip when it is missing.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ENVIRONMENTS = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "patternapp" / "bench"
OWN = Path(sys.executable).parent
START_TIMEOUT = 60.0

_MODEL = """
import pydantic

class Order(pydantic.BaseModel):
    number: int
    customer: str
    total: float
"""
_OURS = f"""{_MODEL}
from patternapp.receiver import Event, Receiver

app = Receiver()

@app.on("order.placed")
async def placed(order: Order) -> None: ...

@app.on_batch("order.batched")
async def batched(orders: list[Event[Order]]) -> None: ...
"""
_ROUTED = f"{_OURS}\n@app.get('/orders')\nasync def orders() -> list[Order]: return []\n"
_BARE = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})
"""
_FASTAPI = f"""{_MODEL}
import fastapi
from cloudevents.core.bindings import http
from cloudevents.core.formats.json import JSONFormat

app = fastapi.FastAPI()
FORMAT = JSONFormat()

@app.post("/", status_code=204)
async def placed(request: fastapi.Request) -> None:
    event = http.from_http(http.HTTPMessage(dict(request.headers), await request.body()), FORMAT)
    Order.model_validate(event.get_data())
"""
_FUNC_PYTHON = f"""{_MODEL}
from func_python.cloudevent import serve

async def handle(scope, receive, send):
    Order.model_validate(scope["event"].get_data())
    await send.http({{"type": "http.response.start", "status": 204, "headers": []}})
    await send.http({{"type": "http.response.body"}})

serve(handle)
"""
_FRAMEWORK = f"""{_MODEL}
import functions_framework

@functions_framework.cloud_event
def placed(event):
    Order.model_validate(event.data)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """A program that takes events over HTTP.

    Attributes:
        name: What it is called in the tables.
        code: Its module, ``main.py``.
        command: How it is started, but for the port; ``{port}`` stands for that.
        needs: What pip installs into its own environment; nothing means the project's.
    """

    name: str
    code: str
    command: Sequence[str]
    needs: str = ""


_UVICORN = ("uvicorn", "main:app", "--port", "{port}", "--no-access-log", "--log-level", "warning")
OURS = Receiver(
    name="patternapp",
    code=_OURS,
    # The timeout is what `render` sets for a function that does not say another.
    command=("patternapp", "serve", "main:app", "--host", "127.0.0.1", "--port", "{port}", "--timeout", "29"),
)
ROUTED = Receiver(name="patternapp with a route", code=_ROUTED, command=OURS.command)
BARE = Receiver(name="bare uvicorn", code=_BARE, command=_UVICORN)
FASTAPI = Receiver(name="FastAPI + SDK", code=_FASTAPI, command=_UVICORN)
FUNC_PYTHON = Receiver(name="func-python", code=_FUNC_PYTHON, command=("python", "main.py"), needs="func-python")
FRAMEWORK = Receiver(
    name="functions-framework",
    code=_FRAMEWORK,
    command=("functions-framework", "--target", "placed", "--host", "127.0.0.1", "--port", "{port}"),
    needs="functions-framework",
)
ALL = (OURS, ROUTED, BARE, FASTAPI, FUNC_PYTHON, FRAMEWORK)


@dataclass(frozen=True, slots=True)
class Running:
    """A started receiver."""

    receiver: Receiver
    process: subprocess.Popen[bytes]
    port: int

    def memory(self) -> float:
        """MiB resident, of all its processes."""
        root = psutil.Process(self.process.pid)
        tree = [root, *root.children(recursive=True)]
        return sum(one.memory_info().rss for one in tree) / 2**20


def environment(receiver: Receiver) -> Path:
    """The folder of its programs; made, from the package registry, if it is not there yet."""
    if not receiver.needs:
        return OWN
    folder = ENVIRONMENTS / receiver.needs
    done = folder / "done"
    if not done.exists():
        print(f"installing {receiver.needs} into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = (str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        subprocess.run([*pip, receiver.needs, "pydantic"], check=True)
        done.touch()
    return folder / "bin"


@contextlib.contextmanager
def running(receiver: Receiver, folder: Path, *, prefix: Sequence[str] = ()) -> Iterator[Running]:
    """The receiver, taking requests; its module is put into the folder, and the prefix in front of its command."""
    started = start(receiver, folder, prefix=prefix)
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while not _takes(started.port):
            if started.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{receiver.name} did not start")
            time.sleep(0.02)
        yield started
    finally:
        stop(started)


def start(receiver: Receiver, folder: Path, *, prefix: Sequence[str] = ()) -> Running:
    """Start it and return at once."""
    programs = environment(receiver)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.py").write_text(receiver.code)
    port = free_port()
    program, *arguments = (word.format(port=port) for word in receiver.command)
    process = subprocess.Popen(
        [*prefix, str(programs / program), *arguments],
        cwd=folder,
        env=_environment(port),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return Running(receiver, process, port)


def stop(started: Running) -> None:
    """Kill it, with what it started."""
    tree = psutil.Process(started.process.pid)
    for one in [*tree.children(recursive=True), tree]:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    started.process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _environment(port: int) -> Mapping[str, str]:
    # Installed packages come compiled. What is not, is compiled by its first start, as in an image by its build.
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    # func-python reads where to listen here.
    return {**kept, "LISTEN_ADDRESS": f"127.0.0.1:{port}", "PYTHONSAFEPATH": ""}


def _takes(port: int) -> bool:
    # No request: one that is no event may load parts of a program that events never need.
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True
