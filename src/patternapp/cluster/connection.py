"""Where the API server of a command is and how to log in to it: as kubectl finds them.

What holds here: a flag goes before the environment (``KUBECONFIG``), and that before ``~/.kube/config``; inside a Pod
without any of them its own account is used. A proxy is used only where the kubeconfig names one.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from kubernetes.aio import client, config
from kubernetes.aio.config import incluster_config

from patternapp import errors
from patternapp.cluster import client as clients

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

DEFAULT = "~/.kube/config"
NAMESPACE = "default"
POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
UNUSABLE = (config.ConfigException, OSError, yaml.YAMLError, ValueError, TypeError, AttributeError, KeyError)
"""What the loader raises for a kubeconfig that is missing, is none, or names files that are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a user named; None where nothing."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None


@contextlib.asynccontextmanager
async def connected(target: Target, environment: Mapping[str, str] = os.environ) -> AsyncIterator[clients.Client]:
    """A client of the API server that the user means.

    Raises:
        errors.EnvironmentProblem: there is no kubeconfig, or it cannot be used.
    """
    found = client.Configuration()
    paths = target.kubeconfig or environment.get("KUBECONFIG") or DEFAULT
    existing = _existing(paths)
    if existing:
        namespace = await _from_file(found, existing, target.context)
    elif target.kubeconfig is None and environment.get(incluster_config.SERVICE_HOST_ENV_NAME):
        namespace = _from_pod(found)
    else:
        raise errors.EnvironmentProblem(
            f"there is no kubeconfig at {paths}; name yours with --kubeconfig or KUBECONFIG"
        )
    # Or else a proxy in the environment and a login in ~/.netrc would be used as well.
    found.client_session_kwargs = {"trust_env": False}
    try:
        api = client.ApiClient(found)
    except UNUSABLE as error:
        raise _unusable(paths, error) from error
    async with api:
        yield clients.Client(api, target.namespace or namespace or NAMESPACE)


def _existing(paths: str) -> str:
    """Those of the files that there are."""
    return os.pathsep.join(path for path in paths.split(os.pathsep) if path and Path(path).expanduser().exists())


async def _from_file(found: client.Configuration, paths: str, context: str | None) -> str | None:
    """Fill in the configuration; the context's namespace."""
    loaders: Any = config  # it has no annotations
    found.proxy = None
    try:
        loader = await loaders.load_kube_config(
            paths, context=context, client_configuration=found, persist_config=False
        )
        namespace: str | None = loader.current_context["context"].get("namespace")
    except UNUSABLE as error:
        raise _unusable(paths, error) from error
    return namespace


def _from_pod(found: client.Configuration) -> str | None:
    loaders: Any = config
    try:
        loaders.load_incluster_config(client_configuration=found)
        return POD_NAMESPACE.read_text().strip() if POD_NAMESPACE.exists() else None
    except UNUSABLE as error:
        raise _unusable("of this Pod's account", error) from error


def _unusable(paths: str, error: BaseException) -> errors.EnvironmentProblem:
    reason = " ".join(str(error).split()) or type(error).__name__
    return errors.EnvironmentProblem(
        f"the kubeconfig {paths} cannot be used: {reason}; `kubectl config view` shows what it has"
    )
