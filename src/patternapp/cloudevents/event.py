"""The event value."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

T_co = TypeVar("T_co", covariant=True)

Value = str | int | bool
"""What an attribute may be. In binary mode every one is text."""


@dataclass(frozen=True, slots=True, init=False)
class Event(Generic[T_co]):
    """A CloudEvent: context attributes, extensions included, and data.

    Off the wire the data is ``bytes | None``; a receiver hands its handlers an `Event` of their own data type.

    Attributes:
        attributes: Lower-case names to values: `str`, or `int` and `bool` where structured JSON had them.
        data: The payload, None where there is none.
    """

    attributes: Mapping[str, str | int | bool]
    data: T_co

    def __init__(self, attributes: Mapping[str, Value], data: T_co) -> None:
        # Straight into the slots: what dataclasses write for a frozen class takes half as long again, for each event.
        _set_attributes(self, attributes)
        _set_data(self, data)


_set_attributes, _set_data = (vars(Event)[name].__set__ for name in ("attributes", "data"))


def with_attributes(event: Event[T_co], **attributes: Value) -> Event[T_co]:
    """The same event with these attributes set; whether they are allowed shows when it is encoded."""
    return dataclasses.replace(event, attributes={**event.attributes, **attributes})
