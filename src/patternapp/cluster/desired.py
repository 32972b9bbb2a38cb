"""From a PatternApp to the objects it wants: the same compiler and renderer as the command line's.

What holds here:

* An object is what `patternapp render` prints, and its owner. Nothing else is added.
* The objects of an app are `LIMIT` characters at most: an app is multiplied by its functions, and the operator keeps
  what all apps of all tenants want.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternapp import errors
from patternapp.cluster import inventory, resources, seen
from patternapp.plan import compile as compiler
from patternapp.plan import model
from patternapp.render import names, objects
from patternapp.spec import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from patternapp.cluster.resources import ApiKind, Object, Ref
    from patternapp.plan.model import Plan
    from patternapp.render.capabilities import Capabilities

LIMIT = 4 * 1024 * 1024
"""Characters. The app with the most Triggers has 2.7 million, and one with 64 functions of 64 variables each 0.2."""
ASPECTS = {
    "function": "Functions",
    "broker": "Broker",
    "gateway": "Gateway",
    "event-driven": "EventDriven",
    "webhooks": "EventDriven",
    "bucket-events": "EventDriven",
    "outbox": "EventDriven",
    "fan-out": "FanOut",
    "queue": "Queues",
    "enqueue": "Queues",
    "worker": "Queues",
    "stream": "Streams",
    "schedule": "Schedules",
    "dead-letters": "DeadLetters",
    "network": "Access",
    "policy": "Access",
}
"""The condition that an object counts for, by its label ``app.kubernetes.io/component``."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object as it shall be; `digest` is equal for equal `content`, which is JSON.

    `binding` is the SinkBinding, if any, that writes the Broker's address into it.
    """

    ref: Ref
    kind: ApiKind
    aspect: str
    content: str
    digest: str
    binding: Ref | None

    def body(self) -> Object:
        """The object."""
        result: Object = json.loads(self.content)
        return result


@dataclass(frozen=True, slots=True)
class Desired:
    """All that an app wants, in the order of application.

    Attributes:
        functions: Each function with its Knative Service; None where only workers or Jobs run it.
        gateway: The gateway's Knative Service, if there is a gateway.
    """

    objects: tuple[Wanted, ...]
    functions: tuple[tuple[str, Ref | None], ...]
    gateway: Ref | None


def desired(body: Mapping[str, Any], capabilities: Capabilities) -> Desired:
    """The objects of an app as the API server has it.

    Raises:
        errors.SpecError: the resource's schema admits the app, but the rules across fields do not, or its objects are
            too large together.
    """
    app = load.from_object(body)
    plan = compiler.compile_app(app)
    streams = {names.worker(plan.app, node.key) for node in plan.nodes_of(model.Stream)}
    rendered = objects.render(plan, capabilities)
    bindings = _bindings(rendered, body["metadata"]["namespace"])
    made = tuple(_bounded(_wanted(item, body, streams=streams, bindings=bindings) for item in rendered))
    services = {item.ref.name: item.ref for item in made if item.kind == ("serving.knative.dev/v1", "Service")}
    return Desired(made, _functions(plan, services), services.get(names.own(plan.app, names.GATEWAY)))


def _bounded(made: Iterator[Wanted]) -> Iterator[Wanted]:
    size = 0
    for one in made:
        size += len(one.content)
        if size > LIMIT:
            message = (
                f"its objects have more than {LIMIT} characters together; "
                "move long values of env into a ConfigMap, or make two apps of it"
            )
            raise errors.SpecError((errors.Problem("", 0, "spec", "TooLarge", message),))
        yield one


def owner(body: Mapping[str, Any]) -> Object:
    """The app as the controller of an object, so that the cluster's garbage collector takes the object with the app."""
    metadata = body["metadata"]
    head = {"apiVersion": resources.APP_API, "kind": resources.APP_KIND.kind}
    return head | {"name": metadata["name"], "uid": metadata["uid"], "controller": True, "blockOwnerDeletion": False}


def _bindings(rendered: Iterable[Object], namespace: str) -> dict[tuple[str, str], Ref]:
    """The SinkBinding of each kind that has one."""
    found = [item for item in rendered if item["kind"] == "SinkBinding"]
    subjects = ((item["spec"]["subject"], resources.ref(item, namespace)) for item in found)
    return {(subject["apiVersion"], subject["kind"]): ref for subject, ref in subjects}


def _wanted(
    item: Object, app: Mapping[str, Any], *, streams: set[str], bindings: Mapping[tuple[str, str], Ref]
) -> Wanted:
    metadata = dict(item["metadata"])
    if not inventory.policy(app).keeps(item["kind"]):
        metadata["ownerReferences"] = [owner(app)]
    content = json.dumps(item | {"metadata": metadata}, separators=(",", ":"), sort_keys=True)
    aspect = ASPECTS[metadata["labels"]["app.kubernetes.io/component"]]
    return Wanted(
        ref=resources.ref(item, app["metadata"]["namespace"]),
        kind=resources.kind_of(item),
        aspect="Streams" if metadata["name"] in streams else aspect,
        content=content,
        digest=seen.digest(content),
        binding=bindings.get((item["apiVersion"], item["kind"])),
    )


def _functions(plan: Plan, services: Mapping[str, Ref]) -> tuple[tuple[str, Ref | None], ...]:
    functions = plan.nodes_of(model.Function)
    return tuple((one.name, services.get(names.function(plan.app, one.name))) for one in functions)
