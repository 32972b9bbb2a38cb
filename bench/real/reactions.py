"""How soon a queue without workers works: from the first record in its topic to the first batch that its function has.

What holds here: each queue is used once, when it has no Pod, so each reaction is one from zero. Most of it is KEDA's
polling, which `render` sets; a record comes at any time between two looks.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

import harness
import kafka
import yaml
from kafka import admin as kafka_admin
from real import images, record

from patternapp import cloudevents
from patternapp.render import names
from patternapp_services.bindings import kafka as binding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e import kube

QUEUES = int(os.environ.get("QUEUES", "4"))
_APP = "bench"
_WITHIN = 300.0
_KINDS = (("keda.sh/v1alpha1", "ScaledObject"), ("apps/v1", "Deployment"), ("v1", "Pod"))


class Reaction(NamedTuple):
    """Seconds after a record: until KEDA called the queue active, until a worker was ready, until it was handled."""

    active: float
    ready: float
    handled: float


def measure(namespace: kube.Namespace) -> list[Reaction]:
    """The reactions of queues, one after the other."""
    topics = [f"bench-{uuid.uuid4().hex[:12]}" for _ in range(QUEUES)]
    with _topics(namespace.stack.kafka, topics), _listener(namespace.stack.machine) as listener:
        app = _app(namespace.stack.kafka, topics, f"http://{namespace.stack.machine}:{listener.server_port}/")
        namespace.app(app, within=_WITHIN)
        watched = record.Record(namespace, _KINDS)
        seen = [_reaction(namespace, watched, listener, topic) for topic in topics]
        namespace.delete(app)
        harness.eventually(lambda: not namespace.listed("Deployment", "apps/v1"), within=_WITHIN)
    return seen


class _Listener(http.server.ThreadingHTTPServer):
    """Hears from functions which events they have, and remembers when."""

    def __init__(self, address: str) -> None:
        super().__init__((address, 0), _Heard)
        self.heard: dict[str, float] = {}


class _Heard(http.server.BaseHTTPRequestHandler):
    server: _Listener

    def do_POST(self) -> None:
        self.server.heard.setdefault(self.path.strip("/"), time.monotonic())
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextlib.contextmanager
def _listener(address: str) -> Iterator[_Listener]:
    with _Listener(address) as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        try:
            yield listener
        finally:
            listener.shutdown()
            thread.join()


@contextlib.contextmanager
def _topics(bootstrap: str, topics: list[str]) -> Iterator[None]:
    with contextlib.closing(kafka.KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        admin.create_topics([kafka_admin.NewTopic(topic, 1, 1) for topic in topics])
        try:
            yield
        finally:
            admin.delete_topics(topics)


def _reaction(namespace: kube.Namespace, watched: record.Record, listener: _Listener, topic: str) -> Reaction:
    worker = names.worker(_APP, f"queue/{topic}")
    harness.eventually(functools.partial(_at_zero, namespace, worker), within=_WITHIN)
    event = uuid.uuid4().hex
    began = time.monotonic()
    _write(namespace.stack.kafka, topic, event)
    handled = harness.eventually(lambda: listener.heard.get(event), within=_WITHIN)

    def active() -> float | None:
        return watched.first("ScaledObject", lambda item: _named(item) == worker and record.condition(item, "Active"))

    def ready() -> float | None:
        return watched.first("Pod", lambda item: _of(item) == worker and record.condition(item, "Ready"))

    times = (harness.eventually(active, within=_WITHIN), harness.eventually(ready, within=_WITHIN), handled)
    return Reaction(*(at - began for at in times))


def _at_zero(namespace: kube.Namespace, worker: str) -> bool:
    scaled = namespace.get("ScaledObject", worker, "keda.sh/v1alpha1")
    if scaled is None or not record.condition(scaled, "Ready"):
        return False
    return not any(_of(pod) == worker for pod in namespace.listed("Pod"))


def _named(item: record.Object) -> str:
    return str(item["metadata"]["name"])


def _of(pod: record.Object) -> str:
    """The Deployment of a Pod, which is called by it, a hash, and five characters."""
    return _named(pod).rsplit("-", 2)[0]


def _write(bootstrap: str, topic: str, event: str) -> None:
    named: dict[str, cloudevents.Value] = {
        "specversion": "1.0",
        "id": event,
        "source": "/bench",
        "type": "told",
        "datacontenttype": "application/json",
    }
    made = binding.encode(cloudevents.Event(named, json.dumps({"n": 1}).encode()))
    with contextlib.closing(kafka.KafkaProducer(bootstrap_servers=bootstrap)) as producer:
        producer.send(topic, value=made.value, headers=made.headers).get(timeout=_WITHIN)


def _app(bootstrap: str, topics: list[str], tell: str) -> record.Object:
    functions = [
        {
            "name": f"f{number}",
            "command": ["patternapp", "serve", "counted:app"],
            "env": [{"name": "TELL", "value": tell}],
        }
        for number in range(len(topics))
    ]
    queues = [
        {
            "name": topic,
            "filters": [{"exact": {"type": topic}}],
            "kafka": {"bootstrapServers": [bootstrap], "topic": topic},
            "function": f"f{number}",
            "batch": {"max": 10, "wait": "100ms"},
            "scale": {"max": 1, "lag": 1},
        }
        for number, topic in enumerate(topics)
    ]
    spec = {"image": images.RECEIVERS.reference, "functions": functions, "queues": queues}
    return {
        "apiVersion": "patternapp.dev/v1alpha1",
        "kind": "PatternApp",
        "metadata": {"name": _APP},
        "spec": yaml.safe_load(json.dumps(spec)),
    }
