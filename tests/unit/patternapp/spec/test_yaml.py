from __future__ import annotations

import time

import pytest

from patternapp.spec import yaml


def flaws(text: str | bytes) -> list[tuple[str, int]]:
    reading = yaml.read(text)
    found = [(flaw.reason, flaw.line) for _, known in reading.documents for flaw in known]
    return found if reading.broken is None else [*found, (reading.broken.reason, reading.broken.line)]


def value(scalar: str) -> object:
    ((document, known),) = yaml.read(f"x: {scalar}\n").documents
    assert known == ()
    return document.data["x"]


@pytest.mark.parametrize(
    ("scalar", "want"),
    [
        ("text", "text"),
        ("2026-01-01", "2026-01-01"),
        ("12:30", "12:30"),
        ("1.4.0", "1.4.0"),
        ("'on'", "on"),
        ('"0777"', "0777"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-5", -5),
        ("+5", 5),
        ("0x1f", 31),
        ("0o17", 15),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("=", "="),
    ],
)
def test_a_scalar_that_all_readers_agree_on_is_read(scalar: str, want: object) -> None:
    found = value(scalar)

    assert found == want
    assert type(found) is type(want)


@pytest.mark.parametrize(
    "scalar",
    ["yes", "on", "n", "Off", "0777", "-012", "1_000", "0b11", "0x_f", ".inf", "-.INF", ".nan", "9" * 30, "1e999"],
)
def test_a_scalar_that_readers_disagree_on_is_refused(scalar: str) -> None:
    assert flaws(f"a: 1\nx: {scalar}\n") == [("AmbiguousValue", 2)]


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("a: 1\na: 2\n", ("DuplicateKey", 2)),
        ("a: &x 1\n", ("AliasNotAllowed", 1)),
        ("<<: {a: 1}\n", ("AliasNotAllowed", 1)),
        ("a: !!str 1\n", ("TagNotAllowed", 1)),
        ("a: !!python/object:os.system {}\n", ("TagNotAllowed", 1)),
        ("a: b\n1: c\n", ("BadKey", 2)),
        ("? [a, b]\n: c\n", ("BadKey", 1)),
        ("on: c\n", ("AmbiguousValue", 1)),
        ("a: b: c\n", ("BadSyntax", 1)),
        ("a:\n\tb: 1\n", ("BadSyntax", 2)),
        ("a: [1,\n", ("BadSyntax", 2)),
        ("a: '\n", ("BadSyntax", 2)),
        ("a: 1\nb: \x00\n", ("BadCharacter", 2)),
        (b"a: 1\nb: \xff\n", ("BadEncoding", 2)),
        ("a: \ud800", ("BadEncoding", 1)),
    ],
)
def test_what_is_no_plain_yaml_is_refused_at_its_line(text: str | bytes, want: tuple[str, int]) -> None:
    assert flaws(text)[-1] == want


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n" * 2_000, "TooManyProblems"),
        (b"a" * 50_000_000, "TooLarge"),
        ("[" * 100_000, "TooDeep"),
        ("{a: " * 100_000, "TooDeep"),
        ("- " * 100_000, "TooDeep"),
        ("? " * 100_000, "TooDeep"),
        ("[" + "1," * 500_000 + "]", "TooLarge"),
        ("---\n" * 250_000, "TooLarge"),
        ("1" * 1_000_000, "AmbiguousValue"),
    ],
    ids=lambda value: value[:8] if isinstance(value, str) else "bytes",
)
def test_a_text_made_to_exhaust_the_reader_is_refused_at_once(text: str | bytes, reason: str) -> None:
    began = time.process_time()

    found = flaws(text)

    assert found[-1][0] == reason
    assert time.process_time() - began < 1


def test_every_value_has_the_line_of_its_key() -> None:
    ((document, _),) = yaml.read("# a comment\na:\n  b:\n    - 1\n    - c: 2\n").documents

    assert document.data == {"a": {"b": [1, {"c": 2}]}}
    assert document.lines == {
        (): 2,
        ("a",): 2,
        ("a", "b"): 3,
        ("a", "b", 0): 4,
        ("a", "b", 1): 5,
        ("a", "b", 1, "c"): 5,
    }


def test_of_a_duplicate_key_the_first_value_is_kept_and_named() -> None:
    ((document, (flaw,)),) = yaml.read("a: 1\nb: 2\na: 3\n").documents

    assert document.data == {"a": 1, "b": 2}
    assert flaw.message == "'a' is here twice, first in line 1; keep one"


def test_documents_of_one_text_are_read_apart_and_empty_ones_left_out() -> None:
    reading = yaml.read("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n")

    assert [document.data for document, _ in reading.documents] == [{"a": 1}, {"b": 2}]
    assert [document.lines[()] for document, _ in reading.documents] == [3, 7]


def test_documents_before_a_broken_one_are_still_read() -> None:
    reading = yaml.read("a: 1\n---\nb: [\n")

    assert [document.data for document, _ in reading.documents] == [{"a": 1}]
    assert reading.broken is not None


def test_a_byte_order_mark_is_not_part_of_the_text() -> None:
    ((document, _),) = yaml.read(b"\xef\xbb\xbfa: 1\n").documents

    assert document.data == {"a": 1}
