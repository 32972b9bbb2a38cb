"""Each event is handled once over processes, restarts and crashes: real processes, real databases."""

from __future__ import annotations

import contextlib
import itertools
import time
from concurrent import futures
from typing import TYPE_CHECKING

import harness
import pytest
from psycopg import conninfo
from receiver import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP = """
    import asyncio, os, pathlib
    from patternapp.receiver import Event, Idempotency, Receiver

    app = Receiver(source="/me", idempotency=Idempotency(store=os.environ["STORE"], lease=1.5))
    gate = pathlib.Path(os.environ["GATE"])

    @app.on("ping", reply="pong")
    async def ping(event: Event) -> dict[str, int]:
        with open(os.environ["EFFECTS"], "a") as effects:
            effects.write(event.attributes["id"] + "\\n")
        print("handled", flush=True)
        while not gate.exists():
            await asyncio.sleep(0.01)
        return {"by": os.getpid()}
"""
PLACES = [
    pytest.param("sqlite"),
    pytest.param("postgres", marks=pytest.mark.component("postgres")),
    pytest.param("redis", marks=pytest.mark.component("redis")),
]


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "postgres":
            known = conninfo.conninfo_to_dict(request.getfixturevalue("postgres_dsn"))
            return "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**known)
        case "redis":
            return str(request.getfixturevalue("redis_url"))
        case _:
            return f"sqlite:///{tmp_path / 'claims.db'}"


@contextlib.contextmanager
def two_processes(folder: Path, place: str) -> Iterator[tuple[serving.Served, serving.Served]]:
    env = {"STORE": place, "GATE": str(folder / "gate"), "EFFECTS": str(folder / "effects")}
    with (
        serving.serving(folder / "one", app=APP, env=env) as one,
        serving.serving(folder / "two", app=APP, env=env) as two,
    ):
        yield one, two


def ping(number: int) -> bytes:
    return serving.EVENT.replace(b"ce-id: 1", b"Connection: close\r\nce-id: %d" % number)


def body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("place", PLACES, indirect=True)
def test_many_deliveries_of_the_same_events_to_two_processes_have_each_effect_once(tmp_path: Path, place: str) -> None:
    (tmp_path / "gate").touch()
    numbers = [number for number in range(50) for _ in range(6)]
    with two_processes(tmp_path, place) as both, futures.ThreadPoolExecutor(8) as pool:
        pairs = list(zip(numbers, itertools.cycle(both), strict=False))

        def deliver(pair: tuple[int, serving.Served]) -> tuple[int, bytes]:
            while serving.statuses(answer := pair[1].say(ping(pair[0]))) == [409]:
                pass  # it is being handled, and will be done in a moment
            assert serving.statuses(answer) == [200], answer
            return pair[0], body(answer)

        answers = set(pool.map(deliver, pairs))

    effects = (tmp_path / "effects").read_text().split()
    assert sorted(effects, key=int) == [str(number) for number in range(50)]
    assert len(answers) == 50


@pytest.mark.parametrize("place", PLACES, indirect=True)
def test_an_event_in_work_is_answered_409_for_as_long_as_it_takes_and_then_alike(tmp_path: Path, place: str) -> None:
    with two_processes(tmp_path, place) as (one, two), one.connect() as first:
        first.sendall(ping(1))
        harness.eventually(lambda: one.handled == 1)
        deadline_of_the_first_lease = time.monotonic() + 2

        def past_its_first_lease() -> bool:
            answer = two.say(ping(1))
            assert serving.statuses(answer) == [409]
            assert b"retry-after: 1" in answer
            return time.monotonic() > deadline_of_the_first_lease

        harness.eventually(past_its_first_lease)
        (tmp_path / "gate").touch()
        answer = serving.read_all(first)
        again = two.say(ping(1))

        assert two.handled == 0
    assert body(answer) == body(again) != b""


@pytest.mark.parametrize("place", PLACES, indirect=True)
def test_a_crash_gives_the_event_to_the_next_delivery_after_a_lease(tmp_path: Path, place: str) -> None:
    with two_processes(tmp_path, place) as (one, two), one.connect() as first:
        first.sendall(ping(1))
        harness.eventually(lambda: one.handled == 1)

        one.process.kill()
        (tmp_path / "gate").touch()

        harness.eventually(lambda: serving.statuses(two.say(ping(1))) == [200])
        assert two.handled == 1
