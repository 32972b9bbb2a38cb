"""The kinds of object an app becomes, their paths in the API, and what names one object there.

What holds here: everything follows from `patternapp.render.objects.KINDS`; no other list of kinds exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from patternapp.render import names, objects
from patternapp.spec import crd, v1alpha1

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Object: TypeAlias = dict[str, Any]
"""A Kubernetes object as JSON data."""

APP_API = f"{v1alpha1.GROUP}/{v1alpha1.VERSION}"
FIELD_OWNER = "patternapp"
"""The one field manager that the operator writes as."""
PAUSED = f"{names.DOMAIN}/paused"
DELETION_POLICY = f"{names.DOMAIN}/deletion-policy"
STATEFUL = frozenset({"PersistentVolumeClaim"})
"""Kinds that hold data which nothing can make again: kept when their app goes, unless it says otherwise."""


class AppKey(NamedTuple):
    """One PatternApp."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class ApiKind(NamedTuple):
    """A kind at one version of its group."""

    api_version: str
    kind: str

    @property
    def group(self) -> str:
        return group(self.api_version)

    @property
    def plural(self) -> str:
        return plural(self.kind)

    @property
    def definition(self) -> str:
        """The name of the CustomResourceDefinition that serves it."""
        return f"{self.plural}.{self.group}"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One object, whatever the version it is read at."""

    namespace: str
    group: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}{f'.{self.group}' if self.group else ''} {self.name}"


KINDS = tuple(ApiKind(*kind) for kind in objects.KINDS)
APP_KIND = ApiKind(APP_API, v1alpha1.KIND)


def group(api_version: str) -> str:
    """The group of an apiVersion; empty for the core."""
    return api_version.rpartition("/")[0]


def plural(kind: str) -> str:
    """The resource of a kind, as the API's paths name it."""
    if kind == v1alpha1.KIND:
        return crd.PLURAL
    lower = kind.lower()
    return f"{lower[:-1]}ies" if lower.endswith("y") else f"{lower}s"


def path(kind: ApiKind, namespace: str | None, name: str | None = None) -> str:
    """The path of a collection (of the whole cluster without `namespace`) or, with `name`, of one object."""
    root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.api_version}"
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{within}/{kind.plural}" + (f"/{name}" if name else "")


def kind_of(body: Mapping[str, Any]) -> ApiKind:
    """The kind of an object."""
    return ApiKind(body["apiVersion"], body["kind"])


def ref(body: Mapping[str, Any], namespace: str | None = None) -> Ref:
    """What names an object; `namespace` stands in where the object names none."""
    metadata = body["metadata"]
    return Ref(metadata.get("namespace") or namespace or "", group(body["apiVersion"]), body["kind"], metadata["name"])


def owners(references: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The names of the PatternApps among an object's owners."""
    for owner in references:
        if owner.get("kind") == v1alpha1.KIND and group(owner.get("apiVersion", "")) == v1alpha1.GROUP:
            yield owner["name"]


def apps_of(body: Mapping[str, Any]) -> set[AppKey]:
    """The apps that an object may belong to: by its label, or by its owner where the label was taken away."""
    metadata = body["metadata"]
    label = (metadata.get("labels") or {}).get(names.APP_LABEL)
    chosen = {*owners(metadata.get("ownerReferences") or ()), *([label] if label else [])}
    return {AppKey(metadata.get("namespace", ""), name) for name in chosen}
