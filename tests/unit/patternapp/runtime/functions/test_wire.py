from __future__ import annotations

import pytest

from patternapp.runtime.functions import wire


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([b"one\ntwo\n"], [b"one", b"two"]),
        ([b"o", b"ne", b"\ntw", b"o\n"], [b"one", b"two"]),
        ([b"\n\n"], [b"", b""]),
        ([b"one\r\n"], [b"one"]),
        ([b"no end"], []),
        ([b""], []),
    ],
)
def test_chunks_become_whole_lines(chunks: list[bytes], lines: list[bytes]) -> None:
    feeder = wire.Lines()

    assert [line for chunk in chunks for line in feeder.feed(chunk)] == lines


def test_the_end_gives_the_line_that_has_none() -> None:
    lines = wire.Lines()
    lines.feed(b"one\ntwo")

    assert lines.end() == [b"two"]
    assert lines.end() == []


@pytest.mark.parametrize("size", [1, 1000, wire.LINE, 10 * wire.LINE])
def test_a_long_line_is_told_once_and_cut_whatever_its_chunks(size: int) -> None:
    data = b"x" * (3 * wire.LINE) + b"\nnext\n"
    lines = wire.Lines()

    told = [line for start in range(0, len(data), size) for line in lines.feed(data[start : start + size])]

    assert told == [b"x" * wire.LINE + wire.CUT, b"next"]


def test_a_line_of_the_most_bytes_is_whole() -> None:
    assert wire.Lines().feed(b"x" * wire.LINE + b"\n") == [b"x" * wire.LINE]


def test_a_line_without_end_takes_no_more_memory_than_a_line() -> None:
    lines = wire.Lines()

    for _ in range(10):
        lines.feed(b"x" * wire.LINE)

    assert lines.end() == []


@pytest.mark.parametrize(
    "line",
    [
        wire.Line("stdout", 17, b"placed"),
        wire.Line("stderr", None, b""),
        wire.Line("stdout", 0, b"a\nb"),
    ],
)
def test_a_line_is_read_as_it_was_packed(line: wire.Line) -> None:
    assert wire.unpack(wire.pack_line(line)) == line


def test_a_message_is_read_as_it_was_packed() -> None:
    assert wire.unpack(wire.pack({"imported": ["a.py"]})) == {"imported": ["a.py"]}


def test_the_longest_line_fits_a_packet() -> None:
    ours, theirs = wire.pair()
    with ours, theirs:
        packet = wire.pack_line(wire.Line("stdout", 2**63, b"x" * wire.LINE + wire.CUT))

        ours.sendall(packet)

        assert theirs.recv(wire.PACKET) == packet
