"""The rules of a PatternApp that the API server checks itself, as CEL, by the object or the field that they belong to.

What holds here:

* Whatever CEL can say of `patternapp.spec.validation` at a bounded cost is here, made from the same tables and in the
  same words. The cost of rules inside filters would multiply by their levels, so filters are held by their structure:
  exactly one property.
* `LEFT_OUT` names all that is not here. The operator refuses it, in the app's status.
* ``function`` is a reserved word of CEL; the API server calls the field ``__function__``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from patternapp import hosts
from patternapp.spec import constraints, gateway, sources, v1alpha1
from patternapp.spec.filters import Filter
from patternapp.spec.rules import addresses, objects, paths, topics
from patternapp.spec.rules import gateway as gateway_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Rule = dict[str, str]
Rules = dict[str, list[Rule]]

LEFT_OUT = (
    ("Cron expressions and time zones.", "CEL has no calendar and no list of zones."),
    ("Routes and webhooks of one path.", "Paths that differ in the names of their parameters match the same requests."),
    ("Two segments of one name in a path, and what is hidden behind percent signs.", "CEL cannot decode a path."),
    ("Addresses in unusual notations, such as `0x7f.1`.", "The server compares with plain words."),
    ("The `jwksUri` of a route's own `auth`.", "CEL has no types that are a word or an object."),
    (
        "Filters that cannot be read, such as a wrong `cesql`.",
        "Knative's webhook reads them, when the Trigger is applied.",
    ),
)
"""What the API server does not check itself, and why."""

_RESERVED_WORDS = frozenset({"function"})
_SECTIONS = ("eventDriven", "queues", "streams", "schedules")
"""Sections whose entries each have a function and a delivery."""


def rules() -> Rules:
    """The rules of every object by the name of its model."""
    found: Rules = {}
    for model, choice in constraints.CHOICES.items():
        if model is not Filter:
            found.setdefault(model.__name__, []).append(_choice(choice))
    for model, (fields, needed) in constraints.NEEDS.items():
        found.setdefault(model.__name__, []).extend(_need(field, needed) for field in fields)
    for model in sorted(constraints.MIN_MAX, key=lambda model: model.__name__):
        found.setdefault(model.__name__, []).append(
            _rule("self.min <= self.max", "min is above max; lower the one or raise the other")
        )
    found.setdefault(gateway.Cors.__name__, []).append(
        _rule("!self.credentials || !('*' in self.origins)", gateway_rules.CREDENTIALS, field="credentials")
    )
    found.setdefault(gateway.Route.__name__, []).extend(_caches())
    for entry in (v1alpha1.EventDriven, v1alpha1.Subscriber, v1alpha1.Queue, v1alpha1.Stream, v1alpha1.Schedule):
        found.setdefault(entry.__name__, []).append(_no_loop())
    found.setdefault(v1alpha1.Spec.__name__, []).extend((*_references(), *_default_loops(), *_logs()))
    return found


def field_rules() -> dict[tuple[str, str], list[Rule]]:
    """The rules of single fields, by the name of their model and their own."""
    found = {
        (v1alpha1.StreamKafka.__name__, "consumerGroup"): [
            _rule(
                "self == oldSelf",
                "consumerGroup is the stream's position and never changes; add another stream instead",
            )
        ],
        (v1alpha1.EnvVar.__name__, "name"): [_free_variable()],
        (v1alpha1.QueueKafka.__name__, "topic"): [_rule(f"!(self in {_words(topics.NO_TOPICS)})", topics.NO_TOPIC)],
        (v1alpha1.StreamKafka.__name__, "topics"): [
            _rule(f"self.all(topic, !(topic in {_words(topics.NO_TOPICS)}))", topics.NO_TOPIC)
        ],
        (gateway.Route.__name__, "path"): list(_path()),
        (sources.Webhook.__name__, "path"): [*_path(), _rule("!self.contains('{')", paths.LITERAL)],
    }
    for model, name in constraints.ADDRESSES.items():
        found[model.__name__, name] = list(_reachable())
    for (model, name), limits in constraints.DURATIONS.items():
        found[model.__name__, name] = [_duration(*limits)]
    return found


def _rule(rule: str, message: str, *, field: str = "") -> Rule:
    return {"rule": rule, "message": message} | ({"fieldPath": f".{field}"} if field else {})


def _words(words: Iterable[str]) -> str:
    """A list of texts; what JSON writes of plain texts, CEL reads."""
    return json.dumps(list(words)).replace('"', "'")


def _choice(choice: constraints.Choice) -> Rule:
    written = ", ".join(f"has(self.{_escaped(name)})" for name in choice.fields)
    relation = "==" if choice.required else "<="
    return _rule(f"[{written}].filter(one, one).size() {relation} 1", f"write {choice.sentence}")


def _need(field: str, needed: str) -> Rule:
    return _rule(
        f"has(self.{needed}) || !has(self.{field})", f"{field} needs {needed}; add it, or remove {field}", field=field
    )


def _duration(least: int, most: int) -> Rule:
    limits = f"write {objects.short(least)} to {objects.short(most)}"
    rule = f"duration(self) >= duration('{least}ms') && duration(self) <= duration('{most}ms')"
    return _rule(rule, f"out of range; {limits}") | {"messageExpression": f"self + ' is out of range; {limits}'"}


def _free_variable() -> Rule:
    taken = "is set by Knative; choose another name"
    rule = f"!(self in {_words(sorted(constraints.RESERVED_VARIABLES))})"
    return _rule(rule, f"this variable {taken}") | {"messageExpression": f"self + ' {taken}'"}


def _caches() -> Iterator[Rule]:
    yield _rule("!has(self.cache) || has(self.__function__)", gateway_rules.NO_ANSWER, field="cache")
    kept = _words(gateway_rules.CACHEABLE)
    yield _rule(
        f"!has(self.cache) || !has(self.__function__) || self.methods.exists(method, method in {kept})",
        "answers to these methods are not kept; remove cache, or add GET to methods",
        field="cache",
    )


def _path() -> Iterator[Rule]:
    name = "[A-Za-z_][A-Za-z0-9_]*"
    yield _rule(
        f"self.matches('^(/([^{{}}/]*|[{{]{name}[}}]))*(/[{{]{name}[.][.][.][}}])?$')",
        "write a whole segment as {name} or, at the end, {name...}",
    )
    yield _rule(
        "!self.matches('(?i)/([.]|%2e)([.]|%2e)?(/|$)')",
        "the segments . and .. never reach an app; write the path without them",
    )
    taken = sorted(constraints.RESERVED_PATHS)
    yield _rule(
        f"!self.matches('^/({'|'.join(taken)})(/|$)')",
        f"{', '.join(f'/{name}' for name in taken)} are PatternApp's own; choose another path",
    )


def _reachable() -> Iterator[Rule]:
    """Only what compares with plain words: patterns cost as much as the longest address."""
    yield _host(
        "h in ['localhost', '0.0.0.0', '::', '::1'] || h.endsWith('.localhost') || h.startsWith('127.0.0.')",
        addresses.LOOPBACK_MESSAGE,
    )
    yield _host(
        f"h in {_words((*hosts.METADATA, *addresses.METADATA_NAMES))}"
        " || h.startsWith('169.254.') || h.startsWith('fe80:')",
        addresses.FORBIDDEN_MESSAGE,
    )
    names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")
    yield _host(f"h in {_words(names)} || h.startsWith('{names[-1]}.')", addresses.API_MESSAGE)


def _host(refused: str, message: str) -> Rule:
    """A rule about the host of a URL. What is no URL to CEL, the operator refuses."""
    return _rule(f"!isURL(self) || ![url(self).getHostname()].exists(h, {refused})", message)


def _no_loop() -> Rule:
    return _rule(
        "!has(self.__function__) || !has(self.delivery) || !has(self.delivery.deadLetter)"
        " || !has(self.delivery.deadLetter.__function__)"
        " || self.delivery.deadLetter.__function__ != self.__function__",
        "the function would get the events that it failed on; let deadLetter name another function or a uri",
    )


def _references() -> Iterator[Rule]:
    yield _reference("delivery", _dead_letter("self"))
    yield _reference("gateway", f"!has(self.gateway) || self.gateway.routes.all(e, {_function('e')})")
    for section in _SECTIONS:
        yield _reference(section, f"!has(self.{section}) || self.{section}.all(e, {_function('e')})")
        yield _reference(section, f"!has(self.{section}) || self.{section}.all(e, {_dead_letter('e')})")
    for inner in (_function("e"), _dead_letter("e")):
        yield _reference("fanOut", f"!has(self.fanOut) || self.fanOut.all(f, f.subscribers.all(e, {inner}))")


def _reference(section: str, rule: str) -> Rule:
    return _rule(rule, f"{section}: a function is named that spec.functions does not have")


def _default_loops() -> Iterator[Rule]:
    """Where an entry names no dead letter, the app's counts."""
    default = "self.delivery.deadLetter.__function__"
    free = f"!has(self.delivery) || !has(self.delivery.deadLetter) || !has({default})"
    entry = f"!has(e.__function__) || e.__function__ != {default} || (has(e.delivery) && has(e.delivery.deadLetter))"
    tests = {section: f"self.{section}.all(e, {entry})" for section in _SECTIONS}
    tests["fanOut"] = f"self.fanOut.all(f, f.subscribers.all(e, {entry}))"
    for section, test in tests.items():
        yield _rule(
            f"{free} || !has(self.{section}) || {test}",
            f"{section}: a function would get the events that it failed on, as spec.delivery.deadLetter names it; "
            "give this entry a delivery.deadLetter of its own",
        )


