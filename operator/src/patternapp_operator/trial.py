"""Tries an installation out, as ``helm test`` does: makes an app of one function, waits until it works, and deletes it.

What holds here:

* It may do what `permissions.trial` says, so its app needs no more: one function and the Broker, and dead letters go to
  the function, as a store for them would take a volume.
* Whatever happens, the app is deleted; what it became goes with it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubernetes.aio import client, config

from patternapp import errors
from patternapp.cluster import resources
from patternapp_operator import cluster, conditions, connection, metrics, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patternapp.cluster.resources import Object
    from patternapp_operator.cluster import Cluster

LOOK_EVERY = 1.0
"""Seconds between two looks at the app."""
_FUNCTION = "web"
_SILENT = "the operator has said nothing of it: does it run, and does it keep apps in this namespace?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is tried.

    Attributes:
        namespace: Where the app is made.
        name: What its name begins with.
        image: An image with Python, which the function runs.
        timeout: Seconds that the app may take until it works.
        kubeconfig: A kubeconfig file; empty inside a cluster.
    """

    namespace: str
    name: str
    image: str
    timeout: float
    kubeconfig: str = ""


def app(chosen: Trial) -> Object:
    """The app: a web server of Python's own, and nothing else."""
    serving = ["python", "-m", "http.server", "--directory", "/tmp", "8080"]  # noqa: S108 - an empty folder of a container
    return {
        "apiVersion": resources.APP_KIND.api_version,
        "kind": resources.APP_KIND.kind,
        "metadata": {"generateName": f"{chosen.name}-"},
        "spec": {
            "image": chosen.image,
            "delivery": {"deadLetter": {"function": _FUNCTION}},
            "functions": [{"name": _FUNCTION, "command": serving}],
        },
    }


async def attempt(there: Cluster, chosen: Trial) -> str | None:
    """Why the app does not work in time; None where it does.

    Raises:
        failures.ClusterError: the server refused something.
    """
    made = await there.create(app(chosen), chosen.namespace)
    name, uid = made["metadata"]["name"], made["metadata"]["uid"]
    told = _SILENT
    try:
        async with asyncio.timeout(chosen.timeout):
            while True:
                live = await there.get(resources.APP_KIND, chosen.namespace, name) or {}
                ready = conditions.find(live.get("status") or {}, conditions.READY)
                if ready is not None and ready["status"] == "True":
                    return None
                if ready is not None:
                    told = f"{ready['reason']}: {ready['message']}"
                await asyncio.sleep(LOOK_EVERY)
    except TimeoutError:
        return f"{resources.APP_KIND.kind} {chosen.namespace}/{name} does not work after {chosen.timeout:.0f} s: {told}"
    finally:
        await there.delete(resources.APP_KIND, chosen.namespace, name, uid=uid)


async def run(chosen: Trial) -> str | None:
    """The same against the cluster that this process is in, or its kubeconfig names.

    Raises:
        kubernetes.aio.config.ConfigException: there is neither.
        failures.ClusterError: the server refused something.
    """
    told = await connection.configuration(settings.Settings(identity=chosen.name, kubeconfig=chosen.kubeconfig))
    async with client.ApiClient(told) as api:
        return await attempt(cluster.Cluster(api, metrics.Metrics()), chosen)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try, and say how it went; the exit code is 1 where it does not work, 3 where it could not be tried."""
    parser = argparse.ArgumentParser(
        prog="python -m patternapp_operator.trial",
        description="Makes an app of one function, waits until it works, and deletes it.",
    )
    parser.add_argument("--namespace", required=True, help="where")
    parser.add_argument("--name", default="patternapp-test", help="what the app's name begins with")
    parser.add_argument("--image", required=True, help="an image with Python, which the function runs")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds until it has to work")
    parser.add_argument("--kubeconfig", default="", help="a kubeconfig file; inside a cluster none is needed")
    chosen = Trial(**vars(parser.parse_args(arguments)))
    try:
        wrong = asyncio.run(run(chosen))
    except (config.ConfigException, errors.PatternAppError, OSError) as error:
        sys.stderr.write(f"it could not be tried: {error}\n")
        return 3
    sys.stdout.write("an app was made, it worked, and it is deleted again\n" if wrong is None else f"{wrong}\n")
    return 0 if wrong is None else 1


if __name__ == "__main__":
    sys.exit(main())
