"""What tests of RabbitMQ share: a queue of their own in one broker, a function, and a sink for dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from services import functions
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


@pytest.fixture
def function() -> Iterator[functions.Function]:
    with functions.running() as running:
        yield running


@pytest.fixture
def sink() -> Iterator[functions.Function]:
    """A dead-letter sink."""
    with functions.running() as running:
        yield running
