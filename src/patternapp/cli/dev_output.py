"""What `patternapp dev` shows in the terminal: the app at the start, then lines as things happen, all on stderr."""

from __future__ import annotations

import logging
import zlib
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from patternapp.cli import output
from patternapp.plan import model

if TYPE_CHECKING:
    from patternapp.runtime.listener import Level
    from patternapp.runtime.store.records import Settlement

COLORS = ("cyan", "magenta", "green", "blue", "yellow", "bright_cyan", "bright_magenta", "bright_green", "bright_blue")
LEVELS: dict[Level, tuple[str, str]] = {"info": ("*", "bold"), "warning": ("!", "yellow"), "error": ("x", "bold red")}

OURS = ("patternapp", "patternapp_services")
"""Begins the names of our own loggers; what comes next says which part of us speaks."""


class Terminal:
    """A `Listener` that prints. Functions' own colors are kept; what else a terminal would obey is dropped."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)

    def banner(self, plan: model.Plan, url: str) -> None:
        """Show what is about to run: the functions and what calls them."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in ("function", "runs", "called by"):
            table.add_column(column, overflow="fold")
        for function in plan.nodes_of(model.Function):
            calls = [edge.key for edge in plan.edges if edge.head == function.key]
            runs = function.handler or " ".join(function.command)
            who = Text(function.name, COLORS[_number(function.name)])
            table.add_row(who, _obeyed_by_nobody(Text(runs)), Text(", ".join(calls)))
        self._console.print(Text.assemble((plan.app, "bold"), "  ", (url, "underline")))
        self._console.print(table)

    def line(self, function: str, stream: str, event: int | None, text: str) -> None:
        """Show a line that a function printed, behind its name and the event's number."""
        who = function if event is None else f"{function} #{event}"
        # Most lines hold nothing but text, which is five times as fast.
        body = _obeyed_by_nobody(Text.from_ansi(text) if "\x1b" in text or "\r" in text else Text(text))
        if stream == "stderr":
            body.stylize("dim")
        self._print(Text.assemble((who, COLORS[_number(function)]), (" | ", "dim"), body))

    def changed(self, text: str, level: Level) -> None:
        """Show what changed about the app."""
        mark, style = LEVELS[level]
        body = _obeyed_by_nobody(Text.from_ansi(text, style=style if level != "info" else ""))
        self._print(Text.assemble((f"{mark} ", style), body))

    def failed(self, edge: str, settlement: Settlement, *, now: float) -> None:
        """Show an attempt that failed, and what comes next."""
        if settlement.alone:
            after = "again, alone"
        elif settlement.state.name == "PENDING":
            after = f"again in {max(settlement.due - now, 0):.1f} s"
        else:
            after = f"dead letter {settlement.delivery}"
        what = settlement.reason or settlement.attempt.error or "failed"
        self.changed(f"{edge}: {what}; {after}", "error" if after.startswith("dead") else "warning")

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


class Logged(logging.Handler):
    """Shows what is logged inside `dev` as changes, in the terminal's own way."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record."""
        level: Level = "info"
        if record.levelno >= logging.WARNING:
            level = "warning" if record.levelno == logging.WARNING else "error"
        self._terminal.changed(f"{_speaker(record.name)}: {self.format(record)}", level)


def _obeyed_by_nobody(text: Text) -> Text:
    """The text in its colors, without what rich lets through: escapes of one character, and controls beyond ASCII."""
    if not text.plain.isprintable():
        text.plain = output.shown(text.plain)
    return text


def _speaker(logger: str) -> str:
    """Who logs, in one word: ``gateway`` for ``patternapp.gateway``, ``asyncio`` for ``asyncio.events``."""
    first, _, rest = logger.partition(".")
    return rest.partition(".")[0] or first if first in OURS else first


def _number(function: str) -> int:
    """A color of the function's own, the same in every run."""
    return zlib.crc32(function.encode()) % len(COLORS)