def _logs() -> Iterator[Rule]:
    """Topics, queues and consumer groups that two entries cannot share."""
    topic, queue = "o.kafka.topic == q.kafka.topic", "o.rabbitmq.queue == q.rabbitmq.queue"
    yield _rule(
        f"!has(self.queues) || self.queues.all(q, !has(q.kafka) || self.queues.exists_one(o, has(o.kafka) && {topic}))",
        "two queues keep their events in one topic; give each its own",
    )
    yield _rule(
        "!has(self.queues) || self.queues.all(q, !has(q.rabbitmq) || !has(q.rabbitmq.queue)"
        f" || self.queues.exists_one(o, has(o.rabbitmq) && has(o.rabbitmq.queue) && {queue}))",
        "two queues keep their events in one RabbitMQ queue; give each its own",
    )
    yield _rule(
        "!has(self.streams) || !has(self.queues) || self.streams.all(s, s.kafka.topics.all(t,"
        " !self.queues.exists(q, has(q.kafka) && q.kafka.topic == t)))",
        "a stream reads the topic in which a queue keeps its events; name another topic",
    )
    yield _rule(
        "!has(self.streams) || self.streams.all(s, self.streams.exists_one(o,"
        " o.kafka.consumerGroup == s.kafka.consumerGroup))",
        "two streams read as one consumer group, so each would miss records; name another group",
    )


def _function(entry: str) -> str:
    return f"!has({entry}.__function__) || {_known(f'{entry}.__function__')}"


def _dead_letter(entry: str) -> str:
    target = f"{entry}.delivery.deadLetter"
    return (
        f"!has({entry}.delivery) || !has({target}) || !has({target}.__function__) || {_known(f'{target}.__function__')}"
    )


def _known(name: str) -> str:
    return f"self.functions.exists(known, known.name == {name})"


def _escaped(name: str) -> str:
    return f"__{name}__" if name in _RESERVED_WORDS else name
