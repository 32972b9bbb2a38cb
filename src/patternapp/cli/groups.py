"""Commands of commands, such as `patternapp dlq list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def group(*, help_: str, example: str, commands: Sequence[tuple[str, Callable[..., Any], str]]) -> typer.Typer:
    """A command with subcommands, each with its name and an example of its use."""
    app = typer.Typer(help=help_, epilog=f"Example: {example}", rich_markup_mode=None, no_args_is_help=True)
    for name, command, shown in commands:
        app.command(name, epilog=f"Example: {shown}")(command)
    return app
