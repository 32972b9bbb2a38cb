"""How commands ask a cluster: the options that say which one, and one connection for one question."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from patternapp import errors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from patternapp.cluster.client import Client
    from patternapp.cluster.state import AppState

Namespace = Annotated[
    str | None, typer.Option("-n", "--namespace", help="The namespace. Default: the context's.", metavar="NAME")
]
Context = Annotated[
    str | None, typer.Option("--context", help="The context of the kubeconfig. Default: its current one.")
]
Kubeconfig = Annotated[
    str | None, typer.Option("--kubeconfig", help="Default: $KUBECONFIG, then ~/.kube/config.", metavar="FILE")
]
Lease = Annotated[
    str, typer.Option("--lease", help="The Lease of the operator that is responsible.", metavar="NAMESPACE/NAME")
]
DEFAULT_LEASE = "patternapp-system/patternapp-operator"
T = TypeVar("T")


def ask(
    question: Callable[[Client], Awaitable[T]],
    *,
    namespace: str | None = None,
    context: str | None = None,
    kubeconfig: str | None = None,
) -> T:
    """The answer of the cluster that is meant.

    Raises:
        errors.EnvironmentProblem: there is no such cluster, it does not answer, or the package that asks it is missing.
    """
    import asyncio

    try:
        from patternapp.cluster import connection
    except ModuleNotFoundError as error:
        raise errors.EnvironmentProblem(
            f"this command asks a cluster, and the package {error.name} for that is not installed; "
            "get it with: pip install 'patternapp[cluster]'"
        ) from error
    target = connection.Target(kubeconfig=kubeconfig, context=context, namespace=namespace)

    async def asked() -> T:
        async with connection.connected(target) as client:
            return await question(client)

    return asyncio.run(asked())


def app(name: str, lease: str) -> Callable[[Client], Awaitable[AppState]]:
    """The question how an app is; `lease` is the operator's, as ``NAMESPACE/NAME``."""
    namespace, slash, own = lease.partition("/")
    if not (namespace and slash and own):
        raise typer.BadParameter(f"{lease!r} is not NAMESPACE/NAME", param_hint="--lease")

    async def question(client: Client) -> AppState:
        from patternapp.cluster import state
        from patternapp.render import capabilities

        now = dt.datetime.now(dt.UTC)
        return await state.find(client, name, capabilities.DEFAULT, lease=state.LeaseName(namespace, own), now=now)

    return question
