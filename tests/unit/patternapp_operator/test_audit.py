from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import loopback
import pytest
from kubernetes.aio import client
from unit.patternapp_operator.hand_clock import HandClock

from patternapp.cluster import capabilities, resources
from patternapp_operator import audit, cluster, handlers, hearing, metrics, observed, reach, workqueue

if TYPE_CHECKING:
    from collections.abc import Callable

TRIGGER = resources.ApiKind("eventing.knative.dev/v1", "Trigger")
CONFIG = resources.ApiKind("v1", "ConfigMap")
SHOP = resources.AppKey("ns", "shop")


def item(kind: resources.ApiKind, name: str, version: int) -> dict[str, Any]:
    labels = {"patternapp.dev/app": SHOP.name}
    metadata = {"namespace": SHOP.namespace, "name": name, "labels": labels, "uid": name}
    head = {"apiVersion": kind.api_version, "kind": kind.kind}
    return head | {"metadata": metadata | {"resourceVersion": str(version)}}


@dataclass
class Cluster:
    """What a server lists; a kind without a list is one that it cannot list."""

    lists: dict[resources.ApiKind, list[dict[str, Any]]]
    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        self.apps, self.observed = observed.Apps(), observed.Observed()
        self.queue: workqueue.WorkQueue[resources.AppKey] = workqueue.WorkQueue(self.clock)
        self.hearing = hearing.Hearing(self.clock)
        self.reach = reach.Reach(capabilities.Served(frozenset({TRIGGER, CONFIG})), apps=True)
        self.intake = handlers.Intake(
            apps=self.apps,
            observed=self.observed,
            queue=self.queue,
            hearing=self.hearing,
            reach=lambda: self.reach,
            relisted=lambda: None,
        )

    async def __call__(self, scope: dict[str, Any], _: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] != "http":
            return
        items = next((items for kind, items in self.lists.items() if scope["path"] == resources.path(kind, None)), None)
        status, body = (500, {"message": "broken"}) if items is None else (200, {"metadata": {}, "items": items})
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    async def audited(self) -> list[resources.ApiKind]:
        async with loopback.served(self) as url, client.ApiClient(client.Configuration(host=url)) as api:
            auditor = audit.Audit(
                cluster=cluster.Cluster(api, metrics.Metrics()),
                apps=self.apps,
                observed=self.observed,
                queue=self.queue,
                metrics=metrics.Metrics(),
                hearing=self.hearing,
            )
            return await auditor.run(self.reach)


@pytest.fixture
def found() -> Cluster:
    return Cluster({resources.APP_KIND: [], TRIGGER: [item(TRIGGER, "one", 7)], CONFIG: []})


async def test_what_no_watch_told_is_found_and_looked_at(found: Cluster) -> None:
    assert await found.audited() == []

    assert found.observed.get(resources.ref(item(TRIGGER, "one", 7))) is not None
    assert found.queue.take() == SHOP


async def test_what_is_gone_without_a_word_is_forgotten_and_looked_at(found: Cluster) -> None:
    found.intake.child("ADDED", item(CONFIG, "lost", 5))
    found.queue.clear()

    await found.audited()

    assert found.observed.get(resources.ref(item(CONFIG, "lost", 5))) is None
    assert found.queue.take() == SHOP


async def test_a_kind_that_cannot_be_listed_is_told_and_the_others_are_listed(found: Cluster) -> None:
    del found.lists[CONFIG]
    found.intake.child("ADDED", item(CONFIG, "there", 5))

    assert await found.audited() == [CONFIG]

    assert found.observed.get(resources.ref(item(TRIGGER, "one", 7))) is not None
    assert found.observed.get(resources.ref(item(CONFIG, "there", 5))) is not None


async def test_a_watch_that_never_tells_what_was_found_is_dead(found: Cluster) -> None:
    await found.audited()

    found.clock.seconds += hearing.LIMIT + 1

    assert found.hearing.deaf() == ["triggers.eventing.knative.dev"]


async def test_a_watch_that_tells_what_was_found_is_alive(found: Cluster) -> None:
    await found.audited()
    found.intake.child(None, item(TRIGGER, "one", 7))

    found.clock.seconds += hearing.LIMIT + 1

    assert found.hearing.deaf() == []
