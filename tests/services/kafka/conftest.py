"""What tests of Kafka share: a topic of their own in one broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from services.kafka import rig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from components.kafka import Broker


@pytest.fixture
def topic(kafka_broker: Broker, tmp_path: Path) -> Iterator[rig.Topic]:
    with rig.topic(kafka_broker, folder=tmp_path) as made:
        yield made
