"""On the real cluster of `make cluster-up`: starts from zero, Knative's Broker, applies, and KEDA, beside their peers.

The environment says how much is measured: ``ROUNDS`` and ``SERVICES`` (starts of each receiver: their product),
``EVENTS`` and ``TURNS`` (through each Broker), ``APPS`` (applied one after the other), ``QUEUES`` (woken once each),
and ``PARTS``, some of `_PARTS`. Everything is in a namespace of its own, which is deleted; the operator is installed,
or brought to this tree, first.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
from typing import TYPE_CHECKING

import report
from cluster import api
from cluster import build as building
from cluster.stack import state
from e2e import install, kube, volumes
from peers import receivers
from real import applies, brokers, cold_starts, images, reactions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def starts(namespace: kube.Namespace) -> Sequence[report.Figure]:
    """Cold starts."""
    seen = cold_starts.measure(namespace)
    answered = {name: [one.answered for one in starts] for name, starts in seen.items()}
    after = {name: statistics.fmean(one.after for one in starts) for name, starts in seen.items()}
    ours, base = answered[receivers.OURS.name], answered[receivers.FASTAPI.name]
    of = "cold start, of FastAPI + SDK"
    figures = [
        report.Figure(name=f"{of}, mean", value=statistics.fmean(ours) / statistics.fmean(base), unit="x", target=0.9),
        report.Figure(name=f"{of}, p50", value=statistics.median(ours) / statistics.median(base), unit="x"),
    ]
    for name, values in answered.items():
        figures.append(report.Figure(name=f"cold start, {name}, mean", value=statistics.fmean(values), unit="s"))
        figures.append(report.Figure(name="of that after the Pod had an address, mean", value=after[name], unit="s"))
        figures += _spread(f"cold start, {name}", values)
    return figures


def passing(namespace: kube.Namespace) -> Sequence[report.Figure]:
    """Brokers."""
    seen = brokers.measure(namespace)
    theirs, ours = (statistics.median(one.knative for one in seen), statistics.median(one.dev for one in seen))
    times = statistics.median(one.dev / one.knative for one in seen)
    of = "events a second through the Broker to one trigger"
    return [
        report.Figure(name=f"{of}: dev, times Knative's", value=times, unit="x", target=5, better="higher"),
        report.Figure(name=f"{of}: dev", value=ours, unit="events/s", baseline=theirs, better="higher"),
        report.Figure(name=f"{of}: Knative, in memory", value=theirs, unit="events/s", better="higher"),
    ]


def applying(namespace: kube.Namespace) -> Sequence[report.Figure]:
    """Apply to Ready."""
    seen = applies.measure(namespace)
    return [
        *_spread("apply to Ready", [one.total for one in seen]),
        *_spread("of that ours", [one.ours for one in seen], target=1.0),
        *_spread("until all objects are made", [one.made for one in seen]),
        *_spread("from the last that works to Ready", [one.said for one in seen]),
    ]


def reacting(namespace: kube.Namespace) -> Sequence[report.Figure]:
    """KEDA."""
    seen = reactions.measure(namespace)
    return [
        *_spread("record to ScaledObject active", [one.active for one in seen]),
        *_spread("record to worker ready", [one.ready for one in seen]),
        *_spread("record to first batch handled", [one.handled for one in seen]),
    ]


_PARTS: Mapping[str, Callable[[kube.Namespace], Sequence[report.Figure]]] = {
    "starts": starts,
    "brokers": passing,
    "applies": applying,
    "reactions": reacting,
}


def _spread(name: str, values: Sequence[float], *, target: float | None = None) -> list[report.Figure]:
    middle, most = statistics.median(values), max(values)
    return [
        report.Figure(name=f"{name}, p50", value=middle, unit="s", target=target),
        report.Figure(name=f"{name}, max", value=most, unit="s"),
    ]


def measure(stack: state.Stack, server: api.Api) -> Sequence[report.Figure]:
    """All the parts that are wanted, one after the other, as they share two processors."""
    images.provide(stack.containerd)
    volumes.provide(server)
    install.operator(stack, server)
    found: list[report.Figure] = []
    for part in os.environ.get("PARTS", " ".join(_PARTS)).split():
        print(f"measuring {part}", file=sys.stderr)
        namespace = kube.make(stack, server, level="baseline")
        try:
            found += _PARTS[part](namespace)
        finally:
            kube.remove(namespace)
    return found


def main() -> None:
    """Measure, and publish; exit code 3 and the reason where there is nothing to measure on."""
    try:
        stack = state.read()
        with contextlib.closing(api.Api(api.access(stack.kubeconfig))) as server:
            report.publish("cluster", measure(stack, server))
    except (state.NotUpError, building.NotBuiltError, install.NotInstalledError) as problem:
        print(problem, file=sys.stderr)
        sys.exit(3)


if __name__ == "__main__":
    main()
