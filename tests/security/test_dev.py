"""A19: the control API of a running `dev`, as a web page or another user of the machine would attack it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import harness
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPEC = """
    functions:
      - {name: taker, handler: "functions:app"}
    eventDriven:
      - {name: uploads, source: {bucket: {name: uploads}}, function: taker}
    gateway:
      routes: [{name: own, path: /own, function: taker}]
"""
FUNCTIONS = """
    from patternapp.receiver import Event, Receiver

    app = Receiver()

    @app.on()
    async def take(event: Event[object]) -> None:
        pass
"""
READS = ("/api", "/api/ledger", "/api/events", "/api/graph", "/metrics", "/healthz")
WRITES = ("/api/dead-letters/redrive", "/api/dead-letters/purge", "/api/schedules/x/run")
EVENT = {"content-type": "application/json", "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/t", "ce-type": "t"}
OUTSIDE = "outside.txt"


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Dev]:
    folder: Path = tmp_path_factory.mktemp("app")
    (folder / OUTSIDE).write_text("nobody's business")
    running = harness.Dev(folder).write(SPEC, functions=FUNCTIONS).start()
    yield running
    running.close()


def test_it_listens_on_this_machine_alone(dev: harness.Dev) -> None:
    with socket.socket() as probe:
        probe.settimeout(harness.DEADLINE)
        # Another of the machine's own addresses: what listens everywhere would answer there too.
        assert probe.connect_ex(("127.0.0.2", dev.port)) != 0


@pytest.mark.parametrize("path", [*READS, *WRITES, "/events", "/s3/uploads/a"])
def test_a_page_that_calls_itself_this_machine_is_refused(path: str, dev: harness.Dev) -> None:
    rebound = {"host": f"evil.example:{dev.port}"}

    assert dev.get(path, rebound).status == 403
    assert dev.request("POST", path, b"{}", rebound).status == 403


@pytest.mark.parametrize("path", [*READS, *WRITES, "/events", "/s3/uploads/a"])
def test_another_web_page_is_refused(path: str, dev: harness.Dev) -> None:
    for origin in ("https://evil.example", "null", "http://localhost:3000"):
        assert dev.request("POST", path, b"{}", {"origin": origin, **EVENT}).status == 403


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("given", [{}, {"authorization": "Bearer "}, {"authorization": "Bearer wrong"}])
def test_a_write_without_the_token_is_refused(path: str, given: dict[str, str], dev: harness.Dev) -> None:
    assert dev.request("POST", path, b'{"all": true}', given).status == 401


def test_only_its_user_can_read_the_token(dev: harness.Dev) -> None:
    assert (dev.data / "token").stat().st_mode & 0o777 == 0o600


UP = (
    "/s3/uploads/../../{}",
    "/s3/uploads/%2e%2e/%2e%2e/{}",
    "/s3/uploads/..%2f..%2f{}",
    "/s3/uploads/%252e%252e/{}",
    "/s3/..%2f{}",
    "/s3/uploads/..%5c..%5c{}",
    "/s3/uploads/%00/../{}",
    "//{}",
    "/../{}",
    "/api/../{}",
    "/api/..%2f{}",
    "/%2e%2e/{}",
    "/static/../{}",
)


@pytest.mark.parametrize("path", UP)
def test_no_path_leads_out_of_where_it_begins(path: str, dev: harness.Dev) -> None:
    read = dev.get(path.format(OUTSIDE))
    dev.request("PUT", path.format("made.txt"), b"made")

    assert b"nobody's business" not in read.body
    assert read.status >= 400
    bucket = dev.data / "buckets" / "uploads"
    assert [made for made in dev.folder.parent.rglob("*made.txt") if not made.is_relative_to(bucket)] == []


@pytest.mark.parametrize("path", ["/API/ledger", "//api/ledger", "/api//ledger", "/api/./dead-letters/purge"])
def test_no_spelling_of_a_path_goes_past_the_guard(path: str, dev: harness.Dev) -> None:
    refused = dev.request("POST", path, b'{"all": true}', {"host": "evil.example"})

    assert refused.status >= 400


def test_a_text_of_an_event_is_shown_as_data_and_never_as_a_page(dev: harness.Dev) -> None:
    script = "<script>alert(1)</script>"
    dev.send("t", script, id_="script", subject=script)

    for path in ("/api/events", "/api/graph", "/api/events/1", f"/api/{script}"):
        answer = dev.get(path)
        assert answer.headers["content-type"].startswith("application/")
