"""The `patternapp` command: which commands there are, and the one place where errors become lines and exit codes.

What holds here:

* Exit codes: 0 success, 1 the input is wrong, 2 usage, 3 the environment is wrong.
* Data goes to stdout, words about it to stderr. Nothing that PatternApp raises on purpose shows a traceback.
* A command line imports the module of its own command alone, as a function's start pays for it; `--help` imports all,
  and stays quick, as none imports anything heavy by itself.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import typer

from patternapp import errors
from patternapp.cli import failures

if TYPE_CHECKING:
    from collections.abc import Sequence


COMMANDS = (
    "init",
    "validate",
    "dev",
    "send",
    "events",
    "explain",
    "render",
    "diff",
    "status",
    "graph",
    "schema",
    "serve",
    "dlq",
    "schedule",
)
"""Each is a module of `patternapp.cli.commands`; help lists them in this order."""
GROUPS = frozenset({"dlq", "schedule"})
"""Those that have commands of their own."""
INTERRUPTED = 130
"""What shells say of a program that Ctrl-C ended."""


def main() -> None:
    """Run the command line of this process and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code is returned."""
    try:
        first = next(iter(arguments), None)
        build(first if first in COMMANDS else None)(arguments, prog_name="patternapp")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (errors.PatternAppError, OSError) as error:
        failures.show(error)
        return failures.exit_code(error)
    return 0


def build(only: str | None = None) -> typer.Typer:
    """The command and all its subcommands, or the one of this name."""
    app = typer.Typer(
        help="Six serverless patterns from one file: on this machine, or on Kubernetes with Knative, KEDA and Kafka.",
        epilog="Example: patternapp init hello && patternapp dev hello/app.yaml",
        rich_markup_mode=None,
        add_completion=False,
        no_args_is_help=True,
        # Errors on purpose are shown by `run`; any other is a bug, and its traceback is what a report needs.
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    for name in COMMANDS if only is None else (only,):
        module = importlib.import_module(f"patternapp.cli.commands.{name}")
        if name in GROUPS:
            app.add_typer(module.build(), name=name)
        else:
            app.command(name, epilog=f"Example: {module.EXAMPLE}")(module.run)
    return app


def _root(*, version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        from importlib import metadata

        typer.echo(f"patternapp {metadata.version('patternapp')}")
        raise typer.Exit


if __name__ == "__main__":
    main()
