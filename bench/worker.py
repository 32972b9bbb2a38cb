"""Records a second from a Kafka topic to a function: our worker beside bare loops and FastStream, in turns in one run.

Broker, function and consumer share the machine. The function answers 204 to whatever it gets and counts; each consumer
has a group of its own and begins with the first record. What counts is the time from the first request to the last.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kafka
import report
from components import kafka as kafka_broker
from components import process
from kafka import admin as kafka_admin
from peers import consumers

from patternapp.cloudevents import Event
from patternapp_services.bindings import kafka as binding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROUNDS = int(os.environ.get("ROUNDS", "3"))
RECORDS = int(os.environ.get("RECORDS", "30000"))
PARTITIONS = 4
TOPIC = "bench"
DEADLINE = 120.0
FUNCTION = """
import json, sys
import uvicorn
count = 0
async def app(scope, receive, send):
    global count
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = dict(scope["headers"])
    if scope["method"] == "POST":
        count += int(headers[b"x-count"]) if b"x-count" in headers else len(json.loads(body))
    status, said = (204, b"") if scope["method"] == "POST" else (200, str(count).encode())
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": said})
quiet = {"lifespan": "off", "access_log": False, "log_level": "error"}
uvicorn.run(app, port=int(sys.argv[1]), http="httptools", loop="uvloop", **quiet)
"""


def fill(servers: str) -> None:
    """The topic, with its records."""
    admin = kafka.KafkaAdminClient(bootstrap_servers=servers)
    admin.create_topics([kafka_admin.NewTopic(TOPIC, PARTITIONS, 1)])
    admin.close()
    producer = kafka.KafkaProducer(bootstrap_servers=servers, linger_ms=20, compression_type="lz4", batch_size=65_536)
    for number in range(RECORDS):
        attributes = {"specversion": "1.0", "id": str(number), "source": "/shop", "type": "shop.order.placed"}
        attributes |= {"partitionkey": f"customer-{number % 1000}", "datacontenttype": "application/json"}
        data = json.dumps({"order": number, "customer": "Ada Lovelace", "total": 12.5, "lines": [1, 2, 3]})
        record = binding.encode(Event(attributes, data.encode()))
        producer.send(TOPIC, value=record.value, key=record.key, headers=record.headers)
    producer.close()


def worker(servers: str, *, ordered: bool, folder: Path) -> Callable[[str, str], Sequence[str]]:
    """What starts our worker for a group and a function."""

    def command(group: str, url: str) -> Sequence[str]:
        config: dict[str, Any] = {
            "kafka": {"bootstrapServers": [servers], "topic": TOPIC, "consumerGroup": group, "startAt": "earliest"},
            "url": url,
            "batch": {"max": 100, "waitSeconds": 0.5},
            "ordered": ordered,
            "delivery": {
                "retry": 2,
                "backoffPolicy": "exponential",
                "backoffDelaySeconds": 1.0,
                "timeoutSeconds": 30.0,
            },
            "deadLetter": {"uri": "http://127.0.0.1:1/"},
        }
        file = folder / f"{group}.json"
        file.write_text(json.dumps(config))
        options = ("--config", str(file), "--host", process.HOST, "--port", str(process.free_port()))
        return (sys.executable, "-m", "patternapp_services", "worker", *options)

    return command


def rate(command: Callable[[str, str], Sequence[str]], *, group: str, folder: Path) -> float:
    """Records a second that it takes to a fresh function."""
    port = process.free_port()
    function = process.Program(
        [sys.executable, "-c", FUNCTION, str(port)], log=folder / "function.log", ready=lambda: process.listens(port)
    )
    function.start()
    taking = process.Program(command(group, f"http://{process.HOST}:{port}/"), log=folder / "consumer.log", ready=bool)
    try:
        taking.launch()
        first, began = 0, 0.0
        deadline = time.monotonic() + DEADLINE
        while (now := counted(port)) < RECORDS:
            if not first and now:
                first, began = now, time.monotonic()
            assert taking.alive, (folder / "consumer.log").read_text()[-2000:]
            assert time.monotonic() < deadline, f"{group}: {now} of {RECORDS}"
            time.sleep(0.02)
        return (RECORDS - first) / (time.monotonic() - began)
    finally:
        taking.kill()
        function.stop()


def counted(port: int) -> int:
    """What a function has been given so far."""
    connection = http.client.HTTPConnection(process.HOST, port, timeout=60)
    connection.request("GET", "/")
    count = int(connection.getresponse().read())
    connection.close()
    return count


def main() -> None:
    """Measure, and hand in."""
    with tempfile.TemporaryDirectory(prefix="patternapp-bench-") as place:
        folder = Path(place)
        (folder / "broker").mkdir()
        with kafka_broker.running(folder / "broker") as broker:
            servers = broker.access.bootstrap
            fill(servers)

            def peer(consumer: consumers.Consumer) -> Callable[[str, str], Sequence[str]]:
                return lambda group, url: consumers.command(
                    consumer, topic=TOPIC, servers=servers, group=group, url=url
                )

            peers = (consumers.READ, consumers.POST, consumers.AIOKAFKA, consumers.CONFLUENT)
            kinds = {one.name: peer(one) for one in peers}
            kinds |= {
                f"worker, {order}": worker(servers, ordered=order == "in order", folder=folder)
                for order in ("in order", "unordered")
            }
            rates: dict[str, list[float]] = {name: [] for name in kinds}
            for turn in range(ROUNDS):
                for number, (name, command) in enumerate(kinds.items()):
                    rates[name].append(rate(command, group=f"bench-{turn}-{number}", folder=folder))
    report.publish("worker", figures({name: statistics.median(some) for name, some in rates.items()}))


def figures(rates: dict[str, float]) -> list[report.Figure]:
    """The rates, and ours as shares of the others'."""
    found = [report.Figure(name=name, value=value, unit="records/s", better="higher") for name, value in rates.items()]
    for name in ("worker, in order", "worker, unordered"):
        found += [
            report.Figure(
                name=f"{name} / {other}",
                value=rates[name] / value,
                unit="ratio",
                baseline=1.0,
                target=0.8 if other == consumers.POST.name else None,
                better="higher",
            )
            for other, value in rates.items()
            if not other.startswith("worker")
        ]
    return found


if __name__ == "__main__":
    main()
