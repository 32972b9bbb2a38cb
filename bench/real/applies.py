"""From the apply of a PatternApp to Ready, split into our time and that of Kubernetes and Knative.

What holds here: ours is from the apply until the last object of the app is there, and from when the last of them works
until the app says so. What lies between is that of their controllers, and of Pods that start. So is the time in which
all is made but what waits for its SinkBinding, and the binding is not ready. Each app is applied once nothing is left
of the one before: what deletes its objects and ends its Pods would be part of its time otherwise.
"""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, NamedTuple

import harness
import yaml
from real import images, record

from patternapp.cluster import readiness, resources
from patternapp.plan import compile as compiler
from patternapp.render import objects
from patternapp.spec import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from e2e import kube

APPS = int(os.environ.get("APPS", "4"))
_WITHIN = 300.0
_SPEC = """
delivery: {retry: 5, deadLetter: {uri: "http://dead-letters.example.com"}}
functions:
  - {name: orders, command: [patternapp, serve, "counted:app"]}
  - {name: mail, command: [patternapp, serve, "counted:app"]}
eventDriven:
  - {name: paid, filters: [{exact: {type: shop.paid}}], function: orders}
  - {name: sent, filters: [{exact: {type: shop.sent}}], function: mail}
schedules:
  - {name: nightly, cron: "0 2 * * *", function: orders}
"""


class Course(NamedTuple):
    """Seconds of one app: until all its objects were there, until all of them worked, and until it said so."""

    made: float
    working: float
    said: float

    @property
    def ours(self) -> float:
        """What took us."""
        return self.made + self.said

    @property
    def total(self) -> float:
        """From the apply to Ready."""
        return self.made + self.working + self.said


def measure(namespace: kube.Namespace) -> list[Course]:
    """The courses of apps, one after the other."""
    apps = [_app(f"bench-{number}") for number in range(APPS)]
    kinds = {(one["apiVersion"], one["kind"]) for app in apps for one in (app, *_children(app))}
    watched = record.Record(namespace, kinds)
    harness.eventually(lambda: watched.complete, within=_WITHIN)
    return [_course(namespace, watched, app) for app in apps]


def _course(namespace: kube.Namespace, watched: record.Record, app: record.Object) -> Course:
    name = app["metadata"]["name"]
    began = time.monotonic()
    namespace.apply(app)
    ready = harness.eventually(lambda: watched.since("PatternApp", name, _says_so), within=_WITHIN)
    made = harness.eventually(lambda: _all(watched, app, _is_there), within=_WITHIN)
    bound = harness.eventually(lambda: _all(watched, app, _works, of=_is_binding), within=_WITHIN)
    waited = max(0.0, bound - (_all(watched, app, _is_there, of=_waits_for_none) or bound))
    # One watch may tell of the app before another tells of what made it ready.
    working = _all(watched, app, _works, until=ready) or ready
    namespace.delete(app)
    harness.eventually(lambda: not _left(namespace, watched, app), within=_WITHIN)
    return Course(made - began - waited, working - made + waited, ready - working)


def _left(namespace: kube.Namespace, watched: record.Record, app: record.Object) -> bool:
    """Whether anything of an app is still there."""
    made = ((one["kind"], one["metadata"]["name"]) for one in (app, *_children(app)))
    return any(watched.since(*one, _is_there) for one in made) or bool(namespace.listed("Pod"))


def _children(app: record.Object) -> Sequence[record.Object]:
    return objects.render(compiler.compile_app(load.from_object(app)))


def _says_so(app: record.Object) -> bool:
    return record.condition(app, "Ready")


def _is_there(_: record.Object) -> bool:
    return True


def _is_binding(child: record.Object) -> bool:
    return bool(child["kind"] == "SinkBinding")


def _waits_for_none(child: record.Object) -> bool:
    return bool(child["kind"] not in {"Service", "Deployment"})


def _works(child: record.Object) -> bool:
    return readiness.readiness(resources.group(child["apiVersion"]), child).status == "True"


def _all(
    watched: record.Record,
    app: record.Object,
    check: Callable[[record.Object], bool],
    *,
    of: Callable[[record.Object], bool] = _is_there,
    until: float = math.inf,
) -> float | None:
    """From when on all these objects of an app have been so, by what was told until a time; None if one was not."""
    names = [(one["kind"], one["metadata"]["name"]) for one in _children(app) if of(one)]
    times = [watched.since(kind, name, check, until=until) for kind, name in names]
    known = [one for one in times if one is not None]
    return max(known) if len(known) == len(times) else None


def _app(name: str) -> record.Object:
    head = {"apiVersion": "patternapp.dev/v1alpha1", "kind": "PatternApp", "metadata": {"name": name}}
    return head | {"spec": {"image": images.RECEIVERS.reference, **yaml.safe_load(_SPEC)}}
