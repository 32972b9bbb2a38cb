"""Rook's kinds, which the test server does not have: definitions that come and go with a test."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import harness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster import api

VERSION = "ceph.rook.io/v1"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@contextlib.contextmanager
def definitions(server: api.Api) -> Iterator[list[dict[str, Any]]]:
    """The definitions, for the block to install; whatever of them is there goes again."""
    made = [_definition("CephBucketTopic"), _definition("CephBucketNotification")]
    yield made
    for item in made:
        server.delete(f"{DEFINITIONS}/{item['metadata']['name']}")
    names = {item["metadata"]["name"] for item in made}
    harness.eventually(lambda: names.isdisjoint(_installed(server)))
    harness.eventually(lambda: _gone(server, made))


def _gone(server: api.Api, definitions: list[dict[str, Any]]) -> bool:
    """Whether discovery, which lags behind, knows none of the kinds any more."""
    server.forget(VERSION)
    return not any(server.serves(VERSION, item["spec"]["names"]["kind"]) for item in definitions)


def _installed(server: api.Api) -> set[str]:
    return {item["metadata"]["name"] for item in server.get(DEFINITIONS).object()["items"]}


def _definition(kind: str) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.ceph.rook.io"},
        "spec": {
            "group": "ceph.rook.io",
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
