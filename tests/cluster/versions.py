"""The versions that `versions.env` names, and the places that hang on them."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True, slots=True)
class Versions:
    """One version of each product, as its own project writes it, without the leading v."""

    kubernetes: str
    etcd: str
    knative: str
    eventing_kafka: str
    keda: str
    prometheus_operator: str
    kro: str
    kafka: str
    log4j: str
    coredns: str

    @property
    def staging(self) -> str:
        """The version of the `k8s.io/...` libraries: theirs is 0 where Kubernetes' is 1."""
        return f"0.{self.kubernetes.removeprefix('1.')}"


def lines() -> dict[str, str]:
    """What `versions.env` says, of everything."""
    text = (ROOT / "versions.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in text if line and not line.startswith("#"))


def read() -> Versions:
    """What it says of what a cluster is made of."""
    known = lines()
    return Versions(**{field.name: known[field.name.upper()] for field in dataclasses.fields(Versions)})


def cache() -> Path:
    """Where everything that was built is kept, outside the tree: several checkouts share it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "patternapp"
