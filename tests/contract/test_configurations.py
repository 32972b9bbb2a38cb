"""What the renderer writes for our services is what they read: every configuration of every golden case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from golden import rewrite

from patternapp.render import names
from patternapp_services.bucket_events import service as bucket_events
from patternapp_services.dead_letters import service as dead_letters
from patternapp_services.enqueue import service as enqueue
from patternapp_services.gateway import service as gateway
from patternapp_services.outbox import service as outbox
from patternapp_services.webhooks import service as webhooks
from patternapp_services.worker import service as worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.spec.base import Model

READERS: dict[str, type[Model]] = {
    names.BUCKET_EVENTS: bucket_events.Config,
    names.DEAD_LETTERS: dead_letters.Config,
    names.ENQUEUE: enqueue.Config,
    names.GATEWAY: gateway.Config,
    names.WEBHOOKS: webhooks.Config,
    "outbox": outbox.Config,
    "worker": worker.Config,
}


def configurations() -> Iterator[Any]:
    for case in rewrite.cases():
        for item in yaml.safe_load_all((case / "out.yaml").read_text()):
            if item["kind"] == "ConfigMap":
                role = item["metadata"]["labels"][names.COMPONENT]
                yield pytest.param(role, item["data"]["config.json"], id=f"{item['metadata']['name']} of {case.name}")


@pytest.mark.parametrize(("role", "text"), list(configurations()))
def test_a_service_reads_the_configuration_that_is_written_for_it(role: str, text: str) -> None:
    READERS[role].model_validate_json(text)


def test_every_service_is_written_for_in_some_case() -> None:
    assert {one.values[0] for one in configurations()} == set(READERS)
