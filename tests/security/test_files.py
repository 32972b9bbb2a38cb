"""A13: files that are made to hurt whoever reads them, given to every command that reads a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from security import limited

from patternapp import delivery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP = """\
apiVersion: patternapp.dev/v1alpha1
kind: PatternApp
metadata: {name: shop}
spec:
  image: shop:1
  functions: [{name: orders, handler: "shop:app"}]
"""
EVENT = '{"specversion": "1.0", "id": "1", "source": "/test", "type": "t"%s}'
DEEP = 100_000
HUGE = 50 * 1024 * 1024


def aliases() -> Iterator[str]:
    """Nine times nine times nine: some 300 bytes that stand for three million values."""
    yield "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for before, name in zip("abcdef", "bcdefg", strict=True):
        yield f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    yield "kafkaSource: *g\n"


BOMBS = {
    "aliases": ("".join(aliases()), "AliasNotAllowed"),
    "deep list": ("[" * DEEP, "TooDeep"),
    "deep object": ('{"a": ' * DEEP, "TooDeep"),
    "deep in a field": (APP + "  env: " + "[" * DEEP, "TooDeep"),
    "huge text": (f"x: {'a' * HUGE}\n", "TooLarge"),
    "many values": (f"[{'0,' * (HUGE // 100)}0]", "TooLarge"),
    "the same key twice": (APP + "kind: Secret\nimage: a\n", "DuplicateKey"),
    "a tag of Python's": ("!!python/object/apply:os.mkdir [pwned]\n", "TagNotAllowed"),
    "a tag inside": (APP + "  image: !!python/object/apply:os.mkdir [pwned]\n", "TagNotAllowed"),
    "a merge": (APP + "  <<: {image: a}\n", "AliasNotAllowed"),
    "a number without end": (APP + f"  env: {'9' * 100_000}\n", "AmbiguousValue"),
}
EVENTS = {
    "deep list": ("[" * DEEP, "TooDeep"),
    "deep object": ('{"a": ' * DEEP, "TooDeep"),
    "deep data": (EVENT % f', "data": {"[" * DEEP}{"]" * DEEP}', "TooDeep"),
    "huge text": (EVENT % f', "data": "{"a" * HUGE}"', "UnreadableFile"),
    "many events": (f"{EVENT % ''}\n" * (HUGE // 60), "UnreadableFile"),
    "the same key twice": (EVENT % ', "type": "u"', "InvalidEvent"),
    "a number without end": (EVENT % f', "data": {"9" * 100_000}', "InvalidJson"),
    "no JSON": (EVENT % ', "data": NaN', "InvalidEvent"),
}
READERS = {
    "validate": ("validate", "{bomb}"),
    "render": ("render", "{bomb}"),
    "graph": ("graph", "{bomb}"),
    "diff": ("diff", "{bomb}"),
    "dev": ("dev", "{bomb}"),
    "explain": ("explain", "event.json", "--app", "{bomb}"),
    "render for capabilities": ("render", "app.yaml", "--capabilities", "{bomb}"),
}
EVENT_READERS = {
    "explain": ("explain", "{bomb}", "--app", "app.yaml"),
    "send": ("send", "--file", "{bomb}", "--url", "http://127.0.0.1:1"),
    "dev": ("dev", "app.yaml", "--once", "{bomb}"),
    "serve": ("serve", "shop:app", "--event", "{bomb}"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a user works: an app and an event that are sound."""
    (tmp_path / "app.yaml").write_text(APP)
    (tmp_path / "event.json").write_text(EVENT % "")
    (tmp_path / "shop.py").write_text("async def app(scope, receive, send): ...\n")
    return tmp_path


def given(command: tuple[str, ...], text: str, folder: Path) -> limited.Ended:
    (folder / "bomb").write_text(text)
    return limited.patternapp(*(part.format(bomb="bomb") for part in command), folder=folder)


def told(ended: limited.Ended, reason: str, folder: Path) -> None:
    """The file is refused in words, at little cost, and nothing in it was done."""
    assert f"[{reason}]" in ended.err
    assert "Traceback" not in ended.err
    assert ended.code in {1, delivery.EXIT_REFUSED}
    assert not (folder / "pwned").exists()


@pytest.mark.parametrize("bomb", BOMBS)
def test_an_app_that_is_a_bomb_is_refused_at_little_cost(bomb: str, folder: Path) -> None:
    text, reason = BOMBS[bomb]

    told(given(READERS["validate"], text, folder), reason, folder)


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize("bomb", ["aliases", "deep list", "huge text", "a tag of Python's"])
def test_every_command_that_reads_yaml_refuses_bombs(command: str, bomb: str, folder: Path) -> None:
    text, reason = BOMBS[bomb]

    told(given(READERS[command], text, folder), reason, folder)


@pytest.mark.parametrize("bomb", EVENTS)
def test_an_event_that_is_a_bomb_is_refused_at_little_cost(bomb: str, folder: Path) -> None:
    text, reason = EVENTS[bomb]

    told(given(EVENT_READERS["explain"], text, folder), reason, folder)


@pytest.mark.parametrize("command", EVENT_READERS)
@pytest.mark.parametrize("bomb", ["deep list", "huge text"])
def test_every_command_that_reads_events_refuses_bombs(command: str, bomb: str, folder: Path) -> None:
    text, reason = EVENTS[bomb]

    told(given(EVENT_READERS[command], text, folder), reason, folder)


def functions(letter: str) -> str:
    return f"functions: [{', '.join(f'{{name: {letter * 55}{number}, command: [a]}}' for number in range(64))}]"


def unknown() -> Iterator[str]:
    """Four thousand names that are each compared with 64 that are nearly the same."""
    yield APP.replace('functions: [{name: orders, handler: "shop:app"}]', functions("a"))
    yield "  fanOut:\n"
    for number in range(64):
        yield f"    - name: f{number}\n      subscribers:\n"
        yield from (f"        - {{name: s{one}, function: {'a' * 54}b{one}}}\n" for one in range(64))


WORK = {
    "names that are nearly right": "".join(unknown()),
    "unknown fields": APP + "".join(f"  imagee{number}: 1\n" for number in range(20_000)),
    "schedules that never come true": APP
    + "  schedules:\n"
    + "".join(f"    - {{name: s{number}, cron: '0 0 30 2 *', function: orders}}\n" for number in range(64)),
}


@pytest.mark.parametrize("work", WORK)
def test_a_file_with_thousands_of_problems_costs_no_more_than_is_told_of_them(work: str, folder: Path) -> None:
    ended = given(READERS["validate"], WORK[work], folder)

    assert ended.code == 1
    assert len(ended.err.splitlines()) <= 101
