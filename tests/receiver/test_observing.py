"""What a served function tells of itself: logs with their events, traces in and out, metrics on a port of their own."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING, Any

import harness
import otlp
import pytest
from prometheus_client import parser
from receiver import serving

if TYPE_CHECKING:
    from pathlib import Path

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
OTHER = "00-11111111111111111111111111111111-2222222222222222-01"
APP = """
    import logging, time
    from patternapp.receiver import Event, Receiver, Reject, Retry, trace_headers

    logger = logging.getLogger("fn")
    app = Receiver(source="/me", idempotency="memory:")

    @app.on("ping", reply="pong")
    async def ping(event: Event[int]) -> dict[str, str]:
        logger.info("handled %s", event.data)
        return trace_headers()

    @app.on("thread")
    def thread() -> None:
        logger.warning("handled in a thread")

    @app.on("wrong")
    async def wrong(data: int) -> None:
        raise {1: Reject("no"), 2: Retry("later")}.get(data) or RuntimeError("secret")

    @app.on_batch("many")
    async def many(events: list[Event[int]]) -> None:
        logger.info("handled a batch")
"""


def post(served: serving.Served, kind: str, data: str = "1", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """The status, the headers and the body of the answer to a binary event."""
    extra = {"ce-id": "1", **{name.replace("_", "-"): value for name, value in headers.items()}}
    context = {"ce-specversion": "1.0", "ce-source": "/test", "ce-type": kind, "content-type": "application/json"}
    return send(served, {**context, **extra}, data.encode())


def send(served: serving.Served, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{lines}content-length: {len(body)}\r\n\r\n"
    top, _, content = served.say(head.encode() + body).partition(b"\r\n\r\n")
    first, *rest = top.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in rest), content


def batch(*events: dict[str, Any]) -> bytes:
    context = {"specversion": "1.0", "source": "/test"}
    return json.dumps([{**context, **event} for event in events]).encode()


def logged(served: serving.Served, message: str) -> dict[str, Any]:
    """The one log line with this message."""

    def find() -> list[dict[str, Any]]:
        lines = (json.loads(line) for line in served.output.splitlines())
        return [line for line in lines if line["message"] == message]

    (found,) = harness.eventually(find)
    return dict(found)


def test_a_line_that_a_handler_logs_says_which_event_it_had(tmp_path: Path) -> None:
    with serving.serving(tmp_path, app=APP) as served:
        post(served, "ping", ce_id="a", traceparent=PARENT)
        post(served, "thread", ce_id="b")
        post(served, "wrong", "3", ce_id="c", ce_traceparent=PARENT)
        many = batch({"type": "many", "id": "d", "data": 1}, {"type": "many", "id": "e", "data": 2})
        send(served, {"content-type": "application/cloudevents-batch+json"}, many)

        first, second = logged(served, "handled 1"), logged(served, "handled in a thread")
        third, fourth = logged(served, "wrong failed on event c from /test"), logged(served, "handled a batch")

    assert first.keys() == {"time", "level", "logger", "message", "event", "events", "trace_id"}
    assert (first["level"], first["logger"], first["trace_id"]) == ("info", "fn", TRACE)
    assert first["event"] == {"id": "a", "source": "/test", "type": "ping"}
    assert second["event"] == {"id": "b", "source": "/test", "type": "thread"}
    assert (third["event"]["id"], third["trace_id"]) == ("c", TRACE)
    assert "RuntimeError: secret" in third["traceback"]
    assert (fourth["event"]["id"], fourth["events"]) == ("d", 2)


def test_on_a_terminal_a_line_is_for_people() -> None:
    script = (
        "import logging; from patternapp.receiver import Event, context, logs; logs.begin('info');"
        "context.enter(Event({'id': '7', 'source': '/s', 'type': 'ping', 'specversion': '1.0'}, None));"
        "logging.getLogger('fn').info('handled')"
    )
    ours, theirs = pty.openpty()

    subprocess.run([sys.executable, "-c", script], stderr=theirs, check=True)

    os.close(theirs)
    line = os.read(ours, 1000).decode()
    os.close(ours)
    assert line.rstrip().endswith("INFO    fn: handled [ping 7]")


def test_an_application_that_set_up_logging_itself_keeps_that(tmp_path: Path) -> None:
    app = "    import logging\n    logging.basicConfig(format='mine: %(message)s', level='INFO')\n" + APP
    with serving.serving(tmp_path, app=app) as served:
        post(served, "ping")

        harness.eventually(lambda: "mine: handled 1\n" in served.output)


@pytest.mark.parametrize(
    ("header", "extension", "continued"),
    [
        (PARENT, None, PARENT),
        (None, PARENT, PARENT),
        (PARENT, OTHER, OTHER),
        (PARENT, f"00-{TRACE}-1111111111111111-01", PARENT),
        ("00-nonsense", None, None),
        (f"ff{PARENT[2:]}", None, None),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", "00-x", None),
        (None, None, None),
    ],
)
def test_the_trace_of_an_event_goes_on_in_its_reply_and_for_what_its_handler_sends(
    tmp_path: Path, header: str | None, extension: str | None, continued: str | None
) -> None:
    headers = {"traceparent": header, "tracestate": "x=y", "ce_traceparent": extension}
    with serving.serving(tmp_path, app=APP) as served:
        status, answered, body = post(served, "ping", **{name: text for name, text in headers.items() if text})

    assert status == 200
    assert answered.get("ce-traceparent") == json.loads(body).get("traceparent") == continued
    assert answered.get("ce-tracestate") == ("x=y" if continued == PARENT == header else None)


def test_spans_tell_what_was_done_with_each_event(tmp_path: Path) -> None:
    with otlp.collecting() as collector:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "K_SERVICE": "orders"}
        with serving.serving(tmp_path, "--linger", "0", app=APP, env=env) as served:
            _, answered, _ = post(served, "ping", traceparent=PARENT)
            post(served, "wrong", "1", ce_id="r")
            post(served, "wrong", "2", ce_id="s")
            post(served, "unheard-of", ce_id="u")
            many = batch({"type": "many", "id": "d", "data": 1, "traceparent": PARENT}, {"type": "many", "id": "e"})
            send(served, {"content-type": "application/cloudevents-batch+json"}, many)
            served.stop()

        (ping,) = collector.named("process ping")
        rejected, retried = collector.named("process wrong")
        (several,) = collector.named("process batch")
        (other,) = collector.named("process other")

    assert (ping.trace, ping.parent, ping.failed) == (TRACE, "b7ad6b7169203331", False)
    assert answered["ce-traceparent"] == f"00-{TRACE}-{ping.identity}-01"
    assert ping.resource["service.name"] == "orders"
    assert ping.attributes == {
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "cloudevents.event_id": "1",
        "cloudevents.event_source": "/test",
        "cloudevents.event_type": "ping",
    }
    assert (rejected.failed, rejected.attributes["error.type"]) == (True, "Reject")
    assert (retried.failed, retried.attributes["error.type"]) == (False, "Retry")
    assert (several.attributes["messaging.batch.message_count"], several.attributes["patternapp.batch.failed"]) == (
        2,
        1,
    )
    assert other.failed is True


def test_a_collector_that_is_away_does_not_keep_a_function_from_its_end(tmp_path: Path) -> None:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{harness.free_port()}"}
    with serving.serving(tmp_path, "--linger", "0", app=APP, env=env) as served:
        assert post(served, "ping")[0] == 200

        served.stop()


def test_metrics_count_what_came_of_events_on_a_port_of_their_own(tmp_path: Path) -> None:
    port = harness.free_port()
    with serving.serving(tmp_path, "--metrics-port", str(port), app=APP) as served:
        for kind, data, id_ in [
            ("ping", "1", "1"),
            ("ping", "1", "1"),
            ("ping", "2", "1"),
            ("thread", "1", "2"),
            ("wrong", "1", "3"),
            ("wrong", "2", "4"),
            ("wrong", "3", "5"),
            ("unheard-of", "1", "6"),
        ]:
            post(served, kind, data, ce_id=id_)
        many = batch({"type": "many", "id": "d", "data": 1}, {"type": "many", "id": "e", "data": "x"})
        send(served, {"content-type": "application/cloudevents-batch+json"}, many)
        post(served, "ping", ce_specversion="0.3")
        served.say(b"nonsense\r\n\r\n")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=harness.DEADLINE) as answer:
            families = parser.text_string_to_metric_families(answer.read().decode())
            samples = {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}

        assert served.get("/metrics") == 404
    assert {name[1:]: value for name, value in samples.items() if name[0] == "patternapp_events_total"} == {
        ("replied", "ping"): 2,
        ("mismatch", "ping"): 1,
        ("done", "thread"): 1,
        ("rejected", "wrong"): 1,
        ("retried", "wrong"): 1,
        ("failed", "wrong"): 1,
        ("rejected", "other"): 1,
        ("done", "many"): 1,
        ("rejected", "many"): 1,
    }
    assert samples["patternapp_events_repeated_total",] == 1
    assert samples["patternapp_requests_in_flight",] == 0
    assert samples["patternapp_handling_seconds_count", "batch"] == 1
    assert samples["patternapp_requests_refused_total", "400"] == 2
    assert samples["process_resident_memory_bytes",] > 0


def test_a_metrics_port_that_is_taken_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "fn.py").write_text("async def app(scope, receive, send): ...\n")
    port = str(harness.free_port())
    command = [*harness.PATTERNAPP, "serve", "fn:app", "--host", "127.0.0.1", "--port", port, "--metrics-port", port]

    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=harness.DEADLINE)

    assert ended.returncode == 3
    assert f"metrics cannot be told on 127.0.0.1:{port}: Address already in use" in ended.stderr


def test_what_is_off_is_not_imported(tmp_path: Path) -> None:
    app = """
        import json, sys
        from patternapp.receiver import Receiver

        app = Receiver()

        @app.on("ping", reply="pong")
        async def ping(data: int) -> list[str]:
            return sorted(sys.modules)
    """
    with serving.serving(tmp_path, app=app) as served:
        modules = set(json.loads(post(served, "ping")[2]))

    assert "patternapp.receiver.tracing" in modules
    unwanted = {
        "opentelemetry",
        "prometheus_client",
        "psycopg",
        "redis",
        "cloudevents",
        "sqlite3",
        "fastapi",
        "starlette",
    }
    assert not modules & unwanted
