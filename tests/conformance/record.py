"""Writes down what a Broker does with every row: `python -m conformance.record dev` (or `mt-broker`) in `tests`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

from cluster import api
from cluster.stack import state
from conformance import embedded, mt_broker, table
from e2e import kube


async def dev() -> dict[str, str]:
    """What is seen of the Broker of `dev`."""
    seen = {}
    for row in table.ROWS:
        with tempfile.TemporaryDirectory() as folder:
            seen[row.key] = row.look(await embedded.see(row, Path(folder)))
    return seen


def cluster() -> dict[str, str]:
    """What is seen of the default Broker of the cluster that is up."""
    stack = state.read()
    with contextlib.closing(api.Api(api.access(stack.kubeconfig))) as server:
        namespace = kube.make(stack, server)
        try:
            seen = mt_broker.see(table.ROWS, namespace)
        finally:
            kube.remove(namespace)
    return {row.key: row.look(seen[row.key]) for row in table.ROWS}


def main() -> None:
    """Write the files of the Brokers that are named; exit code 3 and the reason where there is no cluster."""
    try:
        for broker in sys.argv[1:]:
            table.write(broker, asyncio.run(dev()) if broker == table.DEV else cluster())
    except state.NotUpError as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(3)


if __name__ == "__main__":
    main()
