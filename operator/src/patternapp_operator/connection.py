"""Where the API server is and how to log in to it: one configuration for our client and for kopf's watches."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import kopf
from kubernetes.aio import client, config
from kubernetes.aio.config import incluster_config

if TYPE_CHECKING:
    from patternapp_operator.settings import Settings

TOKEN_LIFE = timedelta(minutes=5)
"""How long kopf may use a token before it asks again; a Pod's token changes about every hour."""
CONNECTIONS = 64
"""More than all workers use at a time, so that whoever renews the lease never waits for one."""


async def configuration(chosen: Settings) -> client.Configuration:
    """The configuration inside a Pod, otherwise of the kubeconfig.

    Raises:
        kubernetes.aio.config.ConfigException: there is neither.
    """
    loaders: Any = config  # it has no annotations
    result = client.Configuration()
    if not chosen.kubeconfig and os.environ.get(incluster_config.SERVICE_HOST_ENV_NAME):
        loaders.load_incluster_config(client_configuration=result)
    else:
        await loaders.load_kube_config(chosen.kubeconfig or None, client_configuration=result, persist_config=False)
    result.connection_pool_maxsize = CONNECTIONS
    result.proxy = None
    # Or else each request asks two threads: for a proxy in the environment, and for a login in ~/.netrc.
    result.client_session_kwargs = {"trust_env": False}
    return result


async def for_watches(chosen: Settings) -> kopf.ConnectionInfo:
    """The same for kopf."""
    found = await configuration(chosen)
    token = await found.get_api_key_with_prefix("BearerToken")
    return kopf.ConnectionInfo(
        server=found.host,
        ca_path=found.ssl_ca_cert,
        insecure=not found.verify_ssl,
        scheme="Bearer" if token else None,
        token=token.partition(" ")[2] or token if token else None,
        certificate_path=found.cert_file,
        private_key_path=found.key_file,
        expiration=datetime.now(UTC) + TOKEN_LIFE,
    )
