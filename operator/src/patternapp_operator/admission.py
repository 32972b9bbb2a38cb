"""ValidatingAdmissionPolicies: a PatternApp gives its author nothing that this author could not do without it.

What holds here:

* Whoever writes a spec must have the right to create every kind that it becomes, and to get every Secret and ConfigMap
  that it names. Only a new or changed spec is judged: annotations, labels and the status are not.
* The API server gives an expression the cost of two questions to its authorizer, and a policy that of 28. So every
  question is a validation of its own, kinds and each kind of reference are policies of their own, and names are taken
  one by one off a list without those before. What does not fit is refused.
* A message cannot ask the authorizer, so it says which right is missing and all that the app needs, not all that is
  missing.
* Nothing here needs more than Kubernetes 1.30.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from patternapp.cluster import resources
from patternapp_operator import needs, references

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from patternapp.cluster.resources import Object
    from patternapp_operator.references import Step

API = "admissionregistration.k8s.io/v1"
NAMES = 24
"""Different names of one kind in an app whose author may not get all objects of this kind; the budget has room for 28
questions."""
_WORDS = {references.SECRETS: "Secret", references.CONFIG_MAPS: "ConfigMap"}
_USER = "request.userInfo.username"
_SPEC = {"name": "spec", "expression": "object.spec"}


def objects() -> list[Object]:
    """Every policy and its binding, in the order of application."""
    policies = [_kinds(), *(_names(resource) for resource in _WORDS)]
    return [item for policy in policies for item in (policy, _binding(policy["metadata"]["name"]))]


def _policy(name: str, variables: list[Object], validations: list[Object]) -> Object:
    place = {"apiGroups": [resources.APP_KIND.group], "apiVersions": ["*"], "resources": [resources.APP_KIND.plural]}
    changed = "request.operation == 'CREATE' || object.spec != oldObject.spec"
    return {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": f"patternapp-{name}", "labels": {"app.kubernetes.io/part-of": "patternapp"}},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [place | {"operations": ["CREATE", "UPDATE"]}]},
            "matchConditions": [{"name": "the-spec-is-new", "expression": changed}],
            "variables": [_SPEC, *variables],
            "validations": validations,
        },
    }


def _binding(name: str) -> Object:
    return {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "patternapp"}},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }


def _kinds() -> Object:
    """The author may create what the app becomes."""
    variables = [{"name": need.name, "expression": need.when} for need in needs.NEEDS]
    needed, validations = [], []
    for name, wanting in needs.by_resource().items():
        held = " || ".join(f"variables.{need.name}" for need in wanting)
        paths = ", ".join(f"variables.{need.name} ? '{need.path}' : ''" for need in wanting)
        needed.append(f"({held}) ? '{name}' : ''")
        message = (
            f"{_USER} + ' may not create {name} in namespace ' + request.namespace + ', which ' + "
            f"{_joined(f'[{paths}]')} + ' becomes; this app needs the right to create ' + variables.needed"
        )
        validations.append(_validation(f"!({held}) || {_check(name, 'create')}", message))
    variables.append({"name": "needed", "expression": _joined(f"[{', '.join(needed)}]")})
    return _policy("kinds", variables, validations)


def _names(resource: str) -> Object:
    """The author may get what the app names. `rest<n>` has the mentions of all names but the first n."""
    word = _WORDS[resource]
    found = [one for one in references.references() if one.resource == resource]
    mentions = ", ".join(_mentions("variables.spec", "spec", one.steps) for one in found)
    variables = [
        {"name": "everything", "expression": _check(resource, "get")},
        {"name": "rest0", "expression": f"[{mentions}].join(';').split(';').filter(m, m != '')"},
    ]
    validations = []
    for number in range(NAMES):
        rest, name = f"variables.rest{number}", f"variables.name{number}"
        variables += [
            {"name": f"name{number}", "expression": f"size({rest}) == 0 ? '' : {rest}[0].split(' ')[0]"},
            {"name": f"rest{number + 1}", "expression": f"{rest}.filter(m, !m.startsWith({name} + ' '))"},
        ]
        message = (
            f"{_USER} + ' may not get the {word} ' + {name} + ' in namespace ' + request.namespace + ', which '"
            f" + {rest}[0].split(' ')[1] + ' names; this app needs the right to get ' + variables.needed"
        )
        allowed = f"{name} == '' || variables.everything || {_check(resource, 'get', f'.name({name})')}"
        validations.append(_validation(allowed, message))
    names = ", ".join(f"variables.name{number}" for number in range(NAMES))
    variables.append({"name": "needed", "expression": _joined(f"[{names}]")})
    crowded = (
        f"'this app names more than {NAMES} different {word}s, and ' + {_USER} + ' may not get all {resource} of"
        " namespace ' + request.namespace + '; ask for the right to get them all, or use fewer'"
    )
    validations.append(_validation(f"size(variables.rest{NAMES}) == 0 || variables.everything", crowded))
    return _policy(resource, variables, validations)


def _validation(expression: str, message: str) -> Object:
    return {"expression": expression, "messageExpression": message, "reason": "Forbidden"}


def _check(name: str, verb: str, more: str = "") -> str:
    group, plural = needs.split(name)
    return (
        f"authorizer.group('{group}').resource('{plural}').namespace(request.namespace){more}.check('{verb}').allowed()"
    )


def _joined(texts: str) -> str:
    return f"{texts}.filter(t, t != '').join(', ')"


def _mentions(node: str, path: str, steps: Sequence[Step], names: Iterator[int] | None = None) -> str:
    """CEL for what stands at the end of a way: ``name path`` for each, joined by ``;``."""
    counted = names or itertools.count()
    guards = []
    for place, step in enumerate(steps):
        node, path = f"{node}.{step.field}", f"{path}.{step.field}"
        guards.append(f"has({node})")
        if step.union:
            guards.append(f"type({node}) != string")
        if step.many:
            entry = f"e{next(counted)}"
            inner = _mentions(entry, f"{path}[' + {entry}.name + ']", steps[place + 1 :], counted)
            return f"({' && '.join(guards)} ? {node}.map({entry}, {inner}).join(';') : '')"
    return f"({' && '.join(guards)} ? {node} + ' {path}' : '')"
