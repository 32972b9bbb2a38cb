"""`patternapp dev` from outside: exit codes, streams, `--once`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import harness
import pytest

from patternapp.cli.commands import init

if TYPE_CHECKING:
    from pathlib import Path


def dev(file: Path, *options: object) -> subprocess.CompletedProcess[str]:
    command = [*harness.PATTERNAPP, "dev", str(file), *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=harness.DEADLINE)


def initialized(folder: Path, pattern: str = "event-driven") -> Path:
    subprocess.run([*harness.PATTERNAPP, "init", str(folder), "--pattern", pattern], check=True, capture_output=True)
    return folder / "app.yaml"


def events(folder: Path, *events: dict[str, Any]) -> Path:
    file = folder / "events.jsonl"
    common = {"specversion": "1.0", "source": "/test"}
    file.write_text("".join(json.dumps({**common, "id": str(n), **event}) + "\n" for n, event in enumerate(events)))
    return file


def test_once_delivers_a_file_s_events_prints_the_ledger_and_ends(tmp_path: Path) -> None:
    app = initialized(tmp_path)
    file = events(tmp_path, {"type": "hello.said", "data": {"name": "Ada"}}, {"type": "other"})

    result = dev(app, "--port", harness.free_port(), "--once", file)

    assert result.returncode == 0, result.stderr
    ledger = json.loads(result.stdout)
    # The greeting, which is the reply, is an event too.
    assert ledger == {
        "accepted": 3, "unmatched": 2, "deliveries": 1, "delivered": 1, "dead_lettered": 0, "pending": 0,
    }  # fmt: skip
    assert "greeting Ada" in result.stderr


def test_once_exits_with_1_when_an_event_was_dead_lettered(tmp_path: Path) -> None:
    app = initialized(tmp_path)
    file = events(tmp_path, {"type": "hello.said", "data": {"nobody": True}})

    result = dev(app, "--port", harness.free_port(), "--once", file)

    assert result.returncode == 1, result.stderr
    assert json.loads(result.stdout)["dead_lettered"] == 1


def test_a_taken_port_exits_with_3(tmp_path: Path) -> None:
    app = initialized(tmp_path)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = dev(app, "--port", port)

    assert result.returncode == 3
    assert str(port) in result.stderr
    assert "Traceback" not in result.stderr


def test_a_second_dev_on_the_same_data_exits_with_3(dev: harness.Dev) -> None:
    initialized(dev.folder / "app")
    dev.file = dev.folder / "app" / "app.yaml"
    dev.start()

    second = harness.Dev(dev.folder)
    result = subprocess.run(
        [*harness.PATTERNAPP, "dev", str(dev.file), "--port", str(second.port), "--data", str(dev.data)],
        capture_output=True,
        text=True,
        check=False,
        timeout=harness.DEADLINE,
    )

    assert result.returncode == 3
    assert "another `patternapp dev` uses the data folder" in result.stderr


def test_what_dev_cannot_run_yet_exits_with_1(tmp_path: Path) -> None:
    app = initialized(tmp_path)
    app.write_text(app.read_text().replace("{exact: {type: hello.said}}", "{cesql: \"type = 'hello.said'\"}"))

    result = dev(app, "--port", harness.free_port())

    assert result.returncode == 1
    assert "[NotInDevYet]" in result.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_a_signal_ends_dev_with_0(stop: signal.Signals, dev: harness.Dev) -> None:
    dev.file = initialized(dev.folder / "app")
    dev.start()

    os.kill(dev.pid, stop)

    assert dev._process is not None
    assert dev._process.wait(harness.DEADLINE) == 0
    assert "Traceback" not in dev.log()


@pytest.mark.parametrize("pattern", [one for one in init.Pattern if one is not init.Pattern.GATEWAY], ids=str)
def test_a_new_app_runs_and_what_its_readme_says_to_try_works(pattern: init.Pattern, dev: harness.Dev) -> None:
    dev.file = initialized(dev.folder / "app", pattern)
    dev.start()
    words = init.TRY[pattern].replace("patternapp ", " ".join(harness.PATTERNAPP) + " ", 1)

    tried = subprocess.run(
        ["/bin/sh", "-c", words],
        env={"PATH": "/usr/bin:/bin", "PATTERNAPP_URL": f"http://127.0.0.1:{dev.port}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=harness.DEADLINE,
    )

    assert tried.returncode == 0, tried.stderr
    ledger = dev.settled()
    assert (ledger["dead_lettered"], ledger["unmatched"]) == (0, int(pattern == "event-driven"))
    assert ledger["delivered"] > 0


def test_a_new_app_with_a_gateway_answers_requests_and_takes_events(dev: harness.Dev) -> None:
    dev.file = initialized(dev.folder / "app", init.Pattern.GATEWAY)
    dev.start()

    answer = dev.get("/hello/Ada")
    wave = dev.request("POST", "/waves", b'{"hand": "left"}', {"content-type": "application/json"})

    assert (answer.status, answer.json()) == (200, {"text": "Hello, Ada!"})
    assert wave.status == 202
    assert dev.settled()["delivered"] == 1


def test_kafka_without_its_package_is_an_environment_problem_that_names_the_extra(tmp_path: Path) -> None:
    app = initialized(tmp_path, "queue")
    program = "import sys; sys.modules['kafka'] = None; from patternapp.cli import main; main.main()"

    command = [sys.executable, "-c", program, "dev", str(app), "--kafka", "127.0.0.1:9092"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=harness.DEADLINE)

    assert result.returncode == 3
    assert "pip install 'patternapp[kafka]'" in " ".join(result.stderr.split())


@pytest.mark.parametrize("address", ["9092", "kafka", "http://127.0.0.1:9092", "127.0.0.1:", "-:1"])
def test_kafka_wants_a_host_and_a_port(tmp_path: Path, address: str) -> None:
    result = dev(initialized(tmp_path), f"--kafka={address}")

    assert result.returncode == 2
    assert "host:port, such as" in result.stderr


def test_kafka_and_once_are_not_for_one_run(tmp_path: Path) -> None:
    app = initialized(tmp_path)

    result = dev(app, "--kafka", "127.0.0.1:9092", "--once", events(tmp_path, {"type": "other"}))

    assert result.returncode == 2
    assert "--once" in result.stderr
