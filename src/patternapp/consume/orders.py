"""How items wait for a batch: in any order, or each lane in its own.

What holds here: an item that is to go alone, or at its last words, is a batch of its own. Pure, as the backlog is.
"""

from __future__ import annotations

import collections
import heapq
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patternapp.consume.items import Item, Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Batching:
    """When a batch goes: with `count` events, with `size` bytes, or `wait` seconds after its first event came."""

    count: int
    size: int
    wait: float


class Order(Protocol):
    """How items wait."""

    def add(self, items: Iterable[Item]) -> None:
        """Items that came, in their order."""

    def put_back(self, items: Sequence[Item], lanes: Iterable[Lane]) -> None:
        """A batch of these lanes has ended; these of its items are not done."""

    def next(self, now: float) -> tuple[Item, ...] | float | None:
        """A batch; or when to look again; or None where nothing waits."""

    def drop(self, lane: Lane) -> list[Item]:
        """Forget what waits of a lane, which is returned."""


class Unordered:
    """Any items that are due make a batch; one that waits for its retry holds up nobody."""

    def __init__(self, batching: Batching) -> None:
        self._batching = batching
        self._ready: collections.deque[Item] = collections.deque()
        self._ready_size = 0
        self._single: collections.deque[Item] = collections.deque()
        self._later: list[tuple[float, int, Item]] = []
        self._number = itertools.count()

    def add(self, items: Iterable[Item]) -> None:
        for item in items:
            if _single(item):
                self._single.append(item)
            else:
                self._ready.append(item)
                self._ready_size += item.size

    def put_back(self, items: Sequence[Item], lanes: Iterable[Lane]) -> None:  # noqa: ARG002 - the protocol's
        for item in items:
            heapq.heappush(self._later, (item.due, next(self._number), item))

    def next(self, now: float) -> tuple[Item, ...] | float | None:
        while self._later and self._later[0][0] <= now:
            item = heapq.heappop(self._later)[2]
            if _single(item):
                self._single.append(item)
            else:
                self._ready.appendleft(item)
                self._ready_size += item.size
        if self._single:
            return (self._single.popleft(),)
        due = self._later[0][0] if self._later else None
        if not self._ready:
            return due
        full = len(self._ready) >= self._batching.count or self._ready_size >= self._batching.size
        goes = self._ready[0].arrived + self._batching.wait
        if not full and goes > now:
            return goes if due is None else min(goes, due)
        return self._pop()

    def _pop(self) -> tuple[Item, ...]:
        batch = [self._ready.popleft()]
        size = batch[0].size
        while self._ready and len(batch) < self._batching.count:
            if size + self._ready[0].size > self._batching.size:
                break
            batch.append(self._ready.popleft())
            size += batch[-1].size
        self._ready_size -= size
        return tuple(batch)

    def drop(self, lane: Lane) -> list[Item]:
        held = (*self._ready, *self._single, *(entry[2] for entry in self._later))
        self._ready = collections.deque(item for item in self._ready if item.lane is not lane)
        self._ready_size = sum(item.size for item in self._ready)
        self._single = collections.deque(item for item in self._single if item.lane is not lane)
        self._later = [entry for entry in self._later if entry[2].lane is not lane]
        heapq.heapify(self._later)
        return [item for item in held if item.lane is lane]


class _Line:
    """The items of one lane that wait, and their size."""

    def __init__(self) -> None:
        self.items: collections.deque[Item] = collections.deque()
        self.size = 0


class Ordered:
    """One batch of a lane at a time, and its first item holds up the rest until it is done."""

    def __init__(self, batching: Batching) -> None:
        self._batching = batching
        self._lines: collections.OrderedDict[Lane, _Line] = collections.OrderedDict()
        self._busy: set[Lane] = set()

    def add(self, items: Iterable[Item]) -> None:
        for item in items:
            line = self._line(item.lane)
            line.items.append(item)
            line.size += item.size

    def put_back(self, items: Sequence[Item], lanes: Iterable[Lane]) -> None:
        self._busy.difference_update(lanes)
        for item in sorted(items, key=lambda item: item.position, reverse=True):
            line = self._line(item.lane)
            line.items.appendleft(item)
            line.size += item.size

    def _line(self, lane: Lane) -> _Line:
        line = self._lines.get(lane)
        if line is None:
            line = self._lines[lane] = _Line()
        return line

    def next(self, now: float) -> tuple[Item, ...] | float | None:
        soonest: float | None = None
        for lane, line in self._lines.items():
            if lane in self._busy or not line.items:
                continue
            goes = self._goes(line)
            if goes <= now:
                self._busy.add(lane)
                self._lines.move_to_end(lane)  # the others' turn comes first
                return self._pop(line, now)
            soonest = goes if soonest is None else min(soonest, goes)
        return soonest

    def _goes(self, line: _Line) -> float:
        first = line.items[0]
        full = len(line.items) >= self._batching.count or line.size >= self._batching.size
        if full or first.attempts or _single(first):
            return first.due
        return first.arrived + self._batching.wait

    def _pop(self, line: _Line, now: float) -> tuple[Item, ...]:
        first = line.items.popleft()
        batch, size = [first], first.size
        while line.items and len(batch) < self._batching.count and not _single(first):
            item = line.items[0]
            if _single(item) or item.due > now or size + item.size > self._batching.size:
                break
            batch.append(line.items.popleft())
            size += item.size
        line.size -= size
        return tuple(batch)

    def drop(self, lane: Lane) -> list[Item]:
        line = self._lines.pop(lane, None)
        return [] if line is None else list(line.items)


def _single(item: Item) -> bool:
    return item.alone or item.last_words
