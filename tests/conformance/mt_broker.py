"""The rows against the Broker that Knative installs by default, on a real cluster.

What must be true here: everything is made first and waited for once, since one Trigger takes seconds to become ready
and a hundred take little longer. A Broker has few rows, since each event goes to every Trigger of its Broker. The
subscribers are this process. An answer to a producer comes when every Trigger has ended, so what is to be seen of a row
is there by then; only schedules are waited for.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
from conformance import recorder, senders
from conformance.rows import Seen
from e2e import kube

from patternapp.render import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.recorder import Recorder
    from conformance.rows import Answered, Row, Trigger

EVENTING, SOURCES = "eventing.knative.dev/v1", "sources.knative.dev/v1"
ROWS_EACH = 10
"""Rows of one Broker."""
CLASS = "MTChannelBasedBroker"
WITHIN = 300.0
"""Seconds for all of it to become ready, and for all rows to end."""
AT_ONCE = 16
"""Rows whose requests are under way at a time."""
Object = dict[str, Any]


@dataclass
class _Run:
    """One run of rows in a namespace; by their keys: URLs of subscribers, which schedules were taken, answers."""

    namespace: kube.Namespace
    rows: tuple[Row, ...]
    urls: dict[str, dict[str, str]] = field(default_factory=dict)
    admitted: dict[str, bool] = field(default_factory=dict)
    answers: dict[str, tuple[Answered, ...]] = field(default_factory=dict)

    def brokers(self) -> dict[str, str]:
        """The name of every row's Broker."""
        return {row.key: f"broker-{number // ROWS_EACH}" for number, row in enumerate(self.rows)}

    def seen(self, recording: Recorder) -> dict[str, Seen]:
        return {
            row.key: Seen(
                answers=self.answers.get(row.key, ()),
                arrivals=recording.arrivals(row),
                urls=self.urls[row.key],
                admitted=self.admitted.get(row.key),
            )
            for row in self.rows
        }


def see(rows: Iterable[Row], namespace: kube.Namespace) -> dict[str, Seen]:
    """What is seen of every row, by its key."""
    return asyncio.run(_see(_Run(namespace, tuple(rows)), namespace.stack.machine))


async def _see(run: _Run, address: str) -> dict[str, Seen]:
    async with recorder.recording(address, time.monotonic) as recording:
        run.urls |= {row.key: recording.add(row) for row in run.rows}
        await asyncio.to_thread(_make, run)
        await _until(lambda: _ready(run.namespace))
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN)) as session:
            await _send(run, session)
        # Schedules last: what fires in between would be in the way of what the machine has to do.
        await asyncio.to_thread(_schedule, run)
        await _until(lambda: _fired(run, recording))
        return run.seen(recording)


async def _until(check: Any) -> None:
    """Look until it is true; what it last was is in the error."""
    end = time.monotonic() + WITHIN
    while missing := await asyncio.to_thread(check):
        if time.monotonic() > end:
            raise AssertionError(f"not within {WITHIN:g} s: {missing}")
        await asyncio.sleep(0.5)


def _make(run: _Run) -> None:
    """The Brokers, and the Triggers of all rows."""
    brokers = run.brokers()
    for name in dict.fromkeys(brokers.values()):
        head: Object = {"name": name, "annotations": {names.BROKER_CLASS: CLASS}}
        run.namespace.apply({"apiVersion": EVENTING, "kind": "Broker", "metadata": head, "spec": {}})
    for row in run.rows:
        for trigger in row.triggers:
            spec = {"broker": brokers[row.key], **_trigger(row, trigger, run.urls[row.key])}
            head = {"name": f"{row.key}-{trigger.name}"}
            run.namespace.apply({"apiVersion": EVENTING, "kind": "Trigger", "metadata": head, "spec": spec})


def _trigger(row: Row, wanted: Trigger, urls: Mapping[str, str]) -> Object:
    """The spec of a Trigger, without its Broker."""
    delivery: Object = {
        "retry": wanted.retry,
        "backoffPolicy": wanted.policy,
        "backoffDelay": f"PT{wanted.delay:g}S",
        "timeout": f"PT{wanted.timeout:g}S",
    }
    if wanted.dead is not None:
        delivery["deadLetterSink"] = {"uri": urls[f"{wanted.name}.dead"]}
    spec: Object = {"subscriber": {"uri": urls[wanted.name]}, "delivery": delivery}
    return spec | ({"filters": list(row.own(wanted.filters))} if wanted.filters else {})


def _ready(namespace: kube.Namespace) -> list[str]:
    """The names of what is not ready."""
    found = [*namespace.listed("Broker", EVENTING), *namespace.listed("Trigger", EVENTING)]
    return [item["metadata"]["name"] for item in found if not _is_ready(item)]


def _is_ready(item: Object) -> bool:
    conditions = item.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


async def _send(run: _Run, session: aiohttp.ClientSession) -> None:
    ingress = kube.Namespace(run.namespace.stack, run.namespace.server, "knative-eventing").service("broker-ingress")
    brokers = run.brokers()
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(row: Row) -> None:
        async with turn:
            url = f"{ingress.url}/{run.namespace.name}/{brokers[row.key]}"
            run.answers[row.key] = await senders.send(session, url, row)

    await asyncio.gather(*(one(row) for row in run.rows))


def _schedule(run: _Run) -> None:
    """Make the schedules that are to fire, and ask about the others."""
    brokers = run.brokers()
    for row in run.rows:
        if row.ping is None:
            continue
        spec: Object = {"schedule": row.ping.cron, "timezone": row.ping.zone}
        if row.ping.data is not None:
            spec |= {"contentType": "application/json", "data": json.dumps(row.ping.data)}
        spec["sink"] = {"ref": {"apiVersion": EVENTING, "kind": "Broker", "name": brokers[row.key]}}
        item = {"apiVersion": SOURCES, "kind": "PingSource", "metadata": {"name": row.key}, "spec": spec}
        dry = "" if row.ping.fires else "dryRun=All"
        path = run.namespace.path("PingSource", SOURCES)
        answer = run.namespace.server.request("POST", path, item, query=dry)
        assert answer.status in {201, 400}, answer.body
        run.admitted[row.key] = answer.status == 201


def _fired(run: _Run, recording: Recorder) -> list[str]:
    """The keys of the rows whose schedules have not fired often enough."""
    return [
        row.key
        for row in run.rows
        if row.ping is not None and len(recording.arrivals(row).get("a", ())) < row.ping.fires
    ]
