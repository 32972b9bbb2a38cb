"""The rules of a PatternApp that the API server checks itself, as CEL, by the model that they belong to.

What holds here:

* Whatever CEL can say of `patternapp.spec.rules` at a bounded cost is here, made from the same tables. The cost of
  rules inside filters would multiply by their levels, so filters are held by their structure: exactly one property.
* ``function`` is a reserved word of CEL; the API server calls the field ``__function__``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.spec import constraints, gateway, v1alpha1
from patternapp.spec.filters import Filter

if TYPE_CHECKING:
    from collections.abc import Iterator

Rule = dict[str, str]

_RESERVED_WORDS = frozenset({"function"})
_SECTIONS = ("eventDriven", "queues", "streams", "schedules")
"""Sections whose entries each have a function and a delivery."""
CONSUMER_GROUP: Rule = {
    "rule": "self == oldSelf",
    "message": "consumerGroup is the stream's position and never changes; add another stream instead",
}


def rules() -> dict[str, list[Rule]]:
    """The rules of every object by the name of its model."""
    found: dict[str, list[Rule]] = {}
    for model, choice in constraints.CHOICES.items():
        if model is not Filter:
            found.setdefault(model.__name__, []).append(_choice(choice))
    for model in sorted(constraints.MIN_MAX, key=lambda model: model.__name__):
        found.setdefault(model.__name__, []).append({"rule": "self.min <= self.max", "message": "min is above max"})
    found.setdefault(gateway.Cors.__name__, []).append(
        {
            "rule": "!self.credentials || !self.origins.exists(origin, origin == '*')",
            "message": "browsers refuse credentials together with the origin *",
        }
    )
    for entry in (v1alpha1.EventDriven, v1alpha1.Subscriber, v1alpha1.Queue, v1alpha1.Stream, v1alpha1.Schedule):
        found.setdefault(entry.__name__, []).append(_no_loop())
    found.setdefault(v1alpha1.Spec.__name__, []).extend(_references())
    return found


def _choice(choice: constraints.Choice) -> Rule:
    written = ", ".join(f"has(self.{_escaped(name)})" for name in choice.fields)
    relation = "==" if choice.required else "<="
    return {"rule": f"[{written}].filter(one, one).size() {relation} 1", "message": f"write {choice.sentence}"}


def _no_loop() -> Rule:
    return {
        "rule": (
            "!has(self.__function__) || !has(self.delivery) || !has(self.delivery.deadLetter)"
            " || !has(self.delivery.deadLetter.__function__)"
            " || self.delivery.deadLetter.__function__ != self.__function__"
        ),
        "message": "deadLetter names the function that failed",
    }


def _references() -> Iterator[Rule]:
    yield _reference("delivery", _dead_letter("self"))
    yield _reference("gateway", f"!has(self.gateway) || self.gateway.routes.all(e, {_function('e')})")
    for section in _SECTIONS:
        yield _reference(section, f"!has(self.{section}) || self.{section}.all(e, {_function('e')})")
        yield _reference(section, f"!has(self.{section}) || self.{section}.all(e, {_dead_letter('e')})")
    for inner in (_function("e"), _dead_letter("e")):
        yield _reference("fanOut", f"!has(self.fanOut) || self.fanOut.all(f, f.subscribers.all(e, {inner}))")


def _reference(section: str, rule: str) -> Rule:
    return {"rule": rule, "message": f"{section}: a function is named that spec.functions does not have"}


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
