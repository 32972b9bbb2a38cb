from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

APP = """
import contextlib
from patternapp.receiver import Receiver

@contextlib.asynccontextmanager
async def lifespan(app):
    print("up", flush=True)
    yield
    print("down", flush=True)

app = Receiver(lifespan=lifespan)
"""
SERVE = """
import pathlib, sys
from patternapp.receiver import server, settings
server.serve("papp_served:app", host="127.0.0.1", settings=settings.Settings(), folder=pathlib.Path(sys.argv[1]))
"""


def test_a_served_function_listens_on_the_port_of_its_environment_and_ends_on_sigterm_with_an_idle_connection(
    tmp_path: Path,
) -> None:
    (tmp_path / "papp_served.py").write_text(APP)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVE, str(tmp_path)],
        env={**os.environ, "PORT": str(port)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
            assert answer.status == 200
        with socket.create_connection(("127.0.0.1", port)):
            process.send_signal(signal.SIGTERM)
            assert process.stdout.readline() == "down\n"
            assert process.wait(timeout=15) == -signal.SIGTERM


def test_serving_a_plain_asgi_application_does_not_import_fastapi() -> None:
    code = (
        "import sys; from patternapp.receiver import server; print('fastapi' in sys.modules, 'pydantic' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False False\n"


def test_a_receiver_whose_handlers_do_not_ask_for_the_sdk_event_does_not_import_it() -> None:
    code = "import sys; from patternapp.receiver import Receiver; Receiver(); print('cloudevents.core' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
