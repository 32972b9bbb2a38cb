"""The partitions that are ours: what is outstanding of each, and how far it may be committed.

What holds here: what is committed is the offset before which everything is done, and never more. Used by one thread
at a time, but for what is outstanding, which others may look at.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

from patternapp.consume.items import Lane

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from patternapp.consume.items import Item

Place = tuple[str, int]
"""A topic and the number of a partition."""


class Partition(Lane):
    """One partition.

    Attributes:
        topic: Its topic.
        number: Its number.
        position: The next offset to be fetched; None until it is known.
        low: The first offset that is not done: what may be committed; None until it is known.
        committed: What has been committed; None before the first time.
        end: The end of the log at the last look; None before the first.
        moved: When the position last moved, or it was seen to be at the end.
        paused: Whether nothing is fetched of it for now.
    """

    def __init__(self, topic: str, number: int, *, now: float) -> None:
        super().__init__()
        self.topic = topic
        self.number = number
        self.position: int | None = None
        self.low: int | None = None
        self.committed: int | None = None
        self.end: int | None = None
        self.moved = now
        self.paused = False
        self._outstanding: collections.deque[int] = collections.deque()
        self._done: set[int] = set()

    def __str__(self) -> str:
        return f"partition {self.number} of {self.topic}"

    @property
    def spread(self) -> int:
        """Offsets between the first that is not done and the next to be fetched."""
        return 0 if self.position is None or self.low is None else self.position - self.low

    @property
    def lag(self) -> int | None:
        """Offsets that are not done; None until it is known."""
        return None if self.end is None or self.low is None else max(0, self.end - self.low)

    def arrived(self, offsets: Iterable[int], *, now: float) -> None:
        """These were fetched, in this order."""
        self._outstanding.extend(offsets)
        self.position = self._outstanding[-1] + 1
        self.moved = now
        if self.low is None:
            self.low = self._outstanding[0]

    def located(self, position: int, *, now: float) -> None:
        """The next offset to be fetched is this; some offsets are no records, such as marks of transactions."""
        if position != self.position:
            self.position = position
            self.moved = now
        if not self._outstanding:
            self.low = position

    def looked(self, end: int | None, *, now: float) -> None:
        """The log ends here. Where nothing is to be fetched, or nothing may be, the position need not move."""
        self.end = end
        if self.paused or end is None or self.position is None or end <= self.position:
            self.moved = now

    def ended(self, offsets: Iterable[int]) -> None:
        """These are done."""
        self._done.update(offsets)
        while self._outstanding and self._outstanding[0] in self._done:
            self._done.discard(self._outstanding.popleft())
        self.low = self._outstanding[0] if self._outstanding else self.position


class Holdings(dict[Place, Partition]):
    """The partitions that are ours, by their places."""

    def take_up(self, places: Iterable[Place], *, now: float) -> None:
        """These are ours from now on."""
        for topic, number in places:
            self[topic, number] = Partition(topic, number, now=now)

    def give_up(self, places: Iterable[Place]) -> list[Partition]:
        """These are not ours any more, and are returned."""
        return [partition for place in places if (partition := self.pop(place, None)) is not None]

    @staticmethod
    def note(items: Iterable[Item]) -> None:
        """These items of partitions, ours or no longer, are done."""
        ended: dict[Partition, list[int]] = {}
        for item in items:
            if isinstance(item.lane, Partition):
                ended.setdefault(item.lane, []).append(item.position)
        for partition, offsets in ended.items():
            partition.ended(offsets)

    def due(self, places: Iterable[Place]) -> dict[Place, int]:
        """What of these may be committed and is not."""
        return {
            place: partition.low
            for place in places
            if (partition := self.get(place)) is not None
            and partition.low is not None
            and partition.low != partition.committed
        }

    def committed(self, offsets: Mapping[Place, int]) -> None:
        """These were committed."""
        for place, offset in offsets.items():
            if (partition := self.get(place)) is not None:
                partition.committed = offset
