"""The versions that `versions.env` names, and the places that hang on them."""

from __future__ import annotations

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

    @property
    def staging(self) -> str:
        """The version of the `k8s.io/...` libraries: theirs is 0 where Kubernetes' is 1."""
        return f"0.{self.kubernetes.removeprefix('1.')}"


def read() -> Versions:
    """What `versions.env` says."""
    lines = (HERE / "versions.env").read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    return Versions(**{name.lower(): value for name, value in pairs})


def cache() -> Path:
    """Where everything that was built is kept, outside the tree: several checkouts share it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "patternapp"
