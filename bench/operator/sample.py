"""The app that is measured, as a PatternApp and as a kro ResourceGraphDefinition of the same eight objects.

What holds here: both are made of what our own renderer says, so the objects are equal in kind and content. An object is
ready for both when its `Ready` condition is true and its controller has seen its last change.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from patternapp.plan import compile as compiler
from patternapp.render import objects
from patternapp.spec import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME, IMAGE = "app-0000", "ghcr.io/acme/shop:0"
CHILDREN = 8
KIND = "BenchApp"
_SPEC = f"""
image: {IMAGE}
delivery: {{retry: 5, deadLetter: {{uri: "http://dead-letters.example.com"}}}}
functions:
  - {{name: orders, handler: "shop.orders:app"}}
  - {{name: mail, handler: "shop.mail:app"}}
eventDriven:
  - {{name: paid, filters: [{{exact: {{type: shop.paid}}}}], function: orders}}
  - {{name: sent, filters: [{{exact: {{type: shop.sent}}}}], function: mail}}
schedules:
  - {{name: nightly, cron: "0 2 * * *", function: orders}}
"""


def patternapp(name: str) -> dict[str, Any]:
    """The app for our operator."""
    head = {"apiVersion": "patternapp.dev/v1alpha1", "kind": "PatternApp", "metadata": {"name": name}}
    return head | {"spec": yaml.safe_load(_SPEC)}


def instance(name: str) -> dict[str, Any]:
    """The app for kro: an instance of the definition's kind."""
    head = {"apiVersion": "kro.run/v1alpha1", "kind": KIND, "metadata": {"name": name}}
    return head | {"spec": {"image": IMAGE}}


def children() -> Sequence[Mapping[str, Any]]:
    """The objects of one app, as our renderer makes them."""
    made = objects.render(compiler.compile_app(load.from_object(patternapp(NAME))))
    assert len(made) == CHILDREN, f"the app becomes {len(made)} objects"
    return made


def definition() -> dict[str, Any]:
    """The definition for kro, with the app's name and image as its only variables."""
    return {
        "apiVersion": "kro.run/v1alpha1",
        "kind": "ResourceGraphDefinition",
        "metadata": {"name": "bench-app"},
        "spec": {
            "schema": {"apiVersion": "v1alpha1", "kind": KIND, "spec": {"image": "string"}},
            "resources": [_resource(number, child) for number, child in enumerate(children())],
        },
    }


def _resource(number: int, child: Mapping[str, Any]) -> dict[str, Any]:
    identity = f"child{number}"
    text = json.dumps(child).replace(NAME, "${schema.metadata.name}").replace(IMAGE, "${schema.spec.image}")
    ready = (
        f"${{{identity}.status.observedGeneration == {identity}.metadata.generation}}",
        f"${{{identity}.status.conditions.exists(one, one.type == 'Ready' && one.status == 'True')}}",
    )
    return {"id": identity, "template": json.loads(text), "readyWhen": list(ready)}
