from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import loopback
from kubernetes.aio import client

from patternapp.cluster import resources
from patternapp_operator import cluster, metrics, permissions, reach

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TRIGGER = resources.ApiKind("eventing.knative.dev/v1", "Trigger")
MAP = resources.ApiKind("v1", "ConfigMap")
SERVED = {"patternapp.dev/v1alpha1": "PatternApp", "eventing.knative.dev/v1": "Trigger"}
ALL = permissions.rules()


def discovery() -> dict[str, Any]:
    items = [
        {
            "metadata": {"name": version.partition("/")[0]},
            "versions": [{"version": version.partition("/")[2], "resources": [{"responseKind": {"kind": kind}}]}],
        }
        for version, kind in SERVED.items()
    ]
    return {"kind": "APIGroupDiscoveryList", "items": items}


class Server:
    """Says what it serves, which rules hold in a namespace, and, where asked, whether a single verb is allowed."""

    def __init__(self, rules: dict[str, list[dict[str, Any]]], allowed: frozenset[str] | None = None) -> None:
        self.rules, self.allowed = rules, allowed
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] != "http":
            return
        text = (await receive())["body"]
        answer = discovery() if scope["path"] == "/apis" else {"status": self._reviewed(json.loads(text)["spec"])}
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _reviewed(self, spec: dict[str, Any]) -> dict[str, Any]:
        if "namespace" in spec:
            rules = self.rules.get(spec["namespace"], [])
            return {"resourceRules": rules, "nonResourceRules": [], "incomplete": self.allowed is not None}
        self.asked.append(spec["resourceAttributes"])
        return {"allowed": spec["resourceAttributes"]["verb"] in (self.allowed or ())}


async def found(server: Server, namespaces: Sequence[str] = ()) -> reach.Reach:
    async with loopback.served(server) as url, client.ApiClient(client.Configuration(host=url)) as api:
        return await reach.found(cluster.Cluster(api, metrics.Metrics()), namespaces)


def without(verb: str, plural: str) -> list[dict[str, Any]]:
    return [
        rule | {"verbs": [one for one in rule["verbs"] if one != verb]} if plural in rule["resources"] else rule
        for rule in ALL
    ]


async def test_with_the_whole_role_all_that_is_served_is_within_reach() -> None:
    told = await found(Server({reach.ANYWHERE: ALL}))

    assert (told.lacks, told.apps) == (frozenset(), True)
    assert {TRIGGER, MAP, resources.APP_KIND} <= set(told.watched())
    assert told.obstacle(TRIGGER) is None


async def test_a_kind_with_a_verb_that_the_role_lacks_is_not_watched_and_says_so() -> None:
    told = await found(Server({reach.ANYWHERE: without("watch", "triggers")}))

    obstacle = told.obstacle(TRIGGER)
    assert TRIGGER not in told.watched()
    assert obstacle is not None
    assert (obstacle.status, obstacle.reason) == ("False", "PermissionMissing")
    assert obstacle.message.startswith(
        "the operator may not watch triggers.eventing.knative.dev; give it the role for "
    )


async def test_a_kind_that_is_not_served_is_no_matter_of_permission() -> None:
    told = await found(Server({reach.ANYWHERE: ALL}))

    obstacle = told.obstacle(resources.ApiKind("keda.sh/v1alpha1", "ScaledObject"))
    assert obstacle is not None
    assert obstacle.reason == "DependencyMissing"


async def test_a_rule_for_single_names_covers_no_kind() -> None:
    named = [rule | {"resourceNames": ["one"]} for rule in ALL]

    told = await found(Server({reach.ANYWHERE: named}))

    assert told.watched() == ()


async def test_wildcards_cover_everything() -> None:
    told = await found(Server({reach.ANYWHERE: [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]}))

    assert told.lacks == frozenset()


async def test_in_several_namespaces_the_role_has_to_be_in_all_and_the_one_without_is_named() -> None:
    told = await found(Server({"a": ALL, "b": without("patch", "triggers")}), ["a", "b"])

    obstacle = told.obstacle(TRIGGER)
    assert obstacle is not None
    assert "may not patch triggers.eventing.knative.dev in namespace b;" in obstacle.message
    assert MAP in told.watched()


async def test_where_rules_cannot_all_be_listed_what_is_missing_is_asked_for_one_by_one() -> None:
    server = Server({reach.ANYWHERE: without("delete", "triggers")}, allowed=frozenset({"delete"}))

    told = await found(server)

    assert told.lacks == frozenset()
    attributes = {"group": "eventing.knative.dev", "resource": "triggers", "verb": "delete", "namespace": ""}
    assert attributes in server.asked
