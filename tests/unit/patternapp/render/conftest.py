"""Apps from a few words, as Kubernetes objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import spec_strategies

from patternapp.plan import compile as compiler
from patternapp.render import objects
from patternapp.render.capabilities import Capabilities

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = {"apiVersion": "patternapp.dev/v1alpha1", "kind": "PatternApp", "metadata": {"name": "shop"}}


@pytest.fixture
def made() -> Callable[..., dict[tuple[str, str], dict[str, Any]]]:
    """The objects of the app `shop` with a function `orders` and these sections, by kind and name."""

    def make(capabilities: Capabilities | None = None, **spec: Any) -> dict[tuple[str, str], dict[str, Any]]:
        function = {"name": "orders", "handler": "shop.orders:app"}
        resource = HEAD | {"spec": {"image": "shop:1", "functions": [function]} | spec}
        plan = compiler.compile_app(spec_strategies.parsed(resource))
        items = objects.render(plan, capabilities or Capabilities())
        return {(item["kind"], item["metadata"]["name"]): item for item in items}

    return make
