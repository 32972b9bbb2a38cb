"""The role `webhooks`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from patternapp import sender
from patternapp.spec import base, sources
from patternapp_services import broker, monitor
from patternapp_services.webhooks import app as webhook

if TYPE_CHECKING:
    from patternapp_services.program import Setting


class Hook(sources.Webhook):
    """A webhook of the app, and the marker of its events."""

    marker: str

    def endpoint(self) -> webhook.Endpoint:
        """The webhook as the app answers it; the entry's name is the end of its marker."""
        name = self.marker.partition(".")[2]
        return webhook.endpoint(self, name=name, marker=self.marker)


class Config(base.Model):
    """The webhooks that are called."""

    webhooks: tuple[Hook, ...]


async def run(setting: Setting) -> None:
    """Serve until `setting.stopping` is set."""
    config = Config.model_validate_json(setting.config)
    async with sender.Sender() as http:
        app = webhook.Webhook(
            (hook.endpoint() for hook in config.webhooks),
            publish=broker.Broker(setting.addresses, http),
            secret=webhook.mounted_secrets(setting.secrets.folder),
            now=time.time,
        )
        await monitor.serve(app, setting)
