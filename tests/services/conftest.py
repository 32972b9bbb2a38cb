"""What tests of the services share: whom they call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from services import functions

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def function() -> Iterator[functions.Function]:
    with functions.running() as running:
        yield running


@pytest.fixture
def sink() -> Iterator[functions.Function]:
    """A dead-letter sink."""
    with functions.running() as running:
        yield running


@pytest.fixture
def broker() -> Iterator[functions.Function]:
    """The Broker, which takes what it is given."""
    with functions.running() as running:
        running.answer = lambda _: (202, b"")
        yield running
