"""Starting, reloading and stopping a real `dev`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import psutil
from harness import PATTERNAPP, eventually, free_port

from patternapp.runtime import settings

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Dev

APP = """
delivery: {retry: 3, backoffPolicy: linear, backoffDelay: 50ms, timeout: 10s}
functions:
  - {name: a, handler: "a:app", scale: {idle: 30s}}
  - {name: b, handler: "b:app", scale: {idle: 30s}}
gateway:
  routes:
    - {name: a, path: /a, methods: [GET], function: a}
    - {name: b, path: /b, methods: [GET], function: b}
eventDriven:
  - {name: slow, filters: [{exact: {type: slow}}], function: a}
"""


def function(answer: str) -> str:
    return f"""
    import asyncio, os
    from pathlib import Path
    from patternapp.receiver import Receiver

    app = Receiver()

    @app.get("/{{name}}")
    async def read(name: str) -> dict:
        return {{"answer": "{answer}", "pid": os.getpid()}}

    @app.on("slow")
    async def slow() -> None:
        Path("begun").touch()
        while not Path("go-on").exists():
            await asyncio.sleep(0.01)
        Path("finished").touch()
    """


def test_only_the_changed_function_is_reloaded(dev: Dev) -> None:
    dev.write(APP, a=function("one"), b=function("two")).start()
    before = dev.get("/b").json()
    assert dev.get("/a").json()["answer"] == "one"

    dev.module("a", function("changed"))

    eventually(lambda: dev.get("/a").json()["answer"] == "changed")
    assert dev.get("/b").json() == before


def test_a_change_that_cannot_be_imported_leaves_the_old_function_running(dev: Dev) -> None:
    dev.write(APP, a=function("one"), b=function("two")).start()
    assert dev.get("/a").json()["answer"] == "one"

    dev.module("a", "this is no Python")
    eventually(lambda: "SyntaxError" in dev.log())

    assert dev.get("/a").json()["answer"] == "one"


def test_a_stopped_dev_lets_a_delivery_finish_and_leaves_no_process_behind(dev: Dev) -> None:
    dev.write(APP, a=function("one"), b=function("two")).start()
    dev.send("slow")
    eventually((dev.folder / "begun").exists)
    family = [dev.pid, *(child.pid for child in psutil.Process(dev.pid).children(recursive=True))]

    os.kill(dev.pid, signal.SIGINT)
    (dev.folder / "go-on").touch()

    assert dev.wait() == 0
    assert (dev.folder / "finished").exists()
    assert not [pid for pid in family if psutil.pid_exists(pid)]
    dev.start()
    assert dev.ledger()["delivered"] == 1


def test_a_stopped_dev_waits_for_deliveries_and_functions_together_no_longer_than_the_grace(dev: Dev) -> None:
    dev.write(APP.replace("timeout: 10s", "timeout: 300s"), a=function("one"), b=function("two")).start()
    dev.send("slow")
    eventually((dev.folder / "begun").exists)
    began = time.monotonic()

    assert dev.stop() == 0

    assert time.monotonic() - began < 2 * settings.STOP_GRACE
    assert not (dev.folder / "finished").exists()


def test_a_second_ctrl_c_waits_for_nothing_and_loses_nothing(dev: Dev) -> None:
    dev.write(APP, a=function("one"), b=function("two")).start()
    dev.send("slow")
    eventually((dev.folder / "begun").exists)
    family = [child.pid for child in psutil.Process(dev.pid).children(recursive=True)]

    os.kill(dev.pid, signal.SIGINT)
    eventually(lambda: "Ctrl-C again to stop at once" in dev.log())
    os.kill(dev.pid, signal.SIGINT)

    assert dev.wait() == 128 + signal.SIGINT
    eventually(lambda: not [pid for pid in family if psutil.pid_exists(pid)])
    (dev.folder / "go-on").touch()
    dev.start()
    eventually(lambda: dev.ledger()["delivered"] == 1)


def test_events_that_are_over_are_forgotten_after_the_time_to_keep_them_and_still_counted(dev: Dev) -> None:
    dev.write(APP, a=function("one"), b=function("two")).start()
    (dev.folder / "go-on").touch()
    seq = dev.send("slow").headers["patternapp-event"]
    before = dev.settled()
    dev.stop()

    dev.start("--keep", "1ms")

    eventually(lambda: dev.get(f"/api/events/{seq}").status == 404)
    assert dev.ledger() == before


def test_a_time_to_keep_events_that_is_none_is_a_usage_error(dev: Dev) -> None:
    dev.write(APP, a=function("one"), b=function("two"))

    ended = subprocess.run([*PATTERNAPP, "dev", str(dev.file), "--keep", "1 day"], capture_output=True, check=False)

    assert ended.returncode == 2
    assert "'1 day' is not a duration; write one like" in " ".join(ended.stderr.decode().replace("│", "").split())


def test_a_killed_dev_takes_its_functions_with_it(dev: Dev) -> None:
    dev.write(APP, a=function("one"), b=function("two")).start()
    dev.get("/a")
    family = [child.pid for child in psutil.Process(dev.pid).children(recursive=True)]

    dev.kill()

    assert len(family) >= 2
    eventually(lambda: not [pid for pid in family if psutil.pid_exists(pid)])


def run_dev(dev: Dev, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*PATTERNAPP, "dev", str(dev.file), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def test_a_port_that_is_taken_is_named_with_the_mend_and_exit_code_3(dev: Dev) -> None:
    dev.write(APP, a=function("one"), b=function("two")).start()

    second = run_dev(dev, "--port", str(dev.port), "--data", str(dev.folder / "other"))

    assert second.returncode == 3
    assert str(dev.port) in second.stderr
    assert "port" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_data_folder_that_another_dev_holds_is_named_with_the_mend_and_exit_code_3(dev: Dev) -> None:
    dev.write(APP, a=function("one"), b=function("two")).start()

    second = run_dev(dev, "--port", str(free_port()), "--data", str(dev.data))

    assert second.returncode == 3
    assert "--data" in second.stderr


def test_a_feature_that_dev_does_not_have_yet_is_refused_by_name(dev: Dev) -> None:
    dev.write(
        """
        functions: [{name: f, handler: "fn:app"}]
        eventDriven: [{name: t, filters: [{cesql: "type = 'ping'"}], function: f}]
        """
    )

    refused = run_dev(dev, "--port", str(free_port()))

    assert refused.returncode == 1
    assert "event-driven/t" in refused.stderr
    assert "cesql" in refused.stderr


def test_once_delivers_the_events_of_a_file_and_prints_the_ledger(dev: Dev, tmp_path: Path) -> None:
    dev.write(APP, a=function("one"), b=function("two"))
    (dev.folder / "go-on").touch()
    events = tmp_path / "events.json"
    events.write_text(
        json.dumps([{"specversion": "1.0", "id": str(n), "source": "/t", "type": "slow"} for n in range(5)])
    )

    done = run_dev(dev, "--port", str(free_port()), "--data", str(dev.data), "--once", str(events))

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["delivered"] == 5


def test_the_control_api_refuses_other_hosts_other_origins_and_writes_without_the_token(dev: Dev) -> None:
    dev.write(APP, a=function("one"), b=function("two")).start()

    host = dev.get("/api/ledger", {"host": "evil.example.com"})
    origin = dev.get("/api/ledger", {"origin": "http://evil.example.com"})
    write = dev.request("POST", "/api/dead-letters/purge", b'{"all": true}')
    foreign = dev.request("POST", "/events", b"{}", {"origin": "http://evil.example.com"})

    assert [answer.status for answer in (host, origin, write, foreign)] == [403, 403, 401, 403]


def test_many_producers_at_once_are_all_accepted_and_delivered(dev: Dev) -> None:
    dev.write(
        """
        functions: [{name: f, handler: "fn:app", scale: {max: 2}}]
        fanOut:
          - name: all
            filters: [{prefix: {type: load}}]
            subscribers: [{name: one, function: f}, {name: two, function: f}]
        """,
        fn="""
        from patternapp.receiver import Receiver

        app = Receiver()

        @app.on()
        async def got() -> None: ...
        """,
    ).start()

    def produce(producer: int) -> None:
        for number in range(50):
            assert dev.send("load", {}, id_=f"{producer}-{number}").status == 202

    producers = [threading.Thread(target=produce, args=(number,)) for number in range(8)]
    for producer in producers:
        producer.start()
    for producer in producers:
        producer.join()

    ledger = dev.settled()
    assert (ledger["accepted"], ledger["delivered"]) == (400, 800)
