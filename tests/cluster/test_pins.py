"""The modules that pin libraries, beside the versions that are named."""

from __future__ import annotations

import pytest
from cluster import build, pin, programs, versions

PRODUCTS = [(name, *product) for name, module in pin.MODULES.items() for product in module.products]


def go_mod(name: str) -> str:
    return (build.module(name) / "go.mod").read_text().replace(" // indirect", "")


@pytest.mark.parametrize(("name", "product", "line"), PRODUCTS)
def test_a_module_requires_the_version_that_is_named(name: str, product: str, line: str) -> None:
    assert f"{product} v{getattr(versions.read(), line)}\n" in go_mod(name)


def test_the_libraries_of_kubernetes_are_those_of_its_release() -> None:
    assert f"replace k8s.io/api => k8s.io/api v{versions.read().staging}\n" in go_mod(programs.TOGETHER)
