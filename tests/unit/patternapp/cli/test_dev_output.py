"""What `patternapp dev` shows."""

from __future__ import annotations

import dataclasses
import io
import logging

import pytest
from rich.console import Console

from patternapp.cli.dev_output import Logged, Terminal
from patternapp.delivery import DeliverySpec
from patternapp.plan import model
from patternapp.runtime.store.records import Attempt, Settlement, State


class Screen:
    def __init__(self, *, terminal: bool = False) -> None:
        self._text = io.StringIO()
        console = Console(file=self._text, width=100, highlight=False, force_terminal=terminal, color_system=None)
        self.terminal = Terminal(console)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._text.getvalue().splitlines()]


def settlement(state: State, *, code: int | None = 503, error: str | None = None, reason: str = "") -> Settlement:
    attempt = Attempt(started_at=0.0, seconds=0.1, code=code, error=error, body=b"")
    return Settlement(delivery=7, token=1, attempt=attempt, state=state, due=12.5, reason=reason)


def test_a_line_carries_its_function_and_its_event() -> None:
    screen = Screen()

    screen.terminal.line("orders", "stdout", 12, "order 7 placed")
    screen.terminal.line("orders", "stderr", None, "starting")

    assert screen.lines == ["orders #12 | order 7 placed", "orders | starting"]


def test_a_function_cannot_move_the_cursor_or_use_markup() -> None:
    screen = Screen(terminal=True)

    screen.terminal.line("orders", "stdout", None, "\x1b[2J\x1b[H[bold]all[/bold] is gone")

    (line,) = screen.lines
    assert line.endswith("[bold]all[/bold] is gone")
    assert "\x1b[2J" not in line
    assert "\x1b[H" not in line


@pytest.mark.parametrize("text", ["\x1bc", "\x9b2J", "\x1b[31m\x1bc", "\x85", "\u202e"])
def test_nothing_reaches_a_terminal_that_it_would_obey(text: str) -> None:
    screen = Screen(terminal=True)

    screen.terminal.line("orders", "stdout", None, f"{text}shown")
    screen.terminal.changed(f"{text}shown", "error")

    assert all(line.endswith("shown") and line.isprintable() for line in screen.lines)


def test_a_long_line_is_not_broken() -> None:
    screen = Screen()

    screen.terminal.line("orders", "stdout", None, "word " * 100)

    assert len(screen.lines) == 1


def test_a_failed_attempt_says_when_the_next_one_is() -> None:
    screen = Screen()

    screen.terminal.failed("fan-out/placed/email", settlement(State.PENDING, reason="out of memory"), now=10.0)

    assert screen.lines == ["! fan-out/placed/email: out of memory; again in 2.5 s"]


def test_an_event_that_failed_in_company_is_said_to_go_alone() -> None:
    screen = Screen()
    failed = dataclasses.replace(settlement(State.PENDING, reason="answered 422"), alone=True)

    screen.terminal.failed("queue/invoices", failed, now=10.0)

    assert screen.lines == ["! queue/invoices: answered 422; again, alone"]


@pytest.mark.parametrize(
    ("logger", "speaker"),
    [
        ("patternapp.gateway", "gateway"),
        ("patternapp.receiver.deep.down", "receiver"),
        ("patternapp_services.worker.kafka", "worker"),
        ("asyncio.events", "asyncio"),
        ("patternapp", "patternapp"),
        ("root", "root"),
    ],
)
def test_what_is_logged_is_shown_with_one_word_for_who_says_it(logger: str, speaker: str) -> None:
    screen = Screen()
    record = logging.LogRecord(logger, logging.WARNING, __file__, 1, "%s is odd", ("this",), None)

    Logged(screen.terminal).emit(record)

    assert screen.lines == [f"! {speaker}: this is odd"]


def test_the_last_attempt_names_the_dead_letter() -> None:
    screen = Screen()

    screen.terminal.failed("queue/invoices", settlement(State.DEAD_LETTERED, code=None, error="no response"), now=10.0)

    assert screen.lines == ["x queue/invoices: no response; dead letter 7"]


def test_the_banner_shows_each_function_with_what_runs_and_who_calls() -> None:
    function = model.Function(
        name="greeter",
        handler="functions:app",
        command=(),
        image=None,
        env=(),
        min=0,
        max=1,
        concurrency=1,
        idle=60.0,
        timeout=30.0,
        resources=None,
    )
    trigger = model.Trigger(
        key="event-driven/hello", head=function.key, filters=(), delivery=DeliverySpec(), dead_letter=None
    )
    screen = Screen()

    screen.terminal.banner(model.Plan("shop", (function,), (trigger,)), "http://127.0.0.1:8700")

    assert screen.lines[0] == "shop  http://127.0.0.1:8700"
    assert screen.lines[2].split() == ["greeter", "functions:app", "event-driven/hello"]
