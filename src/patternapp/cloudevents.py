"""CloudEvents 1.0: the event value and its HTTP codec (binary, structured, batched). Strict, and stdlib only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Event(Generic[T]):
    """A CloudEvent: context attributes, extensions included, and data.

    Off the wire the data is ``bytes | None``; a receiver hands its handlers an `Event` of their own data type.

    Attributes:
        attributes: Lower-case names to values: `str`, or `int` and `bool` where structured JSON had them.
        data: The payload, None where there is none.
    """

    attributes: Mapping[str, str | int | bool]
    data: T
