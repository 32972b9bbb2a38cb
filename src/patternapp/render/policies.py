"""eventing.knative.dev EventPolicy: who may send to the app's Broker and to its JobSinks.

What holds here:

* There are policies only where Eventing knows senders, by its flag ``authentication-oidc``: elsewhere its webhook
  refuses them.
* A sender is an object of the app by its name. Knative makes a service account for each, so the app needs none of its
  own and names no namespace.
* Policies add up. Whoever else shall publish to the app gets an EventPolicy of their own beside these.
* Only what is addressed through Eventing can have one. Knative Services, our enqueue service among them, and the
  dead-letter store cannot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.plan.model import Function, Schedule, Trigger, Uri
from patternapp.render import names
from patternapp.render import scope as scopes

if TYPE_CHECKING:
    from patternapp.render.scope import Object, Scope

SENDERS = frozenset({"SinkBinding", "PingSource", "IntegrationSource"})
"""The kinds that publish to the Broker in their own name; a SinkBinding in that of all it binds."""


def policies(scope: Scope, objects: tuple[Object, ...]) -> tuple[Object, ...]:
    """The policies of an app that becomes these objects; none where senders are not known."""
    if not scope.capabilities.authentication_oidc:
        return ()
    triggers = scope.plan.edges_of(Trigger)
    senders = [_reference(item) for item in objects if item["kind"] in SENDERS]
    replying = [_trigger(scope, edge) for edge in triggers if _replies(scope, edge)]
    broker = scopes.reference(scopes.EVENTING, "Broker", names.broker(scope.app))
    return (
        _policy(scope, names.broker(scope.app), broker, [*senders, *replying]),
        *(_job(scope, edge) for edge in triggers if _starts_job(scope, edge)),
    )


def _replies(scope: Scope, edge: Trigger) -> bool:
    """Whether a Trigger brings replies back to the Broker: a function's or an outsider's. Logs and Jobs have none."""
    return not _starts_job(scope, edge) and isinstance(scope.nodes[edge.head], Function | Uri)


def _starts_job(scope: Scope, edge: Trigger) -> bool:
    schedule = scope.nodes.get(edge.key)
    return isinstance(schedule, Schedule) and schedule.job


def _job(scope: Scope, edge: Trigger) -> Object:
    """A JobSink takes events from the Trigger of its schedule alone."""
    name = names.job_sink(scope.app, edge.key)
    return _policy(scope, name, scopes.reference(scopes.SINKS, "JobSink", name), [_trigger(scope, edge)])


def _trigger(scope: Scope, edge: Trigger) -> Object:
    return scopes.reference(scopes.EVENTING, "Trigger", names.entry(scope.app, edge.key))


def _reference(item: Object) -> Object:
    return scopes.reference(item["apiVersion"], item["kind"], item["metadata"]["name"])


def _policy(scope: Scope, name: str, to: Object, senders: list[Object]) -> Object:
    spec = {"to": [{"ref": to}], "from": [{"ref": sender} for sender in senders]}
    return scope.head(scopes.POLICIES, "EventPolicy", name, "policy") | {"spec": spec}
