"""SIGTERM: not ready at once, requests still taken for a while, those in flight finished, then abandoned."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import harness
import pytest
from receiver import serving

if TYPE_CHECKING:
    from pathlib import Path

GATED = """
    import asyncio, contextlib, pathlib, threading
    from patternapp.receiver import Receiver

    gate = pathlib.Path("gate")

    @contextlib.asynccontextmanager
    async def lifespan(app):
        yield
        print("lifespan ended", flush=True)

    app = Receiver(lifespan=lifespan)

    @app.on("ping")
    async def ping() -> None:
        print("handled", flush=True)
        while not gate.exists():
            await asyncio.sleep(0.01)

    @app.on("stuck")
    def stuck() -> None:
        print("handled", flush=True)
        threading.Event().wait()

    @app.on_batch("together")
    async def together(events: list[Event[bytes]]) -> None:
        print("handled", flush=True)
        await asyncio.Event().wait()
""".replace("import Receiver\n", "import Event, Receiver\n")


def test_requests_in_flight_are_finished_and_every_connection_ends(tmp_path: Path) -> None:
    with (
        serving.serving(tmp_path, "--linger", "0", app=GATED) as served,
        served.connect() as idle,
        served.connect() as busy,
        served.connect() as half,
    ):
        idle.sendall(serving.EVENT.replace(b"ping", b"pong"))
        serving.read_head(idle)
        half.sendall(serving.HEAD)
        busy.sendall(serving.EVENT)
        harness.eventually(lambda: served.handled == 1)

        served.process.send_signal(signal.SIGTERM)
        idle_said, half_said = serving.read_all(idle), serving.read_all(half)
        (tmp_path / "gate").touch()
        said = serving.read_all(busy)

        assert served.process.wait(harness.DEADLINE) == -signal.SIGTERM
        assert b"HTTP" not in idle_said + half_said
        assert serving.statuses(said) == [204]
        assert b"connection: close" in said
        assert "lifespan ended" in served.output
        assert "abandoned" not in served.output


def test_readiness_fails_first_while_requests_are_still_taken_each_on_its_last_connection(tmp_path: Path) -> None:
    (tmp_path / "gate").touch()
    with serving.serving(tmp_path, "--linger", "300", app=GATED) as served:
        before = served.get("/readyz")

        served.process.send_signal(signal.SIGTERM)
        harness.eventually(lambda: served.get("/readyz") == 503)
        said = served.say(serving.EVENT)

        assert (before, served.get("/healthz")) == (200, 200)
        assert serving.statuses(said) == [204]
        assert b"connection: close" in said


def test_an_interrupt_from_the_keyboard_does_not_linger(tmp_path: Path) -> None:
    with serving.serving(tmp_path, "--linger", "300", app=GATED) as served:
        served.process.send_signal(signal.SIGINT)

        served.process.wait(harness.DEADLINE)


@pytest.mark.parametrize("kind", [b"ping", b"stuck", b"together"])
def test_what_is_not_done_within_the_grace_is_abandoned_with_a_word_and_to_be_sent_again(
    tmp_path: Path, kind: bytes
) -> None:
    with serving.serving(tmp_path, "--linger", "0", "--grace", "0.5", app=GATED) as served, served.connect() as busy:
        busy.sendall(serving.EVENT.replace(b"ce-type: ping", b"ce-type: " + kind))
        harness.eventually(lambda: served.handled == 1)

        code = served.stop()

        assert serving.statuses(serving.read_all(busy)) == [503]
        assert code == -signal.SIGTERM
        assert f"{kind.decode()} was abandoned on event 1 from /test: the function had to stop" in served.output
        assert "1 requests did not end within 0.5 s and are abandoned" in served.output
        assert "Traceback" not in served.output


def test_a_body_that_never_ends_does_not_outlast_the_grace(tmp_path: Path) -> None:
    with serving.serving(tmp_path, "--linger", "0", "--grace", "0.5", app=GATED) as served, served.connect() as half:
        half.sendall(serving.HEAD + b"Content-Length: 20\r\nExpect: 100-continue\r\n\r\n")
        serving.read_head(half)

        assert served.stop() == -signal.SIGTERM
        assert "Traceback" not in served.output


def test_a_second_interrupt_ends_it_at_once(tmp_path: Path) -> None:
    with serving.serving(tmp_path, "--grace", "300", app=GATED) as served, served.connect() as busy:
        busy.sendall(serving.EVENT)
        harness.eventually(lambda: served.handled == 1)
        served.process.send_signal(signal.SIGINT)

        def ended() -> bool:
            served.process.send_signal(signal.SIGINT)
            try:
                served.process.wait(0.2)
            except subprocess.TimeoutExpired:
                return False
            return True

        harness.eventually(ended)
