"""The objects of one app that a cluster has, asked for once.

What holds here: objects with the app's label are listed, one request a kind; any other is asked for when looked at,
because somebody else's has no label of ours.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp.cluster import capabilities, resources
from patternapp.render import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patternapp.cluster.capabilities import Served
    from patternapp.cluster.client import Client
    from patternapp.cluster.resources import ApiKind, AppKey, Object, Ref


@dataclass(frozen=True, slots=True)
class Survey:
    """What a cluster has of one app.

    Attributes:
        installed: Whether the cluster knows PatternApps at all.
        app: The PatternApp, if there is one.
        labelled: The objects with the app's label.
    """

    client: Client
    key: AppKey
    served: Served
    installed: bool
    app: Object | None
    labelled: Mapping[Ref, Object]

    async def look(self, kind: ApiKind, ref: Ref) -> Object | None:
        """An object; None where there is none, or the server has no such kind."""
        if not self.served.has(kind):
            return None
        return self.labelled.get(ref) or await self.client.get(kind, ref.namespace, ref.name)


async def survey(client: Client, key: AppKey) -> Survey:
    """Ask for everything of one app."""
    discovery = await client.discover()
    served, installed = capabilities.served(discovery), capabilities.serves_apps(discovery)
    app = await client.get(resources.APP_KIND, *key) if installed else None
    selector = f"{names.APP_LABEL}={key.name}"
    lists = (client.listed(kind, key.namespace, selector=selector) for kind in served.preferred())
    labelled = {resources.ref(item): item for items in await asyncio.gather(*lists) for item in items}
    return Survey(client, key, served, installed, app, labelled)
