from __future__ import annotations

import pytest

from patternapp.runtime.functions import packets


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
    feeder = packets.Lines()

    assert [line for chunk in chunks for line in feeder.feed(chunk)] == lines


def test_the_end_gives_the_line_that_has_none() -> None:
    lines = packets.Lines()
    lines.feed(b"one\ntwo")

    assert lines.end() == [b"two"]
    assert lines.end() == []


@pytest.mark.parametrize("size", [1, 1000, packets.LINE, 10 * packets.LINE])
def test_a_long_line_is_told_once_and_cut_whatever_its_chunks(size: int) -> None:
    data = b"x" * (3 * packets.LINE) + b"\nnext\n"
    lines = packets.Lines()

    told = [line for start in range(0, len(data), size) for line in lines.feed(data[start : start + size])]

    assert told == [b"x" * packets.LINE + packets.CUT, b"next"]


def test_a_line_of_the_most_bytes_is_whole() -> None:
    assert packets.Lines().feed(b"x" * packets.LINE + b"\n") == [b"x" * packets.LINE]


def test_a_line_without_end_takes_no_more_memory_than_a_line() -> None:
    lines = packets.Lines()

    for _ in range(10):
        lines.feed(b"x" * packets.LINE)

    assert lines.end() == []


@pytest.mark.parametrize(
    "line",
    [
        packets.Line("stdout", 17, b"placed"),
        packets.Line("stderr", None, b""),
        packets.Line("stdout", 0, b"a\nb"),
    ],
)
def test_a_line_is_read_as_it_was_packed(line: packets.Line) -> None:
    assert packets.unpack(packets.pack_line(line)) == line


def test_a_message_is_read_as_it_was_packed() -> None:
    assert packets.unpack(packets.pack({"imported": ["a.py"]})) == {"imported": ["a.py"]}


def test_the_longest_line_fits_a_packet() -> None:
    ours, theirs = packets.pair()
    with ours, theirs:
        packet = packets.pack_line(packets.Line("stdout", 2**63, b"x" * packets.LINE + packets.CUT))

        ours.sendall(packet)

        assert theirs.recv(packets.PACKET) == packet
