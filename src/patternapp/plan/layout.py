"""Where the boxes and lines of a picture go: a small layered layout.

What holds here:

* Tracks run from left to right. Box columns are the even tracks; between two of them lies a track for labels.
* A line has one stop in every track between its ends, so lines pass between boxes and never through them; its label
  takes the first stop.
* No two items of a track overlap. Equal views give equal layouts: no dice, no clock, ties keep the view's order.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patternapp.plan.view import Box, Line, View

BOX_HEIGHT, WORD_HEIGHT, LANE_HEIGHT = 46.0, 15.0, 6.0
GAP = 14.0
MARGIN = 16.0
CHARACTER, BOLD_CHARACTER = 6.6, 7.8
"""Width of a character of the labels' and of the boxes' font at most."""
BOX_PADDING, TRACK_GAP = 20.0, 34.0
SWEEPS = 8
"""Passes over all tracks, left to right and back; more do not change apps of the allowed size."""


@dataclass(slots=True)
class Item:
    """A box, or a line's stop, in a track. `y` is its middle."""

    track: int
    height: float
    width: float
    near: list[Item]
    y: float = 0.0


@dataclass(frozen=True, slots=True)
class Way:
    """A line with its items from tail to head; `label` is the stop that carries its words."""

    line: Line
    items: tuple[Item, ...]
    label: Item | None


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions: `lefts` and `widths` by track."""

    boxes: tuple[tuple[Box, Item], ...]
    ways: tuple[Way, ...]
    lefts: tuple[float, ...]
    widths: tuple[float, ...]
    width: float
    height: float


def layout(view: View) -> Layout:
    """A place for every box and every line."""
    boxes = tuple((box, _item(2 * box.column, _box_height(box), _box_width(box))) for box in view.boxes)
    items = {box.key: item for box, item in boxes}
    ways = tuple(_way(line, items[line.tail], items[line.head]) for line in view.lines)
    stops = [stop for way in ways for stop in way.items[1:-1]]
    tracks = _tracks([*items.values(), *stops])
    _arrange(tracks)
    widths = tuple(max((item.width for item in track), default=0.0) for track in tracks)
    lefts = _lefts(tracks, widths)
    every = [item for track in tracks for item in track]
    top = min(item.y - item.height / 2 for item in every) - MARGIN
    for item in every:
        item.y = round(item.y - top, 1)
    height = max(item.y + item.height / 2 for item in every) + MARGIN
    return Layout(boxes, ways, lefts, widths, lefts[-1] + widths[-1] + MARGIN, height)


def _lefts(tracks: tuple[list[Item], ...], widths: tuple[float, ...]) -> tuple[float, ...]:
    """Tracks side by side; an empty one takes no room."""
    gaps = [TRACK_GAP if track else 0.0 for track in tracks]
    first = MARGIN - gaps[0]
    return tuple(first + sum(widths[:number]) + sum(gaps[: number + 1]) for number in range(len(tracks)))


def _item(track: int, height: float, width: float) -> Item:
    return Item(track, height, width, [])


def _box_width(box: Box) -> float:
    return BOX_PADDING + BOLD_CHARACTER * max(len(row) for row in box.rows)


def _box_height(box: Box) -> float:
    return BOX_HEIGHT + (WORD_HEIGHT * len(box.mark.why) if box.mark is not None else 0.0)


def _way(line: Line, tail: Item, head: Item) -> Way:
    stops = [_item(track, LANE_HEIGHT, 0.0) for track in range(tail.track + 1, head.track)]
    label = stops[0] if line.words and stops else None
    if label is not None:
        label.height = WORD_HEIGHT * len(line.words)
        label.width = CHARACTER * max(len(word) for word in line.words)
    items = (tail, *stops, head)
    for left, right in itertools.pairwise(items):
        left.near.append(right)
        right.near.append(left)
    return Way(line, items, label)


def _tracks(items: list[Item]) -> tuple[list[Item], ...]:
    tracks: tuple[list[Item], ...] = tuple([] for _ in range(max(item.track for item in items) + 1))
    for item in items:
        tracks[item.track].append(item)
    return tracks


def _arrange(tracks: tuple[list[Item], ...]) -> None:
    """Order each track by where its items' neighbors are, then draw the items towards them."""
    for track in tracks:
        _spread(track)
    for sweep in range(SWEEPS):
        step = 1 if sweep % 2 == 0 else -1
        for track in tracks[::step]:
            wanted = {id(item): _wanted(item, -step) for item in track}
            track.sort(key=lambda item: wanted[id(item)])
            for item in track:
                item.y = wanted[id(item)]
            _spread(track)


def _wanted(item: Item, side: int) -> float:
    """The mean of the neighbors on one side; of all where there are none; its own place where it is alone."""
    near = [other.y for other in item.near if (other.track - item.track) * side > 0] or [other.y for other in item.near]
    return sum(near) / len(near) if near else item.y


def _spread(track: list[Item]) -> None:
    """Move items apart until none overlaps, and keep the track's middle where it was."""
    if not track:
        return
    middle = sum(item.y for item in track) / len(track)
    floor = float("-inf")
    for item in track:
        item.y = max(item.y, floor + item.height / 2)
        floor = item.y + item.height / 2 + GAP
    shift = middle - sum(item.y for item in track) / len(track)
    for item in track:
        item.y += shift
