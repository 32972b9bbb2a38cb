"""Programs that take records from a Kafka topic to a function, each as its own documentation would have it.

All of them post batches of at most 100 as ``application/cloudevents-batch+json`` and commit what was answered, but for
the bare loop that only reads and commits. The FastStream ones get environments of their own below
``~/.cache/patternapp/bench``, made by pip when they are missing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_EVENT = """
import json
def event(headers, data):
    attributes = {name[3:]: content.decode() for name, content in headers if name.startswith("ce_")}
    return {**attributes, "datacontenttype": "application/json", "data": data}
"""
_LOOP = """
import sys
from kafka import KafkaConsumer
topic, servers, group, url = sys.argv[1:]
consumer = KafkaConsumer(topic, bootstrap_servers=servers, group_id=group,
                         auto_offset_reset="earliest", enable_auto_commit=False)
"""
_READ = f"""{_LOOP}
import http.client, urllib.parse
function = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc)
while True:
    count = sum(map(len, consumer.poll(timeout_ms=1000, max_records=100).values()))
    if count:
        consumer.commit()
        function.request("POST", "/", b"", {{"x-count": str(count)}})
        function.getresponse().read()
"""
_POST = f"""{_LOOP}{_EVENT}
import http.client, urllib.parse
function = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc)
while True:
    polled = consumer.poll(timeout_ms=1000, max_records=100)
    batch = [event(record.headers, json.loads(record.value)) for records in polled.values() for record in records]
    if batch:
        function.request("POST", "/", json.dumps(batch), {{"content-type": "application/cloudevents-batch+json"}})
        answer = function.getresponse()
        answer.read()
        assert answer.status == 204
        consumer.commit()
"""
_STREAM = """
import asyncio, sys
import aiohttp
from faststream import FastStream, AckPolicy
{imports}
topic, servers, group, url = sys.argv[1:]
broker = KafkaBroker(servers)
app = FastStream(broker)
session = None
@broker.subscriber(topic, group_id=group, auto_offset_reset="earliest", batch=True, max_records=100,
                   ack_policy=AckPolicy.NACK_ON_ERROR)
async def take(batch: list[dict], message: KafkaMessage):
    global session
    session = session or aiohttp.ClientSession()
    events = [event(record.{headers}, data) for record, data in zip(message.raw_message, batch)]
    async with session.post(url, data=json.dumps(events),
                            headers={{"content-type": "application/cloudevents-batch+json"}}) as answer:
        assert answer.status == 204
asyncio.run(app.run())
"""
_AIOKAFKA = _EVENT + _STREAM.format(
    imports="from faststream.kafka import KafkaBroker, KafkaMessage",
    headers="headers",
)
_CONFLUENT = _EVENT + _STREAM.format(
    imports="from faststream.confluent import KafkaBroker, KafkaMessage",
    headers="headers()",
)


@dataclass(frozen=True, slots=True)
class Consumer:
    """A program, and what pip installs into its own environment; nothing means the project's."""

    name: str
    program: str
    needs: tuple[str, ...] = ()


READ = Consumer("a bare kafka-python loop that only reads and commits", _READ)
POST = Consumer("a bare kafka-python loop that posts and commits", _POST)
AIOKAFKA = Consumer("FastStream on aiokafka", _AIOKAFKA, ("faststream[kafka]", "aiokafka[lz4]", "aiohttp"))
CONFLUENT = Consumer("FastStream on confluent-kafka", _CONFLUENT, ("faststream[confluent]", "aiohttp"))


def command(consumer: Consumer, *, topic: str, servers: str, group: str, url: str) -> tuple[str, ...]:
    """What starts it."""
    return (str(_python(consumer)), "-c", consumer.program, topic, servers, group, url)


def _python(consumer: Consumer) -> Path:
    if not consumer.needs:
        return Path(sys.executable)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "patternapp" / "bench" / consumer.needs[0].replace("[", "-").rstrip("]")
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        subprocess.run([*pip, *consumer.needs], check=True)
        (folder / "complete").touch()
    return python
