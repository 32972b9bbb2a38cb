"""The shop twice, in `patternapp dev` and on the cluster, the same input for both, and what came of it.

What must be true here: both run the same app but for where their logs and images are. Events are told apart by source
and id, as receivers must, since everything may come more than once. What only time starts is left out of the app:
schedules, and the functions that they call; and the pictures, whose buckets are not one and the same thing.
"""

from __future__ import annotations

import asyncio
import base64
import collections
import importlib.util
import json
import secrets
import shutil
import sys
import types
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import harness
import yaml
from cluster import versions
from conformance import recorder
from e2e import install, kube

from patternapp.plan import compile as compiler
from patternapp.plan import model
from patternapp.render import names
from patternapp.spec import load

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from types import ModuleType

    from e2e.topics import Topic

    from patternapp.cloudevents import Event

SHOP = versions.ROOT / "examples" / "shop"
RUN = "parity"
"""The word that orders, payments and invoices of the drive are named after, so that they are called the same twice."""
_LEFT_OUT = ("thumbnails", "backup", "cleanup", "reports")


Dead = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What came of all input.

    Attributes:
        events: How many events of each type passed the Broker.
        dead: Dead letters: whose, of which type, which event, with which code. Whose is the function, or the queue: a
            cluster's dead letter tells the URL that was called, and not by which Trigger.
    """

    events: Counter[str]
    dead: Counter[Dead]


def manifest(stack: Any, *, queue: Topic, stream: Topic) -> dict[str, Any]:
    """The shop, with logs of its own."""
    app = install.manifest(stack)
    spec = app["spec"]
    spec["functions"] = [one for one in spec["functions"] if one["name"] not in _LEFT_OUT]
    spec["eventDriven"] = [one for one in spec["eventDriven"] if one["function"] not in _LEFT_OUT]
    spec.pop("schedules")
    spec["gateway"]["host"] = f"{queue.name}.example.com"
    spec["queues"][0]["kafka"]["topic"] = queue.name
    spec["streams"][0]["kafka"] |= {"topics": [stream.name], "consumerGroup": stream.group}
    return app


def key() -> str:
    """A secret for payments, in the form of Standard Webhooks."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def in_dev(app: dict[str, Any], folder: Path) -> Ledger:
    """What comes of the input in `patternapp dev`."""
    copy = shutil.copytree(SHOP, folder / "shop", ignore=shutil.ignore_patterns(".patternapp", "__pycache__"))
    dev = harness.Dev(copy)
    dev.file.write_text(yaml.safe_dump(app))
    secret = dev.data / "secrets" / "pay-hook" / "secret"
    secret.parent.mkdir(parents=True)
    secret.write_text(key())
    try:
        dev.start("--no-reload")
        url = f"http://127.0.0.1:{dev.port}"
        drive = _loaded("drive", SHOP / "drive.py")
        here = drive.Address(url)
        _drive(
            drive, shop=here, hooks=here, letters=here, broker=drive.Address(f"{url}/events"), key=secret.read_text()
        )
        dev.settled(within=kube.WITHIN)
        known = dev.api("events?limit=1000")["events"]
        passed = _types((one["type"], one["source"], one["id"]) for one in known)
        return Ledger(passed, _dead(dev.api("dead-letters"), _heads(dev.file)))
    finally:
        dev.close()


def on_cluster(app: kube.App, manifest: dict[str, Any], *, key: str, expected: Ledger) -> Ledger:
    """What comes of it on the cluster, once it is no less than was expected, or the time is over."""
    return asyncio.run(_on_cluster(app, manifest, key, expected))


async def _on_cluster(app: kube.App, manifest: dict[str, Any], key: str, expected: Ledger) -> Ledger:
    stack = app.namespace.stack
    async with recorder.recording(stack.machine, asyncio.get_running_loop().time) as recording:
        await asyncio.to_thread(_listen, app, recording.listen("/all"))
        drive = _loaded("drive", SHOP / "drive.py")

        def go() -> Ledger:
            shop = drive.Address(stack.ingress, manifest["spec"]["gateway"]["host"])
            hooks = drive.Address(stack.ingress, _public(app, "webhooks"))
            with app.letters() as way:
                letters = drive.Address(way.url)
                _drive(drive, shop=shop, hooks=hooks, letters=letters, broker=drive.Address(app.broker.url), key=key)
                return _waited(lambda: _seen(recording, way.call("GET", "/api/dead-letters").json()), expected)

        return await asyncio.to_thread(go)


