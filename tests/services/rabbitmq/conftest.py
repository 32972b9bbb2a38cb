"""What tests of RabbitMQ share: a queue of their own in one broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from services.rabbitmq import rig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from components.rabbitmq import Broker


@pytest.fixture
def queue(rabbitmq_broker: Broker, tmp_path: Path) -> Iterator[rig.Queue]:
    with rig.queue(rabbitmq_broker, folder=tmp_path) as made:
        yield made


@pytest.fixture
def ordered_queue(rabbitmq_broker: Broker, tmp_path: Path) -> Iterator[rig.Queue]:
    with rig.queue(rabbitmq_broker, folder=tmp_path, ordered=True) as made:
        yield made