def _public(app: kube.App, role: str) -> str:
    """The host by which everybody calls one of our services that are for everybody."""
    found = app.namespace.get("Service", names.own(app.name, role), "serving.knative.dev/v1")
    assert found is not None, f"{app.name} has no {role}"
    return urllib.parse.urlsplit(found["status"]["url"]).hostname or ""


def _listen(app: kube.App, url: str) -> None:
    """A Trigger that gets every event of the app."""
    spec = {"broker": app.name, "subscriber": {"uri": url}}
    item = {"apiVersion": "eventing.knative.dev/v1", "kind": "Trigger", "metadata": {"name": RUN}, "spec": spec}
    app.namespace.apply(item)

    def ready() -> bool:
        known = app.namespace.get("Trigger", RUN, "eventing.knative.dev/v1") or {}
        conditions = known.get("status", {}).get("conditions", ())
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    harness.eventually(ready, within=kube.WITHIN)


def _waited(look: Callable[[], Ledger], expected: Ledger) -> Ledger:
    """The first look at all that was expected or more of it, or the last one."""
    seen: list[Ledger] = []

    def enough() -> bool:
        seen.append(look())
        return seen[-1].events >= expected.events and seen[-1].dead >= expected.dead

    try:
        harness.eventually(enough, within=kube.WITHIN)
    except AssertionError:
        # What is missing shows best where the two are compared.
        return seen[-1]
    return seen[-1]


def _seen(recording: recorder.Recorder, letters: dict[str, Any]) -> Ledger:
    events = [arrival.event for arrival in recording.heard("/all") if arrival.event is not None]
    return Ledger(_types(map(_identity, events)), _dead(letters))


def _identity(event: Event[bytes | None]) -> tuple[str, str, str]:
    return (f"{event.attributes['type']}", f"{event.attributes['source']}", f"{event.attributes['id']}")


def _types(identities: Iterable[tuple[str, str, str]]) -> Counter[str]:
    return collections.Counter(type_ for type_, _, _ in set(identities))


def _dead(letters: dict[str, Any], heads: Mapping[str, str] = types.MappingProxyType({})) -> Counter[Dead]:
    return collections.Counter(
        (heads.get(one["edge"], one["edge"]), one["type"], one["id"], one["code"]) for one in letters["deadLetters"]
    )


def _heads(file: Path) -> dict[str, str]:
    """Whom each Trigger of an app calls."""
    plan = compiler.compile_app(load.load(file.read_text(), file=file.name))
    return {trigger.key: trigger.head for trigger in plan.edges_of(model.Trigger)}


def _loaded(name: str, file: Path) -> ModuleType:
    """A module by its file: the shop's programs are in no package."""
    described = importlib.util.spec_from_file_location(name, file)
    assert described is not None
    assert described.loader is not None
    module = importlib.util.module_from_spec(described)
    # Its dataclasses look their module up.
    sys.modules[name] = module
    described.loader.exec_module(module)
    return module


def _drive(drive: ModuleType, *, key: str, **places: Any) -> None:
    """The steps of the shop's own drive, clicks, an order that empties the stock, and what goes wrong."""
    secret = base64.b64decode(key.removeprefix("whsec_"))
    driven = drive.Drive(**places, secret=secret, within=kube.WITHIN, run=RUN)
    for step in (drive.place_orders, drive.fan_out, drive.pay, drive.fill_queue):
        step(driven)
    # The drive's own step asks for the sessions, which on a cluster are in a file of the worker's Pod.
    for number in range(drive.CLICKS):
        page = {"visitor": RUN, "page": f"/page/{number}", "at": f"2026-01-01T12:{number:02}:00Z"}
        driven.shop.expect(202, "POST", "/clicks", page)
    lines = [{"sku": "pot", "quantity": 500}]
    wanted = {"customer": "Grand Hotel", "email": "office@example.com", "priority": "normal", "lines": lines}
    driven.shop.expect(201, "POST", "/orders", wanted, idempotency_key=f"{RUN}-large")
    # An order that is none, for all three subscribers, and what nobody wants.
    for type_ in ("shop.order.placed", "shop.unheard"):
        event = {"specversion": "1.0", "id": f"{RUN}-{type_}", "source": "/parity", "type": type_}
        more = {"priority": "express", "datacontenttype": "application/json", "data": {}}
        driven.broker.expect(202, "POST", "", event | more, content_type="application/cloudevents+json")
    wrong = json.dumps({"order": "nobody", "amount": 1, "reference": "pay-nobody"}).encode()
    driven.hooks.expect(202, "POST", "/hooks/payment", wrong, **drive._signed(f"{RUN}-nobody", wrong, key=secret))
